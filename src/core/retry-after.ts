import { httpDate } from './http-date.js';
import { rateReset } from './rate-reset.js';

/** Headers of an answer: those of `fetch`, a `Map`, or a plain object whose names may be written in any case. */
export type AnswerHeaders =
  Iterable<readonly [name: string, value: string]> | Readonly<Record<string, string | readonly string[] | undefined>>;

/**
 * How long an answer asks to wait before the same is tried again, in whole milliseconds, never fewer than asked.
 *
 * `retry-after-ms` comes first, then `Retry-After`: seconds with or without a fraction, or a date in any of the forms
 * of HTTP, always GMT; a date that has passed is 0. When one of these is there but cannot be read the result is
 * `'invalid'`: hexadecimal, exponents, signs, words, nothing. Without them and for a `status` of 429 what counts is
 * when the limits that are used up are filled again (`ratelimit-reset` and what vendors call it), as a time from now, a
 * time of day in seconds or milliseconds, `1m30s`, or a date. Undefined when nothing is said.
 *
 * `wallNow` is the time of day in milliseconds since 1970.
 *
 * @example
 * import { retryAfterOf } from 'batchx';
 *
 * retryAfterOf({ 'retry-after': '2.5' }, Date.now()); // 2500
 * retryAfterOf({ 'Retry-After': 'soon' }, Date.now()); // 'invalid'
 * retryAfterOf({ 'x-ratelimit-reset-requests': '1m30s' }, Date.now()); // 90000
 */
export function retryAfterOf(
  headers: AnswerHeaders,
  wallNow: number,
  status: number = 429,
): number | 'invalid' | undefined {
  const known = byName(headers);
  const ms = known.get('retry-after-ms');
  const text = known.get('retry-after');
  if (ms === undefined && text === undefined) return status === 429 ? rateReset(known, wallNow) : undefined;
  return numberOf(ms, 1) ?? numberOf(text, 1000) ?? dateOf(text, wallNow) ?? 'invalid';
}

/** What `x-should-retry` says, as some APIs send it: it comes before anything that the status says. */
export function shouldRetryOf(headers: AnswerHeaders): boolean | undefined {
  const text = byName(headers).get('x-should-retry')?.toLowerCase();
  return text === 'true' ? true : text === 'false' ? false : undefined;
}

/** By their names in small letters; those that come more than once are one list, as `fetch` gives them. */
function byName(headers: AnswerHeaders): Map<string, string> {
  const known = new Map<string, string>();
  const pairs = Symbol.iterator in headers ? headers : Object.entries(headers);
  for (const [name, value] of pairs as Iterable<readonly [string, string | readonly string[] | undefined]>) {
    if (value === undefined) continue;
    const text = typeof value === 'string' ? value : value.join(', ');
    const before = known.get(name.toLowerCase());
    known.set(name.toLowerCase(), (before === undefined ? text : `${before}, ${text}`).trim());
  }
  return known;
}

/** A number in milliseconds; the largest where a proxy has added one of its own. */
function numberOf(text: string | undefined, unit: number): number | undefined {
  if (text === undefined) return undefined;
  const numbers = text.split(',').map((number) => number.trim());
  if (!numbers.every((number) => /^\d+(?:\.\d+)?$/.test(number))) return undefined;
  return Math.ceil(Math.max(...numbers.map(Number)) * unit);
}

function dateOf(text: string | undefined, wallNow: number): number | undefined {
  const at = text === undefined ? undefined : httpDate(text, wallNow);
  return at === undefined ? undefined : Math.max(0, Math.ceil(at - wallNow));
}
