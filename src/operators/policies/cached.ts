import { type MonoTypeOperatorFunction, Observable } from 'rxjs';
import { Cache } from '../../core/cache/cache.js';
import { BatchxError } from '../../core/errors.js';
import type { Slot } from '../../core/slot.js';

/**
 * Gives what an equal call has given before, from a `Cache`; otherwise subscribes to the call, and keeps what it gives.
 *
 * `key` is what makes calls equal: any plain data; it is best to begin with what the call does. Emits the last value of
 * the call once it completes, or the one that was kept, which is read anew for each: later, never at once. Holds that one
 * value. An error is passed on and not kept, and neither is a call without a value, nor what is no plain data. Of equal
 * calls at the same time one is subscribed to; when it fails or is left the next one is made. With the `slot` of
 * `mapConcurrent` those that wait give their place to others.
 *
 * It is for one cold call; many calls share the `Cache`. In a pipeline file it is the key `cache`.
 *
 * ```
 * call                 -a-b-c|
 * the first time       ------(c|)
 * the next time        (c|)
 * ```
 *
 * @example
 * import { Cache, cached } from 'batchx';
 * import { defer } from 'rxjs';
 *
 * const pages = new Cache({ dir: 'pages', ttl: '1h' });
 * const url = 'https://shop.example/prices';
 * defer(async () => (await fetch(url)).text())
 *   .pipe(cached(pages, ['page', url]))
 *   .subscribe({ next: (page) => console.log(page), error: () => undefined });
 */
export function cached<T>(cache: Cache, key: unknown, slot?: Slot): MonoTypeOperatorFunction<T> {
  if (!(cache instanceof Cache)) throw new BatchxError('usage', 'cached: expected a Cache');
  const hash = cache.keyOf(key);
  return (call) =>
    hash === undefined
      ? call
      : new Observable((subscriber) => {
          const left = new BatchxError('aborted', 'the call is not wanted any more');
          const make = () =>
            new Promise<{ result: readonly T[]; entry: { value: T } | undefined }>((resolve, reject) => {
              if (subscriber.closed) {
                reject(left);
                return;
              }
              let last: readonly T[] = [];
              const running = call.subscribe({
                next: (value) => (last = [value]),
                error: reject,
                complete: () =>
                  resolve({ result: last, entry: last.length === 0 ? undefined : { value: last[0] as T } }),
              });
              subscriber.add(() => {
                running.unsubscribe();
                reject(left);
              });
            });
          cache.once(hash, make, slot).then(
            (once) => {
              const values = 'found' in once ? [once.found as T] : once.result;
              for (const value of values) subscriber.next(value);
              subscriber.complete();
            },
            (error: unknown) => subscriber.error(error),
          );
        });
}
