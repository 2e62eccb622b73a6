import type { Subscription } from 'rxjs';
import type { Runtime } from '../runtime.js';
import { wait } from '../wait.js';

/** A timer that fires later than this by so many milliseconds says that the process was stopped, not that calls are slow. */
const JUMP = 2000;

/** The time that one item has for all its attempts and waits; it can be stopped and goes on where it was. */
export class ItemDeadline {
  readonly #runtime: Runtime;
  readonly #expired: () => void;
  #left: number;
  #since = 0;
  #timer: Subscription | undefined;

  /** Begins at once; `expired` is called once, never at once. */
  constructor(ms: number, runtime: Runtime, expired: () => void) {
    this.#left = ms;
    this.#runtime = runtime;
    this.#expired = expired;
    this.resume();
  }

  /** What is left, in milliseconds. */
  get left(): number {
    return this.#timer === undefined ? this.#left : this.#left - (this.#now() - this.#since);
  }

  stop(): void {
    if (this.#timer === undefined) return;
    this.#left = this.left;
    this.#timer.unsubscribe();
    this.#timer = undefined;
  }

  resume(): void {
    if (this.#timer !== undefined) return;
    this.#since = this.#now();
    this.#timer = wait(this.#left, this.#runtime.scheduler).subscribe(() => {
      this.#timer = undefined;
      // How long the process was stopped is not known: it has once more what it had.
      if (this.#now() - this.#since - this.#left > JUMP) this.resume();
      else {
        this.#left = 0;
        this.#expired();
      }
    });
  }

  #now(): number {
    return this.#runtime.scheduler.now();
  }
}
