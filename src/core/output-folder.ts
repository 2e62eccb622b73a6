import { join } from 'node:path';
import { type AtomicFile, type AtomicOptions, prepareFile } from './atomic-file.js';
import { ClaimedFile, ofItem } from './claimed-file.js';
import { type Claim, Claims, taken } from './claims.js';
import { BatchxError } from './errors.js';
import { FileEntry } from './file-entry.js';
import { FolderSync } from './folder-sync.js';
import { fileAmong, type InputWatch, outputAt, watchInputs } from './in-use.js';
import type { Item } from './item.js';
import { unwritten } from './output-error.js';
import { partsOf } from './output-path.js';
import { RootFolder } from './root-folder.js';
import type { Runtime } from './runtime.js';

export interface OutputFolderOptions extends Pick<AtomicOptions, 'onExists' | 'mode' | 'durability'> {
  /** The folder that no path leads out of; made when it is not there. */
  readonly root: string;
}

/**
 * The files that the items of one step or sink are written to, all of them below one folder.
 *
 * A path that leads out of the folder, also by a symbolic link, is refused; so is one that another item of the run has,
 * that the run reads, or that another sink writes. Folders that are not there are made. A link that somebody puts in
 * the place of a folder at the very moment of the check is not seen.
 */
export class OutputFolder {
  readonly #options: OutputFolderOptions;
  readonly #runtime: Runtime;
  readonly #claims: Claims;
  readonly #inputs: InputWatch;
  readonly #folders = new FolderSync();
  readonly #root: RootFolder;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: OutputFolderOptions, runtime: Runtime) {
    const durability = runtime.durability === 'off' ? 'off' : options.durability;
    this.#options = { ...options, durability };
    this.#runtime = runtime;
    this.#claims = new Claims(runtime);
    this.#inputs = watchInputs(runtime);
    this.#root = new RootFolder(options.root, durability === 'off' ? undefined : this.#folders, (path) =>
      runtime.events.emit('batch:folder', { path }),
    );
  }

  /** Prepares the file of an item at a path; undefined when it is there already and `onExists` is `skip`. */
  async prepare(path: string, item: Item): Promise<AtomicFile | undefined> {
    const { root, ...options } = this.#options;
    const { durable } = this.#runtime;
    const parts = partsOf(path, root);
    const shown = join(root, ...parts);
    let claim: Claim | undefined;
    try {
      const named = await this.#inTurn(async () => {
        const folder = await this.#root.folder(parts.slice(0, -1), shown);
        const name = join(folder, parts.at(-1) as string);
        const output = await outputAt(name, this.#runtime);
        if (output !== undefined) refuse(shown, output, 'a sink of this run writes');
        return { final: name, claim: this.#claims.claim(name, shown, item) };
      });
      const { final } = named;
      claim = named.claim;
      const file = await prepareFile(
        final,
        {
          ...options,
          shown,
          folders: this.#folders,
          refuse: async () => {
            await this.#refuseInput(final, shown, item);
            const holder = durable?.holder(item, final);
            if (holder !== undefined) throw taken(shown, holder);
          },
          ...(durable !== undefined && {
            owned: () => durable.owns(item, final),
            mark: durable.mark,
            onFolder: (folder: string) => durable.folder(folder),
          }),
        },
        this.#runtime,
      );
      if (file !== undefined) {
        return new ClaimedFile(file, shown, claim, item, () => this.#root.whole(), this.#runtime);
      }
      claim.keep();
      return undefined;
    } catch (error) {
      claim?.release();
      throw ofItem(unwritten(shown, error), item);
    }
  }

  /** One after another, in the order of the calls: of two items with one path it is the first that has it, each time. */
  #inTurn<R>(work: () => Promise<R>): Promise<R> {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => undefined);
    return done;
  }

  /** Nothing more is written; the paths are free for other steps of the process. */
  close(): void {
    this.#claims.close();
    this.#inputs.end();
  }

  async #refuseInput(final: string, shown: string, item: Item): Promise<void> {
    const entry = [item.data, item.first?.data].find((data) => data instanceof FileEntry);
    const own = entry === undefined ? [] : [entry.pathBytes === undefined ? entry.path : Buffer.from(entry.pathBytes)];
    const input = await fileAmong([own, ...this.#inputs.seen], final);
    if (input !== undefined) refuse(shown, input, 'this run reads');
  }
}

function refuse(shown: string, used: string, by: string): never {
  const what = used === shown ? `it is what ${by}` : `it is ${used}, which ${by}`;
  throw new BatchxError('path', `cannot write ${shown}: ${what}; choose another path`, { where: shown });
}
