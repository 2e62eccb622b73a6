import { type MonoTypeOperatorFunction, Observable, type Subscriber } from 'rxjs';
import * as z from 'zod';
import { CallSubscriber } from '../../core/call-subscriber.js';
import { BatchxError } from '../../core/errors.js';
import { Breaker } from '../../core/policy/breaker.js';
import { type Verdict, verdictOf } from '../../core/policy/verdict.js';
import { given, parseOptions } from '../../core/schema.js';
import type { Slot } from '../../core/slot.js';

const circuitBreakerOptions = z.strictObject({
  key: z.string().optional(),
  slot: given<Slot>('the slot of the call', (value) => typeof (value as Slot | null)?.park === 'function').optional(),
  isFailure: given<(error: unknown) => boolean>(
    'a function of the error',
    (value) => typeof value === 'function',
  ).optional(),
});

export interface CircuitBreakerOptions {
  /** Whose state it is, such as the host that is called: each key has its own. */
  readonly key?: string;
  /**
   * The slot that the call runs in. With a `key` it is given to others while the call waits, as they may be for keys
   * that are well. Without one it is kept, so that no more is read while the one server is down.
   */
  readonly slot?: Slot;
  /** Which errors count as failures of the server, instead of going by their class; all others are ignored. */
  readonly isFailure?: (error: unknown) => boolean;
}

/**
 * Subscribes to a call when its breaker lets it start, and tells the breaker what became of it.
 *
 * Emits what the call emits. While the breaker is open the call waits and nothing is subscribed to; it fails with code
 * `open` or `halted` when the breaker says so. Completing is a success; so is a value when the subscriber leaves after
 * it. An error is a failure of the server, or ignored, by its class. Leaving earlier is ignored, and ends the wait.
 * A result that comes too late for the breaker is emitted all the same. Holds nothing.
 *
 * It is for one cold call, as inside `mapConcurrent`; many calls share the breaker, which does its timing too.
 *
 * ```
 * breaker   open.......|half-open
 * call                 --a|
 * result    -------------a|
 * ```
 *
 * @example
 * import { Breaker, circuitBreaker, jsonl, mapConcurrent, retryBackoff, toJsonl } from 'batchx';
 * import { defer } from 'rxjs';
 *
 * const hosts = new Breaker({ window: '60s' });
 * const ask = async (url: string) => (await fetch(url)).text();
 * jsonl<{ url: string }>('urls.jsonl')
 *   .pipe(
 *     mapConcurrent(({ data: { url } }, slot) => {
 *       const key = new URL(url).host;
 *       return defer(() => ask(url)).pipe(circuitBreaker(hosts, { key, slot }), retryBackoff(3, { slot }));
 *     }, 10),
 *     toJsonl('pages.jsonl'),
 *   )
 *   .subscribe();
 */
export function circuitBreaker<T>(breaker: Breaker, options: CircuitBreakerOptions = {}): MonoTypeOperatorFunction<T> {
  if (!(breaker instanceof Breaker)) throw new BatchxError('usage', 'circuitBreaker: expected a Breaker');
  const { key, slot, isFailure } = parseOptions(circuitBreakerOptions, options, 'circuitBreaker');
  const verdict = isFailure === undefined ? verdictOf : (error: unknown) => (isFailure(error) ? 'failure' : 'ignored');
  return (call) =>
    new Observable((subscriber) => {
      const own = key === undefined ? breaker : breaker.of(key);
      const start = (ticket: number): void => run(call, subscriber, own, ticket, verdict);
      const admission = new Admission(subscriber, own, key === undefined ? undefined : slot, start);
      admission.ask();
      return () => admission.leave();
    });
}

/** Subscribes to a call that has a ticket, and gives the ticket back with what became of it. */
function run<T>(
  call: Observable<T>,
  subscriber: Subscriber<T>,
  breaker: Breaker,
  ticket: number,
  verdict: (error: unknown) => Verdict,
): void {
  const { scheduler } = breaker.runtime;
  const began = scheduler.now();
  let running = true;
  let came = false;
  // Before what the subscriber is told: what it starts then has to find the breaker as it is now.
  const end = (result: 'success' | Verdict): void => {
    if (!running) return;
    running = false;
    const now = scheduler.now();
    breaker.record(ticket, result, now - began, now);
  };
  subscriber.add(() => end(came ? 'success' : 'ignored'));
  const observer = {
    next: (value: T) => {
      came = true;
      subscriber.next(value);
    },
    error: (error: unknown) => {
      try {
        end(verdict(error));
      } catch (thrown) {
        end('ignored');
        subscriber.error(thrown);
        return;
      }
      subscriber.error(error);
    },
    complete: () => {
      end('success');
      subscriber.complete();
    },
  };
  call.subscribe(new CallSubscriber(subscriber, observer));
}

/** A call on its way to a ticket. */
class Admission {
  readonly #subscriber: Subscriber<unknown>;
  readonly #breaker: Breaker;
  /** What it gives to others while it waits. */
  readonly #slot: Slot | undefined;
  readonly #start: (ticket: number) => void;
  #cancel: (() => void) | undefined = undefined;
  /** Whether it has given its slot away and not asked for it since. */
  #parked = false;
  /** Held only until there is a slot. */
  #ticket = 0;

  constructor(
    subscriber: Subscriber<unknown>,
    breaker: Breaker,
    slot: Slot | undefined,
    start: (ticket: number) => void,
  ) {
    this.#subscriber = subscriber;
    this.#breaker = breaker;
    this.#slot = slot;
    this.#start = start;
  }

  ask(): void {
    const ticket = this.#breaker.try();
    if (ticket > 0) {
      this.#start(ticket);
      return;
    }
    const refusal = this.#breaker.refusal();
    if (refusal === undefined) this.#standStill();
    else this.#subscriber.error(refusal);
  }

  leave(): void {
    this.#cancel?.();
    if (this.#ticket > 0) this.#breaker.giveBack(this.#ticket);
    // Whatever the slot's call goes on with runs in it.
    if (this.#parked) this.#slot?.unpark(() => undefined);
  }

  #standStill(): void {
    if (this.#slot !== undefined) {
      this.#parked = true;
      this.#slot.park();
    }
    this.#cancel = this.#breaker.wait((error) => {
      this.#cancel = undefined;
      // At once, while it is this one's turn.
      if (error === undefined) this.#ticket = this.#breaker.reserve();
      this.#withSlot(() => this.#goOn(error));
    });
  }

  /** There may have been a long wait for the slot. */
  #goOn(refusal: BatchxError | undefined): void {
    const ticket = this.#ticket;
    this.#ticket = 0;
    if (refusal !== undefined) this.#subscriber.error(refusal);
    else if (this.#breaker.valid(ticket)) {
      this.#breaker.begin(ticket);
      this.#start(ticket);
    } else this.ask();
  }

  #withSlot(then: () => void): void {
    if (this.#slot === undefined) {
      then();
      return;
    }
    this.#parked = false;
    this.#slot.unpark(() => {
      if (!this.#subscriber.closed) then();
    });
  }
}
