import { BatchxError } from '../errors.js';
import type { Item } from '../item.js';
import { showMs } from '../show-ms.js';
import type { Slot, SlotWatcher } from '../slot.js';
import { isWanted, watchSlot } from '../slot-watch.js';
import { wait } from '../wait.js';
import { type AttemptLoad, loadOf } from './adaptive.js';
import { Admission, type Applicant } from './admission.js';
import { Attempt, type Attempting } from './attempt.js';
import { ItemDeadline } from './item-deadline.js';
import { inDoubt, maybeDone, retryIn } from './judge.js';
import { isDown } from './outage.js';
import { failureOf, Tries } from './tries.js';
import type { TriedStep } from './tried-step.js';
import { verdictOf } from './verdict.js';
import { waitsTold } from './waits-told.js';
import { Waiting, type WaitFor } from './waiting.js';

/** A wait longer than this gives the slot back; in milliseconds. */
const LONG = 1000;

/** How a call ends that was given up: nobody knows what became of it. */
const GIVEN_UP = { class: 'ambiguous', maybeDone: true } as const;

const SLOT: WaitFor = { reason: 'slot' };

/** One item on its way through the attempts of a step, to its result or its last error. */
export class Trial implements Applicant, Attempting, SlotWatcher {
  readonly #step: TriedStep;
  readonly #item: Item;
  readonly #slot: Slot;
  readonly #admission: Admission;
  /** What is made only when it is needed: most calls never wait, and do not fail. */
  #waiting: Waiting | undefined = undefined;
  #tries: Tries | undefined = undefined;
  #deadline: ItemDeadline | undefined = undefined;
  /** Its time is over: no further attempt is made. */
  #expired = false;
  #unwatch: (() => void) | undefined = undefined;
  /** The attempt that runs. */
  #attempt: Attempt | undefined = undefined;
  #count = 0;
  /** That of the attempt that runs, above 0 as long as its end has to be told. */
  #ticket = 0;
  /** What the last attempt failed with. */
  #last: unknown = undefined;
  /** Since when it stands still. */
  #still: number | undefined = undefined;
  #state: 'open' | 'done' | 'failed' = 'open';
  #result: unknown = undefined;
  #resolve: ((value: unknown) => void) | undefined = undefined;
  #reject: ((error: unknown) => void) | undefined = undefined;

  constructor(step: TriedStep, item: Item, slot: Slot) {
    this.#step = step;
    this.#item = item;
    this.#slot = slot;
    this.#admission = new Admission(step, item, slot, this);
  }

  /** The result, or the promise of one. */
  begin(): unknown {
    const { policies, runtime } = this.#step;
    const { deadlineMs } = policies;
    if (deadlineMs !== undefined)
      this.#deadline = new ItemDeadline(deadlineMs, runtime, () => this.#expire(deadlineMs));
    this.#admission.ask();
    if (this.#state === 'open') this.#unwatch = watchSlot(this.#slot, this);
    if (this.#state === 'failed') throw this.#result;
    if (this.#state === 'done') return this.#result;
    return new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  get waiting(): Waiting {
    return (this.#waiting ??= new Waiting(
      this.#step.runtime.stopping,
      () => this.#drop(),
      waitsTold(this.#step, this.#item),
    ));
  }

  admitted(now: number): void {
    this.#count++;
    this.#ticket = this.#step.policies.adaptive?.start() ?? 0;
    this.#attempt = new Attempt(this.#step, this.#slot, this, now);
    this.#attempt.begin(this.#item);
  }

  refused(error: unknown): void {
    this.#settle('failed', error);
  }

  standStill(): void {
    this.#still = this.#now();
    this.#deadline?.stop();
  }

  goOn(): void {
    this.#tries?.stood(this.#now() - (this.#still as number));
    this.#deadline?.resume();
  }

  withSlot(then: () => void): void {
    this.waiting.begin(
      SLOT,
      (go) => {
        this.#slot.unpark(go);
        // One that is over is not called when there is a slot.
        return () => undefined;
      },
      then,
    );
  }

  dropped(): boolean {
    if (!isWanted(this.#slot) || this.#step.runtime.stopping.aborted) this.#drop();
    return this.#state !== 'open';
  }

  sent({ began }: Attempt): void {
    this.#admission.sent(began);
  }

  succeeded({ began }: Attempt, value: unknown): void {
    this.#attempt = undefined;
    this.#tellEnd(began);
    this.#admission.settle(value, began);
    if (this.#step.policies.breaker !== undefined) {
      const now = this.#now();
      this.#admission.record('success', now - began, now);
    }
    this.#tellLoad('success', began);
    this.#settle('done', value);
  }

  failed({ began }: Attempt, error: unknown): void {
    this.#attempt = undefined;
    this.#tellEnd(began, error);
    const now = this.#now();
    const failure = failureOf(error, now, this.#admission.breaker);
    this.#last = error;
    this.#admission.record(verdictOf(error), now - began, now);
    this.#tellLoad(loadOf(error), began);
    if (failure.kind === 'resource' && this.#state === 'open') {
      this.#starved(error);
      return;
    }
    this.#admission.leave();
    // What these have let go on may have ended it all.
    if (this.#state !== 'open') return;
    const { policies } = this.#step;
    const { backoff } = policies;
    if (backoff !== undefined) this.#tries ??= new Tries(backoff, this.#admission.breaker, began, now);
    const ms = retryIn(failure, policies, this.#tries, (ms, server) => this.#admission.pauseFor(ms, server));
    if (ms instanceof BatchxError) this.#settle('failed', ms);
    else if (ms !== undefined && this.#hasTimeFor(ms)) this.#sleep(ms, error);
    else {
      const said = error instanceof BatchxError && error.maybeDone;
      const doubtful = !policies.repeatable && (this.#expired || said || maybeDone(error, failure.kind));
      this.#settle('failed', doubtful ? inDoubt(error) : error);
    }
  }

  abandoned(): void {
    // What runs may have been done, and must not be done twice: whoever is still there is told.
    const doubtful = this.#attempt !== undefined && !this.#step.policies.repeatable;
    if (this.#attempt !== undefined) {
      this.#attempt.abandon();
      this.#tellLoad('ignored', this.#attempt.began);
      this.#attempt = undefined;
      this.#admission.record('ignored', 0);
    }
    this.#waiting?.cancel();
    if (doubtful) this.#settle('failed', inDoubt(new BatchxError('aborted', 'given up while its call ran', GIVEN_UP)));
    else this.#drop();
  }

  /** Whether the item may wait so long; while it stands still that costs no time. */
  #hasTimeFor(ms: number): boolean {
    if (this.#expired) return false;
    return this.#deadline === undefined || isDown(this.#admission.breaker) || ms < this.#deadline.left;
  }

  #sleep(ms: number, error: unknown): void {
    const { runtime } = this.#step;
    if (this.dropped()) return;
    runtime.events.emit('batch:attempt', {
      item: this.#item,
      step: this.#step.policies.name,
      attempt: this.#count,
      error,
      waitMs: ms,
    });
    // Who suspects an outage lets others try meanwhile.
    if (ms > LONG || this.#tries?.suspects === true) this.#slot.park();
    const still = isDown(this.#admission.breaker);
    if (still) this.standStill();
    const throttled = error instanceof BatchxError && error.class === 'throttled';
    this.waiting.begin(
      { reason: throttled ? 'throttled' : 'retry', ms: () => ms },
      (go) => {
        const timer = wait(ms, runtime.scheduler).subscribe(() => go());
        return () => timer.unsubscribe();
      },
      () => {
        if (still) this.goOn();
        if (!this.dropped()) this.withSlot(() => this.#again());
      },
    );
  }

  #again(): void {
    if (!this.dropped()) this.#admission.ask();
  }

  /** There was no resource for the call: it is made again when others have ended, which costs no retries. */
  #starved(error: unknown): void {
    if (this.#admission.starve()) this.#admission.ask();
    else {
      const message = `${BatchxError.from(error).message}; none of our calls runs that could free any: raise the limit, as with \`ulimit -n\``;
      this.#settle('failed', new BatchxError('output', message, { cause: error }));
    }
  }

  /** Its own time is over, whatever it is doing. */
  #expire(ms: number): void {
    this.#expired = true;
    const message = `took longer than ${showMs(ms)} with its retries and waits`;
    const error = new BatchxError('timeout', message, { class: 'permanent', cause: this.#last });
    if (this.#attempt !== undefined) this.#attempt.stop(error);
    else {
      this.#waiting?.cancel();
      this.#settle('failed', error);
    }
  }

  /** It stays pending. */
  #drop(): void {
    this.#settle('failed', new BatchxError('aborted', 'not wanted any more'));
  }

  #settle(state: 'done' | 'failed', result: unknown): void {
    if (this.#state !== 'open') return;
    this.#state = state;
    this.#admission.leave();
    this.#deadline?.stop();
    this.#unwatch?.();
    if (this.#resolve === undefined) this.#result = result;
    else if (state === 'done') this.#resolve(result);
    else this.#reject?.(result);
  }

  #tellLoad(load: AttemptLoad, began: number): void {
    const ticket = this.#ticket;
    this.#ticket = 0;
    if (ticket > 0) this.#step.policies.adaptive?.record(ticket, load, this.#now() - began);
  }

  #tellEnd(began: number, error?: unknown): void {
    const { events } = this.#step.runtime;
    if (!events.listens('batch:attempt:end')) return;
    const ms = this.#now() - began;
    const { name } = this.#step.policies;
    events.emit('batch:attempt:end', { item: this.#item, step: name, attempt: this.#count, ms, error });
  }

  #now(): number {
    return this.#step.runtime.scheduler.now();
  }
}
