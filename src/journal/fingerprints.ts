import { createHash, hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import type { Item } from '../core/item.js';
import { FileEntry } from '../core/file-entry.js';
import { keep } from '../core/kept.js';
import { DIGITS } from './records.js';

export const fingerprintOf = (text: string | Uint8Array): string => hash('sha256', text).slice(0, DIGITS);

/** The key of what has a name of its own. No row of text is taken for one. */
export const keyOfId = (id: string): string => fingerprintOf(`id\0${id}`);

/** The key of the row that has been met `count` times before, with the same content. */
export const keyOfRow = (fingerprint: string, count: number): string =>
  count === 0 ? fingerprint : fingerprintOf(`row\0${fingerprint}\0${count}`);

/** The key of a part that an item was split into. */
export const keyOfPart = (parent: string, part: number): string => fingerprintOf(`part\0${parent}\0${part}`);

/** The fingerprint of what an item is, where it is no file; undefined of what cannot be told from others of its kind. */
export function contentOf({ raw, data, extra: { bytes } }: Item): string | undefined {
  if (raw !== undefined) return fingerprintOf(raw);
  if (bytes !== undefined) return fingerprintOf(bytes);
  if (typeof data === 'string') return fingerprintOf(data);
  const said = keep(data);
  return said === undefined ? undefined : fingerprintOf(said);
}

/** The file that an item is about, where its source has found it; undefined when it is about something else. */
export const fileOf = ({ data }: Item): FileEntry | undefined => (data instanceof FileEntry ? data : undefined);

const pathOf = ({ path, pathBytes }: FileEntry): string | Buffer =>
  pathBytes === undefined ? path : Buffer.from(pathBytes);

/** The fingerprint of the size and the times of a file; undefined when it is not there. */
export async function timesOf(file: FileEntry): Promise<string | undefined> {
  try {
    const { size, mtimeNs, ino } = await stat(pathOf(file), { bigint: true });
    return fingerprintOf(`${size} ${mtimeNs} ${ino}`);
  } catch {
    return undefined;
  }
}

/** Files up to this size are read at once, in bytes. */
const SMALL = 256 * 1024;

/** The fingerprint of the content of a file; undefined when it cannot be read, or is none. */
export async function contentOfFile(file: FileEntry): Promise<string | undefined> {
  const path = pathOf(file);
  try {
    if ((await stat(path)).size > SMALL) return await ofStream(path);
    const handle = await open(path);
    try {
      return fingerprintOf(await handle.readFile());
    } finally {
      await handle.close();
    }
  } catch {
    return undefined;
  }
}

async function ofStream(path: string | Buffer): Promise<string> {
  const made = createHash('sha256');
  for await (const block of createReadStream(path, { highWaterMark: 1024 * 1024 })) made.update(block as Buffer);
  return made.digest('hex').slice(0, DIGITS);
}
