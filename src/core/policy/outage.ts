import type { Breaker } from './breaker.js';

/**
 * Tells an outage of the other side from a fault of one item, for the calls that share a breaker.
 *
 * An item whose retries have run out is no proof of an outage, as long as it is the only one that fails.
 */
export class Outage {
  static readonly #known = new WeakMap<Breaker, Outage>();
  readonly #breaker: Breaker;
  #last: { readonly call: object; readonly at: number } | undefined;
  /** The last failure of a call other than that of the very last failure. */
  #other: { readonly call: object; readonly at: number } | undefined;

  private constructor(breaker: Breaker) {
    this.#breaker = breaker;
  }

  static of(breaker: Breaker): Outage {
    let outage = Outage.#known.get(breaker);
    if (outage === undefined) Outage.#known.set(breaker, (outage = new Outage(breaker)));
    return outage;
  }

  failed(call: object, at: number): void {
    if (this.#last !== undefined && this.#last.call !== call) this.#other = this.#last;
    this.#last = { call, at };
  }

  /**
   * Whether there has been one since a call failed at `time`: `yes` by the breaker, `likely` as others have failed too,
   * `maybe` when nothing else is known; `no` when a call that was begun later went well, or the breaker judges nothing.
   */
  since(time: number, call: object): 'yes' | 'likely' | 'maybe' | 'no' {
    const { state } = this.#breaker;
    if (state === 'disabled' || this.#breaker.hasSuccessSince(time)) return 'no';
    if (state !== 'closed') return 'yes';
    const other = this.#last?.call === call ? this.#other : this.#last;
    return other !== undefined && other.at >= time ? 'likely' : 'maybe';
  }
}

/** Whether the other side is taken to be down. */
export const isDown = (breaker: Breaker | undefined): boolean =>
  breaker !== undefined && breaker.state !== 'closed' && breaker.state !== 'disabled';
