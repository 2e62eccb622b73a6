import type { OperatorFunction } from 'rxjs';
import * as z from 'zod';
import { splitWords } from '../../core/command/words.js';
import { adaptiveOf, concurrencyOptions, type ConcurrencyOptions } from '../../core/concurrency.js';
import { cacheOf, cacheOption } from '../../core/cache/cache.js';
import { appliedThrough } from '../../core/cache/cached-step.js';
import { defineStep } from '../../core/define.js';
import { attempts } from '../../core/policy/attempts.js';
import type { Item } from '../../core/item.js';
import { policiesOf, policyOptions } from '../../core/policy/policy-options.js';
import { defaultRuntime, type Runtime } from '../../core/runtime.js';
import { parseOptions } from '../../core/schema.js';
import { stage } from '../../core/stage.js';
import { Commands } from './exec-commands.js';
import { execCacheKey } from './exec-cache-key.js';
import { execOptions } from './exec-options.js';

const operatorOptions = z.strictObject({
  ...execOptions.omit({ command: true }).shape,
  ...concurrencyOptions.shape,
  ...policyOptions.shape,
  cache: cacheOption(),
});

export type ExecStepOptions = z.input<typeof operatorOptions>;

/**
 * Runs a command for each item, at most `concurrency` at once, with no shell between: what it writes becomes the data.
 *
 * The values of an item - the path of a file, a text, the elements of an array - stand for the placeholders that GNU
 * parallel has: `{}`, `{.}` without extension, `{/}` the name, `{//}` the folder, `{/.}` the name without extension,
 * `{1}` the first of several, `{#}` the number of the item, `{%}` that of the slot; `{{ field }}` is a field of the
 * data. Without a placeholder the values come last. Each reaches the program as one argument, byte for byte.
 *
 * An exit code that is not in `okExit` fails the item, with the last line of stderr; so does a signal. At most `keep`
 * of each stream is held. A command that takes too long, or is not wanted any more, is ended with all that it started. A file that
 * it `creates` gets its name only when it is whole. With `cache` a command that has been run with the same arguments, input
 * and files is not run again. Results come as they are done, or in the order of the source with
 * `ordered`.
 *
 * ```
 * source    -a----b----c--|      b: exit code 1
 * exec      ---A----x----C-|     x is the item b with an error
 * ```
 *
 * @example
 * import { exec, files, toJsonl } from 'batchx';
 *
 * files('photos/*.jpg')
 *   .pipe(exec('identify -format %wx%h {}', { concurrency: 4, timeout: '10s' }), toJsonl('sizes.jsonl'))
 *   .subscribe();
 */
export function exec(
  command: string | readonly string[],
  options: ExecStepOptions = {},
  runtime: Runtime = defaultRuntime(),
): OperatorFunction<Item, Item> {
  const parsed = parseOptions(operatorOptions, options, 'exec');
  const { concurrency, ordered, maxWaiting, stop = runtime.stopping, ...others } = parsed;
  const { timeout, deadline, rate, breaker, retry, effect, cache, ...own } = others;
  const ownOptions = parseOptions(execOptions, { ...own, command }, 'exec');
  const run = execStep.create(ownOptions, runtime);
  const tried = policiesOf({ timeout, deadline, rate, breaker, retry, effect }, runtime);
  const policies = { ...tried, adaptive: adaptiveOf({ concurrency }) };
  const caps = { concurrency, ordered, maxWaiting, stop } as ConcurrencyOptions;
  const call = attempts(run, policies, runtime);
  return stage([appliedThrough(cacheOf(cache, runtime), call, execStep, ownOptions, runtime)], caps, 'exec');
}

export const execStep = defineStep({
  name: 'exec',
  main: 'command',
  status: 'stable',
  summary: 'Runs a command for each item, without a shell.',
  gives: 'item',
  output: 'result',
  workers: 'processors',
  reachesOut: true,
  options: execOptions,
  examples: [
    { title: 'A file of its own for each', options: { command: 'ffmpeg -i {} {outputPath}', creates: '{.}.png' } },
    { title: 'What it prints as data', options: { command: ['jq', '-c', '.version', '{}'], stdout: 'json' } },
  ],
  programs: ({ command, shell }) => (shell ? [] : programOf(command)),
  tell: (options, runtime) => {
    const { run } = new Commands({ ...options, dryRun: true, stdout: 'text' }, runtime);
    return async (item, slot) => (await run(item, slot)).data as string;
  },
  writes: {
    options: ['creates'],
    at: (options, runtime) => {
      const commands = new Commands(options, runtime);
      return (item) => commands.outputOf(item);
    },
  },
  cacheKey: execCacheKey,
  create: (options, runtime) => new Commands(options, runtime).run,
});

/** The program of a command, unless it is only known from the items. */
function programOf(command: string | readonly string[]): string[] {
  const [program = ''] = typeof command === 'string' ? splitWords(command) : command;
  return program === '' || program.includes('{') ? [] : [program];
}
