/** So many values are kept as they are; 16 KB. */
export const EXACT = 2048;

/** The most by which a quantile may be off, relative to its size, once the values are too many to keep. */
export const ERROR = 0.01;

/** A bucket's bounds are this far apart as a ratio; a little finer than `ERROR` asks, so that rounding has room. */
const GAMMA = 1 + 1.98 * ERROR;
const LOG_GAMMA = Math.log(GAMMA);

/**
 * Quantiles of any number of values in bounded memory.
 *
 * Up to 2,048 values they are exact; then values are counted in buckets whose bounds grow by 2 %, and a quantile is at
 * most 1 % off, for negative, fractional, huge and tiny numbers alike; zero is exact. (Below 1e-300 numbers themselves
 * have fewer digits.) A bucket is made only when a value falls into it: numbers within six orders of magnitude need at
 * most 700, all numbers there are 148,000.
 */
export class Quantiles {
  #exact: number[] | undefined = [];
  #sorted = true;
  /** How many values fell into each bucket, by the sign of the values; bucket i ends at GAMMA to the power of i. */
  readonly #positive = new Map<number, number>();
  readonly #negative = new Map<number, number>();
  #zeros = 0;
  #count = 0;
  #min = Infinity;
  #max = -Infinity;

  get count(): number {
    return this.#count;
  }

  /** The smallest and the largest value; infinite as long as there is none. */
  get min(): number {
    return this.#min;
  }

  get max(): number {
    return this.#max;
  }

  /** Takes in one finite number. */
  add(value: number): void {
    this.#count++;
    if (value < this.#min) this.#min = value;
    if (value > this.#max) this.#max = value;
    if (this.#exact === undefined) this.#put(value, 1);
    else {
      this.#exact.push(value);
      this.#sorted = false;
      if (this.#exact.length > EXACT) this.#spill();
    }
  }

  /** Takes in all that another has counted. */
  merge(other: Quantiles): void {
    if (other.#exact !== undefined) {
      for (const value of [...other.#exact]) this.add(value);
      return;
    }
    this.#spill();
    for (const [bucket, count] of other.#positive) increase(this.#positive, bucket, count);
    for (const [bucket, count] of other.#negative) increase(this.#negative, bucket, count);
    this.#zeros += other.#zeros;
    this.#count += other.#count;
    this.#min = Math.min(this.#min, other.#min);
    this.#max = Math.max(this.#max, other.#max);
  }

  /** The smallest value such that at least the share `q` of all values is not larger; undefined when there are none. */
  quantile(q: number): number | undefined {
    if (this.#count === 0) return undefined;
    // 0.07 x 100 is a little more than 7 in binary: without the correction the rank would be 8.
    const rank = Math.max(1, Math.ceil(q * this.#count * (1 - 2 * Number.EPSILON)));
    if (this.#exact === undefined) return Math.min(this.#max, Math.max(this.#min, this.#ranked(rank)));
    if (!this.#sorted) this.#exact.sort((a, b) => a - b);
    this.#sorted = true;
    return this.#exact[rank - 1];
  }

  #spill(): void {
    const values = this.#exact ?? [];
    this.#exact = undefined;
    for (const value of values) this.#put(value, 1);
  }

  #put(value: number, count: number): void {
    if (value > 0) increase(this.#positive, bucketOf(value), count);
    else if (value < 0) increase(this.#negative, bucketOf(-value), count);
    else this.#zeros += count;
  }

  #ranked(rank: number): number {
    let passed = 0;
    for (const [bucket, count] of inOrder(this.#negative, -1)) if ((passed += count) >= rank) return -middleOf(bucket);
    if ((passed += this.#zeros) >= rank) return 0;
    for (const [bucket, count] of inOrder(this.#positive, 1)) if ((passed += count) >= rank) return middleOf(bucket);
    return this.#max;
  }
}

const bucketOf = (size: number): number => Math.ceil(Math.log(size) / LOG_GAMMA);

/** Where the middle of a bucket lies below its upper bound, as a logarithm: the bound itself may be beyond all numbers. */
const LOG_MIDDLE = Math.log(2 / (1 + GAMMA));

/** The number that is equally far, relatively, from both bounds of a bucket. */
const middleOf = (bucket: number): number => Math.exp(bucket * LOG_GAMMA + LOG_MIDDLE);

const increase = (counts: Map<number, number>, bucket: number, by: number): void =>
  void counts.set(bucket, (counts.get(bucket) ?? 0) + by);

const inOrder = (counts: ReadonlyMap<number, number>, direction: 1 | -1): [number, number][] =>
  [...counts].sort(([a], [b]) => direction * (a - b));
