import type { BatchxError } from './errors.js';
import type { Item, Settlement, SkipReason, Status } from './item.js';

/**
 * What became of an item. Sinks emit one for each item, once it is written.
 *
 * `error` is there when the status is `failed` or `in-doubt`, `reason` when it is `skipped`.
 */
export class Outcome<T = unknown> implements Settlement {
  readonly item: Item<T>;
  readonly status: Status;
  /** Set by the sink that has accounted for it, so that none does so twice. */
  settled = false;

  constructor(item: Item<T>, status: Status) {
    this.item = item;
    this.status = status;
  }

  /** The outcome that an item has when nothing more happens to it. */
  static of<T>(item: Item<T>): Outcome<T> {
    const { error, skipped } = item;
    if (error !== undefined) return new Outcome(item, error.inDoubt ? 'in-doubt' : 'failed');
    return new Outcome(item, skipped === undefined ? 'ok' : 'skipped');
  }

  get id(): string {
    return this.item.id;
  }

  get error(): BatchxError | undefined {
    return this.item.error;
  }

  get reason(): SkipReason | undefined {
    return this.item.skipped;
  }

  get weight(): number {
    return this.item.weight;
  }
}

/** The data of what a sink is given. */
export type DataOf<T> = T extends Item<infer D> | Outcome<infer D> ? D : T;

/** What a sink emits for what it is given: items, outcomes of another sink, or plain values, which it takes as data. */
export type OutcomeOf<T> = Outcome<DataOf<T>>;
