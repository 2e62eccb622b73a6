import { BatchxError } from '../errors.js';
import { withoutSecrets } from '../response-error.js';
import type { HttpAnswer, HttpRequest } from './exchange.js';

/** Where an answer sends a request, if it does. */
export function locationOf({ status, headers }: HttpAnswer, { url }: HttpRequest): URL | undefined {
  if (![301, 302, 303, 307, 308].includes(status)) return undefined;
  const { location } = headers;
  if (typeof location !== 'string') return undefined;
  let to: URL;
  try {
    // The parser reads bytes; most servers write UTF-8.
    to = new URL(Buffer.from(location, 'latin1').toString('utf8'), url);
  } catch {
    throw new BatchxError('http', `${withoutSecrets(url.href)} redirects to what is no URL`, { class: 'permanent' });
  }
  if (to.protocol === 'http:' || to.protocol === 'https:') return to;
  throw new BatchxError('http', `${withoutSecrets(url.href)} redirects to ${to.protocol}, expected http or https`, {
    class: 'permanent',
  });
}

/** What is for one server only. */
const secret =
  /^(?:authorization|proxy-authorization|cookie|cookie2|host)$|auth|token|key|secret|password|session|signature|credential/;

/** The request that follows a redirect, as browsers make it; what only the first server may see is left out for others. */
export function redirected(
  request: HttpRequest,
  status: number,
  to: URL,
  redact: (text: string) => string,
): HttpRequest {
  const { method, url, headers, body } = request;
  const dropped =
    status === 303 ? method !== 'GET' && method !== 'HEAD' : (status === 301 || status === 302) && method === 'POST';
  const elsewhere = to.origin !== url.origin;
  const kept = Object.entries(headers).filter(
    ([name, value]) =>
      !(elsewhere && (secret.test(name) || redact(value) !== value)) && !(dropped && name.startsWith('content-')),
  );
  return {
    method: dropped ? 'GET' : method,
    url: to,
    headers: Object.fromEntries(kept),
    body: dropped ? undefined : body,
  };
}
