import type { Observable } from 'rxjs';
import * as z from 'zod';
import { isDeadLetter, openDeadLetter } from '../core/dead-letter.js';
import { defineSource } from '../core/define.js';
import { BatchxError } from '../core/errors.js';
import { inputPath, inputsOf } from '../core/input.js';
import { Item, type Place } from '../core/item.js';
import { itemId, namer } from '../core/item-id.js';
import { parseJsonRow } from '../core/json-row.js';
import { type RowReader, rows } from '../core/rows.js';
import { defaultRuntime, type Runtime } from '../core/runtime.js';
import { parseOptions } from '../core/schema.js';
import { fromSource } from '../core/source.js';

export const jsonlOptions = z.strictObject({
  path: inputPath(),
  id: itemId(),
});

/** The options of `jsonl` beside the path. */
export type JsonlOptions = Omit<z.input<typeof jsonlOptions>, 'path'>;

/**
 * Emits an item for each line of JSON in a file, several files or standard input (`-`), in their order.
 *
 * Blank lines are passed over. A line that is not JSON, not UTF-8, nested deeper than 512 levels or longer than 16 MiB
 * is an item that failed in `parse`, and the stream goes on. Dead letters among the lines are the items they were.
 * 64 KB of a pipe or 1 MB of a file are held. An input that cannot be read, or standard input while another source
 * reads it, is the error of the Observable.
 *
 * ```
 * {"a":1} LF  oops LF  {"a":3} LF        x is the failed item of line 2
 * (1       x       3)|
 * ```
 *
 * @example
 * import { jsonl, mapItems, toJsonl } from 'batchx';
 *
 * jsonl<{ id: string; total: number }>('orders.jsonl')
 *   .pipe(mapItems(({ id, total }) => ({ id, gross: total * 1.19 })), toJsonl('gross.jsonl'))
 *   .subscribe();
 */
export function jsonl<T = unknown>(
  path: string | string[],
  options: JsonlOptions = {},
  runtime: Runtime = defaultRuntime(),
): Observable<Item<T>> {
  return fromSource(jsonlSource, parseOptions(jsonlOptions, { ...options, path }, 'jsonl'), runtime) as Observable<
    Item<T>
  >;
}

export const jsonlSource = defineSource({
  name: 'jsonl',
  main: 'path',
  status: 'stable',
  summary: 'Reads one item from each line of JSON.',
  options: jsonlOptions,
  examples: [
    { title: 'A file', options: { path: 'orders.jsonl' } },
    { title: 'Several files, one of them packed', options: { path: ['may.jsonl.gz', 'june.jsonl'] } },
    { title: 'Standard input, items named by a field', options: { path: '-', id: 'data.sku' } },
  ],
  files: ({ path }) => [path].flat(),
  async *open({ path, id }, runtime, signal) {
    const reader = new JsonReader(namer(id));
    for (const input of inputsOf(path, runtime)) yield* rows(input.open(signal), input.name, reader);
  },
});

class JsonReader implements RowReader<unknown> {
  readonly #name: ((item: Item) => Item) | undefined;
  readonly #again = { format: 'json', read: (text: string): Item => this.#read(text) };
  #seq = 0;

  constructor(name: ((item: Item) => Item) | undefined) {
    this.#name = name;
  }

  row(text: string, place: Place, at: number): Item | undefined {
    if (isDeadLetter(text)) {
      const item = openDeadLetter(text, this.#seq, this.#again);
      if (item !== undefined) {
        this.#seq++;
        return item;
      }
    }
    try {
      const item = this.#read(text, place, at);
      this.#seq++;
      return item;
    } catch (error) {
      if (BLANK.test(text)) return undefined;
      return new Item<unknown>(this.#seq++, undefined, text, place, at, { format: 'json' }).fail(
        BatchxError.from(error),
      );
    }
  }

  bad(error: BatchxError, place: Place, at: number, bytes: Buffer | undefined): Item {
    return new Item<unknown>(this.#seq++, undefined, undefined, place, at, { bytes, format: 'json' }).fail(error);
  }

  #read(text: string, place?: Place, at = 0): Item {
    const item = new Item(this.#seq, parseJsonRow(text), text, place, at);
    return this.#name === undefined ? item : this.#name(item);
  }
}

/** What JSON takes for white space, and what editors leave at the end of a page. */
const BLANK = /^[ \t\r\f]*$/;
