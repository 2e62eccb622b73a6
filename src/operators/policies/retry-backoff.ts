import { type MonoTypeOperatorFunction, Observable } from 'rxjs';
import * as z from 'zod';
import { CallSubscriber } from '../../core/call-subscriber.js';
import { classOf, mayRetry } from '../../core/error-class.js';
import { BatchxError } from '../../core/errors.js';
import { Backoff, type BackoffOptions } from '../../core/policy/backoff.js';
import { Breaker } from '../../core/policy/breaker.js';
import { Outage } from '../../core/policy/outage.js';
import { Tries } from '../../core/policy/tries.js';
import { verdictOf } from '../../core/policy/verdict.js';
import { defaultRuntime, type Runtime } from '../../core/runtime.js';
import { given, parseOptions } from '../../core/schema.js';
import type { Slot } from '../../core/slot.js';
import { wait } from '../../core/wait.js';

/** A wait longer than this gives the slot back; in milliseconds. */
const LONG = 1000;

const retryOptions = z.strictObject({
  slot: given<Slot>('the slot of the call', (value) => typeof (value as Slot | null)?.park === 'function').optional(),
  breaker: given<Breaker>('a Breaker', (value) => value instanceof Breaker).optional(),
  retryIf: given<(error: unknown, attempt: number) => boolean>(
    'a function of the error',
    (value) => typeof value === 'function',
  ).optional(),
});

export interface RetryOptions {
  /** The slot that the call runs in: a wait of over a second gives it to others. */
  readonly slot?: Slot;
  /** The breaker that the call is behind: while the other side is down a call does not run out of retries. */
  readonly breaker?: Breaker;
  /** Which errors are worth another attempt, instead of going by their class. */
  readonly retryIf?: (error: unknown, attempt: number) => boolean;
}

/**
 * Subscribes to a call again when it fails, after waits that grow and are spread by chance.
 *
 * Emits what the call emits; the error of the last attempt when retries, time or hope have run out. Errors that will be
 * the same each time are not tried again: wrong usage, a bug, what the other side refuses for good. A `retryAfterMs` that
 * an error carries is never undercut. Holds nothing. Unsubscribing ends the wait.
 *
 * It is for one cold call, as inside `mapConcurrent`. On a whole stream it would subscribe to the source again: every
 * item would run once more.
 *
 * ```
 * call      --x     --x         --a|     fails twice
 * result    ----------------------a|     waits of at most 500 ms, 1 s, ...
 * ```
 *
 * @example
 * import { jsonl, mapConcurrent, retryBackoff, toJsonl } from 'batchx';
 * import { defer } from 'rxjs';
 *
 * const ask = async (url: string) => (await fetch(url)).text();
 * jsonl<{ url: string }>('urls.jsonl')
 *   .pipe(
 *     mapConcurrent(({ data }, slot) => defer(() => ask(data.url)).pipe(retryBackoff({ retries: 5 }, { slot })), 10),
 *     toJsonl('pages.jsonl'),
 *   )
 *   .subscribe();
 */
export function retryBackoff<T>(
  backoff: Backoff | BackoffOptions | number = {},
  options: RetryOptions = {},
  runtime: Runtime = defaultRuntime(),
): MonoTypeOperatorFunction<T> {
  const shared = backoff instanceof Backoff ? backoff : new Backoff(backoff, runtime);
  const parsed = parseOptions(retryOptions, options, 'retryBackoff');
  return (call) =>
    new Observable((subscriber) => {
      const { slot, breaker, retryIf } = parsed;
      const { scheduler } = runtime;
      const identity = {};
      const outage = breaker === undefined ? undefined : Outage.of(breaker);
      const tries = new Tries(shared, outage, identity, scheduler.now());
      let attempt = 0;
      const failed = (error: unknown): void => {
        const kind = error instanceof BatchxError ? error.class : classOf(error);
        const now = scheduler.now();
        if (verdictOf(error) === 'failure') outage?.failed(identity, now);
        const worth = retryIf === undefined ? mayRetry(kind) : retryIf(error, attempt);
        const retryAfterMs = error instanceof BatchxError ? error.retryAfterMs : undefined;
        const ms = worth ? tries.after({ kind, retryAfterMs, now }) : undefined;
        if (ms === undefined) subscriber.error(error);
        else sleep(ms);
      };
      const sleep = (ms: number): void => {
        const parked = ms > LONG || tries.suspects;
        if (parked) slot?.park();
        const timer = wait(ms, scheduler).subscribe(() => {
          subscriber.remove(timer);
          if (parked && slot !== undefined) slot.unpark(subscribe);
          else subscribe();
        });
        subscriber.add(timer);
      };
      const subscribe = (): void => {
        if (subscriber.closed) return;
        attempt++;
        const observer = {
          next: (value: T) => subscriber.next(value),
          error: failed,
          complete: () => subscriber.complete(),
        };
        call.subscribe(new CallSubscriber(subscriber, observer));
      };
      subscribe();
    });
}
