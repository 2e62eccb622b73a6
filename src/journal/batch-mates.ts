import type { Identity } from '../core/identity.js';
import type { Item } from '../core/item.js';
import { STATE } from './item-table.js';
import type { RecallJob } from './recall-options.js';
import type { ReadLine } from './results-file.js';
import { wordOf } from './words.js';

/** So many items are held back at most: then those that have waited for the longest are done again. */
const MOST = 100_000;

/** An item that was done together with others: as one that is done, or as one that is to be done again. */
export interface Held {
  /** What it is a part of. */
  readonly above: readonly Identity[];
  asIs(): Item;
  again(): Item;
}

/** The items of one batch that have come by, while others of it may still do so. */
interface Batch {
  readonly missing: Set<string>;
  readonly held: Held[];
}

/**
 * Holds back items that an earlier run has done together until all of them have come by as they were. If one of them has
 * changed or is gone, what they were made into is of no use: then the others are done again, with whom they come by now.
 */
export class BatchMates {
  readonly #job: RecallJob;
  /** By the key of the first of its items, which keeps the result. */
  readonly #open = new Map<string, Batch>();
  readonly #broken = new Set<string>();
  #held = 0;

  constructor(job: RecallJob) {
    this.#job = job;
  }

  /** Takes an item that is done; gives those that may go on now. */
  done(one: Held, line: ReadLine): Item[] {
    const first = line.l ?? (line.g === undefined ? undefined : line.k);
    if (first === undefined) return [one.asIs()];
    if (this.#broken.has(first)) return [one.again()];
    const open = this.#open.get(first) ?? this.#begin(first, line.k);
    if (open?.missing.delete(line.k) !== true) return [...this.#give(first), one.again()];
    open.held.push(one);
    this.#held++;
    if (open.missing.size === 0) {
      this.#open.delete(first);
      this.#held -= open.held.length;
      for (const { above } of open.held.slice(0, -1)) this.#job.running?.release(above);
      return open.held.map((each) => each.asIs());
    }
    this.#job.running?.hold(one.above);
    if (this.#held <= MOST) return [];
    const [oldest] = this.#open.keys();
    return this.#give(oldest as string);
  }

  /** An item is done again: gives those that were done with it. */
  again(line: ReadLine): Item[] {
    const first = line.l ?? (line.g === undefined ? undefined : line.k);
    return first === undefined ? [] : this.#give(first);
  }

  /** The input is over. `whole` says that all of it was read: what has not come by is gone then. */
  end(whole: boolean): Item[] {
    const left = [...this.#open.values()].flatMap(({ held }) => held);
    this.#open.clear();
    this.#held = 0;
    for (const { above } of left) this.#job.running?.release(above);
    return left.map((one) => (whole ? one.again() : one.asIs()));
  }

  #begin(first: string, key: string): Batch | undefined {
    const { table, results } = this.#job;
    const entry = table.find(wordOf(first, 0), wordOf(first, 8));
    const place = entry < 0 || table.state(entry) !== STATE.ok ? undefined : table.place(entry);
    const all = place === undefined ? [] : (results.read(place).g ?? []);
    if (!all.includes(key)) return undefined;
    const batch: Batch = { missing: new Set(all), held: [] };
    this.#open.set(first, batch);
    return batch;
  }

  #give(first: string): Item[] {
    this.#broken.add(first);
    const open = this.#open.get(first);
    if (open === undefined) return [];
    this.#open.delete(first);
    this.#held -= open.held.length;
    for (const { above } of open.held) this.#job.running?.release(above);
    return open.held.map((one) => one.again());
  }
}
