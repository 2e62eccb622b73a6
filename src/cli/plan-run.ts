import type * as z from 'zod';
import { builtin } from '../builtin.js';
import { BatchxError } from '../core/errors.js';
import { printable } from '../core/printable.js';
import { redactedJson } from '../core/redacted.js';
import { createRuntime } from '../core/runtime.js';
import { Secrets } from '../core/secrets.js';
import { checkPipeline } from '../pipeline/file/check.js';
import { secretsOf } from '../pipeline/file/context.js';
import { faultsError } from '../pipeline/file/faults.js';
import type { Plan } from '../pipeline/plan.js';
import { type PlannedItem, planItems } from '../pipeline/plan-items.js';
import { type Ending, EXIT } from './exit.js';
import { jobName } from './job-name.js';
import { pipelineOf } from './pipeline-of.js';
import type { ParsedLine } from './parse-line.js';
import type { planFlags } from './plan-flags.js';
import { type Counted, planLines, PlanCounts, stateOf, whyOf } from './plan-text.js';
import { hideWith } from './terminal.js';
import { whileLoading } from './user-modules.js';
import { version } from './version.js';
import { writeOut } from './write-out.js';

/** How much is gathered before it is printed, in characters. */
const PIECE = 64 * 1024;

/** Tells what a run of a pipeline would do with the items of its input, and why. */
export async function planPipeline(line: ParsedLine<typeof planFlags>): Promise<Ending> {
  const { flags } = line;
  const file = await whileLoading(() => pipelineOf(line));
  const secrets = new Secrets(secretsOf(file, createRuntime()));
  const redact = (text: string): string => secrets.redact(text);
  hideWith(redact);
  const faults = await whileLoading(() => checkPipeline(file, createRuntime()));
  if (faults.length > 0) throw faultsError(faults);
  const name = flags.job ?? jobName(file.name, line);
  const { fresh, retry, 'on-duplicate': onDuplicate, 'only-new': onlyNew, verify } = flags;
  const counts = new PlanCounts();
  let text = '';
  let written = Promise.resolve();
  const flush = (): void => {
    const piece = text;
    text = '';
    written = written.then(() => writeOut(piece));
  };
  const tell = (item: PlannedItem): void => {
    counts.add(item);
    if (!flags.items) return;
    text += flags.json ? `${redactedJson(rowOf(item), redact)}\n` : `${itemLine(item, redact)}\n`;
    if (text.length > PIECE) flush();
  };
  const runtime = createRuntime();
  const use = { name, version, fresh, retry, onDuplicate, onlyNew, verify };
  const change = (plan: Plan): Plan => planned(plan, flags);
  const { untold, own } = await planItems(file, { registry: builtin, runtime, use, change, tell });
  flush();
  await written;
  const told: Counted = counts.told(untold === undefined, own);
  if (told.items === 0 && (told.gone ?? 0) === 0)
    throw new BatchxError('input', 'there is nothing to do: the input has no items');
  if (flags.items) return EXIT.ok;
  await writeOut(
    flags.json ? `${JSON.stringify({ job: name, ...told }, null, 2)}\n` : planLines(name, told, { retry, untold }),
  );
  return EXIT.ok;
}

/** The plan of the run, as far as it says what is known of items: results that go nowhere else are shown. */
function planned(plan: Plan, { limit }: z.output<typeof planFlags>): Plan {
  const shown = { name: 'outcomes', options: { path: '-' } };
  return { ...plan, limit: limit ?? plan.limit, sinks: plan.sinks.length === 0 ? [shown] : plan.sinks };
}

const rowOf = (item: PlannedItem): object => ({
  id: item.id,
  state: stateOf(item),
  runs: item.runs,
  why: whyOf(item) ?? null,
});

function itemLine(item: PlannedItem, redact: (text: string) => string): string {
  const why = whyOf(item);
  return printable(redact(`${stateOf(item).padEnd(9)} ${item.id}${why === undefined ? '' : `  ${why}`}`));
}
