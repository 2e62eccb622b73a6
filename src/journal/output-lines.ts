import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { unwritable } from '../core/bytes-out.js';
import type { ByteWriter } from '../core/bytes-out.js';
import type { Durability } from './append-file.js';
import { crc32c } from './crc32c.js';
import type { OutputMark } from './load-journal.js';
import { syncFolder } from './sync-folder.js';

const BLOCK = 1024 * 1024;

/** Whether a file still begins with what a mark says of it. */
export function isIntact([path, size, crc]: OutputMark): boolean {
  if ((statSync(path, { throwIfNoEntry: false })?.size ?? -1) < size) return false;
  const fd = openSync(path, 'r');
  try {
    const block = Buffer.allocUnsafe(BLOCK);
    let sum = 0;
    for (let at = 0; at < size;) {
      const read = readSync(fd, block, 0, Math.min(BLOCK, size - at), at);
      if (read === 0) return false;
      sum = crc32c(block, 0, read, sum);
      at += read;
    }
    return sum === crc;
  } finally {
    closeSync(fd);
  }
}

/** An output that lines are added to, behind those of what was done before. */
export class OutputLines implements ByteWriter {
  readonly path: string;
  readonly #file: FileHandle;
  readonly #onClose: () => void;
  readonly #durability: Durability;
  #size: number;
  #crc: number;
  #synced: number;
  #marked: OutputMark;

  private constructor(
    path: string,
    file: FileHandle,
    [, size, crc]: OutputMark,
    onClose: () => void,
    durability: Durability,
  ) {
    this.path = path;
    this.#file = file;
    this.#size = this.#synced = size;
    this.#crc = crc;
    this.#marked = [path, size, crc];
    this.#onClose = onClose;
    this.#durability = durability;
  }

  /** Opens a file behind what a mark says of it, and cuts off what comes there; without one it begins anew. */
  static async open(
    path: string,
    mark: OutputMark | undefined,
    onClose: () => void,
    durability: Durability,
  ): Promise<OutputLines> {
    try {
      const begun: OutputMark = mark ?? [path, 0, 0];
      const file = await open(path, mark === undefined ? 'w' : 'r+');
      if (mark !== undefined) await file.truncate(begun[1]);
      // What is said to be in it is in vain when its name is not on the disk.
      else if (durability !== 'off' && (await file.stat()).isFile()) syncFolder(dirname(path));
      return new OutputLines(path, file, begun, onClose, durability);
    } catch (error) {
      throw unwritable(path, error);
    }
  }

  get begun(): boolean {
    return this.#size > 0;
  }

  /** What is in it now is that of whole blocks: so much of it may be said to belong to what is done. */
  mark(): void {
    this.#marked = [this.path, this.#size, this.#crc];
  }

  get marked(): OutputMark {
    return this.#marked;
  }

  get size(): number {
    return this.#size;
  }

  get crc(): number {
    return this.#crc;
  }

  async write(bytes: Uint8Array): Promise<void> {
    try {
      for (let at = 0; at < bytes.length;) {
        const { bytesWritten } = await this.#file.write(bytes, at, bytes.length - at, this.#size);
        if (bytesWritten === 0) throw new Error('the system takes no more bytes');
        this.#crc = crc32c(bytes, at, at + bytesWritten, this.#crc);
        at += bytesWritten;
        this.#size += bytesWritten;
      }
    } catch (error) {
      throw unwritable(this.path, error);
    }
  }

  async sync(): Promise<void> {
    if (this.#durability === 'off' || this.#synced === this.#size) return;
    const size = this.#size;
    try {
      if ((await this.#file.stat()).isFile()) await this.#file.datasync();
    } catch (error) {
      throw unwritable(this.path, error);
    }
    this.#synced = size;
  }

  async close(): Promise<void> {
    this.#onClose();
    await this.sync().finally(() => this.#file.close());
  }
}
