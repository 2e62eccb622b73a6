import { spawnSync } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemCode } from '../../src/core/errors.js';

/**
 * A pipe of the system and its writer, which never waits: it writes all that the pipe takes and counts it.
 *
 * What the reader has taken is what was accepted less what lies in the pipe, and a pipe that accepts no more is full.
 */
export class Pipe {
  readonly #reader: number;
  readonly #writer: number;
  readonly #bytes: Buffer;
  /** How much lies in the pipe when nothing has been read. */
  readonly #capacity: number;
  #accepted = 0;
  #open = true;
  /** Whether the reader has closed its end. */
  broken = false;

  constructor(bytes: Buffer) {
    const folder = mkdtempSync(join(tmpdir(), 'batchx-pipe-'));
    const path = join(folder, 'pipe');
    try {
      const { status, stderr } = spawnSync('mkfifo', [path], { encoding: 'utf8' });
      if (status !== 0) throw new Error(`mkfifo: ${stderr}`);
      this.#reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
      this.#writer = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK);
    } finally {
      rmSync(folder, { recursive: true });
    }
    this.#bytes = bytes;
    this.fill();
    this.#capacity = this.#accepted;
  }

  /** The end to read from; whoever reads it closes it. */
  get reader(): number {
    return this.#reader;
  }

  /**
   * The bytes that the reader has taken, when it has nothing more to do. One read of a block takes all that lies in the
   * pipe, so no page of it is half read, and one that is full holds what it can hold.
   */
  get taken(): number {
    return this.#bytes.length <= this.#capacity ? this.#bytes.length : this.#accepted - this.#capacity;
  }

  get finished(): boolean {
    return !this.#open;
  }

  /** Writes what the pipe takes now, closes it after the last byte, and says how much that was. */
  fill(): number {
    const before = this.#accepted;
    try {
      while (this.#open && this.#accepted < this.#bytes.length) {
        this.#accepted += writeSync(this.#writer, this.#bytes, this.#accepted);
      }
      if (this.#open) this.close();
    } catch (error) {
      if (systemCode(error) === 'EPIPE') this.broken = true;
      else if (systemCode(error) !== 'EAGAIN') throw error;
    }
    return this.#accepted - before;
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    closeSync(this.#writer);
  }
}
