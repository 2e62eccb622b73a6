import type { OperatorFunction } from 'rxjs';
import { aggregateItems } from '../core/aggregate.js';
import type { Aggregated, Aggregator, Shape } from '../core/aggregator.js';
import type { Item } from '../core/item.js';
import type { Outcome } from '../core/outcome.js';
import { defaultRuntime, type Runtime } from '../core/runtime.js';

/**
 * Emits one value when the source is complete: what the aggregators made of all items that are ok.
 *
 * It takes outcomes from any sink, or items, which it then settles itself. Items that failed or were skipped are not
 * counted. An empty source gives the value of no items. Of the items nothing is held but what the aggregators say.
 * What an aggregator throws becomes the error of the Observable, at the end: until then a warning has been said, and
 * the items go on. An error of the source passes at once, without a value.
 *
 * ```
 * source             -a--b--x--c--|      x failed
 * aggregate(count()) -------------(3|)
 * ```
 *
 * @example
 * import { aggregate, count, groupBy, literals, stats } from 'batchx';
 *
 * literals([{ country: 'DE', total: 3 }, { country: 'FR', total: 4 }, { country: 'DE', total: 5 }])
 *   .pipe(aggregate({ n: count(), total: stats((row) => row.total), byCountry: groupBy((row) => row.country, { n: count() }) }))
 *   .subscribe(({ n, total, byCountry }) => console.log(n, total.sum, byCountry)); // 3 12 [ { key: 'DE', n: 2 }, { key: 'FR', n: 1 } ]
 */
export function aggregate<T, R>(
  aggregator: Aggregator<NoInfer<T>, R>,
  runtime?: Runtime,
): OperatorFunction<Item<T> | Outcome<T>, R>;
export function aggregate<T, S extends { readonly [name: string]: Shape<T> }>(
  shape: S,
  runtime?: Runtime,
): OperatorFunction<Item<T> | Outcome<T>, Aggregated<S>>;
export function aggregate<T>(
  shape: Shape<T>,
  runtime: Runtime = defaultRuntime(),
): OperatorFunction<Item<T> | Outcome<T>, unknown> {
  return aggregateItems(shape, runtime);
}
