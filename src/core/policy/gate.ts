import type { SchedulerLike, Subscription } from 'rxjs';
import { wait } from '../wait.js';

/** How often nothing at all could be started before that is taken for an end. */
const STRIKES = 8;
/** How long to wait when there is no resource left and nothing of ours that would free one; in milliseconds. */
const STARVED = 250;

/**
 * Lets fewer calls run at once when the machine has run out of what they hold, and more again as they succeed.
 *
 * Without such a failure everything passes and nothing is counted but how many run. Whoever waits is let in when another
 * one leaves, or by time when there is no other.
 */
export class Gate {
  readonly #scheduler: SchedulerLike;
  #running = 0;
  #most = Infinity;
  /** Calls that ended since `most` was changed. */
  #ended = 0;
  #strikes = 0;
  /** Whether nothing of ours holds anything, so that only time can bring it. */
  #starved = false;
  #timer: Subscription | undefined = undefined;
  readonly #waiting = new Set<{ readonly go: () => void }>();

  constructor(scheduler: SchedulerLike) {
    this.#scheduler = scheduler;
  }

  /** How many wait. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** Whether one more may run; then it does, until it is told to have left. */
  enter(): boolean {
    if (this.#running >= this.#most || this.#starved) return false;
    this.#running++;
    return true;
  }

  /** Calls `go` when it is worth trying to enter again; gives what takes that back. */
  wait(go: () => void): () => void {
    const waiter = { go };
    this.#waiting.add(waiter);
    this.#arm();
    return () => {
      this.#waiting.delete(waiter);
      if (this.#waiting.size > 0) return;
      this.#timer?.unsubscribe();
      this.#timer = undefined;
    };
  }

  /** A call has ended, well or not, but for no lack of a resource. */
  leave(): void {
    this.#running--;
    if (this.#most === Infinity) return;
    this.#strikes = 0;
    if (++this.#ended > 2 * this.#most) {
      this.#ended = 0;
      this.#most++;
    }
    this.#wake();
  }

  /** A call that was let in is not made now. */
  stepBack(): void {
    this.#running--;
    if (this.#most !== Infinity) this.#wake();
  }

  /** A call could not be made for lack of a resource, and has left. False when waiting has been of no use for too long. */
  starve(): boolean {
    this.#running--;
    this.#most = Math.max(1, Math.min(this.#most, Math.floor(this.#running / 2)));
    this.#ended = 0;
    if (this.#running > 0) return true;
    this.#starved = true;
    this.#arm();
    return ++this.#strikes < STRIKES;
  }

  #arm(): void {
    if (!this.#starved || this.#waiting.size === 0 || this.#timer !== undefined) return;
    this.#timer = wait(STARVED, this.#scheduler).subscribe(() => {
      this.#timer = undefined;
      this.#starved = false;
      this.#wake();
    });
  }

  #wake(): void {
    // Each enters at once, unless nobody wants it any more: then it is the next one's turn.
    for (const waiter of this.#waiting) {
      if (this.#running >= this.#most || this.#starved) return;
      this.#waiting.delete(waiter);
      waiter.go();
    }
  }
}
