import { BatchxError } from '../errors.js';
import { type Pace, paceOf, type Rate, type TokenPace } from '../rate.js';
import { defaultRuntime, type Runtime } from '../runtime.js';
import { show } from '../schema.js';
import type { Slot } from '../slot.js';
import type { Lane } from './lane.js';
import { Lanes } from './lanes.js';

export interface WaitOptions {
  /** How many permits it takes, or parts of one; 1 unless said. */
  readonly weight?: number | undefined;
  /** A slot that is given to others while the wait is long and they could use it. */
  readonly slot?: Slot | undefined;
  /** Since when the call has been wanted, by the runtime's clock; now unless said. */
  readonly since?: number | undefined;
}

/**
 * Hands out permits to start, never more than `limit` in any window of `per`: for calls that share a limit.
 *
 * Without a `burst` starts are spaced evenly. The window that is kept is 1 % longer than asked for, because a receiver
 * sees arrivals. Calls that wait are served in their order, by one timer; those that a late timer has held up follow
 * each other at once, as far as the window lets them, and up to 50 ms of lateness: so the rate is reached, and a process
 * that was suspended does not burst. What is held does not depend on the limit.
 *
 * With `{ requests: '500/m', tokens: '200k/m' }` two limits hold together: each call is one request and takes its weight in
 * tokens, when both have room and from both at once. So a call waits for nothing but those before it.
 *
 * @example
 * import { jsonl, Limiter, mapConcurrent, rateLimit, toJsonl } from 'batchx';
 * import { defer } from 'rxjs';
 *
 * const shop = new Limiter('10/s'); // one for all calls
 * const ask = async (url: string) => (await fetch(url)).text();
 * jsonl<{ url: string }>('urls.jsonl')
 *   .pipe(
 *     mapConcurrent(({ data }) => defer(() => ask(data.url)).pipe(rateLimit(shop)), 20),
 *     toJsonl('pages.jsonl'),
 *   )
 *   .subscribe();
 */
export class Limiter {
  readonly runtime: Runtime;
  /** What it is called where people read of it. */
  name: string | undefined = undefined;
  readonly #lanes: Lanes;
  readonly #key: string | undefined;

  constructor(rate: Rate, runtime?: Runtime);
  /** @internal */
  constructor(lanes: Lanes, runtime: Runtime, key: string);
  constructor(rate: Rate | Lanes, runtime: Runtime = defaultRuntime(), key?: string) {
    this.runtime = runtime;
    this.#lanes = rate instanceof Lanes ? rate : new Lanes(paceOf(rate, 'limiter'), runtime.scheduler);
    this.#key = key;
  }

  /** How many calls wait for a permit, of all keys. */
  get waiting(): number {
    return this.#key === undefined ? this.#lanes.waiting : this.#lane.waiting;
  }

  /** Takes a permit if there is one and nobody waits for it. `now` is the time of the clock, for callers that have it. */
  try(weight = 1, now?: number): boolean {
    return this.#lane.try(weight, now);
  }

  /**
   * Calls `go` once it has taken a permit, at once when there is one; gives what takes the call out of the queue. When
   * the limit is lowered below its weight meanwhile `go` is called with an error of code `limit` instead: then there is
   * no permit.
   *
   * With a `slot` a wait of more than a second, in a pause or for one key of many, gives the slot back; when it is its
   * turn the call gets it again, and then its permit.
   */
  wait(go: (error?: BatchxError) => void, { weight = 1, slot, since }: WaitOptions = {}): () => void {
    return this.#lane.wait(go, weight, slot, since);
  }

  /** A start that was granted is not made: its permit goes to the next one. To be told before `per` is over. */
  giveBack(weight = 1): void {
    this.#lane.giveBack(weight);
  }

  /**
   * What was granted a permit at a time, by the runtime's clock, goes out only now, once a connection is there: from now
   * on it counts for a window. Until then it counts from its permit on.
   */
  sent(weight: number, since: number): void {
    this.#lane.sent(weight, since);
  }

  /** Lets nothing start for so many milliseconds, by any key; a longer pause stays. Afterwards starts are spaced. */
  pauseFor(ms: number): void {
    if (!Number.isFinite(ms)) throw new BatchxError('usage', `limiter: expected milliseconds, got ${show(ms)}`);
    const until = this.runtime.scheduler.now() + ms;
    if (this.#key === undefined) this.#lanes.pauseUntil(until);
    else this.#lane.pauseUntil(until);
  }

  /**
   * Goes on at another rate, for all keys. What waits is due anew, as if the rate had been this one since the last
   * start; what was started still counts, as far back as the window was until now.
   */
  retune(rate: Rate): void {
    const pace = paceOf(rate, 'limiter');
    const before = formOf(this.#lanes.pace);
    if (formOf(pace) !== before)
      throw new BatchxError('usage', `limiter: expected a rate of ${before}, as it was until now, got ${formOf(pace)}`);
    if (this.#key === undefined) {
      this.#lanes.retune(pace);
      return;
    }
    const lane = this.#lane;
    lane.retunedAlone = true;
    lane.retune(pace);
  }

  /** Whether it limits what calls weigh together, besides how many there are. */
  get weighs(): boolean {
    return 'tokens' in this.#lanes.pace;
  }

  /** How many calls may start in a second, for as long as it goes on so; infinite where only what they weigh is limited. */
  get perSecond(): number {
    const { pace } = this.#lanes;
    const starts = 'tokens' in pace ? pace.requests : pace;
    return starts === undefined ? Infinity : (starts.limit * 1000) / starts.perMs;
  }

  /** The most that one call may weigh. */
  get most(): number {
    const { pace } = this.#lanes;
    return ('tokens' in pace ? pace.tokens : pace).limit;
  }

  /**
   * A call that was started at a time, by the runtime's clock, has turned out to weigh so much more than was taken for
   * it, or with a number below 0 less: that counts for those that come after it.
   */
  settle(more: number, since: number): void {
    if (!Number.isFinite(more)) throw new BatchxError('usage', `limiter: expected a weight, got ${show(more)}`);
    if (more !== 0) this.#lane.settle(more, since);
  }

  /** The same limit with an account of its own for a key; a pause or another rate is for that key alone. */
  of(key: string): Limiter {
    const lane = new Limiter(this.#lanes, this.runtime, key);
    lane.name = this.name;
    return lane;
  }

  /** How long nothing may start because somebody has asked for a pause, in milliseconds; 0 when nobody has. */
  get pausedMs(): number {
    return this.#lane.pausedMs;
  }

  /** How long the last of those who wait will wait at least, in milliseconds. */
  readyIn(): number {
    return this.#lane.readyIn();
  }

  /** Looked up each time: one that was idle has been forgotten, and is made anew. */
  get #lane(): Lane {
    return this.#key === undefined ? this.#lanes.own : this.#lanes.of(this.#key);
  }
}

const formOf = (pace: Pace | TokenPace): string =>
  'tokens' in pace ? (pace.requests === undefined ? '{ tokens }' : '{ requests, tokens }') : 'starts';
