import { crc32c } from './crc32c.js';
import { readHex32 } from './hex.js';

/** What stands before the sum of a line, and behind it. */
const BEFORE = Buffer.from(',"c":"');
const BEHIND = Buffer.from('"}');
/** How long all that is, without the line feed. */
const TAIL = BEFORE.length + 8 + BEHIND.length;
const LF = 1;
/** What a line ends with as long as its sum is not known. */
const UNSUMMED = ',"c":"00000000"}\n';
const HEX = Buffer.from('0123456789abcdef');

const FIRST = 64 * 1024;
/** A larger buffer is not kept once it has been written, in bytes. */
const KEPT = 4 * 1024 * 1024;

/** Lines of JSON that are held until they are written, each with the CRC-32C of all that is before it in the line. */
export class SummedLines {
  #bytes = Buffer.allocUnsafe(FIRST);
  #length = 0;

  /** How much is held, in bytes. */
  get length(): number {
    return this.#length;
  }

  /** Adds a line: an object of JSON without the closing brace. */
  add(json: string): void {
    // A character of UTF-16 has up to three bytes in UTF-8.
    const needed = this.#length + json.length * 3 + TAIL + LF;
    if (needed > this.#bytes.length) this.#grow(needed);
    const bytes = this.#bytes;
    const start = this.#length;
    // Each call into the system's side costs more than the sum does: the line is written in one go.
    this.#length = start + bytes.write(json + UNSUMMED, start);
    const end = this.#length - UNSUMMED.length;
    const sum = crc32c(bytes, start, end);
    let at = end + BEFORE.length;
    for (let shift = 28; shift >= 0; shift -= 4) bytes[at++] = HEX[(sum >>> shift) & 15] as number;
  }

  /** Adds lines as they are. */
  addText(lines: string): void {
    const needed = this.#length + lines.length * 3;
    if (needed > this.#bytes.length) this.#grow(needed);
    this.#length += this.#bytes.write(lines, this.#length);
  }

  /** What has been added since the last time; only good until the next line is added. */
  take(): Uint8Array {
    const taken = this.#bytes.subarray(0, this.#length);
    this.#length = 0;
    if (this.#bytes.length > KEPT) this.#bytes = Buffer.allocUnsafe(FIRST);
    return taken;
  }

  #grow(needed: number): void {
    const larger = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, needed));
    this.#bytes.copy(larger, 0, 0, this.#length);
    this.#bytes = larger;
  }
}

/** Whether a line, without its line feed, is whole: there is a sum behind all else, and it is the right one. */
export function isWhole(bytes: Uint8Array, start: number, end: number): boolean {
  const tail = end - TAIL;
  if (tail < start + 2 || !holds(bytes, tail, BEFORE) || !holds(bytes, end - BEHIND.length, BEHIND)) return false;
  const sum = readHex32(bytes, tail + BEFORE.length);
  return sum !== undefined && sum === crc32c(bytes, start, tail);
}

/** Whether a text stands at a place. */
export function holds(bytes: Uint8Array, at: number, text: Uint8Array): boolean {
  for (let i = 0; i < text.length; i++) if (bytes[at + i] !== text[i]) return false;
  return true;
}
