import type { BreakerSettings } from './breaker-options.js';
import type { BreakerCounts, SavedBreaker } from './breaker-saved.js';
import { type CallWindow, CountWindow } from './breaker-window.js';
import type { Verdict } from './verdict.js';

export type BreakerState =
  | { readonly name: 'closed' | 'forced-open' | 'disabled' }
  /** `until` is the time of the clock at which it ends; infinite while no call tries the server. */
  | { readonly name: 'open' | 'half-open'; readonly until: number };

/** Why a breaker has changed its state. */
export type BreakerReason =
  | 'failure-rate'
  | 'slow-rate'
  /** It has been open for its time. */
  | 'open-over'
  /** The calls that tried the server did well. */
  | 'recovered'
  /** They did not end in their time. */
  | 'half-open-over'
  /** One of those went well after all. */
  | 'late-success'
  | 'forced'
  | 'disabled'
  | 'reset'
  | 'restored';

/** Told once for each change of state. */
export interface BreakerTransition {
  readonly from: BreakerState['name'];
  readonly to: BreakerState['name'];
  /** When, on the clock of the runtime. */
  readonly at: number;
  readonly reason: BreakerReason;
  /** The results in the window at that time. */
  readonly calls: number;
  readonly failures: number;
  /** How long it will be open; 0 unless it has opened. */
  readonly openForMs: number;
}

/** The states of a breaker and what leads from one to another. It is told the time and waits for nothing. */
export class BreakerMachine {
  readonly #settings: BreakerSettings;
  readonly #random: () => number;
  readonly #changed: (transition: BreakerTransition) => void;
  #state: BreakerState = { name: 'closed' };
  /** The ticket of calls that are begun in this state. */
  #generation = 1;
  /** Calls that have a ticket of this state and have not ended. */
  #out = 0;
  /** Those of them that run; only known while it is half-open. */
  #running = 0;
  /** Tickets above this one are of calls that try the server, and what became of the others did not speak against it. */
  #judged = 0;
  /** What it judges by when it is closed. */
  readonly #regular: CallWindow;
  /** What it judges by now; while it is open what made it open. */
  #window: CallWindow;
  /** How long it opens this time, or the next, without what chance adds. */
  #openMs: number;
  #outageSince: number | undefined = undefined;
  #lastSuccess = -Infinity;
  /** When a failure or a slow call was last recorded, or it opened. */
  #lastTrouble = -Infinity;
  #calls = 0;
  #failures = 0;
  #slow = 0;
  #ignored = 0;
  #late = 0;
  #rejected = 0;

  constructor(settings: BreakerSettings, random: () => number, changed: (transition: BreakerTransition) => void) {
    this.#settings = settings;
    this.#random = random;
    this.#changed = changed;
    this.#regular = this.#window = settings.window();
    this.#openMs = settings.openMs;
  }

  get state(): BreakerState {
    return this.#state;
  }

  /** How many calls may start now. */
  get free(): number {
    switch (this.#state.name) {
      case 'closed':
      case 'disabled':
        return Infinity;
      case 'half-open':
        return Math.max(0, this.#settings.halfOpen - this.#out - this.#window.calls);
      case 'open':
      case 'forced-open':
        return 0;
    }
  }

  get openMs(): number {
    return this.#openMs;
  }

  /**
   * When it first opened without a success since, or when one last came too late to count; undefined when it did not
   * open, or a person has decided otherwise.
   */
  get outageSince(): number | undefined {
    return this.#outageSince;
  }

  get lastSuccess(): number {
    return this.#lastSuccess;
  }

  get counts(): BreakerCounts {
    return {
      calls: this.#calls,
      failures: this.#failures,
      slow: this.#slow,
      ignored: this.#ignored,
      late: this.#late,
      rejected: this.#rejected,
    };
  }

  /** Whether no call runs and nothing has gone wrong for so long that what it was does not matter. */
  idle(now: () => number): boolean {
    if (this.#out > 0 || this.#state.name === 'forced-open' || this.#state.name === 'disabled') return false;
    if (this.#lastTrouble === -Infinity) return true;
    const { maxOpenMs, halfOpenMs } = this.#settings;
    return now() >= this.#lastTrouble + 2 * (maxOpenMs + halfOpenMs);
  }

  /** Whether it was set to a state, and no call runs. */
  unusedIn(name: 'forced-open' | 'disabled'): boolean {
    return this.#out === 0 && this.#state.name === name;
  }

  take(): number {
    if (this.free === 0) {
      this.#rejected++;
      return 0;
    }
    this.#out++;
    return this.#generation;
  }

  /** The call of a ticket starts. From the first that runs on the time is counted in which they all have to end. */
  begin(ticket: number, now: number): void {
    if (this.#state.name !== 'half-open' || ticket !== this.#generation) return;
    if (this.#running++ === 0) this.#state = { name: 'half-open', until: now + this.#settings.halfOpenMs };
  }

  /** The call of a ticket is not made. */
  giveBack(ticket: number): void {
    if (ticket === this.#generation) this.#out--;
  }

  valid(ticket: number): boolean {
    return ticket === this.#generation;
  }

  record(ticket: number, result: 'success' | Verdict, ms: number, now: number): void {
    if (ticket !== this.#generation) {
      this.#recordLate(ticket, result, ms, now);
      return;
    }
    this.#out--;
    if (this.#state.name === 'half-open' && --this.#running === 0) this.#state = { name: 'half-open', until: Infinity };
    if (result === 'ignored') this.#ignored++;
    else this.#count(result === 'failure', ms > this.#settings.slowMs, now - ms, now);
  }

  /** Leaves a state whose time is over. */
  settle(now: number): void {
    const state = this.#state;
    if (!('until' in state) || now < state.until) return;
    if (state.name === 'half-open') this.#open('half-open-over', now);
    else {
      const window = new CountWindow(this.#settings.halfOpen);
      this.#enter({ name: 'half-open', until: Infinity }, 'open-over', now, window);
    }
  }

  /**
   * Of a call that tried the server and was slow, but went well, it is known that the server is not down: it counts, and
   * others may try at once. What else comes late is dropped.
   */
  #recordLate(ticket: number, result: 'success' | Verdict, ms: number, now: number): void {
    const { name } = this.#state;
    if (result === 'success' && ticket > this.#judged && (name === 'open' || name === 'half-open')) {
      if (name === 'open') this.#resume(now);
      this.#count(false, ms > this.#settings.slowMs, now - ms, now);
      return;
    }
    this.#late++;
    // The server was slow, and not dead.
    const since = this.#outageSince;
    if (result === 'success' && since !== undefined && now - ms >= since) this.#outageSince = now;
  }

  /** Half-open as if its time had not been over: what was counted counts, and it was not down for another time. */
  #resume(now: number): void {
    this.#openMs = Math.max(this.#openMs / 2, this.#settings.openMs);
    this.#enter({ name: 'half-open', until: Infinity }, 'late-success', now);
  }

  /** Goes to a state that no time ends. */
  set(name: 'closed' | 'forced-open' | 'disabled', reason: BreakerReason, now: number): void {
    this.#outageSince = undefined;
    if (name === 'closed') this.#close(reason, now);
    else if (name !== this.#state.name) this.#enter({ name }, reason, now);
  }

  restore({ state, remainingMs, openForMs }: SavedBreaker, now: number): void {
    if (state !== 'open' && state !== 'half-open') {
      this.set(state, 'restored', now);
      return;
    }
    const { openMs, maxOpenMs } = this.#settings;
    this.#outageSince = this.#lastTrouble = now;
    this.#openMs = Math.min(Math.max(openForMs, openMs), maxOpenMs);
    this.#enter({ name: 'open', until: now + (state === 'open' ? remainingMs : 0) }, 'restored', now);
  }

  #count(failed: boolean, slow: boolean, began: number, now: number): void {
    this.#calls++;
    if (failed) this.#failures++;
    else {
      this.#lastSuccess = Math.max(this.#lastSuccess, began);
      this.#outageSince = undefined;
    }
    if (slow) this.#slow++;
    if (failed || slow) this.#lastTrouble = now;
    const { name } = this.#state;
    if (name === 'disabled') return;
    this.#window.add(failed, slow, now);
    const { minCalls, halfOpen } = this.#settings;
    if (this.#window.calls >= (name === 'closed' ? minCalls : halfOpen)) this.#judge(now);
  }

  #judge(now: number): void {
    const { failures, slow, calls } = this.#window;
    const { tooManyFailures, tooManySlow } = this.#settings;
    if (tooManyFailures(failures, calls)) this.#open('failure-rate', now);
    else if (tooManySlow(slow, calls)) this.#open('slow-rate', now);
    else if (this.#state.name === 'half-open') this.#close('recovered', now);
  }

  #open(reason: BreakerReason, now: number): void {
    if (this.#state.name === 'half-open') this.#openMs = Math.min(this.#openMs * 2, this.#settings.maxOpenMs);
    this.#outageSince ??= now;
    this.#lastTrouble = now;
    // Never shorter, so that nobody comes too early; a little longer, so that not all come back at once.
    const longer = Math.round((this.#openMs / 10) * this.#random());
    this.#enter({ name: 'open', until: now + this.#openMs + longer }, reason, now);
  }

  #close(reason: BreakerReason, now: number): void {
    this.#openMs = this.#settings.openMs;
    this.#lastTrouble = -Infinity;
    this.#enter({ name: 'closed' }, reason, now, this.#regular);
  }

  /** Tickets of before are worth nothing from here on. A `window` is emptied, and used from here on. */
  #enter(state: BreakerState, reason: BreakerReason, now: number, window?: CallWindow): void {
    const from = this.#state.name;
    const { calls, failures } = this.#window;
    this.#state = state;
    this.#generation++;
    this.#out = this.#running = 0;
    if (reason === 'failure-rate' || reason === 'slow-rate' || reason === 'restored') this.#judged = this.#generation;
    if (window !== undefined) {
      window.clear();
      this.#window = window;
    }
    if (from === state.name) return;
    const openForMs = state.name === 'open' ? state.until - now : 0;
    this.#changed({ from, to: state.name, at: now, reason, calls, failures, openForMs });
  }
}
