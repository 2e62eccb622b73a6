import { closeSync, ftruncateSync, read } from 'node:fs';
import { BLOCK } from '../bytes-in.js';
import { classOf } from '../error-class.js';
import { BatchxError } from '../errors.js';
import { reasonOf } from '../output-error.js';
import type { Runtime } from '../runtime.js';
import { openTemporary, temporaryFolder, writeAt } from './temporary-file.js';

/**
 * A temporary file for what does not fit into memory, in blocks of 64 KB. All share the one, so that those who wait for
 * their turn hold no descriptor each. It is there only as long as a block is in use, and no longer than the last of them.
 */
export class Spool {
  readonly #runtime: Runtime;
  readonly #shrink: () => void;
  readonly #used = new Set<number>();
  #fd: number | undefined;
  /** No block before it is free, and none from the end on is used. */
  #low = 0;
  #end = 0;

  /** `shrink` lets go of descriptors, as far as that is possible. */
  constructor(runtime: Runtime, shrink: () => void) {
    this.#runtime = runtime;
    this.#shrink = shrink;
  }

  /** A block of one's own. */
  take(): number {
    while (this.#used.has(this.#low)) this.#low++;
    this.#used.add(this.#low);
    this.#end = Math.max(this.#end, this.#low + 1);
    return this.#low;
  }

  /** Writes within a block; the bytes are the caller's again. Throws, saying where, when that is not possible. */
  write(block: number, at: number, bytes: Uint8Array): void {
    try {
      this.#fd ??= this.#open();
      writeAt(this.#fd, bytes, block * BLOCK + at);
    } catch (error) {
      const folder = temporaryFolder(this.#runtime);
      const named =
        this.#runtime.env.TMPDIR === folder
          ? `${folder}, which TMPDIR names`
          : `${folder}, unless TMPDIR names another folder`;
      throw new BatchxError('output', `cannot keep what the program writes in ${named}: ${reasonOf(error)}`, {
        class: classOf(error) === 'resource' ? 'resource' : 'fatal',
        inDoubt: true,
        where: folder,
        cause: error,
      });
    }
  }

  /** Reads from a place in a block on: how many bytes there were. */
  read(block: number, at: number, bytes: Uint8Array): Promise<number> {
    return new Promise((resolve, reject) => {
      if (this.#fd === undefined) resolve(0);
      else
        read(this.#fd, bytes, 0, bytes.length, block * BLOCK + at, (error, size) => {
          if (error === null) resolve(size);
          else reject(error);
        });
    });
  }

  free(blocks: readonly number[]): void {
    for (const block of blocks) {
      this.#used.delete(block);
      this.#low = Math.min(this.#low, block);
    }
    const before = this.#end;
    while (this.#end > 0 && !this.#used.has(this.#end - 1)) this.#end--;
    if (this.#fd === undefined || this.#end === before) return;
    if (this.#end > 0) ftruncateSync(this.#fd, this.#end * BLOCK);
    else {
      closeSync(this.#fd);
      this.#fd = undefined;
    }
  }

  #open(): number {
    try {
      return openTemporary(this.#runtime);
    } catch (error) {
      if (classOf(error) !== 'resource') throw error;
      this.#shrink();
      return openTemporary(this.#runtime);
    }
  }
}
