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

export const mapOptions = z.strictObject({
  expression: expression().describe(
    'An expression over `data` and `item`, or an arrow function of both; may be async.',
  ),
});

/**
 * Replaces the data of each item by what `project` makes of it, at most `concurrency` calls at once.
 *
 * `undefined` drops the item as `filtered`; what `project` throws fails it. Items that failed or were skipped pass by.
 * Results come as they are done, or in the order of the source with `ordered`; what waits is held in one room.
 *
 * ```
 * source      -a----b----c--|      b fails
 * mapItems    --A----x----C-|      x is the item b with an error
 * ```
 *
 * @example
 * import { literals, mapItems, toArray } from 'batchx';
 *
 * literals([1, 2, 3])
 *   .pipe(mapItems((n: number) => n * 2), toArray())
 *   .subscribe((values) => console.log(values)); // [ 2, 4, 6 ]
 */
export function mapItems<T, R>(
  project: (data: T, item: Item<T>, slot: Slot) => R,
  options: ConcurrencyOptions = {},
): OperatorFunction<Item<T>, Item<Exclude<Awaited<R>, undefined>>> {
  expectFunction(project, 'mapItems');
  const run: StepFunction = (item, slot) => project(item.data as T, item as Item<T>, slot);
  const operator = stage([applied(run, 'data')], options, 'mapItems');
  return operator as OperatorFunction<Item<T>, Item<Exclude<Awaited<R>, undefined>>>;
}

export const mapStep = defineStep({
  name: 'map',
  main: 'expression',
  status: 'stable',
  summary: 'Replaces the data of each item by the value of an expression; undefined drops the item.',
  gives: 'data',
  options: mapOptions,
  examples: [
    { title: 'Project and compute', options: { expression: '({ id, total }) => ({ id, gross: total * 1.19 })' } },
    {
      title: 'Keep some rows and one field of them',
      options: { expression: 'data.total > 100 ? data.id : undefined' },
    },
  ],
  create({ expression: source }) {
    const project = compileExpression(source);
    return (item) => project(item.data, item);
  },
});
