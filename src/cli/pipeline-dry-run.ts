import { builtin } from '../builtin.js';
import type { Item } from '../core/item.js';
import { printable } from '../core/printable.js';
import { createRuntime } from '../core/runtime.js';
import { dryRun } from '../pipeline/dry-run.js';
import type { PipelineFile } from '../pipeline/file/pipeline-file.js';
import { type Ending, EXIT, endingOfRun } from './exit.js';
import { say } from './terminal.js';
import { writeOut } from './write-out.js';

/** How many items are looked at unless it is said. */
const FEW = 10;

/** What would be done with an item, and how that would end as far as it is known. */
interface DryItem {
  readonly id: string;
  readonly steps: { readonly step: string; readonly line: string }[];
  unsure?: true;
  error?: string;
  skipped?: string;
}

/** Tells what a pipeline would do with the first items: every command, request and path, one line each. */
export async function dryRunFile(
  file: PipelineFile,
  { limit = FEW, json }: { readonly limit?: number | undefined; readonly json: boolean },
): Promise<Ending> {
  // Those of a later item may be told before all of an earlier one are, where they are done in several stages.
  const items = new Map<string, DryItem>();
  const of = ({ id }: Item): DryItem => {
    const known = items.get(id) ?? { id, steps: [] };
    items.set(id, known);
    return known;
  };
  const result = await dryRun(file, {
    registry: builtin,
    runtime: createRuntime(),
    limit,
    tell: ({ item, step, line }) => of(item).steps.push({ step, line }),
    end: (item) => {
      const known = of(item);
      const { error, skipped } = item;
      if (error !== undefined && isUnsure(item)) known.unsure = true;
      else if (error !== undefined) known.error = error.message;
      else if (skipped !== undefined) known.skipped = skipped;
    },
  });
  const all = [...items.values()];
  await writeOut(json ? `${JSON.stringify(all, null, 2)}\n` : all.flatMap(linesOf).join(''));
  if (result.error !== undefined) {
    say(result.error.message);
    return endingOfRun(result.error);
  }
  const { outputs } = result;
  const places = outputs.length === 0 ? ['-'] : outputs;
  const where = places.map((path) => (path === '-' ? 'standard output' : path)).join(', ');
  say(
    `a dry run of the first ${limit === 1 ? 'item' : `${limit} items`}, in which nothing was touched; the results would go to ${where}`,
  );
  return EXIT.ok;
}

function linesOf({ id, steps, unsure, error, skipped }: DryItem): string[] {
  const told = [printable(id), ...steps.map(({ step, line }) => `  ${step}: ${printable(line)}`)];
  if (unsure === true) told.push('  the rest depends on what these steps give');
  if (error !== undefined) told.push(`  would fail: ${printable(error)}`);
  if (skipped !== undefined) told.push(`  skipped: ${skipped}`);
  return told.map((line) => `${line}\n`);
}

/** Whether something stands for what a step would have given. */
const isUnsure = ({ outputs }: Item): boolean =>
  Object.entries(outputs).some(([name, value]) => name !== 'result' && value === `<${name}>`) ||
  outputs.result === '<result>';
