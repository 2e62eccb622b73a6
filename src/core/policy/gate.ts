import { Ring } from '../ring.js';

/** How often nothing at all could be started before that is taken for an end. */
const STRIKES = 8;

/**
 * Lets fewer calls run at once when the machine has run out of what they hold, and more again as they succeed.
 *
 * Without such a failure everything passes and nothing is counted but how many run.
 */
export class Gate {
  #running = 0;
  #most = Infinity;
  /** Calls that ended well since `most` was changed. */
  #well = 0;
  #strikes = 0;
  readonly #waiting = new Ring<() => void>();

  /** Whether one more may run; then it does, until it is told to have left. */
  enter(): boolean {
    if (this.#running >= this.#most) return false;
    this.#running++;
    return true;
  }

  /** Calls `go` when it is worth trying to enter again; gives what takes that back. */
  wait(go: () => void): () => void {
    let wanted = true;
    this.#waiting.push(() => {
      if (wanted) go();
    });
    return () => {
      wanted = false;
    };
  }

  /** A call has ended, well or not, but for no lack of a resource. */
  leave(): void {
    this.#running--;
    if (this.#most === Infinity) return;
    this.#strikes = 0;
    this.#well++;
    if (this.#well > 2 * this.#most) {
      this.#well = 0;
      this.#most++;
    }
    this.#wake();
  }

  /**
   * A call could not be made for lack of a resource, and has left. What may bring it: the `others` that run now, some
   * `time` when none of ours holds any, or `nothing` when that was tried often enough.
   */
  starve(): 'others' | 'time' | 'nothing' {
    this.#running--;
    this.#most = Math.max(1, Math.min(this.#most, Math.floor(this.#running / 2)));
    this.#well = 0;
    if (this.#running > 0) return 'others';
    this.#strikes++;
    return this.#strikes < STRIKES ? 'time' : 'nothing';
  }

  #wake(): void {
    // Each enters at once, unless nobody wants it any more: then it is the next one's turn.
    while (this.#running < this.#most) {
      const go = this.#waiting.shift();
      if (go === undefined) return;
      go();
    }
  }
}
