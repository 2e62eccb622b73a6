import type { Identity } from '../core/identity.js';

/** How many items are noted at once as begun, at most; and how quickly they have to follow each other for that, in milliseconds. */
const AHEAD = 16;
const QUICK = 5;

/**
 * Tells which items are to be noted as begun. Where they follow each other quickly those that come next are noted along
 * with the one that begins, as each note is a call into the system: who it is that ends the process is found out anyway.
 */
export class Starting {
  #waiting: Identity[] = [];
  #at = 0;
  /** Those that were noted and have not ended. */
  readonly #noted = new Set<number>();
  #ahead = 1;
  #last = -Infinity;

  /** Takes items that will begin after those which wait already. */
  wait(items: readonly Identity[]): void {
    if (this.#at > this.#waiting.length / 2) {
      this.#waiting = this.#waiting.slice(this.#at);
      this.#at = 0;
    }
    for (const item of items) this.#waiting.push(item);
  }

  /** Gives the items that are to be noted now that some begin; `runs` says of another one that it has not ended. */
  begin(items: readonly Identity[], now: number, runs: (entry: number) => boolean): readonly Identity[] {
    const begun = items.filter(({ entry }) => !this.#noted.has(entry));
    if (begun.length === 0) return begun;
    for (const { entry } of begun) this.#noted.add(entry);
    this.#ahead = now - this.#last < this.#ahead * QUICK ? Math.min(AHEAD, this.#ahead * 2) : 1;
    this.#last = now;
    for (; this.#at < this.#waiting.length && begun.length < this.#ahead; this.#at++) {
      const next = this.#waiting[this.#at] as Identity;
      if (this.#noted.has(next.entry) || !runs(next.entry)) continue;
      this.#noted.add(next.entry);
      begun.push(next);
    }
    return begun;
  }

  /** Takes that an item has ended, whether it was noted or not. */
  end(entry: number): void {
    this.#noted.delete(entry);
  }
}
