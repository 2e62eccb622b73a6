import { classOf } from '../error-class.js';
import { BatchxError } from '../errors.js';

/** What a call that went wrong says of the server: that it is failing, or nothing. */
export type Verdict = 'failure' | 'ignored';

/**
 * Whether a breaker counts an error. Only what a server that is down or overloaded would cause is a failure: a call
 * that is wrong, throttled or not wanted any more, or a machine that has run out of something, tells nothing of it.
 */
export function verdictOf(error: unknown): Verdict {
  const kind = error instanceof BatchxError ? error.class : classOf(error);
  return kind === 'transient' || kind === 'unprocessed' || kind === 'ambiguous' ? 'failure' : 'ignored';
}
