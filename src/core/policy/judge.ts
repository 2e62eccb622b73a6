import { mayRetry, surelyNotDone } from '../error-class.js';
import { BatchxError } from '../errors.js';
import { LONGEST_HINT } from './backoff.js';
import type { Limiter } from './limiter.js';
import type { Policies } from './policies.js';
import type { Failure, Tries } from './tries.js';

/**
 * How long to wait before a call that failed is made again, in milliseconds; undefined, or another error, when it is not.
 * What a server asked for holds for all calls that share the limit.
 */
export function retryIn(
  failure: Failure,
  { backoff, repeatable }: Policies,
  tries: Tries | undefined,
  limiter: Limiter | undefined,
): number | BatchxError | undefined {
  const { error, kind } = failure;
  const asked = error instanceof BatchxError ? error.retryAfterMs : undefined;
  // One that no call is to wait out would only make them all wait.
  if (asked !== undefined && (backoff?.accepts(asked) ?? asked <= LONGEST_HINT)) limiter?.pauseFor(asked);
  if (!mayRetry(kind) || !(repeatable || surelyNotDone(error, kind))) return undefined;
  return tries?.after(failure);
}

/** Says of the error of a call that it may have been done and must not be done twice; what else it tells stays. */
export const inDoubt = (thrown: unknown): BatchxError => Object.assign(BatchxError.from(thrown), { inDoubt: true });
