import type { OperatorFunction } from 'rxjs';
import * as z from 'zod';
import { defineSink } from '../core/define.js';
import type { OutcomeOf } from '../core/outcome.js';
import { jsonLine, lineWriter, openOutput, outputPath } from '../core/rows-out.js';
import { defaultRuntime, type Runtime } from '../core/runtime.js';
import { parseOptions } from '../core/schema.js';
import { sinkOf } from '../core/sink-of.js';

export const jsonlSinkOptions = z.strictObject({ path: outputPath() });

/**
 * Writes the data of each item that is ok as a line of JSON, and emits an outcome for every item once it is written.
 *
 * Rows that no step changed are written byte for byte as they were read. Order is kept. Rows are written as soon as the
 * source pauses, in blocks of up to 512; while the disk or the reader is slow at most 512 more wait, and sources stop
 * reading. Data that JSON cannot say fails its item. A file is replaced; one that the same run reads, or that another
 * sink of it writes, is refused, and so is a name that ends in `.gz`, as nothing is packed. Standard output may be
 * shared by sinks: their blocks stay whole. An output that cannot be written is the error of the Observable.
 *
 * ```
 * source    -a-b--x-c--|       x failed
 * written   -a-b----c--        lines
 * result    -a-b--x-c--|       outcomes
 * ```
 *
 * @example
 * import { literals, toJsonl } from 'batchx';
 *
 * literals([{ n: 1 }, { n: 2 }])
 *   .pipe(toJsonl('numbers.jsonl'))
 *   .subscribe(({ id, status }) => console.log(id, status)); // #1 ok, #2 ok
 */
export function toJsonl<T>(path: string, runtime: Runtime = defaultRuntime()): OperatorFunction<T, OutcomeOf<T>> {
  return sinkOf(jsonlSink, parseOptions(jsonlSinkOptions, { path }, 'toJsonl'), runtime);
}

export const jsonlSink = defineSink({
  name: 'jsonl',
  main: 'path',
  status: 'stable',
  summary: 'Writes the data of each item as a line of JSON.',
  takes: 'ok',
  options: jsonlSinkOptions,
  examples: [
    { title: 'A file', options: { path: 'results.jsonl' } },
    { title: 'Standard output', options: { path: '-' } },
  ],
  open: ({ path }, runtime) =>
    openOutput(path, runtime, (output) => lineWriter(output, (item) => item.raw ?? jsonLine(item.data))),
});
