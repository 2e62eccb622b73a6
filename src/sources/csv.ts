import type { Observable } from 'rxjs';
import * as z from 'zod';
import { columnNames, csvDelimiter, delimiterOf } from '../core/csv.js';
import { CsvReader } from '../core/csv-reader.js';
import { defineSource } from '../core/define.js';
import { inputPath, inputsOf } from '../core/input.js';
import type { Item } from '../core/item.js';
import { itemId, namer } from '../core/item-id.js';
import { rows } from '../core/rows.js';
import { defaultRuntime, type Runtime } from '../core/runtime.js';
import { parseOptions } from '../core/schema.js';
import { fromSource } from '../core/source.js';

export const csvOptions = z.strictObject({
  path: inputPath(),
  delimiter: csvDelimiter(),
  quote: z
    .union([z.literal('"'), z.literal("'"), z.literal(false)])
    .default('"')
    .describe('What stands around cells that contain a delimiter or a line break; false when nothing does.'),
  header: z
    .union([z.boolean(), columnNames()])
    .default(true)
    .describe(
      'Whether the first record names the columns; or their names, when it does not. Without names rows are lists.',
    ),
  id: itemId(),
});

/** The options of `csv` beside the path. */
export type CsvOptions = Omit<z.input<typeof csvOptions>, 'path'>;

/**
 * Emits an item for each record of a CSV file, several files or standard input (`-`), in their order.
 *
 * The data is an object with a text for each column; nothing is made a number. Every file begins with a header unless
 * said. Empty lines are passed over. A record with another number of cells than the header, with a quote out of place,
 * that is not UTF-8 or longer than 16 MiB is an item that failed in `parse`, and the next record is read. Files of dead
 * letters are taken too. 64 KB of a pipe or 1 MB of a file are held, and one record. An input that cannot be read, or
 * whose header names a column twice, is the error of the Observable.
 *
 * ```
 * a,b LF  1,2 LF  3 LF  5,6 LF           x is the failed item of line 3
 *         (1      x     5)|
 * ```
 *
 * @example
 * import { csv, mapItems, toJsonl } from 'batchx';
 *
 * csv<{ sku: string; price: string }>('prices.csv', { delimiter: ';' })
 *   .pipe(mapItems(({ sku, price }) => ({ sku, price: Number(price) })), toJsonl('prices.jsonl'))
 *   .subscribe();
 */
export function csv<T = Readonly<Record<string, string>>>(
  path: string | string[],
  options: CsvOptions = {},
  runtime: Runtime = defaultRuntime(),
): Observable<Item<T>> {
  return fromSource(csvSource, parseOptions(csvOptions, { ...options, path }, 'csv'), runtime) as Observable<Item<T>>;
}

export const csvSource = defineSource({
  name: 'csv',
  main: 'path',
  status: 'stable',
  summary: 'Reads one item from each record of CSV.',
  options: csvOptions,
  examples: [
    { title: 'A file with a header', options: { path: 'prices.csv' } },
    { title: 'Separated by tabs, without quotes', options: { path: 'export.tsv', delimiter: '\\t', quote: false } },
    {
      title: 'Without a header, items named by a column',
      options: { path: '-', header: ['sku', 'price'], id: 'data.sku' },
    },
  ],
  files: ({ path }) => [path].flat(),
  async *open({ path, delimiter, quote, header, id }, runtime, signal) {
    const form = { delimiter: delimiterOf(delimiter), quote: quote === false ? undefined : quote };
    const reading = { form, header, name: namer(id), seq: 0 };
    for (const input of inputsOf(path, runtime))
      yield* rows(input.open(signal), input.name, new CsvReader(reading, input.name));
  },
});
