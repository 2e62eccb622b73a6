import { closeSync, openSync, writeSync } from 'node:fs';
import { unwritable } from '../core/bytes-out.js';

/** How many numbers are held before they are written. */
const HELD = 4096;

/** The order in which items came by in a run: the number of each one's entry, four bytes long, in a file. */
export class OrderFile {
  readonly path: string;
  readonly #fd: number;
  readonly #held = Buffer.alloc(HELD * 4);
  #length = 0;
  #last = -1;
  #after = false;
  /** Whether the lines of an output that is added to would not be in this order. */
  disordered = false;

  constructor(path: string) {
    this.path = path;
    this.#fd = openSync(path, 'w');
  }

  /** Adds an item; `before` says that an earlier run has written it. */
  add(entry: number, before: boolean): void {
    // What was written earlier stands before all that is new, in the order of its entries.
    if (before && (this.#after || entry < this.#last)) this.disordered = true;
    if (before) this.#last = entry;
    else this.#after = true;
    this.#held.writeUInt32LE(entry, this.#length);
    this.#length += 4;
    if (this.#length === this.#held.length) this.flush();
  }

  flush(): void {
    try {
      for (let at = 0; at < this.#length;) at += writeSync(this.#fd, this.#held, at, this.#length - at);
    } catch (error) {
      throw unwritable(this.path, error);
    }
    this.#length = 0;
  }

  close(): void {
    closeSync(this.#fd);
  }
}
