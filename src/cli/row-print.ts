import { builtin } from '../builtin.js';
import { createRuntime } from '../core/runtime.js';
import type { Keys } from '../pipeline/file/pipeline-file.js';
import type { Use } from '../pipeline/plan.js';
import type { Ending } from './exit.js';
import { keysOf } from './keys-of-plan.js';
import type { ParsedLine } from './parse-line.js';
import { printPipeline, runFlagsOf } from './print-pipeline.js';
import type { rowFlags } from './row-flags.js';
import { rowPlan } from './row-run.js';
import { rowSources } from './row-sources.js';
import { expectFolder } from './working-folder.js';

type Line = ParsedLine<typeof rowFlags>;

/** Prints the pipeline that does one step over rows. */
export async function printRows(step: Use, inputs: readonly string[], line: Line): Promise<Ending> {
  const { flags } = line;
  expectFolder();
  const sources = await rowSources(inputs, line, createRuntime());
  const keys = keysOf(rowPlan(step, sources, flags), builtin);
  const aggregate = aggregateOf(flags);
  const made = aggregate === undefined ? keys : aggregated(keys, aggregate);
  return printPipeline(step.name, made, {
    // Where there are no rows the commands over rows are content.
    flags: [...new Set(['--allow-empty', ...runFlagsOf(flags)])],
    notes: [...(aggregate === undefined ? [] : AGGREGATE), ...foundNotes(inputs, sources)],
  });
}

const AGGREGATE = [
  'What is made of all rows is told at the end, on standard error, and is `aggregate` in the report: --json prints that',
  'on standard output. The rows themselves are thrown away, as here; name a file to keep them.',
];

/** The aggregate that is wanted in place of the rows; undefined when none is. */
function aggregateOf({ count, stats, 'group-by': key }: Line['flags']): readonly Keys[] | undefined {
  if (key !== undefined) {
    const figures = stats === undefined ? {} : { stats: { stats: { expression: stats } } };
    return [{ groupBy: key, aggregate: { count: { count: {} }, ...figures } }];
  }
  if (stats !== undefined) return [{ count: {} }, { stats }];
  return count ? [{ count: {} }] : undefined;
}

function aggregated({ output, halt, ...keys }: Keys, aggregate: readonly Keys[]): Keys {
  const [, ...others] = output as readonly Keys[];
  return { ...keys, aggregate, output: [{ jsonl: '/dev/null' }, ...others], ...(halt !== undefined && { halt }) };
}

/** Sources of rows take no patterns: the files that these stand for are named. */
function foundNotes(inputs: readonly string[], sources: readonly Use[]): string[] {
  const paths = new Set(sources.flatMap(({ options }) => [options.path].flat()));
  const patterns = inputs.filter((input) => !paths.has(input));
  return patterns.length === 0
    ? []
    : [`The files of ${patterns.join(' ')} are those that are there now: a file names each input.`];
}
