import type { Subscription } from 'rxjs';
import { BatchxError } from '../errors.js';
import type { Item } from '../item.js';
import { isPromiseLike } from '../promise.js';
import { roomsAnnounced, withoutRooms } from '../rooms.js';
import type { Slot } from '../slot.js';
import { wait } from '../wait.js';
import type { Running } from './deadline.js';
import type { TriedStep } from './tried-step.js';
import { outlive } from './zombie.js';

/** How long a call that was told to stop may take to do so before its item goes on without it; in milliseconds. */
const GRACE = 1000;

/** Who makes an attempt is told once how it ended. */
export interface Attempting {
  succeeded(attempt: Attempt, value: unknown): void;
  failed(attempt: Attempt, error: unknown): void;
  /** What the call is about has gone out, some time after it was begun. */
  sent(attempt: Attempt): void;
}

/**
 * One call of a step's work. It is over when the call is, or soon after it was told to stop; what comes later is dropped.
 *
 * For the work it is the slot: its signal fires when this attempt is not wanted any more, whatever comes after it.
 */
export class Attempt implements Slot {
  readonly #step: TriedStep;
  readonly #slot: Slot;
  readonly #by: Attempting;
  /** When, by the clock. */
  readonly began: number;
  #running: Running | undefined = undefined;
  #call: Promise<unknown> | undefined = undefined;
  #controller: AbortController | undefined = undefined;
  #onStop: ((reason: unknown) => void) | undefined = undefined;
  /** Why it was told to stop. */
  #unwanted: BatchxError | undefined = undefined;
  #grace: Subscription | undefined = undefined;
  #sent = false;
  #over = false;

  constructor(step: TriedStep, slot: Slot, by: Attempting, began: number) {
    this.#step = step;
    this.#slot = slot;
    this.#by = by;
    this.began = began;
  }

  /** Makes the call. When that gives its result at once, or throws, the attempt is over. */
  begin(item: Item): void {
    const { run, policies } = this.#step;
    this.#running = policies.timeout?.start((error) => this.stop(error), this.began);
    let result: unknown;
    try {
      // Whoever is let through may be so amid a subscription of others, whose rooms are no concern of this call.
      result = roomsAnnounced() ? withoutRooms(() => run(item, this)) : run(item, this);
      if (isPromiseLike(result)) {
        // Some thenables give back nothing from `then`, or call back twice.
        this.#call = Promise.resolve(result);
        this.#call.then(
          (value) => this.#settled(true, value),
          (error: unknown) => this.#settled(false, error),
        );
        return;
      }
    } catch (error) {
      this.#end(false);
      this.#by.failed(this, error);
      return;
    }
    this.#end(true);
    this.#by.succeeded(this, result);
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#unwanted !== undefined) this.#controller.abort(this.#unwanted);
    }
    return this.#controller.signal;
  }

  onStop(stop: (reason: unknown) => void): void {
    this.#onStop = stop;
    if (this.#unwanted !== undefined) stop(this.#unwanted);
  }

  sent(): void {
    if (this.#sent || this.#over) return;
    this.#sent = true;
    this.#by.sent(this);
  }

  get limitMs(): number | undefined {
    return this.#step.policies.timeout?.limitMs;
  }

  park(): void {
    this.#slot.park();
  }

  lend(): void {
    this.#slot.lend?.();
  }

  unpark(go: () => void): void {
    this.#slot.unpark(go);
  }

  hold(end: PromiseLike<unknown>): void {
    this.#slot.hold(end);
  }

  /** Tells the call to stop. A call that has asked for its signal has a second to do so; another one is left behind. */
  stop(error: BatchxError): void {
    if (this.#over || this.#unwanted !== undefined) return;
    this.#unwanted = error;
    this.#leaveList(false);
    if (this.#controller === undefined && this.#onStop === undefined) this.#leaveBehind();
    else {
      this.#controller?.abort(error);
      this.#onStop?.(error);
      if (this.#over) return;
      this.#grace = wait(GRACE, this.#step.runtime.scheduler).subscribe(() => this.#leaveBehind());
    }
  }

  /** Nobody wants to know any more how it ends. */
  abandon(): void {
    if (this.#over) return;
    this.#end(false);
    this.#unwanted ??= new BatchxError('aborted', 'the call is not wanted any more');
    this.#controller?.abort(this.#unwanted);
    this.#onStop?.(this.#unwanted);
  }

  #settled(well: boolean, value: unknown): void {
    if (this.#over) return;
    const done = well && this.#unwanted === undefined;
    this.#end(done);
    if (done) this.#by.succeeded(this, value);
    else this.#by.failed(this, this.#whyOf(value));
  }

  /** Of an attempt that was told to stop that is why; the call may say so itself, with more that it knows. */
  #whyOf(error: unknown): unknown {
    const why = this.#unwanted;
    return why === undefined || (error instanceof BatchxError && error.code === why.code) ? error : why;
  }

  #leaveBehind(): void {
    this.#end(false);
    this.#slot.hold(outlive(this.#call as Promise<unknown>, this.#slot.signal, this.#step.runtime));
    this.#by.failed(this, this.#unwanted);
  }

  #end(succeeded: boolean): void {
    this.#over = true;
    this.#leaveList(succeeded);
    this.#grace?.unsubscribe();
  }

  #leaveList(succeeded: boolean): void {
    if (this.#running !== undefined) this.#step.policies.timeout?.end(this.#running, succeeded);
    this.#running = undefined;
  }
}
