import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { writeAtomically } from '../atomic-file.js';
import { messageOf, systemCode } from '../errors.js';
import { makeFolders } from '../make-folders.js';
import type { Runtime } from '../runtime.js';

/** The largest entry, in bytes: one is held as a whole. */
export const LARGEST = 64 * 1024 ** 2;
/** The longest first line of an entry; it says what the rest has to be. */
const HEAD = 200;
const FORMAT = 'batchx-cache/1';

const READ = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/**
 * Entries on disk, each a file that is named by its key, which is a hash. A file is there whole or not at all, may be
 * read by others while it is written anew, and is known to be damaged by its checksum. What cannot be read or written is
 * told as a warning, and is otherwise as if it were not there.
 */
export class CacheFiles {
  readonly #dir: string;
  readonly #ttlMs: number;
  readonly #runtime: Runtime;
  #warned = false;

  constructor(dir: string, ttlMs: number, runtime: Runtime) {
    this.#dir = dir;
    this.#ttlMs = ttlMs;
    this.#runtime = runtime;
  }

  /** What was put under a key; undefined when there is nothing, or nothing that is good any more. */
  async get(key: string): Promise<Buffer | undefined> {
    const path = this.#pathOf(key);
    let file: FileHandle;
    try {
      file = await open(path, READ);
    } catch (error) {
      if (systemCode(error) !== 'ENOENT') this.#warnOnce(`cannot read the cache: ${messageOf(error)}`, path);
      return undefined;
    }
    try {
      const bytes = await wholeOf(file);
      const entry = bytes && entryIn(bytes, key);
      if (entry === undefined) {
        this.#warn('an entry of the cache is damaged: the call is made again', path);
        return undefined;
      }
      // A time to come says that a clock was wrong: how old it is cannot be told.
      const age = this.#runtime.wallNow() - entry.at;
      return this.#ttlMs === Infinity || (age >= 0 && age < this.#ttlMs) ? entry.content : undefined;
    } catch (error) {
      this.#warnOnce(`cannot read the cache: ${messageOf(error)}`, path);
      return undefined;
    } finally {
      await file.close();
    }
  }

  async put(key: string, content: Uint8Array): Promise<void> {
    const path = this.#pathOf(key);
    const at = String(this.#runtime.wallNow());
    const head = `${FORMAT} ${at} ${content.length} ${checksum(key, at, content)}\n`;
    try {
      await makeFolders(dirname(path), 0o700);
      // What is lost when the machine fails is only made again.
      const options = { onExists: 'overwrite', mode: 0o600, durability: 'off' } as const;
      await writeAtomically(path, Buffer.concat([Buffer.from(head), content]), options, this.#runtime);
    } catch (error) {
      this.#warnOnce(`cannot write the cache: ${messageOf(error)}`, path);
    }
  }

  /** In many folders, as one with very many files is slow. */
  #pathOf(key: string): string {
    return join(this.#dir, key.slice(0, 2), key.slice(2));
  }

  #warnOnce(message: string, where: string): void {
    if (!this.#warned) this.#warn(message, where);
    this.#warned = true;
  }

  #warn(message: string, where: string): void {
    this.#runtime.events.emit('batch:warning', { message, where });
  }
}

/** The bytes of a file; undefined when it cannot be an entry. */
async function wholeOf(file: FileHandle): Promise<Buffer | undefined> {
  const stat = await file.stat();
  if (!stat.isFile() || stat.size > LARGEST + HEAD) return undefined;
  const bytes = Buffer.alloc(stat.size);
  for (let at = 0; at < bytes.length;) {
    const { bytesRead } = await file.read(bytes, at, bytes.length - at, at);
    if (bytesRead === 0) return undefined;
    at += bytesRead;
  }
  return bytes;
}

function entryIn(bytes: Buffer, key: string): { readonly at: number; readonly content: Buffer } | undefined {
  const end = bytes.subarray(0, HEAD).indexOf(0x0a);
  const [format, at = '', size, sum] = bytes.toString('latin1', 0, Math.max(end, 0)).split(' ');
  const content = bytes.subarray(end + 1);
  if (format !== FORMAT || Number(size) !== content.length || sum !== checksum(key, at, content)) return undefined;
  return { at: Number(at), content };
}

const checksum = (key: string, at: string, content: Uint8Array): string =>
  createHash('sha256').update(`${key} ${at}\n`).update(content).digest('hex');
