import { BatchxError } from '../errors.js';
import { responseError } from '../response-error.js';
import type { Runtime } from '../runtime.js';
import { contentTypeOf, textOf } from './content.js';
import { decodeBody } from './decode.js';
import type { HttpAnswer } from './exchange.js';

/** So many answers in a row that forbid it say that every further one will. */
const FORBIDDEN = 5;

/** What an error says whose account is used up: then waiting does not help, whatever the status says. */
const spent = /"(?:insufficient_quota|enforced_spend_limit_reached|contract_spend_limit_reached)"/;

/**
 * The error that an answer is which is no success: by its status, as `responseError` tells, and whether the run is to
 * end, as every further call to that server would fail too: at once where nobody is let in (401), or has paid (402, or
 * a quota that is used up), and after five in a row that are forbidden (403).
 */
export async function refusedBy(
  { status, statusText, headers, body }: HttpAnswer,
  { method, url }: { readonly method: string; readonly url: URL },
  runtime: Runtime,
): Promise<BatchxError> {
  const encodings = String(headers['content-encoding'] ?? '');
  const decoded = encodings === '' ? body : await decodeBody(body, encodings, LONGEST);
  const text = Buffer.isBuffer(decoded) ? textOf(contentTypeOf(headers['content-type']), decoded) : '';
  const answer = { status, statusText, headers: headers as Record<string, string | string[]>, url: url.href };
  const error = await responseError(answer, { method, body: text }, runtime);
  const quota = (status === 429 || status === 403) && spent.test(text.replace(/\s+/g, ''));
  const haltAfter = quota || status === 401 || status === 402 ? 1 : status === 403 ? FORBIDDEN : undefined;
  if (haltAfter === undefined) return error;
  return new BatchxError('http', error.message, {
    class: quota ? 'permanent' : error.class,
    haltAfter,
    haltKey: `${status} ${url.host}`,
    advice: quota || status === 402 ? payFor(url.host) : lookAt(url.host, status),
  });
}

const payFor = (host: string): string =>
  `the account that is used at ${host} has nothing left: top it up, or wait for its next period, and run it again`;

const lookAt = (host: string, status: number): string =>
  status === 401
    ? `look at the credentials that are sent to ${host}, and run it again`
    : `look at what the credentials that are sent to ${host} are good for, and run it again`;

/** So much is unpacked of the body of an answer that is no success; in bytes. */
const LONGEST = 1024 * 1024;
