import * as z from 'zod';
import { BatchxError } from './errors.js';

/** How cells are told apart. Without a quote they cannot contain a delimiter or a line break. */
export interface CsvForm {
  readonly delimiter: string;
  readonly quote: string | undefined;
}

/** The option that says what stands between cells. A tab may be written `\t`, as a shell would have it. */
export const csvDelimiter = () =>
  z
    .string()
    .regex(/^[^"'\r\n]+$/, 'expected a delimiter of at least one character, without quotes and line breaks')
    .default(',')
    .describe('What stands between cells; `\\t` for a tab.');

/** The names of columns, in an option. */
export const columnNames = () =>
  z
    .array(z.string())
    .min(1, 'expected at least one column')
    .refine((names) => new Set(names).size === names.length, 'expected each column once');

/** The delimiter that a `csvDelimiter` option names. */
export const delimiterOf = (option: string): string => (option === '\\t' ? '\t' : option);

/**
 * The cells of one record, which is given line by line as a quoted cell may contain line breaks.
 *
 * A quote stands at the beginning and the end of a cell, and doubled within it. A record in which it stands elsewhere is
 * broken, and ends with the line where that was found.
 */
export class CsvRecord {
  cells: string[] = [];
  readonly #form: CsvForm;
  /** What was read of a quoted cell that has not been closed. */
  #open: string | undefined;
  #dropped = false;

  constructor(form: CsvForm) {
    this.#form = form;
  }

  /** Takes a line, without its LF; false as long as a quoted cell goes on in the next one. */
  take(line: string): boolean {
    const { delimiter, quote } = this.#form;
    const end = line.endsWith('\r') ? line.length - 1 : line.length;
    if (quote === undefined || (this.#open === undefined && !line.includes(quote))) {
      this.cells = line.slice(0, end).split(delimiter);
      return true;
    }
    for (let at = 0; ; at += delimiter.length) {
      if (this.#open !== undefined || line.startsWith(quote, at)) {
        at = this.#quoted(line, this.#open === undefined ? at + 1 : at, quote);
        if (at < 0) return false;
        if (at >= end) return true;
        if (!line.startsWith(delimiter, at))
          throw this.#broken(`a quote closes cell ${this.cells.length}, but text follows it`);
      } else {
        const found = line.indexOf(delimiter, at);
        const cell = line.slice(at, found < 0 ? end : found);
        this.#push(cell);
        if (cell.includes(quote))
          throw this.#broken(`there is a quote within cell ${this.cells.length}, which is not quoted`);
        if (found < 0) return true;
        at = found;
      }
    }
  }

  /** The input is over within a quoted cell. */
  broken(): BatchxError {
    return this.#broken(`the quote that opens cell ${this.cells.length + 1} is not closed`);
  }

  /** Keeps nothing of what was read and will be, only whether a quote is open: the record is too long. */
  drop(): void {
    this.#dropped = true;
    this.cells = [];
  }

  /** Where the text behind a quoted cell begins; negative when the cell goes on in the next line. */
  #quoted(line: string, start: number, quote: string): number {
    let text = this.#open ?? '';
    for (let at = start; ;) {
      const found = line.indexOf(quote, at);
      if (found < 0) {
        this.#open = this.#dropped ? '' : `${text}${line.slice(at)}\n`;
        return -1;
      }
      if (!line.startsWith(quote, found + 1)) {
        this.#open = undefined;
        this.#push(text + line.slice(at, found));
        return found + 1;
      }
      text += line.slice(at, found + 1);
      at = found + 2;
    }
  }

  #push(cell: string): void {
    if (!this.#dropped) this.cells.push(cell);
  }

  #broken(why: string): BatchxError {
    return new BatchxError('parse', `not CSV: ${why}`);
  }
}

/** A line of CSV, without its end. A line of one empty cell is quoted: an empty line would be passed over. */
export function csvLine(cells: readonly string[], delimiter: string): string {
  if (cells.length === 1 && cells[0] === '') return '""';
  return cells.map((cell) => (mustQuote(cell, delimiter) ? `"${cell.replaceAll('"', '""')}"` : cell)).join(delimiter);
}

const mustQuote = (cell: string, delimiter: string): boolean =>
  cell.includes('"') ||
  cell.includes('\n') ||
  cell.includes('\r') ||
  endsEarly(cell, delimiter) ||
  beginsMarked(cell === '' ? delimiter : cell);

/** Whether a delimiter is found before the one that follows the cell: of several characters it may begin in the cell. */
const endsEarly = (cell: string, delimiter: string): boolean =>
  delimiter.length === 1 ? cell.includes(delimiter) : (cell + delimiter).indexOf(delimiter) < cell.length;

/** A byte order mark at the very beginning of the text would be dropped. */
const beginsMarked = (text: string): boolean => text.charCodeAt(0) === 0xfeff;
