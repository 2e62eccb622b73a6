import type { SchedulerLike, Subscription } from 'rxjs';
import type { BatchxError } from '../errors.js';
import { wait } from '../wait.js';

/** Told when it is worth asking again, or why there is nothing to wait for any more. */
export type Go = (error?: BatchxError) => void;

/** How many calls may start now, or why none will. */
export type Answer = number | BatchxError;

/** Those who wait for a breaker, in order, and the one timer that wakes them. */
export class BreakerWaiters {
  readonly #scheduler: SchedulerLike;
  readonly #onTime: () => void;
  readonly #waiting = new Set<{ readonly go: Go }>();
  #timer: Subscription | undefined = undefined;
  /** When the timer is due; infinite when there is none. */
  #due = Infinity;
  #waking = false;
  #again = false;

  constructor(scheduler: SchedulerLike, onTime: () => void) {
    this.#scheduler = scheduler;
    this.#onTime = onTime;
  }

  get size(): number {
    return this.#waiting.size;
  }

  /** Whether some wait, and there is no timer that will look at them. */
  get forgotten(): boolean {
    return this.size > 0 && this.#due === Infinity && !this.#waking;
  }

  /** Puts one at the end; gives what takes it out. */
  add(go: Go): () => void {
    const waiter = { go };
    this.#waiting.add(waiter);
    return () => {
      this.#waiting.delete(waiter);
      if (this.#waiting.size === 0) this.arm(Infinity);
    };
  }

  /**
   * Tells the first ones, as many as `answer` says at the start and as long as it says so. Each is told once, also when
   * it waits again. What is told may end in here again: then there is another round, and no recursion.
   */
  wake(answer: () => Answer): void {
    this.#again = true;
    if (this.#waking) return;
    this.#waking = true;
    try {
      while (this.#again) {
        this.#again = false;
        this.#round(answer);
      }
    } finally {
      this.#waking = false;
    }
  }

  #round(answer: () => Answer): void {
    if (this.#waiting.size === 0) return;
    const first = answer();
    let left = typeof first === 'number' ? Math.min(first, this.#waiting.size) : this.#waiting.size;
    for (const waiter of this.#waiting) {
      if (left-- <= 0) return;
      const now = answer();
      if (now === 0) return;
      this.#waiting.delete(waiter);
      if (typeof now === 'number') waiter.go();
      else waiter.go(now);
    }
  }

  /** Sets the timer to a time of the clock. There is none when nobody waits, and none for an infinite time. */
  arm(at: number): void {
    const due = this.#waiting.size === 0 ? Infinity : at;
    if (due === this.#due) return;
    this.#timer?.unsubscribe();
    this.#timer = undefined;
    this.#due = due;
    if (due === Infinity) return;
    this.#timer = wait(due - this.#scheduler.now(), this.#scheduler).subscribe(() => {
      this.#due = Infinity;
      this.#timer = undefined;
      this.#onTime();
    });
  }
}
