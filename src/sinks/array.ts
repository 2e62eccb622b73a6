import { Observable, type OperatorFunction } from 'rxjs';
import * as z from 'zod';
import { BatchxError } from '../core/errors.js';
import type { Item } from '../core/item.js';
import type { Outcome } from '../core/outcome.js';
import { defaultRuntime, type Runtime } from '../core/runtime.js';
import { parseOptions } from '../core/schema.js';
import { toSink } from '../core/sink.js';

const toArrayOptions = z.strictObject({
  failed: z
    .enum(['throw', 'skip'])
    .default('throw')
    .describe(
      'What failed items do: `throw` makes the first of them the error of the Observable, `skip` leaves them out.',
    ),
});

export type ToArrayOptions = z.input<typeof toArrayOptions>;

/**
 * Emits one array when the source is complete: the data of all items that are ok, in their order.
 *
 * If items failed there is no array, but the error of the first of them, once all are settled; `{ failed: 'skip' }`
 * leaves them out instead. Skipped items are left out. It takes items, and outcomes of any sink. All data is held, so
 * this is for small things: `toJsonl` is for the others. An error of the source passes at once.
 *
 * ```
 * source     -1--2--s--3--|       s is skipped
 * toArray()  -------------([1,2,3]|)
 * ```
 *
 * @example
 * import { jsonl, mapItems, toArray } from 'batchx';
 * import { lastValueFrom } from 'rxjs';
 *
 * const names = await lastValueFrom(
 *   jsonl<{ name: string }>('people.jsonl').pipe(mapItems(({ name }) => name), toArray()),
 * );
 * console.log(names.length);
 */
export function toArray<T>(
  options: ToArrayOptions = {},
  runtime: Runtime = defaultRuntime(),
): OperatorFunction<Item<T> | Outcome<T>, T[]> {
  const { failed: onFailed } = parseOptions(toArrayOptions, options, 'toArray');
  return (source) =>
    new Observable((subscriber) => {
      const values: T[] = [];
      let first: Outcome | undefined;
      let failures = 0;
      return source.pipe(toSink(() => nowhere, { takes: 'ok', runtime })).subscribe({
        next(outcome) {
          if (outcome.status === 'ok') values.push(outcome.item.data);
          else if (outcome.status !== 'skipped') {
            first ??= outcome;
            failures++;
          }
        },
        error: (error: unknown) => subscriber.error(error),
        complete() {
          if (first !== undefined && onFailed === 'throw') subscriber.error(failureOf(first, failures));
          else {
            subscriber.next(values);
            subscriber.complete();
          }
        },
      });
    });
}

/** What is written is held by `toArray` itself. */
const nowhere = { write: () => undefined, close: () => undefined };

function failureOf({ id, error }: Outcome, failures: number): BatchxError {
  const others = failures === 1 ? '' : ` (and ${failures - 1} more failed)`;
  return new BatchxError(error?.code ?? 'bug', `${id}: ${error?.message ?? 'no error is known'}${others}`, {
    where: id,
    cause: error,
  });
}
