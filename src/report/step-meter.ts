import type { SchedulerLike } from 'rxjs';
import type { EventMap, WaitReason } from '../core/events.js';
import type { Item } from '../core/item.js';
import { isPromiseLike } from '../core/promise.js';
import type { Limiter } from '../core/policy/limiter.js';
import { Quantiles } from '../core/quantiles.js';
import type { Applied } from '../core/step.js';
import type { ItemTimes } from './item-times.js';

/** The waits of one step for one reason. */
export interface Waits {
  count: number;
  ms: number;
  /** How long of it was for each rate or breaker that has a name. */
  readonly byName: Map<string, number>;
}

/** What is counted of a step that works in memory, timed as well where it reaches outside; `flow` changes how many there are. */
export type StepKind = 'counted' | 'timed' | 'flow';

/** So many things that retries came after are told apart. */
const MOST = 20;

/** What is counted of one step while a run goes on. */
export class StepMeter {
  /** What it is called: no other step of the run has the same name. */
  readonly name: string;
  readonly verb: string;
  readonly kind: StepKind;
  in = 0;
  ok = 0;
  failed = 0;
  skipped = 0;
  /** How many items are in it, or were when the run ended, and the sum of the times at which they came. */
  #inside = 0;
  #came = 0;
  #ms = 0;
  /** Attempts that are over, those of them that were not the first of their item, and those that were told to wait. */
  attempts = 0;
  retries = 0;
  throttled = 0;
  /** How long its attempts took. */
  busyMs = 0;
  readonly latency = new Quantiles();
  readonly waits: Readonly<Record<WaitReason, Waits>> = {
    rate: none(),
    breaker: none(),
    retry: none(),
    throttled: none(),
    slot: none(),
  };
  /** How often a result was found in its cache, and how often not; undefined without one. */
  cache: { hits: number; misses: number } | undefined = undefined;
  /** What its calls share, where it is one limit for all of them. */
  limiter: Limiter | undefined = undefined;
  /** How often it was tried again after what. */
  readonly retriedAfter = new Map<string, number>();

  constructor(name: string, verb: string, kind: StepKind) {
    this.name = name;
    this.verb = verb;
    this.kind = kind;
  }

  /** Counts what a step has made of an item; without one it stays pending. */
  count(next: Item | undefined): void {
    if (next === undefined) return;
    if (next.error !== undefined) this.failed++;
    else if (next.skipped !== undefined) this.skipped++;
    else this.ok++;
  }

  enter(at: number): void {
    this.#inside++;
    this.#came += at;
  }

  /** An item that came at that time leaves now. */
  leave(came: number, now: number): void {
    this.#inside--;
    this.#came -= came;
    this.#ms += now - came;
  }

  /** How long its items were in it by now, in milliseconds, with all waits; of those that are given up, too. */
  msBy(now: number): number {
    return this.#ms + (this.#inside === 0 ? 0 : Math.max(0, this.#inside * now - this.#came));
  }

  /** An attempt is over. */
  attempted(attempt: number, ms: number, throttled: boolean): void {
    this.attempts++;
    if (attempt > 1) this.retries++;
    if (throttled) this.throttled++;
    this.busyMs += ms;
    this.latency.add(ms);
  }

  /** A result was looked for in its cache. */
  looked(hit: boolean): void {
    this.cache ??= { hits: 0, misses: 0 };
    if (hit) this.cache.hits++;
    else this.cache.misses++;
  }

  triesAgain(after: string): void {
    const times = this.retriedAfter.get(after);
    if (times === undefined && this.retriedAfter.size >= MOST) return;
    this.retriedAfter.set(after, (times ?? 0) + 1);
  }

  waited({ reason, of, ms }: EventMap['batch:wait:end']): void {
    const waits = this.waits[reason];
    waits.count++;
    waits.ms += ms;
    if (of !== undefined) waits.byName.set(of, (waits.byName.get(of) ?? 0) + ms);
  }
}

const none = (): Waits => ({ count: 0, ms: 0, byName: new Map() });

/** A step whose items are counted. */
export const counted =
  (step: Applied, meter: StepMeter): Applied =>
  (item, slot) => {
    meter.in++;
    const next = step(item, slot);
    if (isPromiseLike<Item | undefined>(next)) {
      return next.then((done) => {
        meter.count(done);
        return done;
      });
    }
    meter.count(next);
    return next;
  };

/** A step whose items are counted, with how long each was in it. */
export const timed =
  (step: Applied, meter: StepMeter, times: ItemTimes, scheduler: SchedulerLike): Applied =>
  (item, slot) => {
    meter.in++;
    const began = scheduler.now();
    meter.enter(began);
    const over = (next: Item | undefined): Item | undefined => {
      const now = scheduler.now();
      meter.count(next);
      meter.leave(began, now);
      if (next !== undefined) times.add(item, meter.name, now - began);
      return next;
    };
    const next = step(item, slot);
    return isPromiseLike<Item | undefined>(next) ? next.then(over) : over(next);
  };
