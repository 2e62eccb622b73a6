import type { Observable } from 'rxjs';
import * as z from 'zod';
import { isDeadLetterValue, reopenDeadLetter } from '../core/dead-letter.js';
import { defineSource } from '../core/define.js';
import { BatchxError } from '../core/errors.js';
import { Item } from '../core/item.js';
import { defaultRuntime, type Runtime } from '../core/runtime.js';
import { fromSource } from '../core/source.js';

export const literalsOptions = z.strictObject({
  values: z.array(z.unknown()).describe('The values themselves, each the data of an item.'),
});

/**
 * Emits an item for each value, called `#1`, `#2` and so on.
 *
 * The values may come from anything that can be iterated, also asynchronously. A value is only asked for once there is
 * room for it; when the subscription ends the iteration is told to return. Dead letters among the values are the items
 * they were. What the iteration throws is the error of the Observable. Each subscription iterates anew.
 *
 * ```
 * literals(['a', 'b'])
 * (ab|)
 * ```
 *
 * @example
 * import { literals, mapItems, toArray } from 'batchx';
 *
 * literals([1, 2, 3])
 *   .pipe(mapItems((n) => n * 2), toArray())
 *   .subscribe((values) => console.log(values)); // [ 2, 4, 6 ]
 */
export function literals<T>(
  values: Iterable<T> | AsyncIterable<T>,
  runtime: Runtime = defaultRuntime(),
): Observable<Item<T>> {
  if (typeof values !== 'object' || values === null || !(Symbol.iterator in values || Symbol.asyncIterator in values)) {
    throw new BatchxError(
      'usage',
      `literals: expected values that can be iterated, such as a list, got a ${typeof values}`,
    );
  }
  return fromSource({ ...literalsSource, open: () => itemsOf(values) }, { values: [] }, runtime) as Observable<Item<T>>;
}

export const literalsSource = defineSource({
  name: 'literals',
  verb: 'items',
  main: 'values',
  status: 'stable',
  summary: 'Makes one item of each value that is listed.',
  options: literalsOptions,
  files: () => [],
  total: ({ values }) => values.length,
  examples: [{ title: 'Numbers', options: { values: [1, 2, 3] } }],
  open: ({ values }) => itemsOf(values),
});

const again = { format: 'literals', read: (text: string): Item => Item.of(text) };

function itemsOf(values: Iterable<unknown> | AsyncIterable<unknown>): Iterable<Item[]> | AsyncIterable<Item[]> {
  let seq = 0;
  const itemOf = (value: unknown): Item => {
    if (isDeadLetterValue(value)) return reopenDeadLetter(value, seq++, again);
    return Item.of(value, { seq: seq++ });
  };
  return Symbol.asyncIterator in values ? eachLater(values, itemOf) : each(values, itemOf);
}

function* each(values: Iterable<unknown>, itemOf: (value: unknown) => Item): Generator<Item[]> {
  for (const value of values) yield [itemOf(value)];
}

async function* eachLater(values: AsyncIterable<unknown>, itemOf: (value: unknown) => Item): AsyncGenerator<Item[]> {
  for await (const value of values) yield [itemOf(value)];
}
