import type { OperatorFunction } from 'rxjs';
import { tap } from 'rxjs';
import { builtin } from '../builtin.js';
import { aggregateItems } from '../core/aggregate.js';
import { shapeOf } from '../core/aggregate-spec.js';
import type { AggregateSpec } from '../core/aggregator.js';
import type { Item } from '../core/item.js';
import type { Runtime } from '../core/runtime.js';

/** The flags that ask for an aggregate in place of the rows. */
export interface AggregateFlags {
  readonly count: boolean;
  readonly stats?: string | undefined;
  readonly 'group-by'?: string | undefined;
}

/** A row of figures. */
export type Row = Readonly<Record<string, unknown>>;

/** The end of a pipeline that makes rows of all items; undefined when no flag asks for it. */
export function aggregateOf(
  flags: AggregateFlags,
  runtime: Runtime,
  done: (rows: readonly Row[]) => void,
): OperatorFunction<Item, unknown> | undefined {
  const { count, stats, 'group-by': key } = flags;
  if (!count && stats === undefined && key === undefined) return undefined;
  const each: AggregateSpec = {
    count: { count: {} },
    ...(stats !== undefined && { stats: { stats: { expression: stats } } }),
  };
  const spec = key === undefined ? each : { groups: { 'group-by': { expression: key, aggregate: each } } };
  const aggregate = aggregateItems(shapeOf(spec, builtin), runtime) as OperatorFunction<
    Item,
    Row & { readonly groups?: readonly Row[] }
  >;
  return (items) =>
    items.pipe(
      aggregate,
      tap((value) => {
        done((value.groups ?? [value]).map(flat));
      }),
    );
}

/** The figures of the statistics beside the key and the number of rows, as one flat row. */
function flat({ stats, count, ...key }: Row): Row {
  return { ...key, ...(stats as Row | undefined), count };
}
