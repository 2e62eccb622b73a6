import type { Observable } from 'rxjs';
import * as z from 'zod';
import { isDeadLetter, openDeadLetter } from '../core/dead-letter.js';
import { defineSource } from '../core/define.js';
import type { BatchxError } from '../core/errors.js';
import { inputPath, inputsOf } from '../core/input.js';
import { Item, type Place } from '../core/item.js';
import { type RowReader, rows } from '../core/rows.js';
import { defaultRuntime, type Runtime } from '../core/runtime.js';
import { parseOptions } from '../core/schema.js';
import { fromSource } from '../core/source.js';

export const linesOptions = z.strictObject({ path: inputPath() });

/**
 * Emits an item for each line of text in a file, several files or standard input (`-`), in their order.
 *
 * The data is the text without its line end, LF or CR LF. Empty lines are passed over; a line of blanks is not empty. A
 * line that is not UTF-8 or longer than 16 MiB is an item that failed in `parse`, and the stream goes on. Dead letters
 * among the lines are the items they were. 64 KB of a pipe or 1 MB of a file are held. An input that cannot be read is
 * the error of the Observable.
 *
 * ```
 * one LF  LF  three LF
 * (one        three)|
 * ```
 *
 * @example
 * import { lines, mapItems, toLines } from 'batchx';
 *
 * lines('urls.txt')
 *   .pipe(mapItems((url) => new URL(url).host), toLines('hosts.txt'))
 *   .subscribe();
 */
export function lines(
  path: string | string[],
  options: Readonly<Record<string, never>> = {},
  runtime: Runtime = defaultRuntime(),
): Observable<Item<string>> {
  return fromSource(linesSource, parseOptions(linesOptions, { ...options, path }, 'lines'), runtime) as Observable<
    Item<string>
  >;
}

export const linesSource = defineSource({
  name: 'lines',
  main: 'path',
  status: 'stable',
  summary: 'Reads one item from each line of text.',
  options: linesOptions,
  examples: [
    { title: 'A file', options: { path: 'urls.txt' } },
    { title: 'Standard input', options: { path: '-' } },
  ],
  files: ({ path }) => [path].flat(),
  async *open({ path }, runtime, signal) {
    const reader = new LineReader();
    for (const input of inputsOf(path, runtime)) yield* rows(input.open(signal), input.name, reader);
  },
});

const again = { format: 'lines', read: (text: string): Item => Item.of(text) };

class LineReader implements RowReader<unknown> {
  #seq = 0;

  row(text: string, place: Place, at: number): Item {
    const seq = this.#seq++;
    const letter = isDeadLetter(text) ? openDeadLetter(text, seq, again) : undefined;
    return letter ?? new Item(seq, text, undefined, place, at);
  }

  bad(error: BatchxError, place: Place, at: number, bytes: Buffer | undefined): Item {
    return new Item<unknown>(this.#seq++, undefined, undefined, place, at, { bytes, format: 'lines' }).fail(error);
  }
}
