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

  /** `yes`, `no`, or `maybe` when nothing but the failures of this call is known since `time`. */
  since(time: number, call: object): 'yes' | 'no' | 'maybe' {
    if (this.#breaker.hasSuccessSince(time)) return 'no';
    if (this.#breaker.state !== 'closed') return 'yes';
    return this.#othersFailed(time, call) ? 'yes' : 'maybe';
  }

  #othersFailed(time: number, call: object): boolean {
    const other = this.#last?.call === call ? this.#other : this.#last;
    return other !== undefined && other.at >= time;
  }
}
