import { stat } from 'node:fs';
import { type Folder, placeOf } from './folder.js';
import { type Named, readFolder } from './read-folder.js';

/** A folder that is being read. */
export interface Read {
  readonly folder: Folder;
  done: boolean;
  names: readonly Named[];
  error: unknown;
  /** Which folder it is, by whatever path; only told when asked for. */
  identity: string | undefined;
}

/** So many folders are read at a time; only one at first, so that the way down to the first file is not held up. */
const AT_ONCE = 12;
/** After so many it is one more. */
const STEP = 4;

/**
 * The folders that are being read, some at a time. Each waits for those before it, so that the order does not depend on
 * the disk. What was put in last is read first: then few are waiting, those beside the way down.
 */
export class Reads {
  readonly #identify: boolean;
  readonly #waiting: Folder[] = [];
  readonly #reads: Read[] = [];
  #taken = 0;
  #wake: (() => void) | undefined;

  /** `identify`: whether it is to be told which folder each is. */
  constructor(identify: boolean) {
    this.#identify = identify;
  }

  add(folder: Folder): void {
    this.#waiting.push(folder);
  }

  /** The folder whose turn it is, done or not; undefined when there are no more. Those after it are begun to be read. */
  first(): Read | undefined {
    const most = Math.min(AT_ONCE, 1 + Math.floor(this.#taken / STEP));
    while (this.#reads.length < most) {
      const folder = this.#waiting.pop();
      if (folder === undefined) break;
      this.#reads.push(this.#read(folder));
    }
    return this.#reads[0];
  }

  /** Takes out the first one. Its names are given once: a read that is over may stay in memory for long. */
  take(): readonly Named[] {
    const read = this.#reads.shift();
    if (read === undefined) return [];
    this.#taken++;
    const { names } = read;
    read.names = [];
    return names;
  }

  /** Waits for the first one to be done, or for `wake`. */
  ready(): Promise<void> {
    return new Promise((resolve) => (this.#wake = resolve));
  }

  readonly wake = (): void => this.#wake?.();

  #read(folder: Folder): Read {
    const read: Read = { folder, done: false, names: [], error: null, identity: undefined };
    const end = (error: unknown, names: readonly Named[] = []): void => {
      read.error = error;
      read.names = names;
      read.done = true;
      if (this.#reads[0] === read) this.wake();
    };
    const list = (): void => {
      // The names of a large one are read when it is its turn.
      if (folder.large) end(null);
      else readFolder(placeOf(folder), folder.reading, end);
    };
    if (this.#identify) {
      stat(placeOf(folder), { bigint: true }, (error, stats) => {
        if (error === null) {
          read.identity = `${stats.dev}:${stats.ino}`;
          list();
        } else end(error);
      });
    } else list();
    return read;
  }
}
