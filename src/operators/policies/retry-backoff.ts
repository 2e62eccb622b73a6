import { type MonoTypeOperatorFunction, Observable, type SchedulerLike, type Subscriber } from 'rxjs';
import * as z from 'zod';
import { CallSubscriber } from '../../core/call-subscriber.js';
import { type ErrorClass, mayRetry } from '../../core/error-class.js';
import { BatchxError } from '../../core/errors.js';
import { Backoff, type BackoffOptions } from '../../core/policy/backoff.js';
import { Breaker } from '../../core/policy/breaker.js';
import { isDown } from '../../core/policy/outage.js';
import { failureOf, Tries } from '../../core/policy/tries.js';
import { withoutRooms } from '../../core/rooms.js';
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
 * the same each time are not tried again: wrong usage, a bug, what the other side refuses for good; nor what an open
 * breaker refuses. A `retryAfterMs` that a `BatchxError` carries is never undercut. Holds nothing. Unsubscribing ends the wait.
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
      const retrying = new Retrying(call, subscriber, shared, parsed, runtime);
      subscriber.add(() => retrying.leave());
      retrying.begin();
    });
}

/** One call on its way through its attempts. */
class Retrying<T> {
  readonly #call: Observable<T>;
  readonly #subscriber: Subscriber<T>;
  readonly #backoff: Backoff;
  readonly #options: z.output<typeof retryOptions>;
  readonly #scheduler: SchedulerLike;
  /** When the first attempt began, and the present one; and whether the other side was down then. */
  readonly #first: number;
  #began = 0;
  #wasDown = false;
  #attempt = 0;
  #tries: Tries | undefined = undefined;
  /** `asked` is when it wants the slot back. */
  #parked: 'no' | 'yes' | 'asked' = 'no';

  constructor(
    call: Observable<T>,
    subscriber: Subscriber<T>,
    backoff: Backoff,
    options: z.output<typeof retryOptions>,
    { scheduler }: Runtime,
  ) {
    this.#call = call;
    this.#subscriber = subscriber;
    this.#backoff = backoff;
    this.#options = options;
    this.#scheduler = scheduler;
    this.#first = scheduler.now();
  }

  begin(): void {
    this.#began = this.#scheduler.now();
    this.#wasDown = isDown(this.#options.breaker);
    this.#attempt++;
    const subscriber = this.#subscriber;
    const observer = {
      next: (value: T) => subscriber.next(value),
      error: (error: unknown) => this.#failed(error),
      complete: () => subscriber.complete(),
    };
    this.#call.subscribe(new CallSubscriber(subscriber, observer));
  }

  /** To be done once, when it is left. Whatever the slot's call goes on with runs in the slot. */
  leave(): void {
    if (this.#parked === 'yes') this.#options.slot?.unpark(() => undefined);
  }

  #failed(error: unknown): void {
    let ms: number | BatchxError | undefined;
    try {
      ms = this.#retryIn(error);
    } catch (thrown) {
      this.#subscriber.error(thrown);
      return;
    }
    if (typeof ms === 'number') this.#sleep(ms);
    else this.#subscriber.error(ms ?? error);
  }

  #retryIn(error: unknown): number | BatchxError | undefined {
    const { breaker, retryIf } = this.#options;
    const now = this.#scheduler.now();
    const failure = { ...failureOf(error, now, breaker), wasDown: this.#wasDown };
    const worth = retryIf === undefined ? isWorth(error, failure.kind) : retryIf(error, this.#attempt);
    if (!worth) return undefined;
    this.#tries ??= new Tries(this.#backoff, breaker, this.#first, now);
    // It has waited behind the breaker, or tried whether the other side is back.
    if (this.#wasDown) this.#tries.stood(now - this.#began);
    return this.#tries.after(failure);
  }

  #sleep(ms: number): void {
    const { slot, breaker } = this.#options;
    if (slot !== undefined && (ms > LONG || this.#tries?.suspects === true)) {
      this.#parked = 'yes';
      slot.park();
    }
    if (isDown(breaker)) this.#tries?.stood(ms);
    const sleeping = wait(ms, this.#scheduler).subscribe(() => {
      this.#subscriber.remove(sleeping);
      if (this.#parked === 'no') this.#again();
      else {
        this.#parked = 'asked';
        slot?.unpark(this.#again);
      }
    });
    this.#subscriber.add(sleeping);
  }

  readonly #again = (): void => {
    this.#parked = 'no';
    // There may be a slot for it amid a subscription of others, whose rooms are no concern of this call.
    if (!this.#subscriber.closed) withoutRooms(() => this.begin());
  };
}

/** A breaker that lets no call through has spent no attempt: whoever wants to wait for it says so to the breaker. */
const isWorth = (error: unknown, kind: ErrorClass): boolean =>
  mayRetry(kind) && !(error instanceof BatchxError && error.code === 'open');
