import type { Item } from './item.js';
import { Outcome, type Status } from './outcome.js';

/** Told when an item that was made from others is settled; calls `settle` for those that are settled by that. */
export interface Origin {
  settled(outcome: Outcome, settle: (outcome: Outcome) => void): void;
}

/**
 * Settles an item, then those it was made from, as soon as all that came of them is settled.
 *
 * `report` is called once for each item of the source, which has no origin of its own.
 */
export function settle(outcome: Outcome, report: (outcome: Outcome) => void): void {
  const { origin } = outcome.item.extra;
  if (origin === undefined) report(outcome);
  else origin.settled(outcome, (parent) => settle(parent, report));
}

const severity: Record<Status, number> = { skipped: 0, ok: 1, 'in-doubt': 2, failed: 3 };

/** The parts that an item was split into: it settles with the last of them, as the worst of them did. */
export class SplitOrigin implements Origin {
  readonly #parent: Item;
  #open = 1;
  #worst: Outcome | undefined;

  constructor(parent: Item) {
    this.#parent = parent;
  }

  /** One more part is on its way. */
  add(): void {
    this.#open++;
  }

  /** No further part will come. */
  close(settle: (outcome: Outcome) => void): void {
    this.#settleOne(settle);
  }

  settled(outcome: Outcome, settle: (outcome: Outcome) => void): void {
    if (this.#worst === undefined || severity[outcome.status] > severity[this.#worst.status]) this.#worst = outcome;
    this.#settleOne(settle);
  }

  #settleOne(settle: (outcome: Outcome) => void): void {
    if (--this.#open > 0) return;
    settle(this.#worst === undefined ? Outcome.of(this.#parent.skip('filtered')) : inherit(this.#parent, this.#worst));
  }
}

/** The items that a batch was made of: each ends as the batch does. */
export class BatchOrigin implements Origin {
  readonly #parents: readonly Item[];

  constructor(parents: readonly Item[]) {
    this.#parents = parents;
  }

  settled(outcome: Outcome, settle: (outcome: Outcome) => void): void {
    for (const parent of this.#parents) settle(inherit(parent, outcome));
  }
}

/** The origin of a copy that goes a way of its own: what becomes of it is not the account's concern. */
export const detached: Origin = { settled: () => undefined };

function inherit(parent: Item, { item, status }: Outcome): Outcome {
  if (item.error !== undefined) return new Outcome(parent.fail(item.error), status);
  if (item.skipped !== undefined) return new Outcome(parent.skip(item.skipped), status);
  return new Outcome(parent, status);
}
