import { builtin } from '../builtin.js';
import { createRuntime, type Runtime } from '../core/runtime.js';
import type { Plan, Use } from '../pipeline/plan.js';
import { run, type RunResult } from '../pipeline/run.js';
import { refuseClosedOutput } from './closed.js';
import type { Ending } from './exit.js';
import type { ParsedLine } from './parse-line.js';
import { aggregateOf, type Row } from './row-aggregate.js';
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
  const end = aggregateOf(flags, runtime, (values) => (aggregated = values));
  const sources = await rowSources(inputs, line, runtime);
  const output = { name: flags.out, options: { path: '-' } };
  const failed = flags.failed === undefined ? [] : [{ name: 'failed', options: { path: flags.failed } }];
  const plan: Plan = {
    name: step.name,
    sources,
    limit: flags.limit,
    steps: [step],
    concurrency: flags.concurrency,
    ordered: flags['keep-order'],
    strict: flags.strict,
    sinks: end === undefined ? [output, ...failed] : failed,
  };
  refuseClosedOutput();
  const result = await run(plan, { registry: builtin, runtime, account, ...(end !== undefined && { end }) });
  const whole = result.error === undefined && !result.halted && !result.interrupted;
  if (aggregated === undefined || !whole) return result;
  const printed = await printRows(aggregated, output, runtime);
  return { ...result, error: printed.error };
}

/** Writes rows to standard output, by a run of their own. */
function printRows(values: readonly Row[], output: Use, { stdio }: Runtime): Promise<RunResult> {
  const sources = [{ name: 'literals', options: { values } }];
  const plan: Plan = { name: 'print', sources, steps: [], ordered: true, strict: false, sinks: [output] };
  return run(plan, { registry: builtin, runtime: createRuntime({ stdio }) });
}
