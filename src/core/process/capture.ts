import { closeSync, read } from 'node:fs';
import { BLOCK } from '../bytes-in.js';
import { classOf } from '../error-class.js';
import { BatchxError, messageOf } from '../errors.js';
import type { Runtime } from '../runtime.js';
import type { Captured, Keep } from './process.js';
import { openTemporary, temporaryFolder, writeAt } from './temporary-file.js';

/**
 * Takes the bytes that a program writes: the first into memory, what is more into a temporary file, which is made only
 * then, or nowhere.
 */
export class Capture implements Captured {
  size = 0;
  readonly #runtime: Runtime;
  readonly #wanted: Keep;
  #memory = EMPTY;
  #held = 0;
  #file: number | undefined;
  #spooled = 0;

  constructor(wanted: Keep, runtime: Runtime) {
    this.#wanted = wanted;
    this.#runtime = runtime;
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
    try {
      this.#file ??= openTemporary(this.#runtime);
      writeAt(this.#file, bytes, this.#spooled);
    } catch (error) {
      const folder = temporaryFolder(this.#runtime);
      throw new BatchxError('output', `cannot keep what the program writes in ${folder}: ${messageOf(error)}`, {
        class: classOf(error) === 'resource' ? 'resource' : 'fatal',
        inDoubt: true,
        where: folder,
        cause: error,
      });
    }
    this.#spooled += bytes.length;
  }

  async *blocks(): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < this.#held; at += BLOCK) yield this.kept.subarray(at, at + BLOCK);
    for (let at = 0; at < this.#spooled;) {
      const block = Buffer.allocUnsafe(Math.min(BLOCK, this.#spooled - at));
      const size = await readAt(this.#file, block, at);
      if (size === 0) return;
      at += size;
      yield block.subarray(0, size);
    }
  }

  dispose(): void {
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
    this.#spooled = 0;
  }
}

const EMPTY = Buffer.alloc(0);

/** Of a file that was closed meanwhile nothing comes any more. */
const readAt = (fd: number | undefined, block: Buffer, at: number): Promise<number> =>
  new Promise((resolve, reject) => {
    if (fd === undefined) resolve(0);
    else
      read(fd, block, 0, block.length, at, (error, size) => {
        if (error === null) resolve(size);
        else reject(error);
      });
  });
