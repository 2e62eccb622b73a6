import { type MonoTypeOperatorFunction, Observable, Subscriber } from 'rxjs';
import { BatchxError } from '../../core/errors.js';
import { LONGEST_HINT } from '../../core/policy/backoff.js';
import type { Limiter, WaitOptions } from '../../core/policy/limiter.js';
import { withoutRooms } from '../../core/rooms.js';

/** Subscribes to a call once there is a permit for it. */
export function limitCall<T>(limiter: Limiter, options: WaitOptions): MonoTypeOperatorFunction<T> {
  return (call) =>
    new Observable((out) => {
      if (limiter.try(options.weight)) {
        call.subscribe(new LimitedCall(out, limiter));
        return;
      }
      const cancel = limiter.wait((error) => {
        if (error !== undefined) out.error(error);
        // Whoever is let through may be so amid a subscription of others, whose rooms are no concern of this call.
        else withoutRooms(() => call.subscribe(new LimitedCall(out, limiter)));
      }, options);
      out.add(cancel);
    });
}

class LimitedCall<T> extends Subscriber<T> {
  readonly #limiter: Limiter;

  constructor(out: Subscriber<T>, limiter: Limiter) {
    super(out);
    this.#limiter = limiter;
  }

  protected override _error(error: unknown): void {
    const asked = error instanceof BatchxError ? error.retryAfterMs : undefined;
    // One that no call is to wait out would only make them all wait.
    if (asked !== undefined && asked <= LONGEST_HINT) this.#limiter.pauseFor(asked);
    super._error(error);
  }
}
