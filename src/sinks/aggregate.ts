import { defer, map, type OperatorFunction, reduce } from 'rxjs';
import { type Aggregated, type Shape, startTally, type Tally } from '../core/aggregator.js';
import { BatchxError, messageOf } from '../core/errors.js';
import { Item } from '../core/item.js';
import { settle } from '../core/origin.js';
import { Outcome } from '../core/outcome.js';
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
export function aggregate<T, S extends Shape<T>>(
  shape: S,
  runtime: Runtime = defaultRuntime(),
): OperatorFunction<Item<T> | Outcome<T>, Aggregated<S>> {
  startTally(shape); // what is wrong with the shape is said now, not at the first subscription
  return (source) =>
    defer(() => {
      const total = new Total<T, Aggregated<S>>(startTally<T, S>(shape), runtime);
      return source.pipe(
        reduce((sofar, value) => sofar.add(value), total),
        map((all) => all.result()),
      );
    });
}

class Total<T, R> {
  readonly #tally: Tally<T, R>;
  readonly #runtime: Runtime;
  #fault: BatchxError | undefined;

  constructor(tally: Tally<T, R>, runtime: Runtime) {
    this.#tally = tally;
    this.#runtime = runtime;
  }

  add(value: Item<T> | Outcome<T>): this {
    const outcome = value instanceof Outcome ? value : Outcome.of(value);
    if (outcome.status === 'ok' && this.#fault === undefined) this.#count(outcome.item);
    if (!outcome.settled) {
      outcome.settled = true;
      settle(outcome, (settled) => {
        this.#runtime.events.emit('batch:item:end', settled);
      });
    }
    return this;
  }

  result(): R {
    if (this.#fault !== undefined) throw this.#fault;
    return this.#tally.result();
  }

  #count(item: Item<T>): void {
    try {
      this.#tally.add(item.data, item);
    } catch (error) {
      const code = error instanceof BatchxError ? error.code : 'expression';
      const message = `cannot aggregate: ${messageOf(error)}`.replace('BatchxError: ', '');
      this.#fault = new BatchxError(code, `${message}, at ${item.id}`, { cause: error, where: item.where ?? item.id });
      this.#runtime.events.emit('batch:warning', { message, where: item.where });
    }
  }
}
