import type { MonoTypeOperatorFunction } from 'rxjs';
import * as z from 'zod';
import { defineFlow } from '../../core/define.js';
import { BatchxError } from '../../core/errors.js';
import { Limiter } from '../../core/policy/limiter.js';
import { paceOf, type Rate, rateOptions } from '../../core/rate.js';
import { defaultRuntime, type Runtime } from '../../core/runtime.js';
import { given, parseOptions } from '../../core/schema.js';
import type { Slot } from '../../core/slot.js';
import { limitCall } from './limit-call.js';
import { spaceValues } from './space-values.js';

export const rateLimitOptions = rateOptions;

const isFunction = (value: unknown): boolean => typeof value === 'function';
const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null;
const isWeight = (value: unknown): boolean => typeof value === 'number' && value > 0 && value < Infinity;

const settings = z.strictObject({
  of: z.enum(['calls', 'values']).optional(),
  key: given('text or a function', (key) => typeof key === 'string' || isFunction(key)).optional(),
  weight: given('a number above 0 or a function', (weight) => isWeight(weight) || isFunction(weight)).optional(),
  slot: given('a Slot', isObject).optional(),
  runtime: given('a Runtime', isObject).optional(),
});

export interface RateLimitOptions<T = unknown> {
  /** What one start is: the subscription to a call, or a value; `calls` for a Limiter and `values` for a rate. */
  readonly of?: 'calls' | 'values';
  /** The limit is that of this key alone; for values a function of the value. */
  readonly key?: string | ((value: T) => string);
  /** How many permits it takes, or parts of one; for values a function of the value. 1 unless said. */
  readonly weight?: number | ((value: T) => number);
  /** For calls: the slot that the call holds, given to others while it has to wait for long. */
  readonly slot?: Slot;
  /** Where time comes from; a Limiter has its own. While it is stopping, values that wait are dropped. */
  readonly runtime?: Runtime;
}

/**
 * Holds back what exceeds a rate: one cold call with a `Limiter` that many share, or the values of a stream with a rate
 * of its own.
 *
 * **With a Limiter** it subscribes to the call once there is a permit, and then emits what the call emits. Leaving it
 * earlier gives up the wait. An error that says how long to wait (`retryAfterMs`, up to ten minutes) pauses the limiter so long for all,
 * and is passed on. A call that weighs more than the limit fails with an error of code `limit`.
 *
 * **With a rate** it emits the values in their order, each when it may start, and drops none; with `of: 'values'` a
 * Limiter does that for several streams together. What waits is held in a room of 64, so that sources stop reading. It
 * completes after the last value. An error of the source comes at once, and what waits is dropped, as with rxjs
 * `concatMap`. Items that failed or were skipped wait for their turn, but take no permit; one that weighs more than
 * the limit, or whose key or weight cannot be had, fails. Each subscription has a limit of its own.
 *
 * ```
 * source                                         (abc)-d|
 * rateLimit('2/s')                               a 504ms b 504ms c 504ms (d|)
 * rateLimit({ limit: 2, per: '1s', burst: 2 })   (ab) 1006ms (cd|)
 * ```
 *
 * @example
 * import { Limiter, mapConcurrent, rateLimit } from 'batchx';
 * import { defer, of, range } from 'rxjs';
 *
 * const shop = new Limiter('100/s');
 * const update = (n: number) => of(n * 2);
 * range(1, 3)
 *   .pipe(mapConcurrent((n) => defer(() => update(n)).pipe(rateLimit(shop))))
 *   .subscribe((n) => console.log(n)); // 2, 4, 6
 */
export function rateLimit<T>(limit: Limiter | Rate, options: RateLimitOptions<T> = {}): MonoTypeOperatorFunction<T> {
  const { of = limit instanceof Limiter ? 'calls' : 'values' } = parseOptions(settings, options, 'rateLimit');
  return of === 'calls' ? ofCall(limit, options) : ofValues(limit, options);
}

export const rateLimitFlow = defineFlow({
  name: 'rate-limit',
  oneByOne: true,
  status: 'stable',
  summary: 'Spaces items, so that no more than so many go on in any window of time.',
  options: rateLimitOptions,
  examples: [
    { title: 'Two a second, half a second apart', options: { limit: 2 } },
    { title: 'A hundred a minute, ten of which may come at once', options: { limit: 100, per: '1m', burst: 10 } },
  ],
  create: (options, runtime) => rateLimit(options, { runtime }),
});

function ofCall<T>(limit: Limiter | Rate, { key, weight, slot }: RateLimitOptions<T>): MonoTypeOperatorFunction<T> {
  if (!(limit instanceof Limiter)) {
    throw refusal('a limit of calls is what they share: make one `new Limiter(...)` of the rate, and give it to all');
  }
  if (typeof key === 'function' || typeof weight === 'function') {
    throw refusal('expected `key` and `weight` of a call to be plain values, got a function');
  }
  return limitCall(key === undefined ? limit : limit.of(key), { weight, slot });
}

function ofValues<T>(
  limit: Limiter | Rate,
  { key, weight, slot, runtime }: RateLimitOptions<T>,
): MonoTypeOperatorFunction<T> {
  if (slot !== undefined) throw refusal('expected `slot` only for calls: values hold none');
  const world = runtime ?? (limit instanceof Limiter ? limit.runtime : defaultRuntime());
  if (!(limit instanceof Limiter)) paceOf(limit, 'rateLimit');
  return spaceValues({
    limiter: () => (limit instanceof Limiter ? limit : new Limiter(limit, world)),
    key: typeof key === 'string' ? () => key : key,
    weight: typeof weight === 'number' ? () => weight : weight,
    stopping: world.stopping,
  });
}

const refusal = (message: string): BatchxError => new BatchxError('usage', `rateLimit: ${message}`);
