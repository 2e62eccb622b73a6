import { type Argument, argumentOf, mapArgument } from '../core/command/argument.js';
import { Arguments } from '../core/command/arguments.js';
import type { ByteBlocks } from '../core/bytes-in.js';
import { isDeadLetter, openDeadLetter } from '../core/dead-letter.js';
import { BatchxError } from '../core/errors.js';
import { Item, type Place } from '../core/item.js';
import { type RowReader, rows } from '../core/rows.js';

/** How the values of all lists are read. */
export interface ArgumentReading {
  readonly colsep: RegExp | undefined;
  readonly header: boolean;
  readonly null: boolean;
  readonly keepEmpty: boolean;
  readonly trim: (value: Argument) => Argument;
}

/** One line of a list: its columns. */
export type Row = readonly Argument[];

/** Makes rows of the lines of one list. The first may name the columns. */
export class ArgumentReader implements RowReader<Row> {
  /** Of lines the CR before an LF is dropped by whoever cuts them; a NUL ends exactly what it ends. */
  readonly exact: boolean;
  readonly #reading: ArgumentReading;
  readonly #source: string;
  /** The data of a dead letter stands for all its values; only a list that is on its own can take it. */
  readonly #letters: boolean;
  readonly #again = { format: 'arguments', read: (text: string): Item => Item.of(new Arguments(this.#columns(text))) };
  #names: readonly string[] | undefined;
  #seq = 0;

  constructor(reading: ArgumentReading, source: string, letters: boolean) {
    this.#reading = reading;
    this.#source = source;
    this.#letters = letters;
    this.exact = reading.null || reading.keepEmpty;
  }

  /** What the columns are called, once the first row has been read. */
  get names(): readonly string[] {
    return this.#names ?? [];
  }

  /** What the values of a row are called. */
  namesOf(row: Row): readonly string[] | undefined {
    if (!this.#reading.header) return undefined;
    const names = this.names;
    return row.length > names.length ? [...names, ...row.slice(names.length).map(() => '')] : names;
  }

  row(text: string, place: Place | undefined, at: number): Item<Row> | undefined {
    if (this.#letters && isDeadLetter(text)) {
      const letter = openDeadLetter(text, this.#seq, this.#again);
      if (letter !== undefined) {
        this.#seq++;
        return letter as Item<Row>;
      }
    }
    return this.#row(this.#reading.null ? swapText(text) : this.exact ? text.replace(/\r$/, '') : text, place, at);
  }

  /** The row of a value that is no line of a file: it is taken as it is. */
  given(value: Argument): Item<Row> | undefined {
    return this.#row(value, undefined, 0);
  }

  bad(error: BatchxError, place: Place, at: number, bytes: Buffer | undefined): Item<Row> | undefined {
    if (bytes === undefined) {
      return new Item<Row>(this.#seq++, [], undefined, place, at, { format: 'arguments' }).fail(error);
    }
    if (this.#reading.null) return this.#row(swap(bytes), place, at);
    return this.#row(bytes.at(-1) === CR ? bytes.subarray(0, -1) : bytes, place, at);
  }

  #row(line: Argument, place: Place | undefined, at: number): Item<Row> | undefined {
    if (line.length === 0 && place !== undefined && !this.#reading.keepEmpty) return undefined;
    const columns = this.#columns(line);
    if (!this.#reading.header) return new Item(this.#seq++, columns, undefined, place, at);
    if (this.#names === undefined) {
      this.#names = columns.map((name) => this.#name(name));
      return undefined;
    }
    // A name whose column is not there stands for nothing, and must not make those of the next list move up.
    const missing = Math.max(0, this.#names.length - columns.length);
    const filled = missing === 0 ? columns : [...columns, ...Array.from({ length: missing }, () => '')];
    return new Item(this.#seq++, filled, undefined, place, at);
  }

  #columns(line: Argument): Row {
    const { colsep, trim } = this.#reading;
    if (colsep === undefined) return [trim(line)];
    if (typeof line === 'string') return line.split(colsep).map((column) => trim(column ?? ''));
    const cells = Buffer.from(line).toString('latin1').split(colsep);
    return cells.map((cell) => trim(argumentOf(Buffer.from(cell ?? '', 'latin1'))));
  }

  #name(name: Argument): string {
    if (typeof name === 'string') return name;
    const why = 'its first value is not UTF-8 text, and with `header` it names the others';
    throw new BatchxError('input', `cannot read ${this.#source}: ${why}`, { where: this.#source });
  }
}

/** The rows of a file, a block for each read. */
export const rowsOf = (
  blocks: ByteBlocks,
  source: string,
  reader: ArgumentReader,
  nul: boolean,
): AsyncIterable<Item<Row>[]> => rows(nul ? swapped(blocks) : blocks, source, reader);

const CR = 0x0d;
const LF = 0x0a;

/** Line breaks and NULs change places, so that what cuts lines cuts values that end with NUL. */
async function* swapped(blocks: ByteBlocks): ByteBlocks {
  for await (const block of blocks) yield swap(block);
}

function swap(bytes: Buffer): Buffer {
  const out = Buffer.from(bytes);
  for (let i = 0; i < out.length; i++) {
    const byte = out[i];
    if (byte === 0) out[i] = LF;
    else if (byte === LF) out[i] = 0;
  }
  return out;
}

const swapText = (text: string): string => (text.includes('\0') ? text.replaceAll('\0', '\n') : text);

const blanks = { l: /^[ \t\n\v\f\r]+/, r: /(?<![ \t\n\v\f\r])[ \t\n\v\f\r]+$/ };

/** What takes the blanks from the sides of a value. */
export function trimmer(sides: 'n' | 'l' | 'r' | 'lr' | 'rl'): (value: Argument) => Argument {
  if (sides === 'n') return (value) => value;
  const trim = (text: string): string => {
    const right = sides === 'l' ? text : text.replace(blanks.r, '');
    return sides === 'r' ? right : right.replace(blanks.l, '');
  };
  return (value) => mapArgument(value, trim);
}
