import type { OperatorFunction } from 'rxjs';
import * as z from 'zod';
import { columnNames, csvDelimiter, delimiterOf } from '../core/csv.js';
import { CsvTable } from '../core/csv-table.js';
import { defineSink } from '../core/define.js';
import type { Item } from '../core/item.js';
import type { OutcomeOf } from '../core/outcome.js';
import { openOutput, outputPath, textWriter } from '../core/rows-out.js';
import { defaultRuntime, type Runtime } from '../core/runtime.js';
import { parseOptions } from '../core/schema.js';
import { sinkOf } from '../core/sink-of.js';

export const csvSinkOptions = z.strictObject({
  path: outputPath(),
  delimiter: csvDelimiter(),
  columns: columnNames().optional().describe('The columns and their order; those of the first row unless said.'),
  formulas: z
    .enum(['quote', 'keep'])
    .default('quote')
    .describe(
      'Whether a text that a spreadsheet would take for a formula gets a quote before it, or is kept as it is.',
    ),
});

/** The options of `toCsv` beside the path. */
export type CsvSinkOptions = Omit<z.input<typeof csvSinkOptions>, 'path'>;

/**
 * Writes the data of each item that is ok as a record of CSV, and emits an outcome for every item once it is written.
 *
 * The header comes from `columns`, or from the keys of the first row. A row with a key that is no column fails its item,
 * as what stands there would be lost; a key that is missing is an empty cell, and so are null and undefined. Lists and
 * objects are written as JSON, times as ISO 8601. Rows that are lists are written without a header. A text that begins
 * with `=`, `+`, `-` or `@` and is no number gets a `'` before it, so that no spreadsheet runs it. Order is kept; what
 * is held, and how slow outputs are waited for, is as in `toJsonl`. A file is replaced at the end, by one that is whole; an
 * output that cannot be written is the error of the Observable.
 *
 * ```
 * source    -a-b--x-c--|       x failed
 * written   -a-b----c--        records; the header comes with a
 * result    -a-b--x-c--|       outcomes
 * ```
 *
 * @example
 * import { literals, toCsv } from 'batchx';
 *
 * literals([{ sku: 'a-1', price: 3 }, { sku: 'b, c', price: -4 }]).pipe(toCsv('-')).subscribe();
 * // sku,price
 * // a-1,3
 * // "b, c",-4
 */
export function toCsv<T>(
  path: string,
  options: CsvSinkOptions = {},
  runtime: Runtime = defaultRuntime(),
): OperatorFunction<T, OutcomeOf<T>> {
  return sinkOf(csvSink, parseOptions(csvSinkOptions, { ...options, path }, 'toCsv'), runtime);
}

export const csvSink = defineSink({
  name: 'csv',
  main: 'path',
  status: 'stable',
  summary: 'Writes the data of each item as a record of CSV.',
  takes: 'ok',
  // A document is whole only with all that was done.
  shown: () => true,
  options: csvSinkOptions,
  examples: [
    { title: 'A file', options: { path: 'prices.csv' } },
    { title: 'Some columns, in an order of their own', options: { path: 'prices.csv', columns: ['sku', 'price'] } },
    { title: 'For another program, not for a spreadsheet', options: { path: '-', delimiter: '\\t', formulas: 'keep' } },
  ],
  open({ path, delimiter, columns, formulas }, runtime) {
    const table = new CsvTable(columns, delimiterOf(delimiter), formulas === 'quote');
    const textOf = ({ data }: Item): string => table.row(data);
    const end = (): string => table.end();
    return openOutput(path, runtime, (output) => textWriter(output, textOf, end), { document: true });
  },
});
