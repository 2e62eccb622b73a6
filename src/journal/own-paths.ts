import { Digests } from '../core/digests.js';
import { FLAG } from './item-table.js';
import type { JournalState } from './load-journal.js';
import type { ResultsFile } from './results-file.js';

/** Whose the files are that the runs of a job have written for items. */
export class OwnPaths {
  readonly #state: JournalState;
  readonly #results: ResultsFile;
  /** Those that were written in this run, with the numbers of the items' entries. */
  readonly #written = new Digests();
  /** Whether an item that has not come by may be one that is there all the same. */
  hidden = false;

  constructor(state: JournalState, results: ResultsFile) {
    this.#state = state;
    this.#results = results;
  }

  /** Notes that a file is an item's own. */
  set(path: string, entry: number): void {
    this.#state.owners.set(path, entry);
    this.#written.set(path, entry);
  }

  /** What has a path that another item wants, in words: an item of this run, or one that was done before and is as it was. */
  holder(path: string, entry: number): string | undefined {
    const { owners, table } = this.#state;
    const owner = owners.get(path);
    if (owner === undefined || owner === entry) return undefined;
    if (this.#written.get(path) !== undefined) return 'another item';
    const place = table.place(owner);
    if (!table.has(owner, FLAG.holds) || place === undefined) return undefined;
    const { id, w = [] } = this.#results.read(place);
    return w.some((file) => file.path === path) ? `the item ${id}` : undefined;
  }

  /**
   * Whether a file is an item's own. One that an earlier run has written for an item that no longer needs it, or may have
   * to be done again, becomes so.
   */
  takes(path: string, entry: number): boolean {
    const { owners, table } = this.#state;
    const owner = owners.get(path);
    if (owner === undefined || owner === entry) return owner === entry;
    if (this.holder(path, entry) !== undefined || (this.hidden && !table.has(owner, FLAG.seen))) return false;
    // At once: whose it was may be looked up before it is written.
    owners.set(path, entry);
    return true;
  }
}
