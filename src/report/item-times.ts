import type { Item, Status } from '../core/item.js';
import type { Outcome } from '../core/outcome.js';

/** How long an item of the source, and what came of it, was in the steps that are timed. */
export interface Times {
  /** In all of them together, in milliseconds. */
  ms: number;
  attempts: number;
  /** By the name of the step. */
  readonly steps: Record<string, number>;
}

/** An item that is done, and its times. */
export interface SlowItem extends Times {
  readonly id: string;
  readonly status: Status;
}

/** How many of the slowest items are kept. */
const SLOWEST = 10;

/**
 * The times of the items that are on their way, and of the slowest ones that are done.
 *
 * Those that an item was split into have its number, and count for it; a batch counts for its first item. Nothing is
 * kept of items that come to no step that is timed.
 */
export class ItemTimes {
  readonly #open = new Map<number, Times>();
  /** The slowest one first. */
  readonly #slowest: SlowItem[] = [];

  /** How many items on their way have been in a step that is timed. */
  get open(): number {
    return this.#open.size;
  }

  get slowest(): readonly SlowItem[] {
    return this.#slowest;
  }

  /** An item was so long in a step. */
  add(item: Item, step: string, ms: number): void {
    const times = this.#of(item);
    times.ms += ms;
    times.steps[step] = (times.steps[step] ?? 0) + ms;
  }

  attempted(item: Item): void {
    this.#of(item).attempts++;
  }

  /** An item of the source is settled: gives its times, if it has any, and forgets them. */
  settled({ item, status }: Outcome): Times | undefined {
    const times = this.#open.get(item.seq);
    if (times === undefined) return undefined;
    this.#open.delete(item.seq);
    const slowest = this.#slowest;
    if (slowest.length === SLOWEST && times.ms <= (slowest[SLOWEST - 1] as SlowItem).ms) return times;
    const at = slowest.findIndex(({ ms }) => ms < times.ms);
    slowest.splice(at < 0 ? slowest.length : at, 0, { ...times, id: item.id, status });
    slowest.length = Math.min(slowest.length, SLOWEST);
    return times;
  }

  #of({ seq }: Item): Times {
    let times = this.#open.get(seq);
    if (times === undefined) this.#open.set(seq, (times = { ms: 0, attempts: 0, steps: {} }));
    return times;
  }
}
