import { type ErrorClass, classOf, mayRetry } from '../error-class.js';
import { BatchxError } from '../errors.js';
import type { Item } from '../item.js';
import { isPromiseLike } from '../promise.js';
import type { Runtime } from '../runtime.js';
import type { Slot } from '../slot.js';
import type { StepFunction } from '../step.js';
import { wait } from '../wait.js';
import type { Breaker } from './breaker.js';
import type { Running } from './deadline.js';
import { ItemDeadline } from './item-deadline.js';
import type { Gate } from './gate.js';
import type { Limiter } from './limiter.js';
import { Outage } from './outage.js';
import type { Policies } from './policies.js';
import { Tries } from './tries.js';
import { verdictOf } from './verdict.js';
import { Waiting } from './waiting.js';
import { outlive } from './zombie.js';

/** What the calls of one step share. */
export interface Attempts {
  readonly run: StepFunction;
  readonly policies: Policies;
  readonly runtime: Runtime;
  readonly gate: Gate;
}

/** A wait longer than this gives the slot back; in milliseconds. */
const LONG = 1000;
/** How long an attempt that was told to stop may take to do so before its item goes on without it; in milliseconds. */
const GRACE = 1000;
/** How long to wait when there is no resource left and nothing of ours that would free one; in milliseconds. */
const STARVED = 250;

/**
 * One item on its way through the attempts of a step. For the work it is the slot: its signal fires when this attempt
 * is not wanted any more.
 */
export class Trial implements Slot {
  readonly #shared: Attempts;
  readonly #item: Item;
  readonly #slot: Slot;
  readonly #limiter: Limiter | undefined;
  readonly #breaker: Breaker | undefined;
  readonly #weight: number;
  /** Made with the first wait: most calls never wait. */
  #waits: Waiting | undefined = undefined;
  /** Made with the first failure. */
  #tries: Tries | undefined = undefined;
  #deadline: ItemDeadline | undefined = undefined;
  /** When the first attempt began, and the present one. */
  #first = 0;
  #began = 0;
  #attempt = 0;
  #ticket = 0;
  /** Whether it counts as running in the gate. */
  #inside = false;
  #running: Running | undefined = undefined;
  #pending: Promise<unknown> | undefined = undefined;
  /** Why the present attempt was told to stop. */
  #late: BatchxError | undefined = undefined;
  #controller: AbortController | undefined = undefined;
  #state: 'open' | 'done' | 'failed' = 'open';
  #result: unknown = undefined;
  #resolve: ((value: unknown) => void) | undefined = undefined;
  #reject: ((error: unknown) => void) | undefined = undefined;

  constructor(shared: Attempts, item: Item, slot: Slot) {
    this.#shared = shared;
    this.#item = item;
    this.#slot = slot;
    const { limiter, breaker, key, weight } = shared.policies;
    const name = key?.(item);
    this.#limiter = name === undefined ? limiter : limiter?.of(name);
    this.#breaker = name === undefined ? breaker : breaker?.of(name);
    this.#weight = weight === undefined ? 1 : weight(item);
  }

  /** The result, or the promise of one. */
  begin(): unknown {
    const { deadlineMs } = this.#shared.policies;
    if (deadlineMs !== undefined) {
      this.#deadline = new ItemDeadline(deadlineMs, this.#shared.runtime, (error) => this.#expired(error));
    }
    this.#enter();
    if (this.#state === 'failed') throw this.#result;
    if (this.#state === 'done') return this.#result;
    return new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      const controller = (this.#controller = new AbortController());
      const { signal } = this.#slot;
      if (signal.aborted || this.#late !== undefined) controller.abort(this.#late ?? signal.reason);
      else signal.addEventListener('abort', () => controller.abort(signal.reason));
    }
    return this.#controller.signal;
  }

  park(): void {
    this.#slot.park();
  }

  unpark(go: () => void): void {
    this.#slot.unpark(go);
  }

  hold(end: PromiseLike<unknown>): void {
    this.#slot.hold(end);
  }

  /** With a slot: to the gate, the breaker, the limit, and the call; each may make it wait. */
  readonly #enter = (): void => {
    const { gate, runtime } = this.#shared;
    if (this.#state !== 'open') return;
    // A first attempt is not begun while the run is stopping; a further one would be here by a slot it waited for.
    if (this.#attempt > 0 && runtime.stopping.aborted) {
      this.#drop();
      return;
    }
    if (!gate.enter()) {
      this.#wait((go) => gate.wait(go), this.#enter);
      return;
    }
    this.#inside = true;
    this.#ask();
  };

  readonly #ask = (): void => {
    const breaker = this.#breaker;
    if (breaker === undefined) {
      this.#takePermit();
      return;
    }
    this.#ticket = breaker.try();
    if (this.#ticket > 0) {
      this.#takePermit();
      return;
    }
    const refusal = breaker.refusal();
    if (refusal === undefined) this.#standStill(breaker);
    else this.#fail(refusal);
  };

  /** Waits for a breaker, which costs neither time nor retries. One of many gives its slot to the calls of others. */
  #standStill(breaker: Breaker): void {
    const since = this.#now();
    const parked = this.#shared.policies.key !== undefined;
    if (parked) this.#slot.park();
    this.#deadline?.stop();
    this.#wait(
      (go: (error?: BatchxError) => void) => breaker.wait(go),
      (error) => {
        this.#tries?.stood(this.#now() - since);
        this.#deadline?.resume();
        if (error !== undefined) this.#fail(error);
        else if (parked) this.#slot.unpark(this.#askAgain);
        else this.#ask();
      },
    );
  }

  readonly #askAgain = (): void => {
    if (this.#state === 'open') this.#ask();
  };

  #takePermit(): void {
    const limiter = this.#limiter;
    const weight = this.#weight;
    try {
      if (limiter !== undefined && !limiter.try(weight)) {
        this.#wait((go) => limiter.wait(go, { weight, slot: this.#slot }), this.#permitted);
        return;
      }
    } catch (error) {
      this.#fail(error);
      return;
    }
    this.#call();
  }

  /**
   * The breaker may have opened meanwhile: then the permit is another's. With an error there is none: the limit has
   * become less than the call weighs.
   */
  readonly #permitted = (error?: BatchxError): void => {
    if (error !== undefined) {
      this.#fail(error);
      return;
    }
    const breaker = this.#breaker;
    if (breaker === undefined || breaker.valid(this.#ticket)) {
      this.#call();
      return;
    }
    this.#limiter?.giveBack(this.#weight);
    this.#giveTicketBack();
    this.#ask();
  };

  #call(): void {
    const { run, policies } = this.#shared;
    const attempt = ++this.#attempt;
    this.#began = this.#now();
    if (attempt === 1) this.#first = this.#began;
    this.#late = undefined;
    this.#controller = undefined;
    this.#running = policies.timeout?.start((error) => this.#tooLate(error), this.#began);
    let result: unknown;
    try {
      result = run(this.#item, this);
    } catch (error) {
      this.#failed(error);
      return;
    }
    if (!isPromiseLike(result)) {
      this.#succeeded(result);
      return;
    }
    this.#pending = Promise.resolve(result);
    this.#pending.then(
      (value) => {
        if (attempt !== this.#attempt || this.#state !== 'open') return;
        if (this.#late === undefined) this.#succeeded(value);
        else this.#failed(this.#late);
      },
      (error: unknown) => {
        if (attempt === this.#attempt && this.#state === 'open') this.#failed(this.#whyOf(error));
      },
    );
  }

  /** Of an attempt that was told to stop that is why; the call may say so itself, with more that it knows. */
  #whyOf(error: unknown): unknown {
    const late = this.#late;
    return late === undefined || (error instanceof BatchxError && error.code === late.code) ? error : late;
  }

  /** The attempt is told to stop; its item goes on once it has, or without it. */
  #tooLate(error: BatchxError): void {
    this.#running = undefined;
    this.#late = error;
    const listens = this.#controller !== undefined;
    this.#controller?.abort(error);
    const attempt = this.#attempt;
    const pending = this.#pending as Promise<unknown>;
    const goOnWithout = (): void => {
      if (attempt !== this.#attempt || this.#state !== 'open') return;
      this.#slot.hold(outlive(pending, this.#shared.runtime));
      this.#failed(error);
    };
    if (!listens) goOnWithout();
    else {
      const timer = wait(GRACE, this.#shared.runtime.scheduler).subscribe(goOnWithout);
      const done = (): void => timer.unsubscribe();
      pending.then(done, done);
    }
  }

  /** The item's own time is over, whatever it is doing. */
  #expired(error: BatchxError): void {
    if (this.#pending !== undefined) {
      if (this.#running !== undefined) this.#shared.policies.timeout?.end(this.#running, false);
      this.#tooLate(error);
      return;
    }
    this.#waits?.cancel();
    this.#fail(error);
  }

  #succeeded(value: unknown): void {
    this.#endAttempt('success', true);
    this.#settle('done', value);
  }

  #failed(error: unknown): void {
    const kind = error instanceof BatchxError ? error.class : classOf(error);
    const now = this.#endAttempt(verdictOf(error), false);
    if (kind === 'resource') {
      this.#starved(error);
      return;
    }
    this.#leave();
    const breaker = this.#breaker;
    const outage = breaker === undefined ? undefined : Outage.of(breaker);
    if (verdictOf(error) === 'failure') outage?.failed(this, now);
    const retryAfterMs = error instanceof BatchxError ? error.retryAfterMs : undefined;
    if (retryAfterMs !== undefined) this.#limiter?.pauseFor(retryAfterMs);
    const delay = this.#delay(kind, retryAfterMs, now, outage);
    if (delay === undefined) this.#fail(this.#doubted(error, kind));
    else this.#sleep(delay, error);
  }

  /** How long to wait before the next attempt; undefined when there is none. */
  #delay(kind: ErrorClass, retryAfterMs: number | undefined, now: number, outage?: Outage): number | undefined {
    const { backoff, repeatable, deadlineMs } = this.#shared.policies;
    if (backoff === undefined || !mayRetry(kind) || (kind === 'ambiguous' && !repeatable)) return undefined;
    this.#tries ??= new Tries(backoff, outage, this, this.#first);
    const delay = this.#tries.after({ kind, retryAfterMs, now });
    return delay !== undefined && deadlineMs !== undefined && delay > (this.#deadline?.left ?? 0) ? undefined : delay;
  }

  #sleep(ms: number, error: unknown): void {
    const { runtime } = this.#shared;
    runtime.events.emit('batch:attempt', { item: this.#item, attempt: this.#attempt, error, waitMs: ms });
    const parked = ms > LONG || this.#tries?.suspects === true;
    if (parked) this.#slot.park();
    this.#wait(
      (go) => {
        const timer = wait(ms, runtime.scheduler).subscribe(() => go());
        return () => timer.unsubscribe();
      },
      () => {
        if (parked) this.#slot.unpark(this.#enter);
        else this.#enter();
      },
    );
  }

  /** There was no resource for the call: it is made again when others have ended, which costs no retries. */
  #starved(error: unknown): void {
    const { gate, runtime } = this.#shared;
    this.#inside = false;
    const hope = gate.starve();
    if (hope === 'others') this.#wait((go) => gate.wait(go), this.#enter);
    else if (hope === 'time') {
      this.#wait((go) => {
        const timer = wait(STARVED, runtime.scheduler).subscribe(() => go());
        return () => timer.unsubscribe();
      }, this.#enter);
    } else {
      const message = `${BatchxError.from(error).message}; none of our calls runs that could free any: raise the limit, as with \`ulimit -n\``;
      this.#fail(new BatchxError('output', message, { cause: error }));
    }
  }

  /** A call that may have been done and must not be done twice is neither done nor failed. */
  #doubted(error: unknown, kind: ErrorClass): unknown {
    if (kind !== 'ambiguous' || this.#shared.policies.repeatable) return error;
    const { code, message, where } = BatchxError.from(error);
    return new BatchxError(code, message, {
      class: kind,
      inDoubt: true,
      cause: error,
      ...(where !== undefined && { where }),
    });
  }

  /** Ends what an attempt holds of the policies; gives the time. */
  #endAttempt(result: 'success' | 'failure' | 'ignored', succeeded: boolean): number {
    const now = this.#now();
    const { timeout } = this.#shared.policies;
    if (this.#running !== undefined) timeout?.end(this.#running, succeeded, now);
    this.#running = undefined;
    this.#pending = undefined;
    if (this.#ticket > 0) this.#breaker?.record(this.#ticket, result, now - this.#began, now);
    this.#ticket = 0;
    return now;
  }

  #giveTicketBack(): void {
    if (this.#ticket > 0) this.#breaker?.record(this.#ticket, 'ignored', 0);
    this.#ticket = 0;
  }

  #wait<T extends unknown[]>(start: (go: (...args: T) => void) => () => void, then: (...args: T) => void): void {
    this.#waits ??= new Waiting(
      () => [this.#slot.signal, this.#shared.runtime.stopping],
      () => this.#drop(),
    );
    this.#waits.begin(start, then);
  }

  /** It stays pending. */
  #drop(): void {
    this.#fail(new BatchxError('aborted', 'not wanted any more'));
  }

  #leave(): void {
    if (this.#inside) this.#shared.gate.leave();
    this.#inside = false;
  }

  #fail(error: unknown): void {
    this.#giveTicketBack();
    this.#settle('failed', error);
  }

  #settle(state: 'done' | 'failed', result: unknown): void {
    if (this.#state !== 'open') return;
    this.#state = state;
    this.#leave();
    this.#deadline?.stop();
    if (this.#resolve === undefined) this.#result = result;
    else if (state === 'done') this.#resolve(result);
    else this.#reject?.(result);
  }

  #now(): number {
    return this.#shared.runtime.scheduler.now();
  }
}
