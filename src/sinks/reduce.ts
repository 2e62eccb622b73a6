import * as z from 'zod';
import { type Aggregator, now } from '../core/aggregator.js';
import { defineAggregator } from '../core/define.js';
import { BatchxError, messageOf } from '../core/errors.js';
import { compileExpression, expression } from '../core/expression.js';
import type { Item } from '../core/item.js';
import { expectFunction } from '../core/schema.js';

export const reduceOptions = z.strictObject({
  expression: expression(['total', 'data', 'item']).describe(
    'The next total: an expression over `total`, `data` and `item`, or a function of them.',
  ),
  seed: z.json().describe('The total before the first item.'),
});

/**
 * Folds the data of all items into one total, which starts as `seed`. Holds the total.
 *
 * Each subscription, and each group, has a total of its own: a seed is copied, so `fold` may change what it is given.
 * That is for plain data, maps, sets and dates: of an object of a class the copy has the fields, but not the class. A
 * seed that is a function is called for each instead. `fold` has to return the next total, and must not be async.
 *
 * @example
 * import { aggregate, literals, reduce } from 'batchx';
 *
 * literals([3, 9, 4])
 *   .pipe(aggregate(reduce((highest, n: number) => Math.max(highest, n), 0)))
 *   .subscribe((highest) => console.log(highest)); // 9
 */
export function reduce<T, R>(fold: (total: R, data: T, item: Item<T>) => R, seed: R | (() => R)): Aggregator<T, R> {
  expectFunction(fold, 'reduce');
  const fresh = typeof seed === 'function' ? (seed as () => R) : () => copy(seed);
  return () => {
    let total = fresh();
    return {
      add(data, item) {
        total = now(fold(total, data, item));
      },
      result: () => total,
    };
  };
}

function copy<R>(seed: R): R {
  try {
    return structuredClone(seed);
  } catch (error) {
    throw new BatchxError(
      'usage',
      `expected a seed that can be copied, or a function that makes one: ${messageOf(error)}`,
    );
  }
}

export const reduceAggregator = defineAggregator({
  name: 'reduce',
  main: 'expression',
  status: 'stable',
  summary: 'Folds the data of all items into one total.',
  options: reduceOptions,
  examples: [
    { title: 'The highest price', options: { expression: 'Math.max(total, data.price)', seed: 0 } },
    { title: 'All tags', options: { expression: '(all, { tags }) => [...new Set([...all, ...tags])]', seed: [] } },
  ],
  create: ({ expression: source, seed }) =>
    reduce(compileExpression(source, ['total', 'data', 'item']), seed as unknown),
});
