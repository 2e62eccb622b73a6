import type { OperatorFunction } from 'rxjs';
import * as z from 'zod';
import { concurrencyOptions, type ConcurrencyOptions } from '../../core/concurrency.js';
import { defineStep } from '../../core/define.js';
import { attempts } from '../../core/policy/attempts.js';
import type { Item } from '../../core/item.js';
import { policiesOf, policyOptions } from '../../core/policy/policy-options.js';
import { defaultRuntime, type Runtime } from '../../core/runtime.js';
import { parseOptions } from '../../core/schema.js';
import { stage } from '../../core/stage.js';
import { applied } from '../../core/step.js';
import { Commands } from './exec-commands.js';
import { execOptions } from './exec-options.js';

const operatorOptions = z.strictObject({
  ...execOptions.omit({ command: true }).shape,
  ...concurrencyOptions.shape,
  ...policyOptions.shape,
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
 * it `creates` gets its name only when it is whole. Results come as they are done, or in the order of the source with
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
  const { timeout, deadline, rate, breaker, retry, effect, ...own } = others;
  const run = execStep.create(parseOptions(execOptions, { ...own, command }, 'exec'), runtime);
  const policies = policiesOf({ timeout, deadline, rate, breaker, retry, effect }, runtime);
  const caps = { concurrency, ordered, maxWaiting, stop } as ConcurrencyOptions;
  return stage([applied(attempts(run, policies, runtime), execStep.gives)], caps, 'exec');
}

export const execStep = defineStep({
  name: 'exec',
  status: 'stable',
  summary: 'Runs a command for each item, without a shell.',
  gives: 'item',
  options: execOptions,
  examples: [
    { title: 'A file of its own for each', options: { command: 'ffmpeg -i {} {outputPath}', creates: '{.}.png' } },
    { title: 'What it prints as data', options: { command: ['jq', '-c', '.version', '{}'], stdout: 'json' } },
  ],
  create: (options, runtime) => new Commands(options, runtime).run,
});
