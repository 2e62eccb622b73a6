import { csvLine } from './csv.js';
import { BatchxError } from './errors.js';
import { jsonLine, wellFormed } from './rows-out.js';

/** Makes text of rows: a header before the first one, and a record for each. */
export class CsvTable {
  readonly #delimiter: string;
  readonly #quotesFormulas: boolean;
  /** Whether the columns were named, and not found in the first row. */
  readonly #named: boolean;
  #columns: readonly string[] | undefined;
  /** How many cells a row has that is a list, once that is known. */
  #width: number | undefined;
  #begun = false;

  constructor(columns: readonly string[] | undefined, delimiter: string, quotesFormulas: boolean) {
    this.#named = columns !== undefined;
    this.#columns = columns;
    this.#width = columns?.length;
    this.#delimiter = delimiter;
    this.#quotesFormulas = quotesFormulas;
  }

  /** The record of a row, behind the header if it is the first; throws when it does not fit. */
  row(data: unknown): string {
    const cells = Array.isArray(data) ? this.#list(data) : this.#object(data);
    const record = this.#line(cells.map((value) => textOf(value)));
    // Only a row that can be written says how many columns there are, and which.
    if (!Array.isArray(data)) this.#columns ??= Object.keys(data as object);
    this.#width ??= cells.length;
    const header = this.#begun ? '' : this.#header();
    this.#begun = true;
    return header + record;
  }

  /** What is left to write: the header, when there were no rows. */
  end(): string {
    return this.#begun ? '' : this.#header();
  }

  #header(): string {
    return this.#columns === undefined ? '' : this.#line(this.#columns);
  }

  #list(row: readonly unknown[]): readonly unknown[] {
    if (this.#width !== undefined && row.length !== this.#width) {
      throw new BatchxError('encode', `expected ${this.#width} cells, as in the first row, got ${row.length}`);
    }
    return row;
  }

  #object(row: unknown): readonly unknown[] {
    if (typeof row !== 'object' || row === null || row instanceof Date) {
      throw new BatchxError(
        'encode',
        `expected an object or a list to write as a row, got ${row === null ? 'null' : `a ${typeof row}`}`,
      );
    }
    if (this.#columns === undefined && this.#width !== undefined) {
      throw new BatchxError('encode', 'expected a list, as the first row was, got an object');
    }
    const columns = this.#columns ?? Object.keys(row);
    if (columns.length === 0) throw new BatchxError('encode', 'expected an object with at least one key');
    const extra = Object.keys(row).find((key) => !columns.includes(key));
    if (extra === undefined)
      return columns.map((name) => (Object.hasOwn(row, name) ? (row as Record<string, unknown>)[name] : undefined));
    const otherwise = this.#named ? 'name it in `columns`' : 'give it to the first row too';
    throw new BatchxError(
      'encode',
      `\`${extra}\` is not among the columns ${columns.join(', ')}: ${otherwise}, or leave it out`,
    );
  }

  #line(cells: readonly string[]): string {
    const safe = this.#quotesFormulas ? cells.map((cell) => (isFormula(cell) ? `'${cell}` : cell)) : cells;
    return `${wellFormed(csvLine(safe, this.#delimiter))}\n`;
  }
}

function textOf(value: unknown): string {
  if (value === undefined || value === null) return '';
  if (typeof value === 'string') return value;
  if (value instanceof Date) return value.toISOString();
  if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint') return String(value);
  return jsonLine(value);
}

const NUMBER = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?$/i;

/** Whether a spreadsheet would run a text; those that skip a tab or a line break before it are known too. */
const isFormula = (text: string): boolean => /^[=+\-@\t\r]/.test(text) && !NUMBER.test(text);
