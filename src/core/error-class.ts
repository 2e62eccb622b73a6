import { constants } from 'node:os';

/**
 * What an error says of trying the same call again:
 * - `transient`: it may succeed later; the server or the way to it was down;
 * - `unprocessed`: refused before anything was done, so that any call may be tried again;
 * - `throttled`: told to wait; no fault of the call, and no failure of the server;
 * - `ambiguous`: given up after it was begun, so that it may have been done all the same;
 * - `permanent`: it will fail each time, as it stands;
 * - `bug`: the code that makes the call is wrong;
 * - `resource`: this machine has run out of something that running calls hold, such as open files;
 * - `fatal`: every further item would fail too: the run ends;
 * - `cancelled`: nobody wants it any more; it is no outcome.
 */
export type ErrorClass =
  'transient' | 'unprocessed' | 'throttled' | 'ambiguous' | 'permanent' | 'bug' | 'resource' | 'fatal' | 'cancelled';

const bySystemCode: Readonly<Record<string, ErrorClass>> = {
  ECONNREFUSED: 'transient',
  ENOTFOUND: 'transient',
  EAI_AGAIN: 'transient',
  EHOSTUNREACH: 'transient',
  ENETUNREACH: 'transient',
  ENETDOWN: 'transient',
  UND_ERR_CONNECT_TIMEOUT: 'transient',

  ECONNRESET: 'ambiguous',
  EPIPE: 'ambiguous',
  ETIMEDOUT: 'ambiguous',
  UND_ERR_SOCKET: 'ambiguous',
  UND_ERR_HEADERS_TIMEOUT: 'ambiguous',
  UND_ERR_BODY_TIMEOUT: 'ambiguous',
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 'ambiguous',
  HPE_INVALID_EOF_STATE: 'ambiguous',

  EMFILE: 'resource',
  ENFILE: 'resource',
  ENOMEM: 'resource',
  EAGAIN: 'resource',

  ENOSPC: 'fatal',
  EDQUOT: 'fatal',
  // How Node calls it where it has no name for it.
  [`Unknown system error -${constants.errno.EDQUOT}`]: 'fatal',
  EROFS: 'fatal',
  EIO: 'fatal',
};

/**
 * The class of an error that says nothing of its own: by the system's code, its own or that of its cause. A fault in
 * the program is a `bug`; what else is thrown is taken for `transient`, as nothing is known of it.
 */
export function classOf(thrown: unknown): ErrorClass {
  const known = systemClassOf(thrown);
  if (known !== undefined) return known;
  // The TypeError of a failed fetch has a cause. One that is no fault of the network, such as a URL that is none, is
  // there each time.
  if (thrown instanceof TypeError && thrown.cause !== undefined)
    return isOfNetwork(thrown.cause) ? 'ambiguous' : 'permanent';
  if (thrown instanceof TypeError) return 'bug';
  if (thrown instanceof RangeError || thrown instanceof ReferenceError || thrown instanceof SyntaxError) return 'bug';
  return 'transient';
}

function systemClassOf(thrown: unknown): ErrorClass | undefined {
  for (let error = thrown, depth = 0; depth < 5 && isObject(error); error = error.cause, depth++) {
    if (typeof error.code === 'string' && Object.hasOwn(bySystemCode, error.code)) return bySystemCode[error.code];
    if (error.name === 'AbortError') return 'cancelled';
    if (error.name === 'TimeoutError') return 'ambiguous';
  }
  return undefined;
}

/** Whether an error that we do not know has a code of the system, or of the HTTP client. */
const isOfNetwork = (error: unknown): boolean =>
  isObject(error) && typeof error.code === 'string' && /^(E[A-Z\d]+|UND_ERR_\w+|HPE_\w+)$/.test(error.code);

/** Whether a call that ended with such an error may be tried again. */
export const mayRetry = (kind: ErrorClass): boolean =>
  kind === 'transient' || kind === 'unprocessed' || kind === 'throttled' || kind === 'ambiguous' || kind === 'resource';

/** Whether it is known that nothing was done by a call that ended so: then even one that must be done once is repeated. */
export const surelyNotDone = (error: unknown, kind: ErrorClass): boolean =>
  kind === 'unprocessed' ||
  kind === 'throttled' ||
  kind === 'resource' ||
  // There was no connection. Of an answer such as 500, or what else was thrown, one cannot tell.
  (kind === 'transient' && systemClassOf(error) === 'transient');

interface ErrorLike {
  readonly code?: unknown;
  readonly name?: unknown;
  readonly cause?: unknown;
}

const isObject = (value: unknown): value is ErrorLike => typeof value === 'object' && value !== null;
