import { classOf, type ErrorClass, surelyNotDone } from '../error-class.js';
import { BatchxError, messageOf, systemCode } from '../errors.js';
import { withoutSecrets } from '../response-error.js';

interface Asked {
  readonly method: string;
  readonly url: URL;
}

/** A request in messages: nothing of it that may be a secret. */
export const requestLine = ({ method, url }: Asked): string => `${method} ${withoutSecrets(url.href)}`;

/**
 * The error of a request that came to no answer, by what failed and whether it had begun to be sent: before that the
 * server has done nothing; after it, it may have done it all.
 */
export function failureOf(error: unknown, asked: Asked, sent: boolean): BatchxError {
  if (error instanceof BatchxError) return sent ? error : notMade(error);
  const code = codeOf(error);
  const told = `${requestLine(asked)}: ${saidOf(error, code)}`;
  const timedOut = code?.endsWith('_TIMEOUT') === true || code === 'ETIMEDOUT';
  return new BatchxError(timedOut ? 'timeout' : 'http', told, {
    class: sent ? classAfter(error, code) : classBefore(error, code),
    ...(sent && { maybeDone: true }),
    cause: error,
  });
}

/** Why a request is given up: where it took too long that says which one did. */
export function lateOf(reason: unknown, asked: Asked): unknown {
  if (!(reason instanceof BatchxError) || reason.code !== 'timeout') return reason;
  const { code, message, class: kind } = reason;
  return new BatchxError(code, `${requestLine(asked)}: ${message}`, { class: kind, cause: reason.cause });
}

/** Of an attempt that took too long before anything was sent it is known that nothing was done. */
function notMade(error: BatchxError): BatchxError {
  if (error.class !== 'ambiguous') return error;
  return new BatchxError(error.code, error.message, { class: 'unprocessed', cause: error });
}

function classBefore(error: unknown, code: string | undefined): ErrorClass {
  if (code !== undefined && permanent.test(code)) return 'permanent';
  const usual = classOf(error);
  const known = usual === 'transient' && surelyNotDone(error, usual);
  return known || usual === 'resource' || usual === 'cancelled' ? usual : 'unprocessed';
}

function classAfter(error: unknown, code: string | undefined): ErrorClass {
  // The headers will be too long each time.
  if (code === 'UND_ERR_HEADERS_OVERFLOW') return 'permanent';
  return classOf(error) === 'cancelled' ? 'cancelled' : 'ambiguous';
}

/** What is wrong with a certificate, the protocol or the request itself is so each time. */
const permanent =
  /^(?:ERR_TLS|ERR_SSL|ERR_OSSL|CERT_|UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO|HOSTNAME_MISMATCH|INVALID_CA|INVALID_PURPOSE|PATH_LENGTH|CRL_|EPROTO$|ERR_INVALID|UND_ERR_INVALID_ARG$|UND_ERR_NOT_SUPPORTED$)/;

/** The code of an error; of several attempts to connect the first one's. */
function codeOf(error: unknown): string | undefined {
  const code = systemCode(error);
  if (code !== undefined || !(error instanceof AggregateError)) return code;
  return systemCode(error.errors[0]);
}

function saidOf(error: unknown, code: string | undefined): string {
  switch (code) {
    case 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH':
      return 'the body is not as long as its header says';
    case 'UND_ERR_SOCKET':
      return 'the connection was closed before the answer was complete';
    case undefined:
    default: {
      const first = error instanceof AggregateError && error.message === '' ? (error.errors[0] as unknown) : error;
      const message = first instanceof Error ? first.message : messageOf(first);
      return code === undefined || message.includes(code) ? message : `${message} (${code})`;
    }
  }
}
