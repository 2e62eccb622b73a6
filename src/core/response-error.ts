import * as z from 'zod';
import { bodyStart, type ByteStream } from './body-start.js';
import { BatchxError } from './errors.js';
import { type AnswerHeaders, retryAfterOf, shouldRetryOf } from './retry-after.js';
import { defaultRuntime, type Runtime } from './runtime.js';
import { parseOptions } from './schema.js';
import { classOfStatus } from './status-class.js';

/** So much of a body is read, in bytes, and so long is waited for it, in milliseconds. */
const READ = 2048;
const PATIENCE = 1000;
/** So many characters of it are told. */
const TOLD = 200;

/** An answer over HTTP: a `Response` of `fetch`, or what looks like one. */
export interface AnswerLike {
  readonly status: number;
  readonly statusText?: string;
  readonly headers: AnswerHeaders;
  readonly url?: string;
  readonly body?: ByteStream | null;
}

const responseErrorOptions = z.strictObject({
  method: z.string().optional().describe('The method of the request, for the message.'),
  body: z.string().optional().describe('The body, when it has been read already.'),
});

export type ResponseErrorOptions = z.input<typeof responseErrorOptions>;

/**
 * The error that an answer over HTTP is: what came, whether the same call may be tried again, and when.
 *
 * The class of the error is by the status: 408, 425 and 503 `unprocessed`; 429, and 503 or 413 that say when to come
 * back, `throttled`; other 5xx but 501 `transient`; all else `permanent`. The header `x-should-retry` comes before
 * that. `retryAfterMs` is the wait that was asked for, by `retryAfterOf`. The message has the method, the URL without
 * its query (which may hold a key), the status and the first 200 characters of the body, in one line. At most 2 KB of
 * the body and one second are spent on that; the rest of it is cancelled.
 *
 * @example
 * import { literals, responseError, step, toArray } from 'batchx';
 *
 * async function stock(sku: string, signal: AbortSignal): Promise<unknown> {
 *   const answer = await fetch(`https://shop.example/stock/${sku}`, { signal });
 *   if (!answer.ok) throw await responseError(answer);
 *   return answer.json();
 * }
 * literals(['a-1', 'a-2'])
 *   .pipe(step((sku: string, _, { signal }) => stock(sku, signal), { retry: 3 }), toArray())
 *   .subscribe();
 *
 * const headers = { 'retry-after': '2' };
 * const busy = { status: 503, statusText: 'Service Unavailable', headers, url: 'https://shop.example/stock?key=1' };
 * const error = await responseError(busy, { method: 'GET', body: 'down for\na moment' });
 * console.log(error.message); // GET https://shop.example/stock?... answered 503 Service Unavailable: down for a moment
 * console.log(error.class, error.retryAfterMs); // throttled 2000
 */
export async function responseError(
  response: AnswerLike,
  options: ResponseErrorOptions = {},
  runtime: Runtime = defaultRuntime(),
): Promise<BatchxError> {
  const { method, body } = parseOptions(responseErrorOptions, options, 'responseError');
  const { status, statusText = '', headers, url = '' } = response;
  const retryAfter = retryAfterOf(headers, runtime.wallNow(), status);
  // One that has been read is only cancelled.
  const limit = body === undefined ? READ : 0;
  const read = response.body == null ? '' : await bodyStart(response.body, limit, PATIENCE, runtime.scheduler);
  const asked = [method, withoutSecrets(url)].filter((part) => part !== undefined && part !== '').join(' ');
  const told = beginning(body ?? read, (text) => runtime.redact(text));
  const answered = `${asked || 'the server'} answered ${`${status} ${oneLine(statusText)}`.trim()}`;
  return new BatchxError('http', told === '' ? answered : `${answered}: ${told}`, {
    class: classOfStatus(status, { retryAfter, shouldRetry: shouldRetryOf(headers) }),
    ...(typeof retryAfter === 'number' && { retryAfterMs: retryAfter }),
  });
}

/** A URL as it may be printed: keys are passed in queries, and passwords before the host. */
export const withoutSecrets = (url: string): string =>
  url
    .replace(/#.*$/, '')
    .replace(/\?.*$/, '?...')
    .replace(/\/\/[^/]*@/, '//');

const oneLine = (text: string): string => text.replace(/[\s\p{Cc}]+/gu, ' ').trim();

/** The beginning of a body, in one line. Secrets are hidden before it is cut, as of a part of one less can be told. */
export function beginning(text: string, redact: (text: string) => string): string {
  const read = text.slice(0, READ);
  const line = oneLine(redact(text.length > READ ? `${read}...` : read));
  // Without half of a pair of surrogates at the end.
  return line.length > TOLD ? `${line.slice(0, TOLD).replace(/[\ud800-\udbff]$/, '')}...` : line;
}
