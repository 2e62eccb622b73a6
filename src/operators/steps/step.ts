import { Observable, type OperatorFunction } from 'rxjs';
import * as z from 'zod';
import { adaptiveOf, concurrencyOptions, type ConcurrencyOptions } from '../../core/concurrency.js';
import type { Item } from '../../core/item.js';
import { attempts } from '../../core/policy/attempts.js';
import { policiesOf, policyOptions } from '../../core/policy/policy-options.js';
import { defaultRuntime, type Runtime } from '../../core/runtime.js';
import { expectFunction, given, parseOptions } from '../../core/schema.js';
import type { Slot } from '../../core/slot.js';
import { stage } from '../../core/stage.js';
import { applied, type StepFunction } from '../../core/step.js';
import { lastOf } from './last-of.js';

const aFunction = <T>(what: string) => given<T>(what, (value) => typeof value === 'function').optional();

export const stepOptions = z.strictObject({
  ...concurrencyOptions.shape,
  ...policyOptions.shape,
  key: aFunction<(item: Item) => string>('a function of the item').describe(
    'Whose rate and breaker it is: each key has its own.',
  ),
  weight: aFunction<(item: Item) => number>('a function of the item').describe(
    'How many permits of the rate it takes.',
  ),
});

/** `T` is the data of the items. */
export type StepOptions<T = unknown> = Omit<z.input<typeof stepOptions>, 'key' | 'weight'> & {
  readonly key?: ((item: Item<T>) => string) | undefined;
  readonly weight?: ((item: Item<T>) => number) | undefined;
};

/** What a call gives in the end: the value of a promise, the last value of an Observable. */
export type Resolved<R> = R extends Observable<infer V> ? V : Awaited<R>;

/**
 * Replaces the data of each item by what a call gives, with at most `concurrency` calls at once, each tried as its
 * policies say: `timeout`, `rate`, `breaker`, `retry`.
 *
 * The call may give a value, a promise, or an Observable, whose last value counts. `slot.signal` fires when the attempt is
 * not wanted any more: give it to `fetch` and the like, so that a timed-out call really ends. `undefined` drops the
 * item as `filtered`; what the last attempt throws fails it. Items that failed or were skipped pass by. Results come as
 * they are done, or in the order of the source with `ordered`.
 *
 * Around a call stand, from the outside: the item's deadline, its retries, its slot, the breaker, the permit of the rate
 * and the timeout of the attempt. So nothing that waits holds a permit, and a wait of over a second gives the slot to
 * another item; at most `maxWaiting` (1,000) wait so. A breaker that is open fails nothing: it pauses the step.
 *
 * What fails is tried again by the class of its error: not what will be the same each time. Being told to wait costs no
 * retries, and neither does an outage: while the breaker is not closed no attempt counts, and time stands still. With
 * `effect: 'once'` only what was surely not done is tried again, and what may have been done ends in doubt. A call that
 * does not stop when it is told to is left behind, and keeps a slot for at most 60 s. When this machine runs out of
 * files, fewer calls run at once. While the runtime is stopping no wait goes on: such items stay pending.
 *
 * ```
 * source     -a-------b--|          b fails twice, retry: 3
 * calls       --A      -x  -x  --B
 * step       ----A---------------B|
 * ```
 *
 * @example
 * import { jsonl, responseError, step, toJsonl } from 'batchx';
 *
 * const update = step(
 *   async ({ id, price }: { id: string; price: number }, _item, { signal }) => {
 *     const body = JSON.stringify({ price });
 *     const answer = await fetch(`https://shop.example/${id}`, { method: 'PUT', body, signal });
 *     if (!answer.ok) throw await responseError(answer);
 *     return answer.json();
 *   },
 *   { concurrency: 10, timeout: '10s', rate: '2/s', breaker: true, retry: 3 },
 * );
 * jsonl<{ id: string; price: number }>('prices.jsonl').pipe(update, toJsonl('updated.jsonl')).subscribe();
 */
export function step<T, R>(
  call: (data: T, item: Item<T>, slot: Slot) => R,
  options: StepOptions<T> = {},
  runtime: Runtime = defaultRuntime(),
): OperatorFunction<Item<T>, Item<Exclude<Resolved<R>, undefined>>> {
  expectFunction(call, 'step');
  const { timeout, deadline, rate, breaker, retry, effect, key, weight, ...concurrency } = parseOptions(
    stepOptions,
    options,
    'step',
  );
  const adaptive = adaptiveOf(concurrency);
  const tried = policiesOf({ timeout, deadline, rate, breaker, retry, effect }, runtime);
  const policies = { ...tried, key, weight, adaptive };
  const run: StepFunction = (item, slot) => {
    const result = call(item.data as T, item as Item<T>, slot);
    return result instanceof Observable ? lastOf(result, slot) : result;
  };
  const { stop = runtime.stopping, ...caps } = concurrency;
  const operator = stage(
    [applied(attempts(run, policies, runtime), 'data')],
    { ...caps, stop } as ConcurrencyOptions,
    'step',
  );
  return operator as OperatorFunction<Item<T>, Item<Exclude<Resolved<R>, undefined>>>;
}
