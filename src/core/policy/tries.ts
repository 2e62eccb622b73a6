import { classOf, type ErrorClass } from '../error-class.js';
import { BatchxError, haltingOf } from '../errors.js';
import { showMs } from '../show-ms.js';
import type { Backoff } from './backoff.js';
import type { Breaker } from './breaker.js';
import { isDown, Outage } from './outage.js';
import { verdictOf } from './verdict.js';

/** When others fail too, but the breaker does not open for it, a call is tried so much more often at most. */
const UNSEEN = 20;

/** An attempt that failed. */
export interface Failure {
  readonly error: unknown;
  readonly kind: ErrorClass;
  /** When, on the runtime's clock. */
  readonly now: number;
  /** Whether the breaker had opened by then. */
  readonly wasDown: boolean;
}

/** To be asked before the breaker is told of the failure. */
export function failureOf(error: unknown, now: number, breaker: Breaker | undefined): Failure {
  const kind = error instanceof BatchxError ? error.class : classOf(error);
  return { error, kind, now, wasDown: isDown(breaker) };
}

/** What one call has used up of its retries. Made when it first fails. */
export class Tries {
  readonly #backoff: Backoff;
  readonly #breaker: Breaker | undefined;
  readonly #outage: Outage | undefined;
  /** When its first attempt began, and when it failed. */
  readonly #began: number;
  readonly #failed: number;
  /** Attempts that failed and count. */
  #counted = 0;
  /** Further ones while the other side is down, or it is not known yet whether it is. */
  #suspected = 0;
  #throttled = 0;
  /** Waited because the other side said so, in milliseconds. */
  #throttledMs = 0;
  /** How long it stood still because the other side was down, in milliseconds: no fault of the call. */
  #stoodMs = 0;

  /** `breaker` is what the call is behind. The first attempt began at `began`, and failed at `failed`. */
  constructor(backoff: Backoff, breaker: Breaker | undefined, began: number, failed: number) {
    this.#backoff = backoff;
    this.#breaker = breaker;
    this.#outage = breaker === undefined ? undefined : Outage.of(breaker);
    this.#began = began;
    this.#failed = failed;
  }

  /** The call has waited while the other side was down. */
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

  /**
   * How long to wait before it is tried again, in milliseconds; undefined when it is not. An error is given instead of
   * its own when the other side has been down for too long to wait any more.
   */
  after(failure: Failure): number | BatchxError | undefined {
    const { error, kind, now } = failure;
    if (verdictOf(error) === 'failure') this.#outage?.failed(this, now);
    const wait = kind === 'throttled' ? this.#afterThrottling(failure) : this.#afterFailure(failure);
    if (wait === undefined) return this.#tooLong(error);
    if (typeof wait !== 'number') return wait;
    // Checked before the wait: one that would end too late is not worth its time. While it stands still it costs none.
    const end = isDown(this.#breaker) ? now : now + wait;
    return end - this.#began - this.#stoodMs > this.#backoff.deadlineMs ? undefined : wait;
  }

  /** The error that says so as well, where the other side has asked for a longer wait than it may. */
  #tooLong(error: unknown): BatchxError | undefined {
    if (!(error instanceof BatchxError)) return undefined;
    const { code, message, class: kind, retryAfterMs, server, maybeDone } = error;
    if (retryAfterMs === undefined || this.#backoff.accepts(retryAfterMs)) return undefined;
    const most = showMs(this.#backoff.maxHintMs);
    return new BatchxError(
      code,
      `${message}; asked to wait ${showMs(retryAfterMs)}, more than \`maxRetryAfter\` ${most}`,
      {
        class: kind,
        retryAfterMs,
        ...(server !== undefined && { server }),
        maybeDone,
        cause: error,
        ...haltingOf(error),
      },
    );
  }

  /** It costs no retries, as long as it does not take too long in all. */
  #afterThrottling(failure: Failure): number | BatchxError | undefined {
    this.#throttled++;
    const wait = this.#backoff.delay(this.#counted + this.#suspected + this.#throttled, askedBy(failure));
    if (wait === undefined) return undefined;
    if (this.#throttledMs + wait > this.#backoff.maxThrottleMs) return this.#afterFailure(failure);
    this.#throttledMs += wait;
    return wait;
  }

  #afterFailure(failure: Failure): number | BatchxError | undefined {
    const { retries } = this.#backoff;
    const outage = retries > 0 && isOutage(failure.kind) ? this.#outage?.since(this.#failed, this) : undefined;
    const refusal = outage === 'yes' ? this.#breaker?.refusal() : undefined;
    // A breaker that lets nobody wait may do so because it has been open for too long, and then the run ends.
    if (refusal?.class === 'fatal') return refusal;
    const waits = outage === 'yes' && refusal === undefined;
    if (this.#counted < retries && !(failure.wasDown && waits)) this.#counted++;
    else if (waits || this.#suspected < mostSuspected(outage, retries)) this.#suspected++;
    else return undefined;
    const retry = this.#counted + this.#suspected;
    const wait = this.#backoff.delay(retry, askedBy(failure));
    return wait !== undefined && this.suspects ? Math.max(wait, this.#backoff.longest(retry)) : wait;
  }
}

const askedBy = ({ error }: Failure): number | undefined =>
  error instanceof BatchxError ? error.retryAfterMs : undefined;

/** How often a call may be tried beyond its retries while the breaker has not opened. */
function mostSuspected(outage: ReturnType<Outage['since']> | undefined, retries: number): number {
  if (outage === 'likely') return Math.max(UNSEEN, retries);
  return outage === 'maybe' ? retries : 0;
}

/** Whether an error of this kind is one that a server gives when it is down. */
const isOutage = (kind: ErrorClass): boolean => kind === 'transient' || kind === 'ambiguous' || kind === 'unprocessed';
