import { Observable, type Subscriber } from 'rxjs';
import * as z from 'zod';
import { classOf } from '../error-class.js';
import { BatchxError } from '../errors.js';
import { parseOptions } from '../schema.js';
import { Latencies } from './latencies.js';

export const adaptiveOptions = z
  .strictObject({
    max: z.int().min(1).describe('The most calls that may run at once.'),
    min: z.int().min(1).default(1).describe('So many may run at once in any case.'),
  })
  .refine(({ min, max }) => min <= max, { error: 'expected `min` to be at most `max`', path: ['min'] });

export type AdaptiveOptions = z.input<typeof adaptiveOptions>;

/**
 * What an attempt says of how busy the other side is: `success` by how long it took, `late` that it was ended because it
 * took too long, `overload` that it was too much, and `ignored` nothing.
 */
export type AttemptLoad = 'success' | 'late' | 'overload' | 'ignored';

/** What an attempt that failed says of how busy the other side is, or this machine. */
export function loadOf(error: unknown): AttemptLoad {
  if (error instanceof BatchxError && error.code === 'timeout') return 'late';
  const kind = error instanceof BatchxError ? error.class : classOf(error);
  return kind === 'throttled' || kind === 'unprocessed' || kind === 'resource' ? 'overload' : 'ignored';
}

/** How many may run at first. */
const START = 4;
/** A window has so many attempts at least, and two for each that may run at once; the first ones fewer. */
const LEAST = 10;
const LEAST_AT_FIRST = 4;
/** It is longer while the mean is not known so well, as a part of it; at most so many times. */
const EXACT = 0.05;
const LONGEST = 4;
/** How many windows it stays as it is before it tries something that has been of no use, at first and at most. */
const PATIENCE = 4;
const MOST_PATIENCE = 32;

/** What was before the cap was lowered. */
interface Before {
  readonly cap: number;
  readonly ms: number;
}

/**
 * Finds how many calls may run at once: as many as make the other side busy, and no more.
 *
 * Attempts are looked at in windows. While they take no longer than with fewer at once the cap grows, in strides that
 * double; where they do, it rests. When they clearly take longer, or nothing has changed for some time, the cap is lowered,
 * at most by half: if they are quicker then, it goes on from there; if not, the calls have become slower by themselves, and
 * the cap is what it was. An attempt that was too much halves it, once for all that ran then; the cap at which that
 * happened is come near to quickly, and tried again ever more seldom. What it holds does not depend on the number of calls.
 *
 * An operator whose `concurrency` it is follows its cap. `step`, `exec` and `http` tell it of each attempt; other calls
 * do so by the operator `adaptiveConcurrency`. It is for the calls of one operator to one side.
 *
 * @example
 * import { AdaptiveConcurrency, jsonl, responseError, step, toJsonl } from 'batchx';
 *
 * const busy = new AdaptiveConcurrency({ max: 50 });
 * const ask = async ({ url }: { url: string }, _: unknown, { signal }: { signal: AbortSignal }) => {
 *   const answer = await fetch(url, { signal });
 *   if (!answer.ok) throw await responseError(answer);
 *   return answer.text();
 * };
 * jsonl<{ url: string }>('urls.jsonl').pipe(step(ask, { concurrency: busy, retry: 3 }), toJsonl('pages.jsonl')).subscribe();
 */
export class AdaptiveConcurrency {
  readonly min: number;
  readonly max: number;
  /** The cap, now and each time that it changes. Never completes. */
  readonly caps: Observable<number>;
  readonly #followers = new Set<Subscriber<number>>();
  #cap: number;
  #running = 0;
  /** How many attempts were begun, and how many of them under an earlier cap. */
  #started = 0;
  #earlier = 0;
  #window = new Latencies();
  /** How long an attempt takes when the other side is not busy, as far as that is known. */
  #base = Infinity;
  /** True until attempts take longer for the first time: until then the cap doubles. */
  #ramp = true;
  /** By how much it grows next. */
  #stride = 1;
  /** The cap at which it was too much. */
  #ceiling = Infinity;
  #rested = 0;
  #patience = PATIENCE;
  /** There while it is not known whether a lower cap is of use. */
  #before: Before | undefined = undefined;

  constructor(options: AdaptiveOptions) {
    const { min, max } = parseOptions(adaptiveOptions, options, 'adaptive concurrency');
    this.min = min;
    this.max = max;
    this.#cap = Math.min(max, Math.max(min, START));
    this.caps = new Observable((subscriber) => {
      this.#followers.add(subscriber);
      subscriber.add(() => this.#followers.delete(subscriber));
      subscriber.next(this.#cap);
    });
  }

  /** How many may run at once now. */
  get cap(): number {
    return this.#cap;
  }

  /** An attempt begins; gives its ticket. */
  start(): number {
    this.#window.peak = Math.max(this.#window.peak, ++this.#running);
    return ++this.#started;
  }

  /** The attempt of a ticket is over, after so many milliseconds. To be told once. */
  record(ticket: number, result: AttemptLoad, ms: number): void {
    this.#running--;
    // What was begun under another cap tells nothing of this one.
    if (result === 'ignored' || ticket <= this.#earlier) return;
    const window = this.#window;
    if (result === 'overload') this.#halve();
    else if (result === 'late') {
      window.late++;
      if (window.late >= LEAST_AT_FIRST && window.late > window.count) this.#halve();
    } else {
      window.add(ms);
      if (this.#isOver(window)) this.#judge(window);
    }
  }

  #isOver({ count, error }: Latencies): boolean {
    if (this.#ramp) return count >= Math.max(LEAST_AT_FIRST, this.#cap);
    const least = Math.max(LEAST, 2 * this.#cap);
    return count >= LONGEST * least || (count >= least && error <= EXACT);
  }

  #judge({ mean: ms, error, peak }: Latencies): void {
    const cap = this.#cap;
    if (this.#before !== undefined) {
      this.#compare(this.#before, ms);
      return;
    }
    // Of one quick window half is believed: what is left of the chance in it would hold the cap down.
    this.#base = ms >= this.#base ? this.#base : this.#base === Infinity ? ms : (this.#base + ms) / 2;
    if (cap === this.min) this.#base = ms;
    // How many of those that run wait for others, by Little's law; as few as chance leaves open.
    const queue = cap * (1 - this.#base / (ms * (1 - Math.min(error, 0.5))));
    if (peak <= 0.75 * cap) this.#go(cap);
    else if (queue <= 0.5 + cap / 10) this.#grow();
    else if (queue > 1 + cap / 4) {
      this.#patience = PATIENCE;
      this.#lower(ms);
    } else this.#rest(() => this.#lower(ms));
  }

  #grow(): void {
    const cap = this.#cap;
    if (cap >= this.#ceiling) {
      this.#ceiling = Infinity;
      this.#patience = PATIENCE;
    }
    if (cap === this.max) this.#go(cap);
    else if (cap === this.#ceiling - 1) this.#rest(() => this.#go(cap + 1));
    else {
      const stride = this.#ramp ? cap : this.#stride;
      this.#stride = Math.min(2 * stride, Math.max(1, Math.floor(cap / 5)));
      this.#go(cap + (this.#ceiling === Infinity ? stride : Math.ceil((this.#ceiling - 1 - cap) / 2)));
    }
  }

  /** Stays as it is; after some time it does something all the same. */
  #rest(then: () => void): void {
    this.#resist();
    const rested = this.#rested + 1;
    if (rested < this.#patience) {
      this.#go(this.#cap);
      this.#rested = rested;
    } else then();
  }

  /** Tries with fewer, after a window in which attempts took `ms`. */
  #lower(ms: number): void {
    const cap = this.#cap;
    this.#resist();
    if (cap === this.min) {
      this.#settle(cap, ms);
      return;
    }
    this.#before = { cap, ms };
    this.#go(Math.min(cap - 1, Math.ceil(cap * Math.max(0.5, Math.min(0.8, this.#base / ms)))));
  }

  /** Fewer run than before: when attempts are quicker by about as much, the others had only waited. */
  #compare(before: Before, ms: number): void {
    const gain = Math.log(before.ms / ms) / Math.log(before.cap / this.#cap);
    // Where they are slower by far it is changing still, and what was measured before is worth nothing.
    if (gain >= 0.5 || ms > 1.5 * before.ms) {
      this.#base = Math.min(this.#base, ms);
      this.#lower(ms);
      return;
    }
    this.#settle(before.cap, ms);
  }

  /** It is known for now how long attempts take when nothing waits. */
  #settle(cap: number, base: number): void {
    this.#before = undefined;
    this.#base = base;
    this.#patience = Math.min(2 * this.#patience, MOST_PATIENCE);
    this.#go(cap);
  }

  /** From now on it grows in strides that begin with one. */
  #resist(): void {
    this.#ramp = false;
    this.#stride = 1;
  }

  #halve(): void {
    const cap = this.#cap;
    this.#patience = cap >= this.#ceiling ? Math.min(2 * this.#patience, MOST_PATIENCE) : PATIENCE;
    this.#ceiling = cap;
    this.#resist();
    this.#before = undefined;
    this.#go(Math.floor(cap / 2));
  }

  /** Begins a new window, at a cap within its limits. */
  #go(wanted: number): void {
    const cap = Math.min(this.max, Math.max(this.min, wanted));
    const changed = cap !== this.#cap;
    this.#cap = cap;
    this.#earlier = changed ? this.#started : this.#earlier;
    this.#window = new Latencies();
    this.#window.peak = this.#running;
    this.#rested = 0;
    // At the end: whoever follows may begin calls at once.
    if (changed) for (const follower of [...this.#followers]) follower.next(cap);
  }
}
