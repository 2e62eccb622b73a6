import { isAscii, isUtf8 } from 'node:buffer';
import type { ByteBlocks } from './bytes-in.js';
import { BatchxError } from './errors.js';
import type { Item, Metadata, Place } from './item.js';

/** The longest line that is taken; the rest of a longer one is passed over without being kept. */
export const LINE_LIMIT = 16 * 1024 * 1024;

/** Makes items of lines. Undefined passes a line over. */
export interface RowReader<T> {
  /** True to be given every line as it stands: empty ones too, and the CR before an LF. */
  readonly exact?: boolean;
  /** A line without its end, from `at` of `place`. */
  row(text: string, place: Place, at: number): Item<T> | undefined;
  /** A line that is not text or is too long; `bytes` are there unless it is too long. */
  bad(error: BatchxError, place: Place, at: number, bytes: Buffer | undefined): Item<T> | undefined;
  /** The input is over: the item of a record that it broke off, if there is one. */
  end?(): Item<T> | undefined;
}

const LF = 10;
const CR = 13;

/**
 * Cuts bytes into lines and gives the items made of them, one array for each block that was read.
 *
 * Lines end with LF; one CR before it is dropped, as is a byte order mark at the very beginning. The last line needs
 * no LF. A line that is not UTF-8 or longer than 16 MiB becomes a failed item, and the next line is read.
 */
export async function* rows<T>(blocks: ByteBlocks, source: string, reader: RowReader<T>): AsyncGenerator<Item<T>[]> {
  const cutter = new Cutter(source, reader);
  for await (const block of blocks) {
    const items = cutter.push(block);
    if (items.length > 0) yield items;
  }
  const items = cutter.end();
  const last = reader.end?.();
  if (last !== undefined) items.push(last);
  if (items.length > 0) yield items;
}

class Cutter<T> {
  readonly #source: string;
  readonly #reader: RowReader<T>;
  /** The beginning of a line whose end has not been read yet. */
  #carry: Buffer[] = [];
  #carried = 0;
  /** True while the rest of a line that is too long goes by. */
  #skipping = false;
  #line = 1;
  #offset = 0;

  constructor(source: string, reader: RowReader<T>) {
    this.#source = source;
    this.#reader = reader;
  }

  push(block: Buffer): Item<T>[] {
    const items: Item<T>[] = [];
    let from = 0;
    if (this.#carried > 0 || this.#skipping) {
      const first = block.indexOf(LF);
      const size = first < 0 ? block.length : first;
      if (this.#carried + size > LINE_LIMIT) this.#tooLong(items);
      if (first < 0) {
        this.#keep(block);
        return items;
      }
      from = first + 1;
      if (this.#skipping) this.#skipped(from);
      else this.#lines(Buffer.concat([...this.#carry, block.subarray(0, from)]), items);
      this.#carry = [];
      this.#carried = 0;
    }
    const end = block.lastIndexOf(LF) + 1;
    if (end > from) this.#lines(block.subarray(from, end), items);
    if (block.length > Math.max(end, from)) this.#keep(block.subarray(Math.max(end, from)));
    return items;
  }

  end(): Item<T>[] {
    const items: Item<T>[] = [];
    if (this.#carried > 0) this.#lines(Buffer.concat(this.#carry), items);
    this.#carry = [];
    this.#carried = 0;
    return items;
  }

  #keep(part: Buffer): void {
    if (this.#skipping) this.#offset += part.length;
    else {
      this.#carry.push(Buffer.from(part));
      this.#carried += part.length;
    }
  }

  /** The rest of a line that was too long is over. */
  #skipped(size: number): void {
    this.#skipping = false;
    this.#offset += size;
    this.#line++;
  }

  #tooLong(items: Item<T>[]): void {
    if (this.#skipping) return;
    this.#bad(tooLong(), undefined, items);
    this.#offset += this.#carried;
    this.#carry = [];
    this.#carried = 0;
    this.#skipping = true;
  }

  /** Whole lines, the last of which may lack its end only at the end of the input. */
  #lines(bytes: Buffer, items: Item<T>[]): void {
    if (isAscii(bytes)) this.#text(bytes.toString('latin1'), items, true);
    else if (isUtf8(bytes)) this.#text(bytes.toString('utf8'), items, false);
    else this.#oneByOne(bytes, items);
    this.#offset += bytes.length;
  }

  #text(text: string, items: Item<T>[], ascii: boolean): void {
    const place = new TextBlock(this.#source, text, this.#line, this.#offset, ascii);
    const reader = this.#reader;
    const exact = reader.exact === true;
    let at = this.#offset === 0 && text.charCodeAt(0) === 0xfeff ? 1 : 0;
    let lines = 0;
    while (at < text.length) {
      let end = text.indexOf('\n', at);
      if (end < 0) end = text.length;
      const last = !exact && end > at && text.charCodeAt(end - 1) === CR ? end - 1 : end;
      if (last > at || exact) {
        const item = reader.row(text.slice(at, last), place, at);
        if (item !== undefined) items.push(item);
      }
      at = end + 1;
      lines++;
    }
    this.#line += lines;
  }

  /** Somewhere in these lines is a byte that is not UTF-8: only its line is lost. */
  #oneByOne(bytes: Buffer, items: Item<T>[]): void {
    const offset = this.#offset;
    for (let at = 0; at < bytes.length;) {
      const found = bytes.indexOf(LF, at);
      const end = found < 0 ? bytes.length : found + 1;
      const line = bytes.subarray(at, end);
      this.#offset = offset + at;
      if (isUtf8(line)) this.#text(line.toString('utf8'), items, false);
      else {
        const kept = Buffer.from(line.subarray(0, found < 0 ? line.length : -1));
        this.#bad(notUtf8(kept), kept, items);
        this.#line++;
      }
      at = end;
    }
    this.#offset = offset;
  }

  /** A line that is no row, at the offset that was reached. */
  #bad(error: BatchxError, bytes: Buffer | undefined, items: Item<T>[]): void {
    const item = this.#reader.bad(error, new TextBlock(this.#source, '', this.#line, this.#offset, true), 0, bytes);
    if (item !== undefined) items.push(item);
  }
}

/** The error of a record that is longer than the limit. */
export const tooLong = (): BatchxError =>
  new BatchxError('parse', `longer than ${LINE_LIMIT / 1024 / 1024} MiB, which is the most a record may have`);

/** The error of a record that is not text. */
export function notUtf8(bytes: Buffer): BatchxError {
  const text = bytes.toString('utf8');
  // The mark that stands for what could not be decoded may also be in the text itself.
  for (let at = text.indexOf('\ufffd'); at >= 0; at = text.indexOf('\ufffd', at + 1)) {
    const before = Buffer.byteLength(text.slice(0, at));
    if (!bytes.subarray(before, before + 3).equals(REPLACEMENT)) {
      return new BatchxError('parse', `not UTF-8 text, from byte ${before + 1} of the record on`);
    }
  }
  return new BatchxError('parse', 'not UTF-8 text');
}

const REPLACEMENT = Buffer.from('\ufffd');

/** A run of whole lines, decoded at once. Lines and offsets are only counted for those that ask. */
class TextBlock implements Place {
  readonly source: string;
  readonly #text: string;
  readonly #ascii: boolean;
  readonly #first: Found;
  /** What was found last: most ask for one row after the other, and need not count from the beginning. */
  #last: Found;

  constructor(source: string, text: string, line: number, offset: number, ascii: boolean) {
    this.source = source;
    this.#text = text;
    this.#ascii = ascii;
    this.#first = this.#last = { at: 0, line, offset };
  }

  locate(at: number): Metadata & { readonly line: number; readonly offset: number } {
    const text = this.#text;
    const from = at < this.#last.at ? this.#first : this.#last;
    let { line } = from;
    for (let i = text.indexOf('\n', from.at); i >= 0 && i < at; i = text.indexOf('\n', i + 1)) line++;
    const offset = from.offset + (this.#ascii ? at - from.at : Buffer.byteLength(text.slice(from.at, at)));
    this.#last = { at, line, offset };
    return { line, offset };
  }
}

interface Found {
  readonly at: number;
  readonly line: number;
  readonly offset: number;
}
