import { mkdir, realpath } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { BatchxError, systemCode } from './errors.js';
import type { FolderSync } from './folder-sync.js';
import { reasonOf } from './output-error.js';

/** A folder that no output leads out of, whatever links there are in it. */
export class RootFolder {
  readonly #path: string;
  /** Who brings new folders to the disk; nobody when that is left to the system. */
  readonly #folders: FolderSync | undefined;
  readonly #making = new Set<Promise<void>>();
  #root: Promise<string> | undefined;

  constructor(path: string, folders: FolderSync | undefined) {
    this.#path = path;
    this.#folders = folders;
  }

  /** The real path of a folder below this one, which is made where it is not there; `shown` is the file it is for. */
  async folder(parts: readonly string[], shown: string): Promise<string> {
    const root = await (this.#root ??= this.#open());
    if (parts.length === 0) return root;
    try {
      return inside(root, await realpath(join(root, ...parts)), shown);
    } catch (error) {
      if (systemCode(error) !== 'ENOENT') throw error;
    }
    // Made one by one, so that nothing is made behind a link that leads out.
    let folder = root;
    for (const part of parts) {
      const next = join(folder, part);
      if (await made(next)) await this.#sync(folder);
      folder = inside(root, await realpath(next), shown);
    }
    return folder;
  }

  async #open(): Promise<string> {
    const root = this.#path;
    try {
      const first = await mkdir(root, { recursive: true });
      const path = await realpath(root);
      if (first !== undefined)
        for (let at = path; at.length >= resolve(first).length; at = dirname(at)) await this.#sync(dirname(at));
      return path;
    } catch (error) {
      const reason = systemCode(error) === 'EEXIST' ? 'it is no folder' : reasonOf(error);
      throw new BatchxError('output', `cannot write to the folder ${root}: ${reason}`, { cause: error, where: root });
    }
  }

  async #sync(folder: string): Promise<void> {
    if (this.#folders === undefined) return;
    const synced = this.#folders.sync(folder);
    const over = (): void => void this.#making.delete(synced);
    this.#making.add(synced);
    synced.then(over, over);
    await synced;
  }

  /** Done when the folders that were made so far are on the disk: no file in them is safe before. */
  async whole(): Promise<void> {
    await Promise.all(this.#making);
  }
}

function inside(root: string, folder: string, shown: string): string {
  const base = join(root, '_').slice(0, -1);
  if (folder === root || folder.startsWith(base)) return folder;
  throw new BatchxError('path', `cannot write ${shown}: a symbolic link leads out of the folder, to ${folder}`, {
    where: shown,
  });
}

/** Makes a folder; false when there is something already. */
async function made(folder: string): Promise<boolean> {
  try {
    await mkdir(folder);
    return true;
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return false;
    throw error;
  }
}
