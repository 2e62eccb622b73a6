import { access, constants, mkdir, realpath } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { BatchxError, systemCode } from './errors.js';
import type { FolderSync } from './folder-sync.js';
import { makeFolders } from './make-folders.js';
import { reasonOf } from './output-error.js';

/** A folder that no output leads out of, whatever links there are in it. */
export class RootFolder {
  readonly #path: string;
  /** Who brings new folders to the disk; nobody when that is left to the system. */
  readonly #folders: FolderSync | undefined;
  readonly #onMade: (path: string) => void;
  readonly #making = new Set<Promise<void>>();
  #root: Promise<string> | undefined;

  /** `onMade` is told of each folder that was not there. */
  constructor(path: string, folders: FolderSync | undefined, onMade: (path: string) => void = () => undefined) {
    this.#path = path;
    this.#folders = folders;
    this.#onMade = onMade;
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
      if (await made(next)) {
        this.#onMade(next);
        await this.#sync(folder);
      }
      folder = inside(root, await realpath(next), shown);
    }
    return folder;
  }

  async #open(): Promise<string> {
    try {
      const first = await makeFolders(this.#path);
      const path = await realpath(this.#path);
      if (first !== undefined) this.#onMade(path);
      if (first !== undefined)
        for (let at = path; at.length >= resolve(first).length; at = dirname(at)) await this.#sync(dirname(at));
      return path;
    } catch (error) {
      throw unopened(this.#path, error);
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

/** Gives a folder, without links, unless it is outside a root; then it throws. */
export function inside(root: string, folder: string, shown: string): string {
  const base = join(root, '_').slice(0, -1);
  if (folder === root || folder.startsWith(base)) return folder;
  throw new BatchxError('path', `cannot write ${shown}: a symbolic link leads out of the folder, to ${folder}`, {
    where: shown,
  });
}

/** Makes the folder that outputs are to go to, before there are any; throws when nothing can be written there. */
export async function prepareRoot(root: string): Promise<void> {
  try {
    await makeFolders(root);
    await access(root, constants.W_OK | constants.X_OK);
  } catch (error) {
    throw unopened(root, error);
  }
}

function unopened(root: string, error: unknown): BatchxError {
  const own: Readonly<Record<string, string>> = { EEXIST: 'it is no folder', ENOENT: 'no folder can be made there' };
  const reason = own[systemCode(error) ?? ''] ?? reasonOf(error);
  return new BatchxError('output', `cannot write to the folder ${root}: ${reason}`, { cause: error, where: root });
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
