import { BatchxError } from '../errors.js';
import type { Pace } from '../rate.js';
import { show } from '../schema.js';
import { showMs } from '../show-ms.js';
import { SlidingWindow } from './sliding-window.js';
import { Spacing } from './spacing.js';

/** How much time that was lost by late timers is made up for, in milliseconds. */
const CATCH_UP = 50;
/** Lateness beyond this is no late timer: the process stood still, and nothing is made up for. In milliseconds. */
const GAP = 1000;

/** The account of one rate limit: what was started, and when more may be. It knows nothing of who waits. */
export class Permits {
  #pace: Pace;
  readonly #window: SlidingWindow;
  readonly #spacing: Spacing;
  #pausedUntil = -Infinity;

  constructor(pace: Pace) {
    this.#pace = pace;
    this.#window = new SlidingWindow(pace);
    this.#spacing = new Spacing(pace);
  }

  /** How far starts of weight 1 are apart, in milliseconds. */
  get intervalMs(): number {
    return this.#spacing.intervalMs;
  }

  get pausedUntil(): number {
    return this.#pausedUntil;
  }

  /** Whether a new account would say the same. */
  unusedAt(now: number): boolean {
    return this.#spacing.until <= now && this.#window.totalAt(now) === 0;
  }

  /** Throws when such a weight can never pass. */
  check(weight: number): void {
    if (weight > 0 && weight <= this.#pace.limit) return;
    throw this.refusal(weight) ?? notAWeight(weight);
  }

  /** Why such a weight can never pass, if it cannot. */
  refusal(weight: number): BatchxError | undefined {
    const { limit, perMs } = this.#pace;
    if (!(weight > limit && weight < Infinity)) return undefined;
    const most = `the ${limit.toLocaleString('en')} that the limit lets through in ${showMs(perMs)}`;
    return new BatchxError('limit', `weighs ${weight.toLocaleString('en')}, more than ${most}`);
  }

  /** When a start is due by those before it and by a pause; the window may have no room for it then. */
  dueAt(weight: number): number {
    return Math.max(this.#spacing.dueAt(weight), this.#pausedUntil);
  }

  hasRoom(weight: number, now: number): boolean {
    return this.#window.hasRoom(weight, now);
  }

  /** When a start may be made, if none comes before it; in the past when it may be `now`. */
  readyAt(weight: number, now: number): number {
    return Math.max(this.dueAt(weight), this.#window.roomAt(weight, now));
  }

  /**
   * When a start that may be made `now` was due, for one that has been wanted since then and was `expected` to be ready
   * at a time. Short delays by the window come of earlier lateness, and are made up for as that is; long ones are not.
   */
  wasDue(weight: number, now: number, since: number, expected: number): number {
    const spaced = Math.min(Math.max(this.dueAt(weight), since), now);
    const known = Math.min(expected, now);
    return known - spaced > CATCH_UP ? known : spaced;
  }

  /** The window is told when a start is made, the spacing when it was due: late timers cost no rate. */
  take(weight: number, now: number, due: number): void {
    this.#window.add(weight, now);
    this.#spacing.take(weight, now - due > GAP ? now : Math.max(due, now - CATCH_UP));
  }

  giveBack(weight: number, now: number): void {
    if (!(weight > 0 && weight < Infinity)) throw notAWeight(weight);
    this.#window.remove(weight, now);
    if (this.#pausedUntil <= now) this.#spacing.giveBack(weight);
  }

  /** False when a pause is there already that is as long. */
  pauseUntil(time: number): boolean {
    if (!(time > this.#pausedUntil)) return false;
    this.#pausedUntil = time;
    this.#spacing.pauseUntil(time);
    return true;
  }

  retune(pace: Pace, now: number): void {
    this.#pace = pace;
    this.#window.retune(pace);
    this.#spacing.retune(pace);
    if (this.#pausedUntil > now) this.#spacing.pauseUntil(this.#pausedUntil);
  }
}

const notAWeight = (weight: number): BatchxError =>
  new BatchxError('usage', `expected a weight to be a number above 0, got ${show(weight)}`);
