import { plainly } from '../file-entry.js';
import type { PatternState } from './pattern-state.js';
import type { Named, Reading } from './read-folder.js';

/** A folder on the way, and how far the patterns have been followed to it. */
export interface Folder {
  /** What the paths of its files begin with: its own path and a slash, or nothing. */
  readonly prefix: string;
  /** The bytes of the prefix, where it is not text. */
  readonly bytes: Buffer | undefined;
  readonly include: PatternState;
  readonly exclude: PatternState | undefined;
  readonly reading: Reading;
  /** Whether its names are read in parts. */
  readonly large: boolean;
}

/** From so many bytes on, which are some ten thousand names, a list of names is a large one. */
const LARGE = 1024 ** 2;

export const isLarge = (bytes: number): boolean => bytes >= LARGE;

/** The folder of a name in another one; undefined when nothing in it is wanted. `bytes` is what its names take on disk. */
export function folderIn(
  folder: Folder,
  found: Named,
  include: PatternState | undefined,
  bytes = 0,
): Folder | undefined {
  if (include === undefined) return undefined;
  const exclude = folder.exclude?.enter(found.name);
  if (exclude?.whole === true) return undefined;
  const prefix = bytesIn(folder, found, '/');
  const reading = prefix === undefined ? 'text' : 'bytes';
  return { prefix: `${textIn(folder, found)}/`, bytes: prefix, include, exclude, reading, large: isLarge(bytes) };
}

/** Whether a file of this name is wanted. */
export const isWanted = ({ include, exclude }: Folder, name: string): boolean =>
  include.matches(name) && exclude?.matches(name) !== true;

/** What a folder is opened by. */
export const placeOf = ({ prefix, bytes }: Folder): string | Buffer => bytes ?? (prefix === '' ? '.' : prefix);

/** What a name in a folder is opened by. */
export const placeIn = (folder: Folder, found: Named): string | Buffer =>
  bytesIn(folder, found) ?? textIn(folder, found);

/** The path of a name, as text. */
export const textIn = ({ prefix }: Folder, { name }: Named): string => (prefix === '' ? plainly(name) : prefix + name);

/** The path of a name as bytes, where it is not text. */
export function bytesIn(folder: Folder, found: Named, end = ''): Buffer | undefined {
  if (folder.bytes === undefined && found.raw === undefined) return undefined;
  const text = textIn(folder, found);
  const before = folder.bytes ?? Buffer.from(text.slice(0, text.length - found.name.length));
  return Buffer.concat([before, found.raw ?? Buffer.from(found.name), Buffer.from(end)]);
}
