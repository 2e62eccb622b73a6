import type { Observable } from 'rxjs';
import * as z from 'zod';
import { isDeadLetter, isDeadLetterValue, openDeadLetter, reopenDeadLetter } from '../core/dead-letter.js';
import { defineSource } from '../core/define.js';
import { BatchxError } from '../core/errors.js';
import { inputPath, inputsOf } from '../core/input.js';
import { Item, type Place } from '../core/item.js';
import { itemId, namer } from '../core/item-id.js';
import { parseDocument, readDocument, valueAt } from '../core/json-document.js';
import { DEPTH_LIMIT, deeperThan, depthOf, parseJsonRow, tooDeep } from '../core/json-row.js';
import { defaultRuntime, type Runtime } from '../core/runtime.js';
import { byteSize, parseOptions } from '../core/schema.js';
import { fromSource } from '../core/source.js';

export const jsonOptions = z.strictObject({
  path: inputPath(),
  at: z
    .union([z.string().min(1, 'expected a path of keys such as `data.items`, got empty text'), z.array(z.string())])
    .optional()
    .describe(
      'Where the list is within the document: keys joined by dots, or a list of keys; the whole document unless said.',
    ),
  limit: byteSize().default('500MB').describe('How large a document may be: the whole of it is held in memory.'),
  id: itemId(),
});

/** The options of `json` beside the path. */
export type JsonOptions = Omit<z.input<typeof jsonOptions>, 'path'>;

/**
 * Emits an item for each element of the list in a JSON file, several files or standard input (`-`), in their order.
 *
 * With `at` the list is the one under that path of keys. An object or a single value there is one item. The whole
 * document is held in memory, so it has a limit: for more than that use one value a line, with `jsonl`. An element nested
 * deeper than 512 levels is an item that failed in `parse`; dead letters among the elements, and files of them, are the
 * items they were. Numbers are those of JavaScript. An input that cannot be read or is not JSON is the error of the
 * Observable, which names the line and the column.
 *
 * ```
 * {"data":[1,2,3]}        at 'data'
 * (123)|
 * ```
 *
 * @example
 * import { json, toJsonl } from 'batchx';
 *
 * json('export.json', { at: 'data.items' }).pipe(toJsonl('items.jsonl')).subscribe();
 */
export function json<T = unknown>(
  path: string | string[],
  options: JsonOptions = {},
  runtime: Runtime = defaultRuntime(),
): Observable<Item<T>> {
  return fromSource(jsonSource, parseOptions(jsonOptions, { ...options, path }, 'json'), runtime) as Observable<
    Item<T>
  >;
}

export const jsonSource = defineSource({
  name: 'json',
  main: 'path',
  status: 'stable',
  summary: 'Reads one item from each element of the list in a JSON document.',
  options: jsonOptions,
  examples: [
    { title: 'A file that is a list', options: { path: 'orders.json' } },
    { title: 'A list within the document', options: { path: 'export.json', at: 'data.items', id: 'data.sku' } },
  ],
  files: ({ path }) => [path].flat(),
  async *open({ path, at = [], limit, id }, runtime, signal) {
    const maker = new ElementMaker(namer(id));
    const keys = typeof at === 'string' ? at.split('.') : at;
    for (const input of inputsOf(path, runtime)) {
      const text = await readDocument(input.open(signal), input.name, limit);
      if (signal.aborted) return;
      if (isDeadLetter(text)) yield* blocksOf(text.split('\n').filter(Boolean), (line) => maker.letter(line));
      else {
        const found = valueAt(parseDocument(text, input.name), keys, input.name);
        const deep = deeperThan(DEPTH_LIMIT, text);
        const place = new Elements(input.name);
        yield* blocksOf(Array.isArray(found) ? found : [found], (value, index) =>
          maker.item(value, place, index, deep),
        );
      }
    }
  },
});

/** How many elements are made items at once. */
const BLOCK_OF_ITEMS = 256;

function* blocksOf<T>(values: readonly T[], itemOf: (value: T, index: number) => Item): Generator<Item[]> {
  for (let from = 0; from < values.length; from += BLOCK_OF_ITEMS) {
    yield values.slice(from, from + BLOCK_OF_ITEMS).map((value, i) => itemOf(value, from + i));
  }
}

/** A document whose elements are counted. */
class Elements implements Place {
  readonly source: string;

  constructor(source: string) {
    this.source = source;
  }

  locate(index: number): { readonly index: number } {
    return { index };
  }
}

class ElementMaker {
  readonly #name: ((item: Item) => Item) | undefined;
  readonly #again = { format: 'json', read: (text: string): Item => this.#read(text) };
  #seq = 0;

  constructor(name: ((item: Item) => Item) | undefined) {
    this.#name = name;
  }

  item(value: unknown, place: Elements, index: number, deep: boolean): Item {
    const seq = this.#seq++;
    if (isDeadLetterValue(value)) return reopenDeadLetter(value, seq, this.#again);
    const id = `${place.source}#${index + 1}`;
    const item = new Item(seq, value, undefined, place, index, { id });
    if (deep && depthOf(value) > DEPTH_LIMIT)
      return new Item<unknown>(seq, undefined, undefined, place, index, { id, format: 'json' }).fail(tooDeep());
    try {
      return this.#name === undefined ? item : this.#name(item);
    } catch (error) {
      return new Item<unknown>(seq, undefined, JSON.stringify(value), place, index, { id, format: 'json' }).fail(
        BatchxError.from(error),
      );
    }
  }

  /** A line of a file of dead letters. */
  letter(line: string): Item {
    const seq = this.#seq++;
    const item = openDeadLetter(line, seq, this.#again);
    return (
      item ??
      new Item<unknown>(seq, undefined, line, undefined, 0, { format: 'json' }).fail(
        new BatchxError('parse', 'not a dead letter, as the first line of this file is'),
      )
    );
  }

  #read(text: string): Item {
    const item = Item.of(parseJsonRow(text));
    return this.#name === undefined ? item : this.#name(item);
  }
}
