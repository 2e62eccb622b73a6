import { BatchxError } from '../errors.js';
import type { Pace, TokenPace } from '../rate.js';
import { show } from '../schema.js';
import { showMs } from '../show-ms.js';
import { SlidingWindow, toleranceOf, windowOf } from './sliding-window.js';
import { Spacing } from './spacing.js';

/** How much time that was lost by late timers is made up for, in milliseconds. */
const CATCH_UP = 50;
/** Lateness beyond this is no late timer: the process stood still, and nothing is made up for. In milliseconds. */
const GAP = 1000;

/** What was started under a limit, and when more may be: what a lane asks. It knows nothing of who waits. */
export interface PermitAccount<P = Pace | TokenPace> {
  /** How long so many starts of such a weight together take, when all are spaced evenly; in milliseconds. */
  msFor(weight: number, starts: number): number;
  /** The most that one start may weigh. */
  readonly most: number;
  readonly pausedUntil: number;
  /** Whether a new account would say the same. */
  unusedAt(now: number): boolean;
  /** Throws when such a weight can never pass. */
  check(weight: number): void;
  /** Why such a weight can never pass, if it cannot. */
  refusal(weight: number): BatchxError | undefined;
  /** When a start is due by those before it and by a pause; the window may have no room for it then. */
  dueAt(weight: number): number;
  hasRoom(weight: number, now: number): boolean;
  /** When a start may be made, if none comes before it; in the past when it may be `now`. */
  readyAt(weight: number, now: number): number;
  /** The window is told when a start is made, the spacing when it was due: late timers cost no rate. */
  take(weight: number, now: number, due: number): void;
  giveBack(weight: number, now: number): void;
  /** A start that was granted at a time is made only now. */
  sent(weight: number, since: number, now: number): void;
  /** A start that was made at a time weighs so much more than was taken for it, or less with a number below 0. */
  settle(more: number, since: number, now: number): void;
  /** False when a pause is there already that is as long. */
  pauseUntil(time: number): boolean;
  retune(pace: P, now: number): void;
}

/** The account of one rate limit. */
export class Permits implements PermitAccount<Pace> {
  #pace: Pace;
  readonly #window: SlidingWindow;
  readonly #spacing: Spacing;
  #pausedUntil = -Infinity;

  constructor(pace: Pace) {
    this.#pace = pace;
    this.#window = new SlidingWindow(pace);
    this.#spacing = new Spacing(pace);
  }

  /** How long starts of such a weight take together, when all are spaced evenly; in milliseconds. */
  msFor(weight: number): number {
    return weight * this.#spacing.intervalMs;
  }

  /** The most that one start may weigh. */
  get most(): number {
    return this.#pace.limit;
  }

  get pausedUntil(): number {
    return this.#pausedUntil;
  }

  unusedAt(now: number): boolean {
    return this.#spacing.until <= now && this.#window.totalAt(now) === 0;
  }

  check(weight: number): void {
    if (weight > 0 && weight <= this.#pace.limit) return;
    throw this.refusal(weight) ?? notAWeight(weight);
  }

  refusal(weight: number): BatchxError | undefined {
    return tooMuch(weight, this.#pace, `weighs ${weight.toLocaleString('en')}`);
  }

  dueAt(weight: number): number {
    return Math.max(this.#spacing.dueAt(weight), this.#pausedUntil);
  }

  hasRoom(weight: number, now: number): boolean {
    return this.#window.hasRoom(weight, now);
  }

  readyAt(weight: number, now: number): number {
    return Math.max(this.dueAt(weight), this.#window.roomAt(weight, now));
  }

  take(weight: number, now: number, due: number): void {
    this.#window.add(weight, now);
    this.#spacing.take(weight, now - due > GAP ? now : Math.max(due, now - CATCH_UP));
  }

  giveBack(weight: number, now: number): void {
    if (!(weight > 0 && weight < Infinity)) throw notAWeight(weight);
    this.#window.remove(weight, now);
    if (this.#pausedUntil <= now) this.#spacing.giveBack(weight);
  }

  /** The spacing stays: it makes up for what is late, as far as the window lets it. */
  sent(weight: number, since: number, now: number): void {
    // So much the window is longer for: a receiver sees the same.
    if (now - since > toleranceOf(this.#pace)) this.#window.move(weight, since, now);
  }

  settle(more: number, since: number, now: number): void {
    // There is no limit to what has been used already: the window stays full for as long as it takes.
    if (more > 0) this.take(more, now, now);
    // What has left the window is not to be taken from it again.
    else if (more < 0 && now - since < windowOf(this.#pace)) this.giveBack(-more, now);
  }

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

/**
 * When a start that may be made `now` was due by its account, for one that has been wanted since then and was `expected`
 * to be ready at a time. Short delays by the window come of earlier lateness, and are made up for as that is; long ones
 * are not.
 */
export function wasDue(dueAt: number, now: number, since: number, expected: number): number {
  const spaced = Math.min(Math.max(dueAt, since), now);
  const known = Math.min(expected, now);
  return known - spaced > CATCH_UP ? known : spaced;
}

/** The error of a start that weighs more than can ever pass; `said` tells what it weighs. */
export function tooMuch(weight: number, { limit, perMs }: Pace, said: string): BatchxError | undefined {
  if (!(weight > limit && weight < Infinity)) return undefined;
  const most = `the ${limit.toLocaleString('en')} that the limit lets through in ${showMs(perMs)}`;
  return new BatchxError('limit', `${said}, more than ${most}`);
}

export const notAWeight = (weight: number): BatchxError =>
  new BatchxError('usage', `expected a weight to be a number above 0, got ${show(weight)}`);
