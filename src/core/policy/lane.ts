import type { SchedulerLike, Subscription } from 'rxjs';
import type { BatchxError } from '../errors.js';
import type { Pace, TokenPace } from '../rate.js';
import type { Slot } from '../slot.js';
import { wait } from '../wait.js';
import { type PermitAccount, Permits, wasDue } from './permits.js';
import { SAME_TIME } from './sliding-window.js';
import { TokenPermits } from './token-permits.js';
import { Waiter, Waiters } from './waiters.js';

/** A longer wait gives the slot back, in milliseconds. */
const LONG = 1000;

/** The queue for the permits of one rate limit: one line, and one timer while somebody waits. */
export class Lane {
  /** Whether it goes another way than its limiter, and is to be remembered for that. */
  retunedAlone = false;
  readonly #permits: PermitAccount;
  readonly #scheduler: SchedulerLike;
  readonly #oneOfMany: boolean;
  /** Those that had given their slots back, and have them again. */
  readonly #front = new Waiters();
  readonly #queue = new Waiters();
  /** How many ask for their slots, and what they weigh together. */
  #returning = 0;
  #returningWeight = 0;
  #timer: Subscription | undefined = undefined;
  #armedFor = 0;
  /** When the last one that was let through was due, or the one in front will be. */
  #due = 0;
  #draining = false;

  /** With `oneOfMany` there are others beside it, whose calls could use the slots of those that wait here. */
  constructor(pace: Pace | TokenPace, scheduler: SchedulerLike, oneOfMany: boolean) {
    this.#permits = 'tokens' in pace ? new TokenPermits(pace) : new Permits(pace);
    this.#scheduler = scheduler;
    this.#oneOfMany = oneOfMany;
  }

  get waiting(): number {
    return this.#front.length + this.#queue.length + this.#returning;
  }

  get pausedMs(): number {
    return Math.max(0, this.#permits.pausedUntil - this.#scheduler.now());
  }

  /** How long the last of those who wait will wait at least, in milliseconds. */
  readyIn(): number {
    const now = this.#scheduler.now();
    const weight = Math.max(0, this.#front.weight + this.#queue.weight - 1);
    const starts = Math.max(0, this.#front.length + this.#queue.length - 1);
    return Math.max(0, this.#permits.readyAt(1, now) + this.#permits.msFor(weight, starts) - now);
  }

  /** Whether a new one would do just the same. */
  get idle(): boolean {
    return this.waiting === 0 && !this.retunedAlone && this.#permits.unusedAt(this.#scheduler.now());
  }

  try(weight: number, time?: number): boolean {
    this.#permits.check(weight);
    if (this.#first !== undefined) return false;
    const now = time ?? this.#scheduler.now();
    if (this.#permits.dueAt(weight) > now + SAME_TIME || !this.#permits.hasRoom(weight, now)) return false;
    this.#permits.take(weight, now, now);
    return true;
  }

  wait(go: (error?: BatchxError) => void, weight: number, slot: Slot | undefined, since?: number): () => void {
    this.#permits.check(weight);
    const waiter = new Waiter(weight, slot, since ?? this.#scheduler.now(), go);
    this.#queue.push(waiter);
    if (this.#next === waiter) this.#drain();
    const { weight: front, length } = this.#front;
    this.#parkIfLong(waiter, front + this.#queue.weight - weight, length + this.#queue.length - 1);
    return () => this.#cancel(waiter);
  }

  giveBack(weight: number): void {
    this.#permits.giveBack(weight, this.#scheduler.now());
    this.#drain();
  }

  /** A start that was granted at a time is made only now. */
  sent(weight: number, since: number): void {
    // Nobody is let through by that: what waits may be due later.
    this.#permits.sent(weight, since, this.#scheduler.now());
  }

  pauseUntil(time: number): void {
    if (!this.#permits.pauseUntil(time)) return;
    this.#drain();
    this.#parkLong();
  }

  /** A start that was made at a time weighs so much more than was taken for it, or less with a number below 0. */
  settle(more: number, since: number): void {
    this.#permits.settle(more, since, this.#scheduler.now());
    this.#drain();
    this.#parkLong();
  }

  retune(pace: Pace | TokenPace): void {
    this.#permits.retune(pace, this.#scheduler.now());
    this.#drain();
    this.#parkLong();
  }

  get #first(): Waiter | undefined {
    return this.#front.first ?? this.#queue.first;
  }

  /** Lets through whoever is due. What is called may end in here again: the loop goes on with what it left. */
  #drain(): void {
    if (this.#draining) return;
    this.#draining = true;
    try {
      while (this.#serve());
    } finally {
      this.#draining = false;
      // Somebody's `go` has thrown: the others are still to be served.
      if (this.#next !== undefined && this.#timer === undefined) this.#arm(this.#scheduler.now());
    }
  }

  /**
   * The one in front. When as many ask for their slots as have permits within a second, it is the first that has its
   * own: the others would only hold theirs. It may be that slot which one of them is waiting for.
   */
  get #next(): Waiter | undefined {
    const first = this.#first;
    if (this.#returning === 0 || this.#permits.msFor(this.#returningWeight, this.#returning) <= LONG) return first;
    for (const line of [this.#front, this.#queue]) {
      for (const waiter of line) if (!waiter.parked) return waiter;
    }
    return undefined;
  }

  /** Serves the next one; false when there is none, or it is not due yet. */
  #serve(): boolean {
    const waiter = this.#next;
    if (waiter === undefined) {
      this.#disarm();
      return false;
    }
    const { weight } = waiter;
    const refusal = this.#permits.refusal(weight);
    const now = this.#scheduler.now();
    const ready = this.#permits.readyAt(weight, now);
    if (refusal === undefined && ready > now + SAME_TIME) {
      this.#due = ready;
      this.#arm(ready);
      return false;
    }
    waiter.line?.remove(waiter);
    if (refusal !== undefined) waiter.go(refusal);
    else if (waiter.parked) this.#return(waiter);
    else {
      this.#due = wasDue(this.#permits.dueAt(weight), now, waiter.since, this.#due);
      this.#permits.take(weight, now, this.#due);
      waiter.go();
    }
    return true;
  }

  #arm(time: number): void {
    if (this.#timer !== undefined && this.#armedFor === time) return;
    this.#disarm();
    this.#armedFor = time;
    this.#timer = wait(time - this.#scheduler.now(), this.#scheduler).subscribe(() => {
      this.#timer = undefined;
      this.#drain();
    });
  }

  #disarm(): void {
    this.#timer?.unsubscribe();
    this.#timer = undefined;
  }

  #cancel(waiter: Waiter): void {
    let turn = waiter.returning;
    if (waiter.returning) this.#returned(waiter);
    else if (waiter.line !== undefined) {
      turn = this.#next === waiter;
      waiter.line.remove(waiter);
    }
    if (turn) this.#drain();
  }

  /** Asks for the slot of one whose turn it is. Meanwhile the permit is for the next one. */
  #return(waiter: Waiter): void {
    waiter.returning = true;
    this.#returning++;
    this.#returningWeight += waiter.weight;
    waiter.slot?.unpark(() => {
      if (!waiter.returning) return;
      this.#returned(waiter);
      waiter.parked = false;
      waiter.since = this.#scheduler.now();
      this.#front.push(waiter);
      this.#drain();
      this.#parkIfLong(waiter, this.#front.weight - waiter.weight, this.#front.length - 1);
    });
  }

  #returned(waiter: Waiter): void {
    waiter.returning = false;
    this.#returning--;
    this.#returningWeight = this.#returning === 0 ? 0 : this.#returningWeight - waiter.weight;
  }

  /** Gives back the slot of one that waits, with so many before it, if that will be long and helps anybody. */
  #parkIfLong(waiter: Waiter, weightAhead: number, startsAhead: number): void {
    const { slot, weight } = waiter;
    if (slot === undefined || waiter.parked || waiter.line === undefined) return;
    const now = this.#scheduler.now();
    if (!this.#oneOfMany && this.#permits.pausedUntil <= now) return;
    if (this.#permits.readyAt(weight, now) + this.#permits.msFor(weightAhead, startsAhead) - now <= LONG) return;
    waiter.parked = true;
    slot.park();
  }

  #parkLong(): void {
    let weight = 0;
    // What is parked makes way for calls that may come in here.
    for (const [starts, waiter] of [...this.#front, ...this.#queue].entries()) {
      this.#parkIfLong(waiter, weight, starts);
      weight += waiter.weight;
    }
  }
}
