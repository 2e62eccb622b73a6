import { builtinRows } from '../builtin-rows.js';
import { BatchxError } from '../core/errors.js';
import { createRuntime, type Runtime } from '../core/runtime.js';
import type { Plan, Use } from '../pipeline/plan.js';
import { run } from '../pipeline/run.js';
import type { RunResult } from '../pipeline/run-result.js';
import { commandAgain } from './again.js';
import { refuseClosedOutput } from './closed.js';
import { type Ending, EXIT } from './exit.js';
import { endingOfHalt, haltOf } from './halted.js';
import { rewordFor } from './flag-words.js';
import type { ParsedLine } from './parse-line.js';
import { aggregateOf, type Row } from './row-aggregate.js';
import { checkFailed } from './row-failed.js';
import { rowFlags } from './row-flags.js';
import { rowSources } from './row-sources.js';
import { inSession, type Session } from './session.js';
import { expectFolder } from './working-folder.js';

type Line = ParsedLine<typeof rowFlags>;

/** Runs one step over the rows of the inputs, and gives how the program ends. */
export function runRows(step: Use, inputs: readonly string[], line: Line): Promise<Ending> {
  const { count, stats, 'group-by': groupBy, quiet, progress, failed } = line.flags;
  const rows = !count && stats === undefined && groupBy === undefined;
  const again =
    failed === undefined ? undefined : { file: failed, command: commandAgain(step.name, rowFlags, line.args, failed) };
  return inSession({ quiet, progress, rows, again, reword: rewordFor(rowFlags) }, (session) =>
    runStep(step, inputs, line, session),
  );
}

async function runStep(
  step: Use,
  inputs: readonly string[],
  line: Line,
  { runtime, account }: Session,
): Promise<RunResult> {
  const { flags } = line;
  let aggregated: readonly Row[] | undefined;
  const enough = new AbortController();
  const aggregate = aggregateOf(flags, runtime, {
    done: (values) => (aggregated = values),
    stop: () => enough.abort(),
  });
  refuseClosedOutput();
  if (inputs.some((input) => input !== '-') || flags.failed !== undefined) expectFolder();
  if (flags.failed !== undefined) await checkFailed(flags.failed);
  const sources = await rowSources(inputs, line, runtime);
  const output = outputOf(flags);
  const plain = rowPlan(step, sources, flags);
  const plan: Plan =
    aggregate === undefined
      ? plain
      : { ...plain, steps: [step, ...aggregate.steps], sinks: plain.sinks.filter(({ name }) => name === FAILED) };
  const stopping = AbortSignal.any([runtime.stopping, enough.signal]);
  const result = await run(plan, {
    registry: builtinRows,
    runtime: { ...runtime, stopping },
    account,
    ...(aggregate !== undefined && { end: aggregate.end }),
  });
  // An end that was asked for is no failure: what is there by then is the answer.
  const asked = result.halted === undefined || endingOfHalt(result.halted, result.counts) !== EXIT.halted;
  const whole = result.error === undefined && asked && !result.interrupted;
  if (aggregated === undefined || !whole) return result;
  return { ...result, error: await printRows(aggregated, output, runtime) };
}

const FAILED = 'failed';

/** One step over rows, as flags say it, and the rows that come of it; what is made of them instead is another matter. */
export function rowPlan(step: Use, sources: readonly Use[], flags: Line['flags']): Plan {
  const output = outputOf(flags);
  refuseDelimiter(flags, [...sources, output]);
  return {
    name: step.name,
    sources,
    limit: flags.limit,
    retryInDoubt: flags['retry-in-doubt'],
    steps: [step],
    concurrency: flags.concurrency,
    ordered: flags['keep-order'],
    halt: haltOf(flags),
    haltInTurn: true,
    total: totalOf(sources, flags.limit),
    sinks: [output, ...(flags.failed === undefined ? [] : [{ name: FAILED, options: { path: flags.failed } }])],
  };
}

/** How many rows there are, where that is known: values from the command line are counted. */
function totalOf(sources: readonly Use[], limit = Infinity): number | undefined {
  const [source, ...more] = sources;
  const values = source?.name === 'literals' && more.length === 0 ? source.options.values : undefined;
  return Array.isArray(values) ? Math.min(values.length, limit) : undefined;
}

function outputOf({ out, delimiter }: Line['flags']): Use {
  return { name: out, options: { path: '-', ...(out === 'csv' && delimiter !== undefined && { delimiter }) } };
}

function refuseDelimiter({ delimiter }: Line['flags'], uses: readonly Use[]): void {
  if (delimiter === undefined || uses.some(({ name }) => name === 'csv')) return;
  throw new BatchxError('usage', 'expected --delimiter only with CSV: neither the input nor the output is');
}

/** Writes rows to standard output, by a run of their own, and gives what went wrong. */
async function printRows(values: readonly Row[], output: Use, { stdio }: Runtime): Promise<BatchxError | undefined> {
  const sources = [{ name: 'literals', options: { values } }];
  const plan: Plan = { name: 'print', sources, steps: [], ordered: true, halt: [], sinks: [output] };
  const runtime = createRuntime({ stdio });
  let unwritten: BatchxError | undefined;
  runtime.events.on('batch:item:end', ({ error }) => (unwritten ??= error));
  const { error } = await run(plan, { registry: builtinRows, runtime });
  return error ?? unwritten;
}
