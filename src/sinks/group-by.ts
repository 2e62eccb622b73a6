import * as z from 'zod';
import { aggregateSpec } from '../core/aggregate-spec.js';
import { type Aggregated, type Aggregator, now, type Shape, startTally, type Tally } from '../core/aggregator.js';
import { defineAggregator } from '../core/define.js';
import { BatchxError } from '../core/errors.js';
import { compileExpression, expression } from '../core/expression.js';
import type { Item } from '../core/item.js';
import { expectFunction, parseOptions, show } from '../core/schema.js';

const limit = {
  maxGroups: z.int().min(1).default(100_000).describe('How many groups there may be; one more is an error.'),
};

const groupByConfig = z.strictObject(limit);

/** The options of `groupBy` beside the key and the aggregators. */
export type GroupByOptions = z.input<typeof groupByConfig>;

export const groupByOptions = z.strictObject({
  expression: expression().describe('What items are grouped by, as an expression over `data` and `item`.'),
  aggregate: aggregateSpec()
    .default({ count: { count: {} } })
    .describe('The aggregates of each group by name, such as `{ n: { count: {} } }`.'),
  ...limit,
});

/** One group: its key, and the aggregates by name. */
export type Group<S> = { key: unknown } & Aggregated<S>;

/**
 * Puts items into groups by a key and aggregates each group: an array of `{ key, ...aggregates }`, in the order in
 * which the keys first appeared.
 *
 * Keys are compared by what they are in JSON, so that `1` and `"1"` differ and objects may be keys; a key that is
 * missing is null. Holds one tally for each group and aggregate; more than `maxGroups` groups are an error.
 *
 * @example
 * import { aggregate, count, groupBy, literals } from 'batchx';
 *
 * literals([{ country: 'DE' }, { country: 'FR' }, { country: 'DE' }])
 *   .pipe(aggregate(groupBy((row: { country: string }) => row.country, { n: count() })))
 *   .subscribe((groups) => console.log(groups)); // [ { key: 'DE', n: 2 }, { key: 'FR', n: 1 } ]
 */
export function groupBy<T, S extends { readonly [name: string]: Shape<T> }>(
  key: (data: T, item: Item<T>) => unknown,
  shape: S,
  options: GroupByOptions = {},
): Aggregator<T, Group<S>[]> {
  expectFunction(key, 'groupBy');
  if (typeof shape !== 'object' || shape === null) {
    throw new BatchxError('usage', `groupBy: expected aggregators by name, such as { n: count() }, got ${show(shape)}`);
  }
  if ('key' in shape)
    throw new BatchxError('usage', 'groupBy: expected a name other than `key`, which is the key of the group');
  const { maxGroups } = parseOptions(groupByConfig, options, 'groupBy');
  startTally(shape); // what is wrong with the shape is said now, not at the first item
  return () => new Groups(key, shape, maxGroups);
}

class Groups<T, S extends { readonly [name: string]: Shape<T> }> implements Tally<T, Group<S>[]> {
  readonly #key: (data: T, item: Item<T>) => unknown;
  readonly #shape: S;
  readonly #max: number;
  readonly #groups = new Map<string, Tally<T, Aggregated<S>>>();

  constructor(key: (data: T, item: Item<T>) => unknown, shape: S, max: number) {
    this.#key = key;
    this.#shape = shape;
    this.#max = max;
  }

  add(data: T, item: Item<T>): void {
    // A function or a symbol has no form in JSON either, and is taken as missing.
    const key = (JSON.stringify(now(this.#key(data, item))) as string | undefined) ?? 'null';
    let group = this.#groups.get(key);
    if (group === undefined) {
      if (this.#groups.size >= this.#max) throw tooMany(this.#max, key);
      group = startTally<T, S>(this.#shape);
      this.#groups.set(key, group);
    }
    group.add(data, item);
  }

  result(): Group<S>[] {
    return [...this.#groups].map(([key, group]) => ({ key: JSON.parse(key) as unknown, ...group.result() }));
  }
}

function tooMany(max: number, key: string): BatchxError {
  const shown = key.length > 60 ? `${key.slice(0, 60)}...` : key;
  return new BatchxError(
    'usage',
    `expected at most ${max} groups, got one more with the key ${shown}; raise \`maxGroups\` or group by less`,
  );
}

export const groupByAggregator = defineAggregator({
  name: 'group-by',
  main: 'expression',
  status: 'stable',
  summary: 'Puts items into groups by a key and aggregates each group.',
  options: groupByOptions,
  examples: [
    {
      title: 'Orders and turnover of each country',
      options: {
        expression: 'data.country',
        aggregate: { orders: { count: {} }, total: { stats: { expression: 'data.total' } } },
      },
    },
  ],
  create: ({ expression: source, aggregate, maxGroups }, shapeOf) =>
    groupBy(compileExpression(source), shapeOf(aggregate) as Readonly<Record<string, Shape>>, { maxGroups }),
});
