import { CommandError, type CommandResult } from '../command-result.js';
import { type ErrorClass, mayRetry, surelyNotDone } from '../error-class.js';
import { BatchxError } from '../errors.js';
import { LONGEST_HINT } from './backoff.js';
import type { Policies } from './policies.js';
import type { Failure, Tries } from './tries.js';

/**
 * How long to wait before a call that failed is made again, in milliseconds; undefined, or another error, when it is not.
 * What a server asked for holds for others too: `pause` is told.
 */
export function retryIn(
  failure: Failure,
  { backoff, repeatable }: Policies,
  tries: Tries | undefined,
  pause: (ms: number, server: string | undefined) => void,
): number | BatchxError | undefined {
  const { error, kind } = failure;
  const { retryAfterMs: asked, server } = error instanceof BatchxError ? error : unsaid;
  // One that no call is to wait out would only make them all wait.
  if (asked !== undefined && (backoff?.accepts(asked) ?? asked <= LONGEST_HINT)) pause(asked, server);
  if (!mayRetry(kind) || !(repeatable || surelyNotDone(error, kind))) return undefined;
  return tries?.after(failure);
}

const unsaid = { retryAfterMs: undefined, server: undefined };

/**
 * Whether a call that ended so may have been done: all that does not say that it was not. What its server refused, and
 * what is wrong with it before it is made, was not.
 */
export function maybeDone(error: unknown, kind: ErrorClass): boolean {
  if (surelyNotDone(error, kind)) return false;
  if (error instanceof CommandError) return hasRun(error.result);
  if (error instanceof BatchxError) return kind === 'transient' || kind === 'ambiguous' || kind === 'bug';
  return kind !== 'permanent';
}

/** Whether a command was started, as far as its end tells: a shell says by these two codes that it was not. */
const hasRun = ({ exitCode }: CommandResult): boolean => exitCode !== 126 && exitCode !== 127;

/** Says of the error of a call that it may have been done and must not be done twice; what else it tells stays. */
export function inDoubt(thrown: unknown): BatchxError {
  const error = BatchxError.from(thrown);
  // What was thrown by others ends no run, and drops no item.
  const ends = error !== thrown && (error.class === 'fatal' || error.class === 'cancelled');
  return Object.assign(error, { inDoubt: true, ...(ends && { class: 'ambiguous' }) });
}
