import { lstatSync, realpathSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { against, type OnExists, refused } from './atomic-file.js';
import { systemCode } from './errors.js';
import { unwritten } from './output-error.js';
import { partsOf } from './output-path.js';
import { inside } from './root-folder.js';

/** Where the file of an item would be. */
export interface ItemOutput {
  /** The folder that no path leads out of. */
  readonly root: string;
  readonly path: string;
  /** What is done where a file is already. */
  readonly onExists: OnExists;
}

/** A file that could be written. */
export interface Writable {
  /** As it is shown. */
  readonly shown: string;
  /** Without links: two that are one file have the same. */
  readonly final: string;
  /** Whether there is something at that place that would be replaced, or would stay. */
  readonly exists: boolean;
}

/** So many folders are remembered. */
const FOLDERS = 4096;

/** Looks where files could be written, and touches nothing. */
export class OutputLook {
  readonly #real = new Map<string, string>();

  /** Throws what the writing of a file would be refused for by now. */
  at({ root, path, onExists }: ItemOutput): Writable {
    const parts = partsOf(path, root);
    const shown = join(root, ...parts);
    try {
      const base = this.#folder(resolve(root));
      const folder = inside(base, this.#folder(join(base, ...parts.slice(0, -1))), shown);
      const final = join(folder, parts.at(-1) as string);
      const there = lstatSync(final, { throwIfNoEntry: false });
      const why = there === undefined ? undefined : against(there, onExists);
      if (why !== undefined) throw refused(shown, why);
      return { shown, final, exists: there !== undefined };
    } catch (error) {
      throw unwritten(shown, error);
    }
  }

  /** A path without links, whether there is something or not. */
  real(path: string): string {
    try {
      return this.#realOf(path);
    } catch {
      return path;
    }
  }

  /** A folder without links; of one that is not there yet those that it will lie in. */
  #folder(path: string): string {
    const known = this.#real.get(path);
    if (known !== undefined) return known;
    const real = this.#realOf(path);
    if (this.#real.size >= FOLDERS) this.#real.clear();
    this.#real.set(path, real);
    return real;
  }

  #realOf(path: string): string {
    try {
      return realpathSync.native(path);
    } catch (error) {
      if (systemCode(error) !== 'ENOENT' || path === dirname(path)) throw error;
      return join(this.#folder(dirname(path)), basename(path));
    }
  }
}
