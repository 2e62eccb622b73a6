import { defer, map, type OperatorFunction, reduce } from 'rxjs';
import { type Shape, startTally, type Tally } from './aggregator.js';
import { BatchxError, messageOf } from './errors.js';
import type { Item } from './item.js';
import { settle } from './origin.js';
import { Outcome } from './outcome.js';
import type { Runtime } from './runtime.js';

/**
 * Emits one value at the end: what a shape's aggregators made of the items that are ok. Settles what no sink has.
 *
 * What an aggregator throws is the error at the end; `onFault` is called when it happens, in place of a warning.
 */
export function aggregateItems<T>(
  shape: Shape<T>,
  runtime: Runtime,
  onFault?: () => void,
): OperatorFunction<Item<T> | Outcome<T>, unknown> {
  startTally(shape); // what is wrong with the shape is said now, not at the first subscription
  return (source) =>
    defer(() => {
      const total = new Total(startTally(shape), runtime, onFault);
      return source.pipe(
        reduce((sofar, value) => sofar.add(value), total),
        map((all) => all.result()),
      );
    });
}

class Total<T> {
  readonly #tally: Tally<T>;
  readonly #runtime: Runtime;
  readonly #onFault: (() => void) | undefined;
  #fault: BatchxError | undefined;

  constructor(tally: Tally<T>, runtime: Runtime, onFault: (() => void) | undefined) {
    this.#tally = tally;
    this.#runtime = runtime;
    this.#onFault = onFault;
  }

  add(value: Item<T> | Outcome<T>): this {
    const outcome = value instanceof Outcome ? value : Outcome.of(value);
    if (isCounted(outcome) && this.#fault === undefined) this.#count(outcome.item);
    if (!outcome.settled) {
      outcome.settled = true;
      settle(outcome, (settled) => {
        this.#runtime.events.emit('batch:item:end', settled);
      });
    }
    return this;
  }

  result(): unknown {
    if (this.#fault !== undefined) throw this.#fault;
    return this.#tally.result();
  }

  #count(item: Item<T>): void {
    try {
      this.#tally.add(item.data, item);
    } catch (error) {
      this.#fault = aggregateFault(error, item);
      const message = cannotAggregate(error);
      if (this.#onFault === undefined) this.#runtime.events.emit('batch:warning', { message, where: item.where });
      else this.#onFault();
    }
  }
}

/** What an earlier run of the job has done counts as what this one does, where its result is there. */
function isCounted({ status, item }: Outcome): boolean {
  const { recalled } = item.extra;
  return status === 'ok' || (status === 'skipped' && (recalled === 'shown' || recalled === 'kept'));
}

const cannotAggregate = (error: unknown, name?: string): string => {
  const what = name === undefined ? 'cannot aggregate' : `cannot make the aggregate \`${name}\``;
  return `${what}: ${messageOf(error)}`.replace('BatchxError: ', '');
};

/** What an aggregator has thrown at an item; `name` is its own among several. */
export function aggregateFault(error: unknown, item: Item, name?: string): BatchxError {
  const code = error instanceof BatchxError ? error.code : 'expression';
  const { where = item.id } = item;
  return new BatchxError(code, `${cannotAggregate(error, name)}, at ${item.id}`, { cause: error, where });
}
