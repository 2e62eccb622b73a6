import { builtin } from './builtin.js';
import { BatchxError } from './core/errors.js';
import type { Registry } from './core/registry.js';
import { defaultRuntime, type Runtime } from './core/runtime.js';
import { given, parseOptions } from './core/schema.js';
import { didYouMean } from './core/suggest.js';
import { checkedPipeline, openPipeline, type PipelineOptions } from './pipeline/file/open-pipeline.js';
import { endingNowhere, nowhereSink } from './pipeline/nowhere.js';
import { type FileRunResult, runFile } from './pipeline/run-file.js';
import * as z from 'zod';

const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null && !Array.isArray(value);

/** How a job is kept, in code. */
const jobOptions = z.strictObject({
  name: z.string().min(1),
  root: z.string().min(1).optional(),
  fresh: z.boolean().optional(),
  retry: z.enum(['failed', 'in-doubt', 'all']).optional(),
  verify: z.boolean().optional(),
  durability: z.enum(['power', 'off']).optional(),
});

/** The options of a pipeline that is run in code. */
export interface RunPipelineOptions extends PipelineOptions {
  /**
   * The job that keeps the state of the run, so that the next call goes on where this one has ended: its name, or more.
   * `root` is the folder of jobs, `.batchx` unless said. Without a job nothing is kept.
   */
  readonly job?: string | z.input<typeof jobOptions>;
}

const pipelineOptions = z.strictObject({
  pipeline: z.string().optional(),
  config: given<PipelineOptions['config']>('an object with values', isObject).optional(),
  registry: given<Registry>('a registry', isObject).optional(),
  job: z
    .union([z.string().min(1), jobOptions])
    .optional()
    .describe('The job that keeps its state: its name, or `{ name, root, fresh, retry, ... }`.'),
});

/**
 * Runs the pipeline of a file, or one that is given as an object of the same form, and tells how it ended: the counts by
 * outcome, what was aggregated, why it was ended early if it was.
 *
 * Everything that can be known before is checked first; what is wrong rejects with one error that tells all of it, and
 * nothing has been started. Items that fail do not reject: they are counted, and go where the pipeline says. Without an
 * `output` nothing is written, not even to standard output; items that come to the end are ok all the same.
 *
 * @example
 * import { runPipeline } from 'batchx';
 *
 * const { counts, aggregate } = await runPipeline({
 *   input: { items: [{ total: 3 }, { total: 4 }] },
 *   steps: [{ map: 'data.total * config.rate' }],
 *   output: [{ jsonl: '/tmp/totals.jsonl' }],
 *   aggregate: [{ count: {} }],
 * }, { config: { rate: 1.19 } });
 * console.log(counts.ok, aggregate); // 2 { count: 2 }
 */
export async function runPipeline(
  file: string | object,
  options: RunPipelineOptions = {},
  runtime: Runtime = defaultRuntime(),
): Promise<FileRunResult> {
  const known = Object.keys(pipelineOptions.shape);
  const strange = Object.keys(options).find((key) => !known.includes(key));
  if (strange !== undefined)
    throw new BatchxError('usage', `runPipeline: \`${strange}\` is not known${didYouMean(strange, known)}`);
  const { registry = builtin, job } = parseOptions(pipelineOptions, options, 'runPipeline');
  const loaded = await checkedPipeline(await openPipeline(file, options, registry), runtime);
  const use =
    job === undefined ? undefined : { version: 'library', ...(typeof job === 'string' ? { name: job } : job) };
  return runFile(loaded, { registry: registry.with(nowhereSink), runtime, change: endingNowhere, job: use });
}
