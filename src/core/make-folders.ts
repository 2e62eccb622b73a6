import { mkdirSync, statSync } from 'node:fs';
import { mkdir, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { systemCode } from './errors.js';
import type { FolderSync } from './folder-sync.js';

/**
 * Makes a folder with those that it lies in, and gives the first one that was made; undefined when it is there. The
 * recursive `mkdir` of Node would never end where the system takes none, as in /proc, and tells of a bad disk as of a
 * folder that is missing.
 */
export async function makeFolders(path: string, mode?: number): Promise<string | undefined> {
  try {
    await mkdir(path, { mode });
    return path;
  } catch (error) {
    if (await isFolder(path)) return undefined;
    if (systemCode(error) !== 'ENOENT' || dirname(path) === path) throw error;
  }
  const first = await makeFolders(dirname(path), mode);
  try {
    await mkdir(path, { mode });
  } catch (error) {
    // Somebody else may have made it meanwhile.
    if (!(await isFolder(path))) throw error;
    return first;
  }
  return first ?? path;
}

/** The same at once. */
export function makeFoldersNow(path: string, mode?: number): string | undefined {
  try {
    mkdirSync(path, { mode });
    return path;
  } catch (error) {
    if (isFolderNow(path)) return undefined;
    if (systemCode(error) !== 'ENOENT' || dirname(path) === path) throw error;
  }
  const first = makeFoldersNow(dirname(path), mode);
  try {
    mkdirSync(path, { mode });
  } catch (error) {
    if (!isFolderNow(path)) throw error;
    return first;
  }
  return first ?? path;
}

/** Brings the names of folders to the disk that `makeFolders` has made, from the first one on. */
export async function syncMade(path: string, first: string, folders: Pick<FolderSync, 'sync'>): Promise<void> {
  for (let at = resolve(path); at.length >= resolve(first).length; at = dirname(at)) await folders.sync(dirname(at));
}

const isFolder = (path: string): Promise<boolean> =>
  stat(path).then(
    (stats) => stats.isDirectory(),
    () => false,
  );

function isFolderNow(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}
