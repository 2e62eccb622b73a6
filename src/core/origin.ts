import type { Item, Origin, Settlement, Status } from './item.js';
import { Outcome } from './outcome.js';

/**
 * Settles an item, then those it was made from, as soon as all that came of them is settled.
 *
 * `report` is called once for each item of the source, which has no origin of its own.
 */
export function settle(outcome: Settlement, report: (outcome: Outcome) => void): void {
  const { origin } = outcome.item.extra;
  if (origin === undefined) report(outcome instanceof Outcome ? outcome : new Outcome(outcome.item, outcome.status));
  else origin.settled(outcome, (parent) => settle(parent, report));
}

const severity: Record<Status, number> = { skipped: 0, ok: 1, 'in-doubt': 2, failed: 3 };

/** The parts that an item was split into: it settles with the last of them, as the worst of them did. */
export class SplitOrigin implements Origin {
  readonly parents: readonly Item[];
  readonly #parent: Item;
  /** The parts that are on their way, and one for those that may still come. */
  #open = 1;
  #worst: Settlement | undefined;
  #settle: ((outcome: Settlement) => void) | undefined;

  constructor(parent: Item) {
    this.#parent = parent;
    this.parents = [parent];
  }

  /** One more part is on its way. */
  add(): void {
    this.#open++;
  }

  /** No further part will come; there has been one. The parent is settled by this if all its parts already are. */
  close(): void {
    this.#settleOne();
  }

  settled(outcome: Settlement, settle: (outcome: Settlement) => void): void {
    if (this.#worst === undefined || severity[outcome.status] > severity[this.#worst.status]) this.#worst = outcome;
    this.#settle = settle;
    this.#settleOne();
  }

  #settleOne(): void {
    if (--this.#open === 0 && this.#worst !== undefined) this.#settle?.(inherit(this.#parent, this.#worst));
  }
}

/** The items that a batch was made of: each ends as the batch does. */
export class BatchOrigin implements Origin {
  readonly parents: readonly Item[];

  constructor(parents: readonly Item[]) {
    this.parents = parents;
  }

  settled(outcome: Settlement, settle: (outcome: Settlement) => void): void {
    for (const parent of this.parents) settle(inherit(parent, outcome));
  }
}

/** The origin of a copy that goes a way of its own: what becomes of it is not the account's concern. */
export const detached: Origin = { settled: () => undefined };

function inherit(parent: Item, { item, status }: Settlement): Settlement {
  if (item.error !== undefined) return { item: parent.fail(item.error), status };
  if (item.skipped !== undefined) return { item: parent.skip(item.skipped), status };
  return { item: parent, status };
}
