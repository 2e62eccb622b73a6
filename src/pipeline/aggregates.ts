import { aggregateFault } from '../core/aggregate.js';
import { shapeOf } from '../core/aggregate-spec.js';
import { type AggregateSpec, type Shape, startTally, type Tally } from '../core/aggregator.js';
import { BatchxError } from '../core/errors.js';
import type { Item } from '../core/item.js';
import type { Registry } from '../core/registry.js';

/**
 * The aggregators of a pipeline, of which none spoils the others: one that throws is null at the end, and `onFault` is
 * told why, once for each.
 */
export function aggregatesOf(spec: AggregateSpec, registry: Registry, onFault: (fault: BatchxError) => void): Shape {
  const shape = shapeOf(spec, registry) as Readonly<Record<string, Shape>>;
  return Object.fromEntries(
    Object.entries(shape).map(([name, part]) => [name, () => new Apart(startTally(part), name, onFault)]),
  );
}

class Apart implements Tally {
  readonly #tally: Tally;
  readonly #name: string;
  readonly #onFault: (fault: BatchxError) => void;
  #last: Item | undefined;
  #spoilt = false;

  constructor(tally: Tally, name: string, onFault: (fault: BatchxError) => void) {
    this.#tally = tally;
    this.#name = name;
    this.#onFault = onFault;
  }

  add(data: unknown, item: Item): void {
    if (this.#spoilt) return;
    this.#last = item;
    try {
      this.#tally.add(data, item);
    } catch (error) {
      this.#spoil(error, item);
    }
  }

  result(): unknown {
    if (this.#spoilt) return null;
    try {
      return this.#tally.result();
    } catch (error) {
      if (this.#last === undefined) throw error;
      this.#spoil(error, this.#last);
      return null;
    }
  }

  #spoil(error: unknown, item: Item): void {
    this.#spoilt = true;
    this.#onFault(aggregateFault(error, item, this.#name));
  }
}

/** The faults of several aggregates as one error. */
export function aggregatesError(faults: readonly BatchxError[]): BatchxError | undefined {
  const [first] = faults;
  if (first === undefined || faults.length === 1) return first;
  const { code, where } = first;
  return new BatchxError(code, faults.map(({ message }) => message).join('; '), {
    cause: first,
    ...(where !== undefined && { where }),
  });
}
