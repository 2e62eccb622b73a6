import { isAscii, isUtf8 } from 'node:buffer';
import type { ByteBlocks } from './bytes-in.js';
import { BatchxError } from './errors.js';
import type { Item, Metadata, Place } from './item.js';

/** The longest line that is taken; the rest of a longer one is passed over without being kept. */
export const LINE_LIMIT = 16 * 1024 * 1024;

/** Makes items of lines. Undefined passes a line over. */
export interface RowReader<T> {
  /** A line without its end, from `at` of `place`. */
  row(text: string, place: Place, at: number): Item<T> | undefined;
  /** A line that is not text or is too long; `bytes` are there unless it is too long. */
  bad(error: BatchxError, place: Place, at: number, bytes: Buffer | undefined): Item<T>;
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
    const error = new BatchxError('parse', `longer than ${LINE_LIMIT / 1024 / 1024} MiB, which is the most a line may have`);
    items.push(this.#reader.bad(error, this.#place(''), 0, undefined));
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
    let at = this.#offset === 0 && text.charCodeAt(0) === 0xfeff ? 1 : 0;
    let lines = 0;
    while (at < text.length) {
      let end = text.indexOf('\n', at);
      if (end < 0) end = text.length;
      const last = end > at && text.charCodeAt(end - 1) === CR ? end - 1 : end;
      if (last > at) {
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
    for (let at = 0; at < bytes.length; ) {
      const found = bytes.indexOf(LF, at);
      const end = found < 0 ? bytes.length : found + 1;
      const line = bytes.subarray(at, end);
      this.#offset = offset + at;
      if (isUtf8(line)) this.#text(line.toString('utf8'), items, false);
      else {
        const kept = Buffer.from(line.subarray(0, found < 0 ? line.length : -1));
        items.push(this.#reader.bad(new BatchxError('parse', notUtf8(kept)), this.#place(''), 0, kept));
        this.#line++;
      }
      at = end;
    }
    this.#offset = offset;
  }

  #place(text: string): Place {
    return new TextBlock(this.#source, text, this.#line, this.#offset, true);
  }
}

function notUtf8(bytes: Buffer): string {
  const valid = bytes.toString('utf8').indexOf('\ufffd');
  return `not UTF-8 text, from byte ${Buffer.byteLength(bytes.toString('utf8').slice(0, valid)) + 1} of the line on`;
}

/** A run of whole lines, decoded at once. Lines and offsets are only counted for those that ask. */
class TextBlock implements Place {
  readonly source: string;
  readonly #text: string;
  readonly #line: number;
  readonly #offset: number;
  readonly #ascii: boolean;

  constructor(source: string, text: string, line: number, offset: number, ascii: boolean) {
    this.source = source;
    this.#text = text;
    this.#line = line;
    this.#offset = offset;
    this.#ascii = ascii;
  }

  locate(at: number): Metadata & { readonly line: number; readonly offset: number } {
    let line = this.#line;
    for (let i = this.#text.indexOf('\n'); i >= 0 && i < at; i = this.#text.indexOf('\n', i + 1)) line++;
    return { line, offset: this.#offset + (this.#ascii ? at : Buffer.byteLength(this.#text.slice(0, at))) };
  }
}
