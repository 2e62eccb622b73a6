import type { ErrorClass } from './error-class.js';

/** What an answer says of trying again, besides its status. */
export interface AnswerSays {
  /** As `retryAfterOf` gives it. */
  readonly retryAfter?: number | 'invalid' | undefined;
  /** As `shouldRetryOf` gives it. */
  readonly shouldRetry?: boolean | undefined;
}

/** The class of the error that a complete answer of this status is. */
export function classOfStatus(status: number, { retryAfter, shouldRetry }: AnswerSays = {}): ErrorClass {
  if (shouldRetry === false) return 'permanent';
  const usual = usualClass(status, retryAfter);
  if (shouldRetry === true && usual === 'permanent') return status >= 500 ? 'transient' : 'unprocessed';
  return usual;
}

function usualClass(status: number, retryAfter: AnswerSays['retryAfter']): ErrorClass {
  switch (status) {
    case 408:
    case 425:
      return 'unprocessed';
    case 429:
      return 'throttled';
    case 503:
      return typeof retryAfter === 'number' ? 'throttled' : 'unprocessed';
    case 413:
      // Without the header the request is too large for good, with it the server is only short of room.
      return retryAfter === undefined ? 'permanent' : usualClass(503, retryAfter);
    case 501:
      return 'permanent';
    default:
      return status >= 500 ? 'transient' : 'permanent';
  }
}
