import { closeSync, fdatasync, fstatSync, writeSync } from 'node:fs';
import { unwritable } from '../core/bytes-out.js';
import { SummedLines } from './summed-lines.js';

/** Whether what is to be safe is waited for until it is on the disk, or left to the system. */
export type Durability = 'power' | 'off';

/** A file of lines that is open at its end. Lines are held until they are written, and safe once they are synced. */
export class AppendFile {
  readonly path: string;
  readonly #fd: number;
  readonly #durability: Durability;
  readonly #lines = new SummedLines();
  #size: number;
  #synced: number;
  /** What went wrong first: a part of a line may stand at the end then, and what came behind it would be lost with it. */
  #failed: { readonly error: unknown } | undefined;

  /** `fd` is open for reading and appending. */
  constructor(fd: number, path: string, durability: Durability) {
    this.#fd = fd;
    this.path = path;
    this.#durability = durability;
    this.#size = this.#synced = fstatSync(fd).size;
  }

  get fd(): number {
    return this.#fd;
  }

  /** How much has been written, in bytes. */
  get size(): number {
    return this.#size;
  }

  /** Where the next line will begin. */
  get end(): number {
    return this.#size + this.#lines.length;
  }

  /** How much is held, in bytes. */
  get held(): number {
    return this.#lines.length;
  }

  /** Adds a line: an object of JSON without the closing brace. */
  add(json: string): void {
    this.#lines.add(json);
  }

  /** Adds lines as they are, each with its line feed. */
  addText(lines: string): void {
    this.#lines.addText(lines);
  }

  /** Hands what is held to the system: it survives the process then. */
  write(): void {
    if (this.#failed !== undefined) throw this.#failed.error;
    const bytes = this.#lines.take();
    try {
      for (let at = 0; at < bytes.length;) {
        const taken = writeSync(this.#fd, bytes, at, bytes.length - at);
        if (taken === 0) throw new Error('the system takes no more bytes');
        at += taken;
        this.#size += taken;
      }
    } catch (error) {
      this.#failed = { error: unwritable(this.path, error) };
      throw this.#failed.error;
    }
  }

  /** Writes what is held, and is done when it is on the disk: it survives the machine then. Gives how much is there. */
  async sync(): Promise<number> {
    this.write();
    const size = this.#size;
    if (this.#durability === 'off' || this.#synced === size) return size;
    await new Promise<void>((resolve, reject) => {
      fdatasync(this.#fd, (error) => {
        if (error === null) {
          resolve();
          return;
        }
        this.#failed ??= { error: unwritable(this.path, error) };
        reject(unwritable(this.path, error));
      });
    });
    this.#synced = Math.max(this.#synced, size);
    return size;
  }

  close(): void {
    closeSync(this.#fd);
  }
}
