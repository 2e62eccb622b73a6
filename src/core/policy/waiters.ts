import type { BatchxError } from '../errors.js';
import type { Slot } from '../slot.js';

/** A call that waits for a permit. */
export class Waiter {
  readonly weight: number;
  readonly slot: Slot | undefined;
  /** Since when it has been wanted. */
  since: number;
  readonly go: (error?: BatchxError) => void;
  /** Where it stands; nowhere while it is asking for its slot, and when it is done with. */
  line: Waiters | undefined = undefined;
  before: Waiter | undefined = undefined;
  after: Waiter | undefined = undefined;
  /** Whether it has given its slot back. */
  parked = false;
  /** Whether it is asking for its slot, to come back to the front. */
  returning = false;

  constructor(weight: number, slot: Slot | undefined, since: number, go: (error?: BatchxError) => void) {
    this.weight = weight;
    this.slot = slot;
    this.since = since;
    this.go = go;
  }
}

/** Waiters in the order in which they came; any of them may leave, in constant time. */
export class Waiters {
  first: Waiter | undefined = undefined;
  #last: Waiter | undefined = undefined;
  length = 0;
  /** What they weigh together. */
  weight = 0;

  push(waiter: Waiter): void {
    waiter.line = this;
    waiter.before = this.#last;
    if (this.#last === undefined) this.first = waiter;
    else this.#last.after = waiter;
    this.#last = waiter;
    this.length++;
    this.weight += waiter.weight;
  }

  remove(waiter: Waiter): void {
    const { before, after } = waiter;
    if (before === undefined) this.first = after;
    else before.after = after;
    if (after === undefined) this.#last = before;
    else after.before = before;
    // One that is kept somewhere must not keep the others in memory.
    waiter.line = waiter.before = waiter.after = undefined;
    this.length--;
    this.weight = this.length === 0 ? 0 : this.weight - waiter.weight;
  }

  *[Symbol.iterator](): Generator<Waiter> {
    for (let waiter = this.first; waiter !== undefined; waiter = waiter.after) yield waiter;
  }
}
