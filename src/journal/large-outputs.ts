import { closeSync, createReadStream, openSync, readSync, rmSync, statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { unwritable } from '../core/bytes-out.js';
import { commandResultOf } from '../core/command-result.js';
import type { Item } from '../core/item.js';
import type { LargeOutputs } from '../core/kept.js';
import { makeFoldersNow } from '../core/make-folders.js';
import type { Captured } from '../core/process/process.js';
import type { Durability } from './append-file.js';

const BLOCK = 64 * 1024;
/** So much of an output has room in a line of results, in bytes. */
const LINE = 64 * 1024;
/** So much of one is in memory when it is looked at again. */
const KEPT = 1024 * 1024;

/**
 * What commands have written that is too much for a line of results: a file for each output, in the folder of the job.
 * An output is put there before its item is kept.
 */
export class LargeFiles implements LargeOutputs {
  readonly #folder: string;
  /** Makes names that no run before this one has given. */
  readonly #mark: string;
  readonly #durability: Durability;
  readonly #names = new WeakMap<Captured, string>();
  #made = 0;

  constructor(folder: string, mark: string, durability: Durability) {
    this.#durability = durability;
    this.#folder = join(folder, LARGE);
    this.#mark = mark;
  }

  /** Puts the outputs there that an item has, if they are too much for memory. Done when they are on the disk. */
  async take(item: Item): Promise<void> {
    for (const output of largeOf(item)) await this.#write(output);
  }

  put(output: Captured): string | undefined {
    return this.#names.get(output);
  }

  get(name: string): Captured {
    const path = join(this.#folder, name);
    const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
    return {
      size,
      get kept() {
        return beginningOf(path, Math.min(size, KEPT));
      },
      async *blocks() {
        for await (const block of createReadStream(path, { highWaterMark: BLOCK })) yield block as Buffer;
      },
      dispose: () => undefined,
    };
  }

  async #write(output: Captured): Promise<void> {
    const name = `${this.#mark}-${++this.#made}`;
    const path = join(this.#folder, name);
    makeFoldersNow(this.#folder);
    try {
      const file = await open(path, 'wx');
      try {
        let size = 0;
        for await (const block of output.blocks()) {
          await file.writeFile(block);
          size += block.length;
        }
        // What was not kept as a whole cannot be shown as a whole.
        if (size === output.size) this.#names.set(output, name);
        if (this.#durability !== 'off') await file.datasync();
      } finally {
        await file.close();
      }
      if (!this.#names.has(output)) rmSync(path, { force: true });
    } catch (error) {
      throw unwritable(path, error);
    }
  }
}

/** Whether a command has written more for an item than goes into a line of results. */
export const hasLarge = (item: Item): boolean => largeOf(item).length > 0;

function largeOf(item: Item): Captured[] {
  const output = commandResultOf(item)?.output;
  return output === undefined ? [] : [output.stdout, output.stderr].filter(({ size }) => size > LINE);
}

function beginningOf(path: string, length: number): Uint8Array {
  const bytes = Buffer.alloc(length);
  const fd = openSync(path, 'r');
  try {
    return bytes.subarray(0, readSync(fd, bytes, 0, length, 0));
  } finally {
    closeSync(fd);
  }
}

/** The folder of large outputs, in that of a job. */
export const LARGE = 'large';
