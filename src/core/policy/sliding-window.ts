import type { Pace } from '../rate.js';

/** How much longer the window is than asked for: a receiver sees arrivals, which are not as far apart as starts. */
const MARGIN = 1.01;
/** How many starts are kept one by one; beyond that they are kept in groups. */
const FINE = 1024;
/** How many groups there are in a window. */
const GROUPS = 1024;
/** What sums of fractions may be wrong by, of the limit. */
const ROUNDING = 1e-9;
/** What two times may be apart and yet be the same, in milliseconds: sums of fractions again. */
export const SAME_TIME = 1e-6;

/** The length of the window that is kept for a pace, in milliseconds. */
export const windowOf = ({ perMs }: Pace): number => perMs * MARGIN;

/** By how much a start may be late and need not be dated anew, in milliseconds: a part of what the window is longer for. */
export const toleranceOf = ({ perMs }: Pace): number => (perMs * (MARGIN - 1)) / 4;

/**
 * What was started in the window that ends now, so that it never comes to more than the limit.
 *
 * Starts are entries of a ring. From 1,024 on those that come close together share one, which counts from the latest of
 * them, so that what is kept does not depend on the limit and none is forgotten too early.
 */
export class SlidingWindow {
  #windowMs = 0;
  #most = 0;
  /** How close together starts share an entry, in milliseconds. */
  #grain = 0;
  #times: number[] = [0, 0, 0, 0];
  #weights: number[] = [0, 0, 0, 0];
  #head = 0;
  #length = 0;
  #total = 0;
  /** When the first of the latest entry was. */
  #groupStart = -Infinity;

  constructor(pace: Pace) {
    this.retune(pace);
  }

  /** What has been started stays, as far back as was looked until now. */
  retune(pace: Pace): void {
    this.#windowMs = windowOf(pace);
    this.#most = pace.limit * (1 + ROUNDING);
    this.#grain = pace.perMs / GROUPS;
  }

  /** How many entries are kept. */
  get entries(): number {
    return this.#length;
  }

  /** What has been started in the window that ends at `now`. */
  totalAt(now: number): number {
    const since = now + SAME_TIME - this.#windowMs;
    while (this.#length > 0 && (this.#times[this.#head] as number) <= since) this.#dropOldest();
    return this.#total;
  }

  hasRoom(weight: number, now: number): boolean {
    return this.totalAt(now) + weight <= this.#most;
  }

  /** When there will be room for so much, if nothing is added; long ago when there is room `now`. */
  roomAt(weight: number, now: number): number {
    let over = this.totalAt(now) + weight - this.#most;
    for (let i = 0; over > 0 && i < this.#length; i++) {
      const at = (this.#head + i) & (this.#times.length - 1);
      over -= this.#weights[at] as number;
      if (over <= 0) return (this.#times[at] as number) + this.#windowMs;
    }
    return -Infinity;
  }

  /** Something is started now. */
  add(weight: number, now: number): void {
    this.#total += weight;
    if (this.#length > 0) {
      const last = this.#last;
      const close = this.#length >= FINE && now - this.#groupStart <= this.#grain;
      if (close || this.#times[last] === now) {
        this.#times[last] = now;
        this.#weights[last] = (this.#weights[last] as number) + weight;
        return;
      }
    }
    if (this.#length === this.#times.length) this.#grow();
    this.#length++;
    const last = this.#last;
    this.#times[last] = now;
    this.#weights[last] = weight;
    this.#groupStart = now;
  }

  /**
   * What had been added was not started. Nobody says when it was added: it is the latest, if that was just now, and
   * otherwise taken for the oldest, so that none is forgotten too early.
   */
  remove(weight: number, now: number): void {
    let left = Math.min(weight, this.totalAt(now));
    while (left > 0 && this.#length > 0) {
      const last = this.#last;
      const latest = now - (this.#times[last] as number) <= this.#grain;
      const at = latest ? last : this.#head;
      const cut = Math.min(left, this.#weights[at] as number);
      left -= cut;
      if (cut < (this.#weights[at] as number)) {
        this.#weights[at] = (this.#weights[at] as number) - cut;
        this.#total -= cut;
      } else if (latest) this.#dropLatest();
      else this.#dropOldest();
    }
  }

  /**
   * What was added at a time is started only now. Where its entry is shared, or the window is past it, an earlier one or
   * none gives what it counts for: none is forgotten too early.
   */
  move(weight: number, since: number, now: number): void {
    this.totalAt(now);
    let left = weight;
    for (let i = this.#entriesUpTo(since) - 1; i >= 0 && left > 0; i--) {
      const at = (this.#head + i) & (this.#times.length - 1);
      const cut = Math.min(left, this.#weights[at] as number);
      this.#weights[at] = (this.#weights[at] as number) - cut;
      this.#total -= cut;
      left -= cut;
    }
    this.add(weight, now);
  }

  /** How many of the entries are no later than a time. */
  #entriesUpTo(time: number): number {
    let [from, to] = [0, this.#length];
    while (from < to) {
      const middle = (from + to) >> 1;
      const at = (this.#head + middle) & (this.#times.length - 1);
      if ((this.#times[at] as number) <= time) from = middle + 1;
      else to = middle;
    }
    return from;
  }

  get #last(): number {
    return (this.#head + this.#length - 1) & (this.#times.length - 1);
  }

  #dropOldest(): void {
    this.#total -= this.#weights[this.#head] as number;
    this.#head = (this.#head + 1) & (this.#times.length - 1);
    this.#shrink();
  }

  #dropLatest(): void {
    this.#total -= this.#weights[this.#last] as number;
    // When the first of the one before it was is not known any more.
    this.#groupStart = -Infinity;
    this.#shrink();
  }

  #shrink(): void {
    this.#length--;
    // What sums of fractions are wrong by does not grow beyond a window that was never empty.
    if (this.#length === 0) this.#total = 0;
  }

  #grow(): void {
    const size = this.#times.length;
    const unwound = (ring: readonly number[]): number[] => [
      ...ring.slice(this.#head),
      ...ring.slice(0, this.#head),
      ...new Array<number>(size).fill(0),
    ];
    this.#times = unwound(this.#times);
    this.#weights = unwound(this.#weights);
    this.#head = 0;
  }
}
