import { builtin } from '../builtin.js';
import { BatchxError } from '../core/errors.js';
import { createRuntime, type Runtime } from '../core/runtime.js';
import type { Plan, Use } from '../pipeline/plan.js';
import { run, type RunResult } from '../pipeline/run.js';
import { refuseClosedOutput } from './closed.js';
import type { Ending } from './exit.js';
import type { ParsedLine } from './parse-line.js';
import { aggregateOf, type Row } from './row-aggregate.js';
import { checkFailed } from './row-failed.js';
import type { rowFlags } from './row-flags.js';
import { rowSources } from './row-sources.js';
import { inSession, type Session } from './session.js';

type Line = ParsedLine<typeof rowFlags>;

/** Runs one step over the rows of the inputs, and gives how the program ends. */
export function runRows(step: Use, inputs: readonly string[], line: Line): Promise<Ending> {
  const { count, stats, 'group-by': groupBy, quiet, progress } = line.flags;
  const rows = !count && stats === undefined && groupBy === undefined;
  return inSession({ quiet, progress, rows }, (session) => runStep(step, inputs, line, session));
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
  if (flags.failed !== undefined) await checkFailed(flags.failed);
  const sources = await rowSources(inputs, line, runtime);
  const output = outputOf(flags);
  refuseDelimiter(flags, [...sources, output]);
  const failed = flags.failed === undefined ? [] : [{ name: 'failed', options: { path: flags.failed } }];
  const plan: Plan = {
    name: step.name,
    sources,
    limit: flags.limit,
    steps: [step, ...(aggregate?.steps ?? [])],
    concurrency: flags.concurrency,
    ordered: flags['keep-order'],
    strict: flags.strict,
    sinks: aggregate === undefined ? [output, ...failed] : failed,
  };
  const stopping = AbortSignal.any([runtime.stopping, enough.signal]);
  const result = await run(plan, {
    registry: builtin,
    runtime: { ...runtime, stopping },
    account,
    ...(aggregate !== undefined && { end: aggregate.end }),
  });
  const whole = result.error === undefined && !result.halted && !result.interrupted;
  if (aggregated === undefined || !whole) return result;
  return { ...result, error: await printRows(aggregated, output, runtime) };
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
  const plan: Plan = { name: 'print', sources, steps: [], ordered: true, strict: false, sinks: [output] };
  const runtime = createRuntime({ stdio });
  let unwritten: BatchxError | undefined;
  runtime.events.on('batch:item:end', ({ error }) => (unwritten ??= error));
  const { error } = await run(plan, { registry: builtin, runtime });
  return error ?? unwritten;
}
