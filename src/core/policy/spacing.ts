import type { Pace } from '../rate.js';
import { windowOf } from './sliding-window.js';

/**
 * When the next start is due, by the starts before it: evenly spaced, or with so many at once as have not been used.
 *
 * It counts from when starts were due, which may be earlier than when they were made.
 */
export class Spacing {
  #intervalMs: number;
  #burst: number;
  /** When the last start was due. */
  #from = 0;
  /** When all that was started would be over, were it evenly spaced. */
  #until = 0;

  constructor(pace: Pace) {
    this.#intervalMs = windowOf(pace) / pace.limit;
    this.#burst = pace.burst;
  }

  /** How far starts of weight 1 are apart, in milliseconds. */
  get intervalMs(): number {
    return this.#intervalMs;
  }

  /** From when on nothing is left to be seen of the starts before, and of a pause. */
  get until(): number {
    return this.#until;
  }

  /** When a start of such a weight is due, if none comes before it. */
  dueAt(weight: number): number {
    return this.#burst > weight ? this.#until - (this.#burst - weight) * this.#intervalMs : this.#until;
  }

  take(weight: number, due: number): void {
    this.#until = Math.max(this.#until, due) + weight * this.#intervalMs;
    this.#from = due;
  }

  giveBack(weight: number): void {
    this.#until -= weight * this.#intervalMs;
  }

  /** Nothing is due before, and from then on starts are spaced, whatever the burst. */
  pauseUntil(time: number): void {
    this.#until = Math.max(this.#until, time + Math.max(0, this.#burst - 1) * this.#intervalMs);
    this.#from = Math.max(this.#from, time);
  }

  /** As if the new pace had been in force since the last start; what was too much for it is over with a window. */
  retune(pace: Pace): void {
    const before = this.#intervalMs;
    this.#intervalMs = windowOf(pace) / pace.limit;
    this.#burst = pace.burst;
    const left = ((this.#until - this.#from) * this.#intervalMs) / before;
    this.#until = this.#from + Math.min(left, windowOf(pace));
  }
}
