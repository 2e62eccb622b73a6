import type { OperatorFunction } from 'rxjs';
import * as z from 'zod';
import { defineSink } from '../core/define.js';
import { BatchxError } from '../core/errors.js';
import type { OutcomeOf } from '../core/outcome.js';
import { jsonLine, lineWriter, openOutput, outputPath, wellFormed } from '../core/rows-out.js';
import { defaultRuntime, type Runtime } from '../core/runtime.js';
import { parseOptions } from '../core/schema.js';
import { sinkOf } from '../core/sink-of.js';

export const linesSinkOptions = z.strictObject({ path: outputPath() });

/**
 * Writes the data of each item that is ok as a line of text, and emits an outcome for every item once it is written.
 *
 * Text is written as it is, other values as JSON. Text that is empty, contains a line break or ends with a carriage
 * return fails its item: it could not be read back as the one line that it is. Order is kept; what is held, and how slow outputs are
 * waited for, is as in `toJsonl`. A file is replaced; an output that cannot be written is the error of the Observable.
 *
 * ```
 * source    -a-b--x-c--|       x failed
 * written   -a-b----c--        lines
 * result    -a-b--x-c--|       outcomes
 * ```
 *
 * @example
 * import { literals, toLines } from 'batchx';
 *
 * literals(['one', 2, { n: 3 }]).pipe(toLines('-')).subscribe();
 * // one
 * // 2
 * // {"n":3}
 */
export function toLines<T>(path: string, runtime: Runtime = defaultRuntime()): OperatorFunction<T, OutcomeOf<T>> {
  return sinkOf(linesSink, parseOptions(linesSinkOptions, { path }, 'toLines'), runtime);
}

export const linesSink = defineSink({
  name: 'lines',
  main: 'path',
  status: 'stable',
  summary: 'Writes the data of each item as a line of text.',
  takes: 'ok',
  options: linesSinkOptions,
  examples: [
    { title: 'A file', options: { path: 'urls.txt' } },
    { title: 'Standard output', options: { path: '-' } },
  ],
  open: ({ path }, runtime) => openOutput(path, runtime, (output) => lineWriter(output, ({ data }) => lineOf(data))),
});

function lineOf(data: unknown): string {
  if (typeof data !== 'string') return jsonLine(data);
  if (data === '')
    throw new BatchxError(
      'encode',
      'expected text that is not empty: an empty line would be passed over; write it as JSON with `jsonl`',
    );
  if (data.includes('\n') || data.endsWith('\r')) {
    throw new BatchxError(
      'encode',
      'expected text of one line, it contains a line break; write it as JSON with `jsonl`',
    );
  }
  return wellFormed(data);
}
