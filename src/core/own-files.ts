import { relative } from 'node:path';
import { Digests } from './digests.js';
import { TEMP } from './output-path.js';

/** What a run writes, and where it keeps its state. */
export interface OwnPlaces {
  /** The files, and the folders that nothing else is in. */
  readonly outputs: readonly string[];
  /** Where its state is kept. */
  readonly state?: string | undefined;
  /** Whether a file was written for an item by this run or one before it; the path is seen from the current folder. */
  readonly wrote?: ((path: string) => boolean) | undefined;
}

/**
 * The files that a run, or one before it, has written itself. No glob finds them: otherwise they would be further items.
 * What leads to one of them by a link is not known.
 *
 * Held are 20 to 32 bytes for each file of an item, unless its job tells.
 */
export class OwnFiles {
  readonly #outputs: ReadonlySet<string>;
  readonly #state: readonly string[];
  readonly #wrote: ((path: string) => boolean) | undefined;
  readonly #written = new Digests();
  #left = 0;

  constructor({ outputs, state, wrote }: OwnPlaces) {
    this.#outputs = new Set(outputs.map(plain));
    this.#state = state === undefined ? [] : [plain(state)];
    this.#wrote = wrote;
  }

  /** How many were left out. */
  get left(): number {
    return this.#left;
  }

  /** Notes that a file is written for an item. */
  add(path: string): void {
    if (this.#wrote === undefined) this.#written.set(plain(path), 0);
  }

  /** Says of the files that are found from a folder on whether they are to be left out. */
  below(folder: string): (path: string) => boolean {
    // Who reads from within a folder of outputs means what is in it.
    const around = [...this.#outputs].filter((output) => isBelow(output, folder));
    const folders = [...this.#state, ...around].map((path) => `${path}/`);
    return (given) => {
      const path = isPlain(given) ? given : plain(given);
      const own =
        this.#outputs.has(path) ||
        folders.some((each) => path.startsWith(each)) ||
        (path.includes(TEMP) && path.startsWith(TEMP, path.lastIndexOf('/') + 1)) ||
        this.#isWritten(path);
      if (own) this.#left++;
      return own;
    };
  }

  #isWritten(path: string): boolean {
    if (this.#wrote !== undefined) return this.#wrote(path);
    return this.#written.size > 0 && this.#written.get(path) !== undefined;
  }
}

/** A path as it is seen from the current folder. */
const plain = (path: string): string => relative('', path);

/** Whether a path is so already, as those that are found mostly are. */
const isPlain = (path: string): boolean => !path.startsWith('/') && !path.includes('./') && !path.includes('//');

function isBelow(path: string, folder: string): boolean {
  const way = relative(folder, path);
  return way !== '' && way !== '..' && !way.startsWith('../');
}
