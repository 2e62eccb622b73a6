import { hash } from 'node:crypto';
import { defer, map, type MonoTypeOperatorFunction, type OperatorFunction } from 'rxjs';
import * as z from 'zod';
import { defineFlow } from '../../core/define.js';
import { BatchxError } from '../../core/errors.js';
import { type DataFunction, expression } from '../../core/expression.js';
import type { Item } from '../../core/item.js';
import { keyOf, keyText } from '../../core/key.js';
import { defaultRuntime, type Runtime } from '../../core/runtime.js';
import { duration, parseOptions, toMs } from '../../core/schema.js';

export const dedupeOptions = z.strictObject({
  by: expression().optional().describe('What must differ, as an expression over `data`; the whole row unless said.'),
  last: z
    .int()
    .min(1)
    .max(10_000_000)
    .default(100_000)
    .describe('How many distinct keys are remembered, those seen last; about 150 bytes each.'),
  within: duration()
    .optional()
    .describe('How long a key is remembered after the item that went on; for ever unless said.'),
});

export type DedupeOptions<T = unknown> = Omit<z.input<typeof dedupeOptions>, 'by'> & {
  readonly by?: string | DataFunction<T>;
};

/**
 * Skips each item as `duplicate` whose key is among the last `last` distinct keys that were seen, and lets the others
 * go on at once, in their order.
 *
 * The key is what `by` gives, compared as JSON, or the row itself: its text as it was read, or the JSON of its data. A
 * key that is seen again is again the latest one. `within` counts from the item that went on, so that a key that comes
 * all the time goes on once in that time. Memory is bounded: the oldest key is forgotten, and of long ones only a
 * digest is kept. Items that failed or were skipped pass by. What `by` throws fails the item.
 *
 * ```
 * source              -a-b-a-c-a-|
 * dedupe({last: 2})   -a-b-s-c-s-|      s is the item a, skipped
 * ```
 *
 * @example
 * import { dedupe, literals, toArray } from 'batchx';
 *
 * literals([{ id: 1, v: 'x' }, { id: 2, v: 'y' }, { id: 1, v: 'z' }])
 *   .pipe(dedupe({ by: 'data.id' }), toArray())
 *   .subscribe((rows) => console.log(rows.length)); // 2
 */
export function dedupe<T>(
  options: DedupeOptions<T> = {},
  runtime: Runtime = defaultRuntime(),
): MonoTypeOperatorFunction<Item<T>> {
  const parsed = parseOptions(dedupeOptions, options, 'dedupe');
  return deduping(parsed, runtime) as unknown as MonoTypeOperatorFunction<Item<T>>;
}

export const dedupeFlow = defineFlow({
  name: 'dedupe',
  oneByOne: true,
  remembers: true,
  status: 'stable',
  summary: 'Skips the items whose key has been seen before.',
  options: dedupeOptions,
  examples: [
    { title: 'Each order once', options: { by: 'data.orderId' } },
    { title: 'The same alarm at most once a minute', options: { by: '[data.host, data.check]', within: '1m' } },
  ],
  create: deduping,
});

function deduping(
  { by, last, within }: z.output<typeof dedupeOptions>,
  { scheduler, durable }: Runtime,
): OperatorFunction<Item, Item> {
  const key = by === undefined ? undefined : keyOf(by);
  const textOf = (item: Item): string => {
    const text = key === undefined ? (item.raw ?? keyText(item.data)) : keyText(key(item));
    return durable === undefined ? compact(text) : digestOf(text);
  };
  const ms = within === undefined ? Infinity : toMs(within);
  return (source) =>
    defer(() => {
      const seen = new Seen(last);
      const isAgain = (text: string): boolean => {
        const now = ms === Infinity ? 0 : scheduler.now();
        const since = seen.see(text);
        const again = since !== undefined && now - since < ms;
        seen.keep(text, again ? since : now);
        return again;
      };
      /** What was done by an earlier run counts as it did then, unless something new is before it now. */
      const recalled = (item: Item): Item => {
        const [text, ...rest] = item.extra.seen ?? [];
        if (text === undefined || item.extra.recalled === undefined) return item;
        if (isAgain(text)) return item.withExtra({ recalled: undefined, seen: undefined }).skip('duplicate');
        return item.withExtra({ seen: rest });
      };
      return source.pipe(
        map((item) => {
          if (!item.live) return recalled(item);
          let text: string;
          try {
            text = textOf(item);
          } catch (error) {
            return item.fail(BatchxError.from(error));
          }
          if (isAgain(text)) return item.skip('duplicate');
          return durable === undefined ? item : item.withExtra({ seen: [...(item.extra.seen ?? []), text] });
        }),
      );
    });
}

/** The longest key that is kept as it is; digests are longer, so that none is taken for a key. */
const LONGEST = 64;

/** A key that is kept with what becomes of an item. */
const digestOf = (text: string): string => hash('sha256', text).slice(0, 16);

/** A key that keeps nothing else in memory: rows are slices of the block that they were read with. */
const compact = (text: string): string =>
  text.length > LONGEST ? `#${hash('sha256', text)}` : Buffer.from(text).toString();

/** The keys seen last and when each went on, the one seen longest ago first. */
class Seen {
  readonly #times = new Map<string, number>();
  readonly #last: number;
  /** One iterator for all: a new one would have to pass over all that was deleted before. */
  readonly #oldest = this.#times.keys();

  constructor(last: number) {
    this.#last = last;
  }

  /** When the key went on, if it is remembered. It must be kept again. */
  see(key: string): number | undefined {
    const since = this.#times.get(key);
    if (since !== undefined) this.#times.delete(key);
    return since;
  }

  keep(key: string, since: number): void {
    this.#times.set(key, since);
    if (this.#times.size > this.#last) this.#times.delete(this.#oldest.next().value as string);
  }
}
