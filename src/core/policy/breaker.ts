import { BatchxError, messageOf } from '../errors.js';
import { Keyed } from '../keyed.js';
import { defaultRuntime, type Runtime } from '../runtime.js';
import { BreakerMachine, type BreakerReason, type BreakerState, type BreakerTransition } from './breaker-machine.js';
import { type BreakerOptions, type BreakerSettings, breakerSettings } from './breaker-options.js';
import { type BreakerCounts, parseSaved, type SavedBreaker } from './breaker-saved.js';
import { type Answer, BreakerWaiters, type Go } from './breaker-waiters.js';
import type { Verdict } from './verdict.js';

export type { BreakerReason, BreakerTransition } from './breaker-machine.js';
export { breakerOptions, type BreakerOptions } from './breaker-options.js';
export type { BreakerCounts, SavedBreaker } from './breaker-saved.js';

/** Is told of each change of state; `key` is that of the lane, where there are several. */
export type BreakerListener = (transition: BreakerTransition, key: string | undefined) => void;

/**
 * Lets no call start while most of them fail, and then a few that try whether the server is back. Many calls share it.
 *
 * A call asks with `try`, and tells with `record` what became of it. A result of a call that was begun in an earlier
 * state changes nothing. While it is open calls wait, unless `onOpen` says otherwise: `refusal` tells. Those who wait
 * are woken in order, by one timer; as long as nobody does, nothing happens by itself.
 *
 * | from      | event                                           | to                            |
 * |-----------|-------------------------------------------------|-------------------------------|
 * | closed    | enough results, a rate at its limit or above    | open                          |
 * | open      | its time is over, and somebody asks             | half-open                     |
 * | half-open | all `halfOpen` results, rates below             | closed                        |
 * | half-open | all of them, a rate at its limit or above       | open, for twice as long       |
 * | half-open | `maxHalfOpen` is over without them              | open, for twice as long       |
 * | open      | one of those that did not end in it goes well   | half-open, where it was       |
 * | any       | `forceOpen`, `disable`, `reset`                 | forced-open, disabled, closed |
 *
 * @example
 * import { Breaker, circuitBreaker, jsonl, mapConcurrent, toJsonl } from 'batchx';
 * import { defer } from 'rxjs';
 *
 * const shop = new Breaker({ failureRate: '30%', open: '10s' });
 * shop.on(({ to, reason }) => console.error(`the breaker of the shop is ${to}: ${reason}`));
 * const ask = async (url: string) => (await fetch(url)).text();
 * jsonl<{ url: string }>('urls.jsonl')
 *   .pipe(
 *     mapConcurrent(({ data }) => defer(() => ask(data.url)).pipe(circuitBreaker(shop)), 10),
 *     toJsonl('pages.jsonl'),
 *   )
 *   .subscribe();
 */
export class Breaker {
  readonly runtime: Runtime;
  /** What it is called where people read of it. */
  name: string | undefined = undefined;
  readonly #options: BreakerOptions | true;
  readonly #settings: BreakerSettings;
  readonly #machine: BreakerMachine;
  readonly #waiters: BreakerWaiters;
  /** Those of the breaker that a lane belongs to are its own. */
  #listeners = new Set<{ readonly tell: BreakerListener }>();
  #key: string | undefined = undefined;
  #lanes: Keyed<Breaker> | undefined = undefined;
  /** The breaker that this is a lane of. */
  #all: Breaker | undefined = undefined;
  /** What a person has set it to, and with it its lanes. */
  #set: 'forced-open' | 'disabled' | undefined = undefined;

  constructor(options: BreakerOptions | true = true, runtime: Runtime = defaultRuntime()) {
    this.runtime = runtime;
    this.#options = options;
    this.#settings = breakerSettings(options);
    this.#machine = new BreakerMachine(
      this.#settings,
      () => runtime.random(),
      (transition) => this.#tell(transition),
    );
    this.#waiters = new BreakerWaiters(runtime.scheduler, () => this.#onTime());
  }

  /** That a time is over is noticed when somebody asks: until then it is still `open`. */
  get state(): BreakerState['name'] {
    return this.#machine.state.name;
  }

  get counts(): BreakerCounts {
    return this.#machine.counts;
  }

  /** How many wait. */
  get waiting(): number {
    return this.#waiters.size;
  }

  /** A ticket, when a call may start now; it is given back once, by `record`. Otherwise 0. */
  try(): number {
    const ticket = this.reserve();
    if (ticket > 0) this.begin(ticket);
    return ticket;
  }

  /**
   * A ticket for a call that has something else to wait for before it starts. Then either `begin` is told, or
   * `giveBack`: until then it has its place, and its time does not run.
   *
   * @internal
   */
  reserve(): number {
    // Those who wait are left to the timer, which is due when the time of a state is over.
    if (this.#machine.state.name !== 'closed') this.#machine.settle(this.#now());
    return this.#machine.take();
  }

  /** @internal */
  begin(ticket: number): void {
    if (this.#machine.state.name !== 'half-open') return;
    this.#machine.begin(ticket, this.#now());
    if (this.#waiters.forgotten) this.#arm(false);
  }

  /** @internal */
  giveBack(ticket: number): void {
    if (this.#machine.state.name === 'half-open') this.#machine.settle(this.#now());
    this.#machine.giveBack(ticket);
    this.#wake();
  }

  /** Whether a call that has a ticket and has waited since may still start. If not, it asks again. */
  valid(ticket: number): boolean {
    if (this.#machine.state.name === 'half-open') this.#machine.settle(this.#now());
    return this.#machine.valid(ticket);
  }

  /** Why a call that got no ticket has nothing to wait for; undefined when it is to wait. */
  refusal(): BatchxError | undefined {
    const { state, outageSince } = this.#machine;
    if (state.name !== 'open' && state.name !== 'forced-open') return undefined;
    const { onOpen, maxWaitMs, maxWait } = this.#settings;
    const name = this.#name;
    if (onOpen === 'wait') {
      if (outageSince === undefined || this.#now() < outageSince + maxWaitMs) return undefined;
      return new BatchxError('halted', `${name} has been open for ${maxWait}`);
    }
    let message = `${name} was forced open`;
    if (state.name === 'open') {
      message = `${name} is open for another ${Math.max(0, Math.ceil((state.until - this.#now()) / 1000))} s`;
    }
    if (onOpen === 'halt') return new BatchxError('halted', message);
    return new BatchxError('open', message, { class: 'transient' });
  }

  /**
   * Waits, for a call that got no ticket; gives what takes that back.
   *
   * `go` is called when it is worth asking again, in the order in which they came: for as many as may start, for all
   * when it is closed. It is called with an error when there is nothing to wait for: `onOpen` says so, or it is open and
   * has been for `maxWait` without a success. Who waits because it was forced open waits until somebody resets it.
   */
  wait(go: Go): () => void {
    const cancel = this.#waiters.add(go);
    this.#arm(this.#answer() !== 0);
    return cancel;
  }

  /**
   * Tells what became of a call that took `ms` milliseconds. `ignored` says nothing of the server and gives the ticket
   * back. `now` is the time of the clock, for callers that have it; it is read otherwise.
   */
  record(ticket: number, result: 'success' | Verdict, ms: number, now: number = this.#now()): void {
    if (this.#machine.state.name === 'half-open') this.#machine.settle(now);
    this.#machine.record(ticket, result, ms, now);
    this.#wake();
  }

  /** Whether a call that began at this time of the clock or later has gone well. */
  hasSuccessSince(time: number): boolean {
    return this.#machine.lastSuccess >= time;
  }

  /** Lets no call start, of any key, until it is told otherwise. */
  forceOpen(): void {
    this.#command('forced-open', 'forced');
  }

  /** Lets every call start, of any key, and judges nothing, until it is told otherwise. */
  disable(): void {
    this.#command('disabled', 'disabled');
  }

  /** Closes it, for all keys; what was before is forgotten. */
  reset(): void {
    this.#command('closed', 'reset');
  }

  /**
   * Calls `listener` at once with each change of state, of its lanes too; call what comes back to end it. What it throws
   * is told as a `batch:warning` of the runtime, and changes nothing.
   */
  on(listener: BreakerListener): () => void {
    const entry = { tell: listener };
    this.#listeners.add(entry);
    return () => this.#listeners.delete(entry);
  }

  /**
   * The breaker of a key: the same options, a state of its own, and what `forceOpen` and `disable` say of all. A command to
   * it alone is for that key. One that has nothing to remember is forgotten.
   */
  of(key: string): Breaker {
    this.#lanes ??= new Keyed((name) => {
      const lane = new Breaker(this.#options, this.runtime);
      if (this.#set !== undefined) lane.#machine.set(this.#set, 'restored', this.#now());
      lane.#listeners = this.#listeners;
      lane.#key = name;
      lane.name = this.name;
      lane.#all = this;
      return lane;
    });
    return this.#lanes.get(key);
  }

  /** Whether nobody uses it, and what it knows is of no use any more: after a trouble it takes some minutes. */
  get idle(): boolean {
    if (this.#waiters.size > 0) return false;
    const set = this.#all === undefined ? undefined : this.#all.#set;
    return set === undefined ? this.#machine.idle(() => this.#now()) : this.#machine.unusedIn(set);
  }

  toJSON(): SavedBreaker {
    const { state, openMs } = this.#machine;
    const usual = this.#set ?? 'closed';
    const lanes = [...(this.#lanes?.values() ?? [])].filter((lane) => lane.state !== usual);
    return {
      state: state.name,
      remainingMs: state.name === 'open' ? Math.max(0, state.until - this.#now()) : 0,
      openForMs: openMs,
      counts: this.counts,
      ...(lanes.length > 0 && { lanes: lanes.map((lane) => [lane.#key ?? '', lane.toJSON()] as const) }),
    };
  }

  /**
   * Goes on from what `toJSON` gave, in this process or another one. An open one is open for the rest of its time. What
   * was half-open tries the server with the next call. What was closed begins with an empty window.
   */
  restore(saved: unknown): void {
    this.#restore(parseSaved(saved));
  }

  #restore(saved: SavedBreaker): void {
    const { state } = saved;
    const set = state === 'forced-open' || state === 'disabled' ? state : undefined;
    if (set !== this.#set) this.#command(set ?? 'closed', 'restored');
    this.#machine.restore(saved, this.#now());
    for (const [key, lane] of saved.lanes ?? []) this.of(key).#restore(lane);
    this.#wake();
  }

  #now(): number {
    return this.runtime.scheduler.now();
  }

  /** Lanes are forgotten and made anew: those to come are set too. */
  #command(state: 'closed' | 'forced-open' | 'disabled', reason: BreakerReason): void {
    this.#set = state === 'closed' ? undefined : state;
    this.#machine.set(state, reason, this.#now());
    // A copy: whoever is let through may ask for another key.
    for (const lane of [...(this.#lanes?.values() ?? [])]) lane.#command(state, reason);
    this.#wake();
  }

  #tell(transition: BreakerTransition): void {
    for (const { tell } of this.#listeners) {
      try {
        tell(transition, this.#key);
      } catch (error) {
        const message = `a listener of ${this.#name} has thrown: ${messageOf(error)}`;
        this.runtime.events.emit('batch:warning', { message });
      }
    }
  }

  get #name(): string {
    return this.#key === undefined ? 'the breaker' : `the breaker of ${this.#key}`;
  }

  readonly #answer = (): Answer => this.refusal() ?? this.#machine.free;

  #onTime(): void {
    this.#machine.settle(this.#now());
    this.#wake();
  }

  #wake(): void {
    if (this.#waiters.size === 0) return;
    this.#waiters.wake(this.#answer);
    this.#arm(false);
  }

  /** Sets the timer for what comes next, or for at once. */
  #arm(soon: boolean): void {
    const { state, outageSince } = this.#machine;
    let at = Infinity;
    if (soon) at = this.#now();
    else if (state.name === 'half-open') at = state.until;
    else if (state.name === 'open') {
      const { onOpen, maxWaitMs } = this.#settings;
      at =
        onOpen === 'wait' && outageSince !== undefined ? Math.min(state.until, outageSince + maxWaitMs) : state.until;
    }
    this.#waiters.arm(at);
  }
}
