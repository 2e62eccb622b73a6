import type { Subscription } from 'rxjs';
import { BatchxError } from '../errors.js';
import type { Runtime } from '../runtime.js';
import { showMs } from '../show-ms.js';
import { wait } from '../wait.js';

/** The time that one item has for all its attempts and waits; it can be stopped and goes on where it was. */
export class ItemDeadline {
  readonly #ms: number;
  readonly #runtime: Runtime;
  readonly #expired: (error: BatchxError) => void;
  #left: number;
  #since = 0;
  #timer: Subscription | undefined;

  constructor(ms: number, runtime: Runtime, expired: (error: BatchxError) => void) {
    this.#ms = this.#left = ms;
    this.#runtime = runtime;
    this.#expired = expired;
    this.resume();
  }

  /** What is left, in milliseconds. */
  get left(): number {
    return this.#timer === undefined ? this.#left : this.#left - (this.#runtime.scheduler.now() - this.#since);
  }

  stop(): void {
    if (this.#timer === undefined) return;
    this.#left = this.left;
    this.#timer.unsubscribe();
    this.#timer = undefined;
  }

  resume(): void {
    if (this.#timer !== undefined) return;
    this.#since = this.#runtime.scheduler.now();
    this.#timer = wait(this.#left, this.#runtime.scheduler).subscribe(() => {
      const took = showMs(this.#ms);
      this.#expired(
        new BatchxError('timeout', `took longer than ${took} with its retries and waits`, { class: 'permanent' }),
      );
    });
  }
}
