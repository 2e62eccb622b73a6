import { builtin } from '../builtin.js';
import { Account } from '../core/account.js';
import { BatchxError } from '../core/errors.js';
import { Events } from '../core/events.js';
import { createRuntime } from '../core/runtime.js';
import type { Use } from '../pipeline/plan.js';
import { run, type RunResult } from '../pipeline/run.js';
import type { Command } from './command.js';
import { type Ending, EXIT, exitCodeOf } from './exit.js';
import { summary, tellFailures } from './failures.js';
import type { ParsedLine } from './flags.js';
import { sourcesOf } from './inputs.js';
import { showProgress } from './progress.js';
import { rowFlags } from './row-flags.js';
import { type Interruption, listen } from './signals.js';
import { say } from './terminal.js';

type Line = ParsedLine<typeof rowFlags>;

/** A command that runs one step over rows: `map` and `filter`. */
export function rowCommand(about: Pick<Command, 'name' | 'summary' | 'examples' | 'notes'>): Command<typeof rowFlags> {
  return {
    ...about,
    usage: '<expression> [input...]',
    flags: rowFlags,
    async run(line) {
      const [expression, ...inputs] = line.positionals;
      if (expression === undefined) throw new BatchxError('usage', `expected an expression, as in: ${about.examples[0]?.line ?? ''}`);
      return runRows({ name: about.name, options: { expression } }, inputs, line);
    },
  };
}

async function runRows(step: Use, inputs: readonly string[], { flags, literals }: Line): Promise<Ending> {
  const events = new Events();
  const account = new Account(events);
  const interruption = listen(() => summary(account.counts));
  const runtime = createRuntime({ events, stopping: interruption.stopping, signal: interruption.signal });
  const sources = await sourcesOrNone(inputs, literals, flags);
  const tellRest = tellFailures(events, flags.quiet);
  const progress = showProgress(flags.progress, () => account.counts);
  const result = await run(
    {
      name: step.name,
      sources,
      limit: flags.limit,
      steps: [step],
      concurrency: flags.concurrency,
      ordered: flags['keep-order'],
      strict: flags.strict,
      sinks: [
        { name: flags.out, options: { path: '-' } },
        ...(flags.failed === undefined ? [] : [{ name: 'failed', options: { path: flags.failed } }]),
      ],
    },
    { registry: builtin, runtime, account },
  ).finally(() => { progress.stop(); });
  return ending(result, interruption, flags, tellRest);
}

/** With `--allow-empty` no input is as good as an empty one. */
async function sourcesOrNone(inputs: readonly string[], literals: readonly string[] | undefined, flags: Line['flags']): Promise<Use[]> {
  try {
    return await sourcesOf(inputs, literals, flags.in);
  } catch (error) {
    if (flags['allow-empty'] && error instanceof BatchxError && error.code === 'input') return [{ name: 'literals', options: { values: [] } }];
    throw error;
  }
}

/** Says what there is to say at the end of a run, and gives how the program ends. */
function ending(result: RunResult, { endedBy }: Interruption, { quiet }: Line['flags'], tellRest: (counts: RunResult['counts']) => void): Ending {
  const { counts, error, halted, interrupted } = result;
  if (error?.code === 'closed') return 'SIGPIPE';
  if (error !== undefined) say(error.message);
  tellRest(counts);
  if (error !== undefined) return exitCodeOf(error.code);
  const signal = endedBy();
  if (interrupted && signal !== undefined) {
    if (!quiet) say(`interrupted by ${signal}; ${summary(counts)}`);
    return signal;
  }
  if (halted) {
    if (!quiet) say('halted at the first failure (--strict)');
    return EXIT.halted;
  }
  return counts.failed + counts.inDoubt > 0 ? EXIT.failed : EXIT.ok;
}
