import type { OperatorFunction } from 'rxjs';
import * as z from 'zod';
import { defineSink } from '../core/define.js';
import type { Item } from '../core/item.js';
import type { OutcomeOf } from '../core/outcome.js';
import { jsonLine, openOutput, outputPath, textWriter } from '../core/rows-out.js';
import { defaultRuntime, type Runtime } from '../core/runtime.js';
import { parseOptions } from '../core/schema.js';
import { sinkOf } from '../core/sink-of.js';

export const jsonSinkOptions = z.strictObject({ path: outputPath() });

/**
 * Writes the data of all items that are ok as one JSON array, and emits an outcome for every item once it is written.
 *
 * The array is written as the items come, an element a line, and closed when the source ends, fails or is left; without
 * items it is `[]`. Data that JSON cannot say fails its item. Order is kept; what is held, and how slow outputs are
 * waited for, is as in `toJsonl`. A file is replaced at the end, by one that is whole; an output that cannot be written is
 * the error of the Observable.
 *
 * ```
 * source    -a-b--x-c--|       x failed
 * written   -a-b----c--]       elements, then the end of the array
 * result    -a-b--x-c--|       outcomes
 * ```
 *
 * @example
 * import { literals, toJson } from 'batchx';
 *
 * literals([{ n: 1 }, { n: 2 }]).pipe(toJson('numbers.json')).subscribe();
 * // [
 * // {"n":1},
 * // {"n":2}
 * // ]
 */
export function toJson<T>(path: string, runtime: Runtime = defaultRuntime()): OperatorFunction<T, OutcomeOf<T>> {
  return sinkOf(jsonSink, parseOptions(jsonSinkOptions, { path }, 'toJson'), runtime);
}

export const jsonSink = defineSink({
  name: 'json',
  main: 'path',
  status: 'stable',
  summary: 'Writes the data of all items as one JSON array.',
  takes: 'ok',
  // A document is whole only with all that was done.
  shown: () => true,
  options: jsonSinkOptions,
  examples: [{ title: 'A file', options: { path: 'results.json' } }],
  open({ path }, runtime) {
    let begun = false;
    const textOf = ({ raw, data }: Item): string => {
      const element = raw ?? jsonLine(data);
      const before = begun ? ',\n' : '[\n';
      begun = true;
      return before + element;
    };
    const end = (): string => (begun ? '\n]\n' : '[]\n');
    return openOutput(path, runtime, (output) => textWriter(output, textOf, end), { document: true });
  },
});
