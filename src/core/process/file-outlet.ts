import { closeSync, constants, readSync } from 'node:fs';
import { BLOCK } from '../bytes-in.js';
import type { Runtime } from '../runtime.js';
import type { Outlet, Take } from './outlet.js';
import { openTemporary } from './temporary-file.js';

/**
 * An outlet of one descriptor, where there are none for anything better: a temporary file, read when the program has
 * exited. So nothing is passed on before, and however much the program writes is on the disk.
 */
export class FileOutlet implements Outlet {
  readonly #runtime: Runtime;
  #fd: number | undefined;
  #take: Take = () => undefined;

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  open(): number {
    return (this.#fd = openTemporary(this.#runtime, constants.O_APPEND));
  }

  read(take: Take): void {
    this.#take = take;
  }

  async finish(): Promise<void> {
    const block = Buffer.allocUnsafe(BLOCK);
    for (let at = 0; this.#fd !== undefined;) {
      const size = readSync(this.#fd, block, 0, block.length, at);
      if (size === 0) return;
      at += size;
      await this.#take(block.subarray(0, size));
    }
  }

  close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }
}
