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

/** Tells what a pipeline would do with the first items: every command, request and path, one line each. */
export async function dryRunFile(file: PipelineFile, limit = FEW): Promise<Ending> {
  const lines: string[] = [];
  const heads = new Set<string>();
  const head = ({ id }: Item): void => {
    if (!heads.has(id)) lines.push(printable(id));
    heads.add(id);
  };
  const result = await dryRun(file, {
    registry: builtin,
    runtime: createRuntime(),
    limit,
    tell: ({ item, step, line }) => {
      head(item);
      lines.push(`  ${step}: ${printable(line)}`);
    },
    end: (item) => {
      head(item);
      const { error, skipped } = item;
      if (error !== undefined && isUnsure(item)) lines.push('  the rest depends on what these steps give');
      else if (error !== undefined) lines.push(`  would fail: ${printable(error.message)}`);
      else if (skipped !== undefined) lines.push(`  skipped: ${skipped}`);
    },
  });
  await writeOut(lines.map((line) => `${line}\n`).join(''));
  if (result.error !== undefined) {
    say(result.error.message);
    return endingOfRun(result.error);
  }
  const { outputs } = result;
  const places = outputs.length === 0 ? ['-'] : outputs;
  const where = places.map((path) => (path === '-' ? 'standard output' : path)).join(', ');
  say(`a dry run of the first ${limit} items, in which nothing was touched; the results would go to ${where}`);
  return EXIT.ok;
}

/** Whether something stands for what a step would have given. */
const isUnsure = ({ outputs }: Item): boolean =>
  Object.entries(outputs).some(([name, value]) => name !== 'result' && value === `<${name}>`) ||
  outputs.result === '<result>';
