import { Stats } from 'node:fs';
import { stat } from 'node:fs/promises';
import { unreadable } from './bytes-in.js';
import { type BatchxError, systemCode } from './errors.js';
import { FileEntry, type FileRoot } from './file-entry.js';
import { isDoubtful } from './walk/file-name.js';
import { bytesIn, type Folder, folderIn, isLarge, isWanted, placeIn, placeOf, textIn } from './walk/folder.js';
import { inTurn } from './walk/in-turn.js';
import type { PatternState } from './walk/pattern-state.js';
import { type Named, readLargeFolder } from './walk/read-folder.js';
import { type Read, Reads } from './walk/reads.js';

/** A folder that is to be walked, with what is wanted of it. */
export interface Tree {
  /** What paths begin with: the path of the folder and a slash, or nothing. */
  readonly prefix: string;
  readonly include: PatternState;
  readonly exclude: PatternState | undefined;
  readonly root: FileRoot;
  /** The files that are given already, by their relative path. */
  readonly given: ReadonlySet<string>;
  /** What the list of its names takes on disk. */
  readonly bytes: number;
}

export interface WalkOptions {
  /** Whether folders behind links are walked. */
  readonly follow: boolean;
  /** Whether the size and the time of each file are wanted. */
  readonly stats: boolean;
  /** Ends the walk at once. */
  readonly signal: AbortSignal;
}

/** What could not be looked into, and why. */
export class Unread {
  readonly entry: FileEntry;
  readonly error: BatchxError;

  constructor(entry: FileEntry, error: BatchxError) {
    this.entry = entry;
    this.error = error;
  }
}

export type Found = FileEntry | Unread;

/** So many files make a block. */
const BLOCK = 512;

/**
 * The files of a tree, in blocks, while it is walked: beyond twelve folders nothing is read that is not asked for.
 *
 * The order is the same each time, as long as the tree is. Held are the names of those twelve folders and the paths of
 * the folders beside the way down; when links are followed, also which folders have been walked. A tree that cannot be
 * read at all throws.
 */
export async function* walk(tree: Tree, options: WalkOptions): AsyncGenerator<readonly Found[]> {
  const walker = new Walker(tree, options);
  const { signal } = options;
  signal.addEventListener('abort', walker.wake);
  try {
    yield* walker.blocks();
  } finally {
    signal.removeEventListener('abort', walker.wake);
  }
}

class Walker {
  readonly #tree: Tree;
  readonly #options: WalkOptions;
  readonly #reads: Reads;
  /** Folders behind links: walked when all others have been, which may be the same ones by a name of their own. */
  readonly #behind: Folder[] = [];
  readonly #walked = new Set<string>();
  #block: Found[] = [];

  constructor(tree: Tree, options: WalkOptions) {
    const { prefix, include, exclude, bytes } = tree;
    this.#tree = tree;
    this.#options = options;
    this.#reads = new Reads(options.follow);
    this.#reads.add({ prefix, bytes: undefined, include, exclude, reading: 'text', large: isLarge(bytes) });
  }

  readonly wake = (): void => {
    this.#reads.wake();
  };

  async *blocks(): AsyncGenerator<readonly Found[]> {
    while (!this.#options.signal.aborted) {
      const read = this.#reads.first();
      if (read?.done === false) {
        if (this.#block.length > 0) yield this.#take();
        else await this.#reads.ready();
      } else if (read !== undefined) {
        yield* this.#contents(read, this.#reads.take());
      } else if (this.#behind.length > 0) {
        this.#reads.add(this.#behind.shift() as Folder);
      } else break;
    }
    if (this.#block.length > 0) yield this.#take();
  }

  /** Looks at the names of a folder. Whole blocks are given; what is left is in the block that has begun. */
  async *#contents({ folder, error, identity }: Read, names: readonly Named[]): AsyncGenerator<readonly Found[]> {
    if (error !== null) {
      this.#fail(folder, error);
      return;
    }
    if (identity !== undefined && this.#wasWalked(folder, identity)) return;
    const look: Look = { folder, inside: [], ask: [], doubtful: false };
    for await (const part of folder.large ? this.#partsOf(folder) : [names]) {
      for (let at = 0; at < part.length;) {
        at = this.#look(look, part, at);
        if (look.ask.length > 0) await this.#ask(look);
        if (this.#block.length >= BLOCK) yield this.#take();
        if (this.#options.signal.aborted) return;
      }
      // The next part has to be waited for.
      if (folder.large && this.#block.length > 0) yield this.#take();
    }
    for (const each of look.inside.reverse()) this.#reads.add(each);
    if (look.doubtful) this.#reads.add({ ...folder, reading: 'doubtful' });
  }

  async *#partsOf(folder: Folder): AsyncGenerator<readonly Named[]> {
    try {
      yield* readLargeFolder(placeOf(folder), folder.reading);
    } catch (error) {
      this.#fail(folder, error);
    }
  }

  /** Looks at names until there are none left or a block is full; gives where it stopped. */
  #look(look: Look, names: readonly Named[], from: number): number {
    const { folder, inside, ask } = look;
    const { include, reading } = folder;
    for (let i = from; i < names.length; i++) {
      const found = names[i] as Named;
      const { name } = found;
      if (reading === 'text' && isDoubtful(name)) {
        look.doubtful = true;
      } else if (found.isFile()) {
        if (!isWanted(folder, name)) continue;
        if (this.#options.stats) ask.push(found);
        else this.#give(this.#entry(folder, found));
      } else if (found.isDirectory()) {
        const below = folderIn(folder, found, include.enter(name));
        if (below !== undefined) inside.push(below);
      } else if (found.isSymbolicLink() && (isWanted(folder, name) || this.#behindLink(folder, found) !== undefined)) {
        ask.push(found);
      }
      if (this.#block.length + ask.length >= BLOCK) return i + 1;
    }
    return names.length;
  }

  /** Gives or enters those of which the name alone does not tell enough. */
  async #ask({ folder, inside, ask }: Look): Promise<void> {
    const asked = ask.splice(0);
    const answers = await inTurn(asked, (found) => stat(placeIn(folder, found)).catch((error: unknown) => error));
    asked.forEach((found, i) => {
      const stats = answers[i];
      if (!(stats instanceof Stats)) {
        // It has gone meanwhile, or is a link that leads nowhere.
        if (systemCode(stats) === 'ENOENT' || systemCode(stats) === 'ELOOP') return;
        const entry = this.#entry(folder, found);
        this.#block.push(new Unread(entry, unreadable(entry.path, stats)));
      } else if (stats.isFile()) {
        if (isWanted(folder, found.name)) this.#give(this.#entry(folder, found, stats));
      } else if (stats.isDirectory()) {
        const below = this.#behindLink(folder, found, stats.size);
        if (below !== undefined) (this.#options.follow ? this.#behind : inside).push(below);
      }
    });
  }

  #give(entry: FileEntry): void {
    const { given } = this.#tree;
    if (given.size === 0 || !given.has(entry.relative)) this.#block.push(entry);
  }

  #entry(folder: Folder, found: Named, stats?: Stats): FileEntry {
    const { root } = this.#tree;
    const path = textIn(folder, found);
    const pathBytes = bytesIn(folder, found);
    if (stats !== undefined && this.#options.stats) {
      return new FileEntry(path, root, { pathBytes, size: stats.size, mtimeMs: stats.mtimeMs });
    }
    return new FileEntry(path, root, pathBytes && { pathBytes });
  }

  /** The folder behind a link. One that is not followed anyway is when a pattern says its name. */
  #behindLink(folder: Folder, found: Named, bytes?: number): Folder | undefined {
    const { include } = folder;
    const { name } = found;
    return folderIn(folder, found, this.#options.follow ? include.enter(name) : include.enterNamed(name), bytes);
  }

  /** Whether a folder has been walked before, by the same part of the patterns; from now on it has. */
  #wasWalked({ include, exclude, reading }: Folder, identity: string): boolean {
    const key = `${identity}:${include.number}:${exclude?.number}:${reading}`;
    return this.#walked.size === this.#walked.add(key).size;
  }

  /** Folders that have gone meanwhile are passed over. */
  #fail({ prefix }: Folder, error: unknown): void {
    const path = prefix.replace(/(?<=.)\/$/, '');
    const failure = unreadable(path === '' ? '.' : path, error);
    if (prefix === this.#tree.prefix) throw failure;
    if (systemCode(error) !== 'ENOENT') this.#block.push(new Unread(new FileEntry(path, this.#tree.root), failure));
  }

  #take(): readonly Found[] {
    const block = this.#block;
    this.#block = [];
    return block;
  }
}

/** The look at one folder. */
interface Look {
  readonly folder: Folder;
  /** The folders in it that are to be walked. */
  readonly inside: Folder[];
  /** Those names of which the file system has to be asked more. */
  readonly ask: Named[];
  /** Whether there was a name that may not be text. */
  doubtful: boolean;
}
