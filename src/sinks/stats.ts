import * as z from 'zod';
import { type Aggregator, now, type Tally } from '../core/aggregator.js';
import { defineAggregator } from '../core/define.js';
import { compileExpression, expression } from '../core/expression.js';
import type { Item } from '../core/item.js';
import { Quantiles } from '../core/quantiles.js';
import { expectFunction } from '../core/schema.js';

export const statsOptions = z.strictObject({
  expression: expression().describe('The number of an item, as an expression over `data` and `item`.'),
});

/** What is said of numbers; null where there were none. */
export interface Stats {
  count: number;
  /** How many items had something else than a finite number, and are in none of the other figures. */
  ignored: number;
  sum: number;
  min: number | null;
  max: number | null;
  mean: number | null;
  /** The standard deviation of these values themselves: divided by their count. */
  stddev: number | null;
  p50: number | null;
  p90: number | null;
  p95: number | null;
  p99: number | null;
}

/**
 * Describes one number of each item: count, sum, min, max, mean, standard deviation and percentiles.
 *
 * Anything but a finite number - text too, even `"12"` - is counted as `ignored`. Sums do not lose small numbers among
 * large ones. Percentiles are values that occurred, up to 2,048 of them; then they are at most 1 % off. Holds at most
 * those values, then one counter for each 2 % step in size that occurs.
 *
 * @example
 * import { aggregate, literals, stats } from 'batchx';
 *
 * literals([{ total: 1 }, { total: 5 }, {}])
 *   .pipe(aggregate(stats((row: { total?: number }) => row.total)))
 *   .subscribe(({ sum, mean, ignored }) => console.log(sum, mean, ignored)); // 6 3 1
 */
export function stats<T>(value: (data: T, item: Item<T>) => unknown): Aggregator<T, Stats> {
  expectFunction(value, 'stats');
  return () => new Numbers(value);
}

class Numbers<T> implements Tally<T, Stats> {
  readonly #value: (data: T, item: Item<T>) => unknown;
  readonly #quantiles = new Quantiles();
  #ignored = 0;
  #sum = 0;
  /** What the additions to the sum have lost so far (Neumaier). */
  #lost = 0;
  /** The mean so far and the sum of the squared distances from it (Welford). */
  #mean = 0;
  #squares = 0;

  constructor(value: (data: T, item: Item<T>) => unknown) {
    this.#value = value;
  }

  add(data: T, item: Item<T>): void {
    const value = this.#value(data, item);
    if (typeof value !== 'number' || !Number.isFinite(value)) {
      now(value);
      this.#ignored++;
      return;
    }
    this.#quantiles.add(value);
    const sum = this.#sum + value;
    this.#lost += Math.abs(this.#sum) >= Math.abs(value) ? this.#sum - sum + value : value - sum + this.#sum;
    this.#sum = sum;
    this.#spread(value, this.#quantiles.count);
  }

  #spread(value: number, count: number): void {
    const distance = value - this.#mean;
    // Between two huge numbers of different signs lies more than a number can say, but not between their shares.
    this.#mean += Number.isFinite(distance) ? distance / count : value / count - this.#mean / count;
    const square = distance * (value - this.#mean);
    this.#squares += Number.isNaN(square) ? Infinity : square;
  }

  result(): Stats {
    const { count, min, max } = this.#quantiles;
    const corrected = this.#sum + this.#lost;
    // Once the sum has been beyond the largest number only the mean still knows.
    const sum = Number.isFinite(corrected) ? corrected : this.#mean * count;
    const none = count === 0;
    const quantile = (q: number): number | null => this.#quantiles.quantile(q) ?? null;
    return {
      count,
      ignored: this.#ignored,
      sum,
      min: none ? null : min,
      max: none ? null : max,
      mean: none ? null : Number.isFinite(corrected) ? corrected / count : this.#mean,
      stddev: none ? null : Math.sqrt(this.#squares / count),
      p50: quantile(0.5),
      p90: quantile(0.9),
      p95: quantile(0.95),
      p99: quantile(0.99),
    };
  }
}

export const statsAggregator = defineAggregator({
  name: 'stats',
  main: 'expression',
  status: 'stable',
  summary: 'Describes a number of each item: count, sum, min, max, mean, standard deviation and percentiles.',
  options: statsOptions,
  examples: [{ title: 'The totals of orders', options: { expression: 'data.total' } }],
  create: ({ expression: source }) => stats(compileExpression(source)),
});
