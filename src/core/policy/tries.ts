import type { ErrorClass } from '../error-class.js';
import type { Backoff } from './backoff.js';
import type { Outage } from './outage.js';

/** A call that failed is judged by these. */
export interface Failure {
  readonly kind: ErrorClass;
  readonly retryAfterMs: number | undefined;
  /** The time on the runtime's clock. */
  readonly now: number;
}

/** What one call has used up of its retries. */
export class Tries {
  readonly #first: number;
  /** Attempts that failed and count. */
  #counted = 0;
  /** Further ones while it is not known yet whether the other side is down. */
  #suspected = 0;
  /** Waited because the other side said so, in milliseconds. */
  #throttledMs = 0;
  /** How long it stood still because of a breaker, in milliseconds: no fault of the call. */
  #stoodMs = 0;
  readonly #backoff: Backoff;
  readonly #outage: Outage | undefined;
  readonly #call: object;

  /** `call` is what the outage knows it by; `first` is when its first attempt began, on the runtime's clock. */
  constructor(backoff: Backoff, outage: Outage | undefined, call: object, first: number) {
    this.#backoff = backoff;
    this.#outage = outage;
    this.#call = call;
    this.#first = first;
  }

  /** The call has waited for a breaker. */
  stood(ms: number): void {
    this.#stoodMs += ms;
  }

  /**
   * True while it goes on only because the other side may be down. It has to let others try meanwhile: they are the
   * proof, or the proof of the contrary.
   */
  get suspects(): boolean {
    return this.#suspected > 0;
  }

  /** How long to wait before it is tried again, in milliseconds; undefined when it is not. */
  after({ kind, retryAfterMs, now }: Failure): number | undefined {
    const throttled = kind === 'throttled' && this.#throttledMs < this.#backoff.maxThrottleMs;
    if (!throttled && !this.#mayGoOn(kind)) return undefined;
    const retry = Math.max(1, this.#counted + this.#suspected);
    const usual = this.#backoff.delay(retry, retryAfterMs);
    if (usual === undefined) return undefined;
    const wait = this.suspects ? Math.max(usual, this.#backoff.longest(retry)) : usual;
    // Checked before the wait: one that would end too late is not worth its time.
    if (now + wait - this.#first - this.#stoodMs > this.#backoff.deadlineMs) return undefined;
    if (throttled) this.#throttledMs += wait;
    return wait;
  }

  #mayGoOn(kind: ErrorClass): boolean {
    if (this.#counted < this.#backoff.retries) {
      this.#counted++;
      return true;
    }
    if (this.#outage === undefined || this.#backoff.retries === 0 || !isOutage(kind)) return false;
    const down = this.#outage.since(this.#first, this.#call);
    if (down === 'no' || (down === 'maybe' && this.#suspected >= this.#backoff.retries)) return false;
    this.#suspected++;
    return true;
  }
}

/** Whether an error of this kind is one that a server gives when it is down. */
const isOutage = (kind: ErrorClass): boolean => kind === 'transient' || kind === 'ambiguous' || kind === 'unprocessed';
