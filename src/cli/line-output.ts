import type { Argument } from '../core/command/argument.js';
import type { Stdio } from '../core/runtime.js';
import { tagged } from '../core/tagged.js';

const LF = 0x0a;
/** How much of a line that has not ended yet is kept before it is written as it stands, in bytes. */
const LONGEST = 1024 * 1024;

/** The beginning of a line. */
interface Begun {
  readonly pieces: Uint8Array[];
  size: number;
}

/** Writes what commands write line by line as they run; lines of several come between each other, and stay whole. */
export class LineOutput {
  readonly #stdio: Stdio;
  readonly #tag: boolean;
  /** By command and stream. */
  readonly #begun = new Map<string, Begun>();

  constructor(stdio: Stdio, tag: boolean) {
    this.#stdio = stdio;
    this.#tag = tag;
  }

  /** Takes what a command wrote; without bytes the stream is at its end, and what is left is written. */
  readonly write = (
    stream: 'stdout' | 'stderr',
    bytes: Uint8Array | undefined,
    { seq, tag }: { readonly seq: number; readonly tag: Argument },
  ): void | Promise<void> => {
    const key = `${seq} ${stream}`;
    const begun = this.#begun.get(key) ?? { pieces: [], size: 0 };
    this.#begun.delete(key);
    const end = bytes === undefined ? 0 : bytes.lastIndexOf(LF) + 1;
    if (bytes !== undefined && end === 0) {
      begun.pieces.push(bytes);
      begun.size += bytes.length;
      if (begun.size < LONGEST) {
        this.#begun.set(key, begun);
        return;
      }
    }
    if (bytes !== undefined && end > 0 && end < bytes.length) {
      const rest = bytes.subarray(end);
      this.#begun.set(key, { pieces: [rest], size: rest.length });
    }
    const whole = Buffer.concat(end === 0 ? begun.pieces : [...begun.pieces, (bytes as Uint8Array).subarray(0, end)]);
    if (whole.length === 0) return;
    const to = stream === 'stdout' ? this.#stdio.output : this.#stdio.errors;
    return to.write(this.#tag ? tagged(Buffer.concat([Buffer.from(tag as string), TAB]))(whole) : whole);
  };
}

const TAB = Buffer.from('\t');
