import type { OperatorFunction } from 'rxjs';
import * as z from 'zod';
import type { ConcurrencyOptions } from '../../core/concurrency.js';
import { defineStep } from '../../core/define.js';
import { compileExpression, expression } from '../../core/expression.js';
import type { Item } from '../../core/item.js';
import { expectFunction } from '../../core/schema.js';
import type { Slot } from '../../core/slot.js';
import { stage } from '../../core/stage.js';
import { applied, type StepFunction } from '../../core/step.js';

export const filterOptions = z.strictObject({
  expression: expression().describe(
    'An expression over `data` and `item`, or an arrow function of both; may be async.',
  ),
});

/**
 * Lets items go on whose data `predicate` accepts, and skips the others as `filtered`.
 *
 * Unlike rxjs `filter` it loses none: a skipped item passes by all later steps and is counted at the sink. Items that
 * go on are untouched, so that a row is written byte for byte as it was read. What `predicate` throws fails the item.
 * A predicate that tells a type (`data is ...`) narrows that of the items.
 *
 * ```
 * source         -1--2--3--4--|
 * filterItems    -s--2--s--4--|      n % 2 === 0; s is skipped
 * ```
 *
 * @example
 * import { filterItems, literals, toArray } from 'batchx';
 *
 * literals([1, 2, 3, 4])
 *   .pipe(filterItems((n: number) => n % 2 === 0), toArray())
 *   .subscribe((values) => console.log(values)); // [ 2, 4 ]
 */
export function filterItems<T, S extends T>(
  predicate: (data: T, item: Item<T>, slot: Slot) => data is S,
  options?: ConcurrencyOptions,
): OperatorFunction<Item<T>, Item<S>>;
export function filterItems<T>(
  predicate: (data: T, item: Item<T>, slot: Slot) => unknown,
  options?: ConcurrencyOptions,
): OperatorFunction<Item<T>, Item<T>>;
export function filterItems<T>(
  predicate: (data: T, item: Item<T>, slot: Slot) => unknown,
  options: ConcurrencyOptions = {},
): OperatorFunction<Item<T>, Item<T>> {
  expectFunction(predicate, 'filterItems');
  const run: StepFunction = (item, slot) => predicate(item.data as T, item as Item<T>, slot);
  return stage([applied(run, 'verdict')], options, 'filterItems') as OperatorFunction<Item<T>, Item<T>>;
}

export const filterStep = defineStep({
  name: 'filter',
  main: 'expression',
  status: 'stable',
  summary: 'Lets the items go on for which an expression is true, untouched, and skips the others.',
  gives: 'verdict',
  options: filterOptions,
  examples: [{ title: 'Large orders only', options: { expression: 'data.total > 100' } }],
  create({ expression: source }) {
    const predicate = compileExpression(source);
    return (item) => predicate(item.data, item);
  },
});
