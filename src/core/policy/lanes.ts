import type { SchedulerLike } from 'rxjs';
import { Keyed } from '../keyed.js';
import type { Pace, TokenPace } from '../rate.js';
import { Lane } from './lane.js';

/** The lanes of one limiter: its own, and one for each key. They have the same pace, but for those retuned alone. */
export class Lanes {
  readonly own: Lane;
  readonly #byKey: Keyed<Lane>;
  #pace: Pace | TokenPace;
  #pausedUntil = -Infinity;

  constructor(pace: Pace | TokenPace, scheduler: SchedulerLike) {
    this.#pace = pace;
    this.own = new Lane(pace, scheduler, false);
    this.#byKey = new Keyed(() => {
      const lane = new Lane(this.#pace, scheduler, true);
      lane.pauseUntil(this.#pausedUntil);
      return lane;
    });
  }

  of(key: string): Lane {
    return this.#byKey.get(key);
  }

  get waiting(): number {
    return this.#all.reduce((sum, lane) => sum + lane.waiting, 0);
  }

  pauseUntil(time: number): void {
    this.#pausedUntil = Math.max(this.#pausedUntil, time);
    for (const lane of this.#all) lane.pauseUntil(time);
  }

  /** The limit as it is now. */
  get pace(): Pace | TokenPace {
    return this.#pace;
  }

  retune(pace: Pace | TokenPace): void {
    this.#pace = pace;
    for (const lane of this.#all) {
      lane.retunedAlone = false;
      lane.retune(pace);
    }
  }

  /** A copy: whoever is let through may ask for another key. */
  get #all(): Lane[] {
    return [this.own, ...this.#byKey.values()];
  }
}
