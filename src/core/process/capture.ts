import { BLOCK } from '../bytes-in.js';
import type { Captured, Keep } from './process.js';
import type { Spool } from './spool.js';

/**
 * Takes the bytes that a program writes: the first into memory, what is more into the temporary file of all, or
 * nowhere.
 */
export class Capture implements Captured {
  size = 0;
  readonly #wanted: Keep;
  readonly #file: Spool;
  #memory = EMPTY;
  #held = 0;
  #blocks: number[] = [];
  #spooled = 0;

  constructor(wanted: Keep, file: Spool) {
    this.#wanted = wanted;
    this.#file = file;
  }

  get kept(): Uint8Array {
    return this.#memory.subarray(0, this.#held);
  }

  /** The bytes are the caller's again when this returns. Throws when they cannot be written to the temporary file. */
  take(bytes: Uint8Array): void | Promise<void> {
    const held = this.#wanted.onBytes?.(Buffer.from(bytes));
    this.keep(bytes);
    return held;
  }

  /** The same, for nobody else. */
  keep(bytes: Uint8Array): void {
    this.size += bytes.length;
    const { keep, spool } = this.#wanted;
    const fits = Math.min(bytes.length, keep - this.#held);
    if (fits > 0) this.#hold(bytes.subarray(0, fits));
    if (spool && fits < bytes.length) this.#spool(bytes.subarray(fits));
  }

  #hold(bytes: Uint8Array): void {
    const size = this.#held + bytes.length;
    if (size > this.#memory.length) {
      // Most programs write once: no more than that is taken for it. Then twice as much, so that it is copied seldom.
      const length = this.#held === 0 ? size : Math.min(this.#wanted.keep, Math.max(size, 2 * this.#memory.length));
      const larger = Buffer.allocUnsafe(length);
      larger.set(this.kept);
      this.#memory = larger;
    }
    this.#memory.set(bytes, this.#held);
    this.#held = size;
  }

  #spool(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length;) {
      const within = this.#spooled % BLOCK;
      if (within === 0) this.#blocks.push(this.#file.take());
      const part = bytes.subarray(at, at + BLOCK - within);
      this.#file.write(this.#blocks.at(-1) as number, within, part);
      this.#spooled += part.length;
      at += part.length;
    }
  }

  async *blocks(): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < this.#held; at += BLOCK) yield this.kept.subarray(at, at + BLOCK);
    for (let at = 0; at < this.#spooled;) {
      const within = at % BLOCK;
      const bytes = Buffer.allocUnsafe(Math.min(BLOCK - within, this.#spooled - at));
      const size = await this.#file.read(this.#blocks[(at - within) / BLOCK] as number, within, bytes);
      // It may have been disposed of meanwhile, and what was read be another's.
      if (size === 0 || at >= this.#spooled) return;
      at += size;
      yield bytes.subarray(0, size);
    }
  }

  dispose(): void {
    this.#file.free(this.#blocks);
    this.#blocks = [];
    this.#spooled = 0;
  }
}

const EMPTY = Buffer.alloc(0);
