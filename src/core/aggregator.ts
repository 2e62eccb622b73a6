import { BatchxError } from './errors.js';
import type { Item } from './item.js';
import { isPromiseLike } from './promise.js';
import { show } from './schema.js';

/** What is known so far of the items that were added. */
export interface Tally<T = unknown, R = unknown> {
  /** Takes in one item; what it throws spoils the whole, so the aggregate fails. */
  add(data: T, item: Item<T>): void;
  result(): R;
}

/** Makes fresh tallies: one for each subscription, and one for each group. */
export type Aggregator<T = unknown, R = unknown> = () => Tally<T, R>;

/** One aggregator, or several by name. */
export type Shape<T = unknown> = Aggregator<T> | { readonly [name: string]: Shape<T> };

/** The same as data: aggregates by name, each as one aggregator's name with its options. */
export type AggregateSpec = Readonly<Record<string, Readonly<Record<string, Readonly<Record<string, unknown>>>>>>;

/** What comes of a shape: the aggregator's result, or an object of the results by name. */
export type Aggregated<S> = S extends Aggregator<never, infer R> ? R : { -readonly [K in keyof S]: Aggregated<S[K]> };

/** A fresh tally of a whole shape. A shape that has something else in it throws. */
export function startTally<T, S extends Shape<T>>(shape: S): Tally<T, Aggregated<S>> {
  return start(shape, '') as Tally<T, Aggregated<S>>;
}

function start(shape: unknown, name: string): Tally {
  if (typeof shape === 'function') {
    const tally = (shape as () => unknown)();
    if (isTally(tally)) return tally;
    throw wrong(name, `${shape.name || 'a function'} itself, which makes none`);
  }
  if (typeof shape !== 'object' || shape === null || Array.isArray(shape)) throw wrong(name, show(shape));
  const parts = Object.entries(shape);
  if (parts.length === 0) throw wrong(name, 'none');
  return new Named(parts.map(([key, part]) => [key, start(part, name === '' ? key : `${name}.${key}`)]));
}

const isTally = (value: unknown): value is Tally =>
  typeof value === 'object' && value !== null && 'add' in value && 'result' in value;

function wrong(name: string, got: string): BatchxError {
  const where = name === '' ? '' : ` for \`${name}\``;
  return new BatchxError('usage', `expected an aggregator, such as count(), or several by name${where}, got ${got}`);
}

class Named implements Tally {
  readonly #parts: readonly (readonly [name: string, tally: Tally])[];

  constructor(parts: readonly (readonly [string, Tally])[]) {
    this.#parts = parts;
  }

  add(data: unknown, item: Item): void {
    for (const [, tally] of this.#parts) tally.add(data, item);
  }

  result(): unknown {
    return Object.fromEntries(this.#parts.map(([name, tally]) => [name, tally.result()]));
  }
}

/** Refuses a promise where a tally needs a value now. */
export function now<T>(value: T): T {
  if (!isPromiseLike(value)) return value;
  throw new BatchxError(
    'expression',
    'expected a value, got a promise: an aggregate does not wait, compute it in a step',
  );
}
