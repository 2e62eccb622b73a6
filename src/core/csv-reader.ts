import { type CsvForm, CsvRecord } from './csv.js';
import { isDeadLetter, openDeadLetter } from './dead-letter.js';
import { BatchxError } from './errors.js';
import { Item, type Metadata, type Place } from './item.js';
import { LINE_LIMIT, type RowReader, tooLong } from './rows.js';

/** How a source reads CSV; shared by its files, which are counted through. */
export interface CsvReading {
  readonly form: CsvForm;
  /** Whether files begin with the names of the columns; or the names, when they do not. */
  readonly header: boolean | readonly string[];
  readonly name: ((item: Item) => Item) | undefined;
  seq: number;
}

/** The names of the columns; undefined where rows are lists. */
type Columns = readonly string[] | undefined;

/** A record that has begun: its lines as they stand, unless it is too long. */
interface Begun {
  readonly record: CsvRecord;
  readonly place: Place;
  readonly at: number;
  lines: (string | Buffer)[] | undefined;
  size: number;
  error: BatchxError | undefined;
}

/** Makes items of the lines of one file of CSV, or of dead letters when its first line is one. */
export class CsvReader implements RowReader<unknown> {
  readonly exact = true;
  readonly #reading: CsvReading;
  readonly #source: string;
  #columns: Columns;
  #awaitsHeader: boolean;
  #holdsLetters: boolean | undefined;
  #begun: Begun | undefined;

  constructor(reading: CsvReading, source: string) {
    this.#reading = reading;
    this.#source = source;
    this.#awaitsHeader = reading.header === true;
    this.#columns = typeof reading.header === 'boolean' ? undefined : reading.header;
  }

  row(text: string, place: Place, at: number): Item | undefined {
    const blank = text === '' || text === '\r';
    if (blank && this.#begun === undefined) return undefined;
    this.#holdsLetters ??= isDeadLetter(text);
    if (this.#holdsLetters) return this.#letter(text, place, at);
    return this.#take(text, text, place, at);
  }

  bad(error: BatchxError, place: Place, at: number, bytes: Buffer | undefined): Item | undefined {
    this.#holdsLetters ??= false;
    const begun = this.#begin(place, at);
    begun.error ??= error;
    // Taken byte for byte the line still shows where the record ends. Of a line that is too long nothing is known.
    if (bytes !== undefined) return this.#take(bytes.toString('latin1'), bytes, place, at);
    begun.lines = undefined;
    return this.#finish(begun);
  }

  end(): Item | undefined {
    if (this.#begun === undefined) return undefined;
    this.#begun.error ??= this.#begun.record.broken();
    return this.#finish(this.#begun);
  }

  #begin(place: Place, at: number): Begun {
    return (this.#begun ??= {
      record: new CsvRecord(this.#reading.form),
      place,
      at,
      lines: [],
      size: 0,
      error: undefined,
    });
  }

  #take(line: string, kept: string | Buffer, place: Place, at: number): Item | undefined {
    const begun = this.#begin(place, at);
    begun.size += kept.length;
    begun.lines?.push(kept);
    if (begun.size > LINE_LIMIT && begun.lines !== undefined) {
      begun.error ??= tooLong();
      begun.lines = undefined;
      begun.record.drop();
    }
    try {
      if (!begun.record.take(line)) return undefined;
    } catch (error) {
      begun.error ??= BatchxError.from(error);
    }
    return this.#finish(begun);
  }

  #finish({ record, place, at, lines, error }: Begun): Item | undefined {
    this.#begun = undefined;
    const { cells } = record;
    if (this.#awaitsHeader) {
      this.#awaitsHeader = false;
      this.#columns = this.#header(cells, error);
      return undefined;
    }
    try {
      if (error !== undefined) throw error;
      const item = this.#item(cells, this.#columns, place, at);
      this.#reading.seq++;
      return item;
    } catch (thrown) {
      return this.#failed(BatchxError.from(thrown), lines, place, at);
    }
  }

  #item(cells: readonly string[], columns: Columns, place?: Place, at = 0): Item {
    const { seq, name } = this.#reading;
    const item = new Item<unknown>(seq, columns === undefined ? cells : objectOf(cells, columns), undefined, place, at);
    return name === undefined ? item : name(item);
  }

  /** The record is kept as it stands, with what is needed to read it again without its file. */
  #failed(error: BatchxError, lines: Begun['lines'], place: Place, at: number): Item {
    const isText = lines?.every((line) => typeof line === 'string') === true;
    const raw = isText ? lines.join('\n').replace(/\r$/, '') : undefined;
    const bytes = isText || lines === undefined ? undefined : joined(lines);
    const metadata = this.#columns === undefined ? undefined : { columns: this.#columns };
    return new Item<unknown>(this.#reading.seq++, undefined, raw, place, at, { metadata, bytes, format: 'csv' }).fail(
      error,
    );
  }

  #header(names: readonly string[], error: BatchxError | undefined): Columns {
    const twice = names.findIndex((name, i) => names.indexOf(name) !== i);
    if (error === undefined && twice < 0) return names;
    const why =
      error?.message ??
      `it names ${JSON.stringify(names[twice])} twice, in columns ${names.indexOf(names[twice] ?? '') + 1} and ${twice + 1}`;
    throw new BatchxError('input', `cannot read ${this.#source}: its header: ${why}`, {
      where: this.#source,
      cause: error,
    });
  }

  #letter(text: string, place: Place, at: number): Item {
    const item = openDeadLetter(text, this.#reading.seq, { format: 'csv', read: this.#again });
    if (item === undefined) {
      return this.#failed(
        new BatchxError('parse', 'not a dead letter, as the first line of this file is'),
        [text],
        place,
        at,
      );
    }
    this.#reading.seq++;
    return item;
  }

  readonly #again = (text: string, { columns }: Metadata): Item => {
    const record = new CsvRecord(this.#reading.form);
    const lines = text.split('\n');
    const used = lines.findIndex((line) => record.take(line)) + 1;
    if (used === 0) throw record.broken();
    if (used < lines.length)
      throw new BatchxError('parse', `expected one record, it ends with line ${used} of ${lines.length}`);
    const { header } = this.#reading;
    if (header === false) return this.#item(record.cells, undefined);
    if (header !== true) return this.#item(record.cells, header);
    if (isNames(columns)) return this.#item(record.cells, columns);
    throw new BatchxError(
      'parse',
      'the columns of this record are not known: neither a header nor its dead letter names them',
    );
  };
}

function objectOf(cells: readonly string[], columns: readonly string[]): Record<string, string> {
  if (cells.length !== columns.length) {
    throw new BatchxError('parse', `expected ${columns.length} cells, as in the header, got ${cells.length}`);
  }
  const row: Record<string, string> = {};
  for (let i = 0; i < columns.length; i++) {
    const name = columns[i] as string;
    const value = cells[i] as string;
    // An assignment to this one name would set the prototype.
    if (name === '__proto__')
      Object.defineProperty(row, name, { value, enumerable: true, writable: true, configurable: true });
    else row[name] = value;
  }
  return row;
}

const isNames = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.length > 0 && value.every((name) => typeof name === 'string');

const joined = (lines: readonly (string | Buffer)[]): Buffer =>
  Buffer.concat(lines.flatMap((line, i) => (i === 0 ? [Buffer.from(line)] : [Buffer.from('\n'), Buffer.from(line)])));
