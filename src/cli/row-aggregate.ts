import type { OperatorFunction } from 'rxjs';
import { catchError, tap } from 'rxjs';
import { builtinRows } from '../builtin-rows.js';
import { aggregateItems } from '../core/aggregate.js';
import { shapeOf } from '../core/aggregate-spec.js';
import type { AggregateSpec } from '../core/aggregator.js';
import { BatchxError } from '../core/errors.js';
import { compileExpression } from '../core/expression.js';
import type { Item } from '../core/item.js';
import { isPromiseLike } from '../core/promise.js';
import type { Runtime } from '../core/runtime.js';
import type { Use } from '../pipeline/plan.js';
import { number } from './progress-line.js';

/** The flags that ask for an aggregate in place of the rows. */
export interface AggregateFlags {
  readonly count: boolean;
  readonly stats?: string | undefined;
  readonly 'group-by'?: string | undefined;
}

/** A row of figures. */
export type Row = Readonly<Record<string, unknown>>;

/** An aggregate as parts of a pipeline. */
export interface RowAggregate {
  /** What evaluates the expressions, so that a row for which they throw is one that failed. */
  readonly steps: readonly Use[];
  /** Makes rows of figures of all items that are ok. */
  readonly end: OperatorFunction<Item, unknown>;
}

export interface RowAggregateListener {
  /** The rows are there. */
  readonly done: (rows: readonly Row[]) => void;
  /** They will never be: nothing more needs to be read. */
  readonly stop: () => void;
}

/** How many groups there may be. */
const GROUPS = 1_000_000;

/** The aggregate that the flags ask for; undefined when none does. */
export function aggregateOf(
  { count, stats, 'group-by': key }: AggregateFlags,
  runtime: Runtime,
  { done, stop }: RowAggregateListener,
): RowAggregate | undefined {
  if (!count && stats === undefined && key === undefined) return undefined;
  const each: AggregateSpec = {
    count: { count: {} },
    ...(stats !== undefined && { stats: { stats: { expression: (row: Parts) => row.value } } }),
  };
  const groups = { expression: (row: Parts) => row.key, aggregate: each, maxGroups: GROUPS };
  const spec: AggregateSpec = key === undefined ? each : { groups: { 'group-by': groups } };
  const aggregate = aggregateItems(shapeOf(spec, builtinRows), runtime, stop) as OperatorFunction<
    Item,
    Row & { readonly groups?: readonly Row[] }
  >;
  return {
    steps: key === undefined && stats === undefined ? [] : [evaluate(key, stats)],
    end: (items) =>
      items.pipe(
        aggregate,
        catchError((error: unknown) => {
          throw tooManyGroups(error);
        }),
        tap((value) => {
          done((value.groups ?? [value]).map(flat));
        }),
      ),
  };
}

/** What the aggregate needs of a row. */
interface Parts {
  readonly key: unknown;
  readonly value: unknown;
}

function evaluate(key: string | undefined, stats: string | undefined): Use {
  const keyOf = key === undefined ? undefined : compileExpression(key);
  const valueOf = stats === undefined ? undefined : compileExpression(stats);
  const expression = (data: unknown, item: Item): Parts | Promise<Parts> => {
    const found = keyOf?.(data, item);
    const value = valueOf?.(data, item);
    if (!isPromiseLike(found) && !isPromiseLike(value)) return { key: asKey(found), value };
    return Promise.all([found, value]).then(([k, v]) => ({ key: asKey(k), value: v }));
  };
  return { name: 'map', options: { expression } };
}

/** A key as JSON says it; one that JSON cannot say throws here, where that is the failure of its row. */
const asKey = (key: unknown): unknown =>
  typeof key === 'bigint' || (typeof key === 'object' && key !== null) ? JSON.parse(JSON.stringify(key)) : key;

/** All that is left to go wrong in an aggregate of rows that have been evaluated. */
function tooManyGroups(error: unknown): unknown {
  if (!(error instanceof BatchxError) || error.code !== 'usage') return error;
  const message = `there are more than ${number(GROUPS)} groups: group by something that has fewer values`;
  return new BatchxError('usage', message, { cause: error });
}

/** The figures of the statistics beside the key and the number of rows, as one flat row. */
function flat({ stats, count, ...key }: Row): Row {
  return { ...key, ...(stats as Row | undefined), count };
}
