/** The results that a breaker judges by. */
export interface CallWindow {
  readonly calls: number;
  readonly failures: number;
  readonly slow: number;
  add(failed: boolean, slow: boolean, now: number): void;
  /** Leaves out what is too old by now. */
  expire(now: number): void;
  clear(): void;
}

const FAILED = 1;
const SLOW = 2;

/** The last `size` results. */
export class CountWindow implements CallWindow {
  readonly #marks: Uint8Array;
  #next = 0;
  calls = 0;
  failures = 0;
  slow = 0;

  constructor(size: number) {
    this.#marks = new Uint8Array(size);
  }

  add(failed: boolean, slow: boolean): void {
    if (this.calls === this.#marks.length) {
      const oldest = this.#marks[this.#next]!;
      if ((oldest & FAILED) !== 0) this.failures--;
      if ((oldest & SLOW) !== 0) this.slow--;
    } else this.calls++;
    this.#marks[this.#next] = (failed ? FAILED : 0) | (slow ? SLOW : 0);
    if (failed) this.failures++;
    if (slow) this.slow++;
    this.#next = this.#next + 1 === this.#marks.length ? 0 : this.#next + 1;
  }

  expire(): void {
    // A number of results does not age.
  }

  clear(): void {
    this.#next = this.calls = this.failures = this.slow = 0;
  }
}

/** The length of a bucket, in milliseconds. */
const BUCKET = 1000;

/**
 * The results of this second of the clock and of the `seconds - 1` before it: a result leaves after more than
 * `seconds - 1` and at most `seconds` seconds, together with all others of its second.
 */
export class TimeWindow implements CallWindow {
  readonly #seconds: number;
  /** For each second the calls, the failures and the slow ones. */
  readonly #buckets: Uint32Array;
  /** The second of the newest bucket. */
  #newest = -Infinity;
  calls = 0;
  failures = 0;
  slow = 0;

  constructor(seconds: number) {
    this.#seconds = seconds;
    this.#buckets = new Uint32Array(seconds * 3);
  }

  add(failed: boolean, slow: boolean, now: number): void {
    this.expire(now);
    const at = this.#bucketOf(this.#newest);
    this.#buckets[at]!++;
    this.calls++;
    if (failed) {
      this.#buckets[at + 1]!++;
      this.failures++;
    }
    if (slow) {
      this.#buckets[at + 2]!++;
      this.slow++;
    }
  }

  expire(now: number): void {
    const second = Math.floor(now / BUCKET);
    // A time that was read earlier than the newest one belongs to the newest bucket.
    if (second <= this.#newest) return;
    if (second - this.#newest >= this.#seconds) this.clear();
    else for (let old = this.#newest + 1; old <= second; old++) this.#drop(old);
    this.#newest = second;
  }

  clear(): void {
    this.#buckets.fill(0);
    this.calls = this.failures = this.slow = 0;
  }

  /** The place of a second is that of the one which leaves for it. */
  #drop(second: number): void {
    const at = this.#bucketOf(second);
    this.calls -= this.#buckets[at]!;
    this.failures -= this.#buckets[at + 1]!;
    this.slow -= this.#buckets[at + 2]!;
    this.#buckets.fill(0, at, at + 3);
  }

  #bucketOf(second: number): number {
    return (((second % this.#seconds) + this.#seconds) % this.#seconds) * 3;
  }
}
