import { httpDate, utc } from './http-date.js';

/**
 * How long until the limits that are used up are filled again, by headers such as `ratelimit-reset`,
 * `x-ratelimit-reset-tokens` or `anthropic-ratelimit-requests-reset`: in milliseconds, the longest of several;
 * undefined when no header says it. A limit of which a `remaining` header says that something is left is passed over.
 */
export function rateReset(headers: ReadonlyMap<string, string>, wallNow: number): number | undefined {
  let longest: number | undefined;
  for (const [name, value] of headers) {
    const words = name.split('-');
    if (!/rate-?limit/.test(name) || !words.includes('reset')) continue;
    const left = headers.get(words.map((word) => (word === 'reset' ? 'remaining' : word)).join('-'));
    if (left !== undefined && Number(left) > 0) continue;
    const ms = resetMs(value, wallNow);
    if (ms !== undefined) longest = Math.max(longest ?? 0, ms);
  }
  return longest;
}

/** A reset as any vendor writes it: an epoch or a time from now, in numbers; a length of time; or a date. */
function resetMs(text: string, wallNow: number): number | undefined {
  const ms = numberMs(text, wallNow) ?? lengthMs(text) ?? fromNow(rfc3339(text) ?? httpDate(text, wallNow), wallNow);
  return ms === undefined ? undefined : Math.ceil(ms);
}

const fromNow = (at: number | undefined, wallNow: number): number | undefined =>
  at === undefined ? undefined : at - wallNow;

/** From here on a number is seconds since 1970 (2001 and later) and no time from now, which would be 31 years. */
const EPOCH_S = 1e9;
/** From here on (1973 and later) it is in milliseconds. */
const EPOCH_MS = 1e11;

function numberMs(text: string, wallNow: number): number | undefined {
  if (!/^\d+(?:\.\d+)?$/.test(text)) return undefined;
  const number = Number(text);
  if (number >= EPOCH_MS) return number - wallNow;
  return number >= EPOCH_S ? number * 1000 - wallNow : number * 1000;
}

const UNITS: Readonly<Record<string, number>> = {
  d: 86_400_000,
  h: 3_600_000,
  m: 60_000,
  s: 1000,
  ms: 1,
  us: 1e-3,
  µs: 1e-3,
  ns: 1e-6,
};

/** `634ms`, `6m0s`, `1m30.5s`: as Go writes a length of time. */
function lengthMs(text: string): number | undefined {
  if (!/^(?:\d+(?:\.\d+)?(?:ms|us|µs|ns|[dhms]))+$/.test(text)) return undefined;
  let ms = 0;
  for (const [, amount, unit = ''] of text.matchAll(/([\d.]+)([a-zµ]+)/g)) ms += Number(amount) * (UNITS[unit] ?? 0);
  return ms;
}

const timestamp = /^(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(\.\d+)?(?:[Zz]|([+-])([01]\d|2[0-3]):([0-5]\d))$/;

function rfc3339(text: string): number | undefined {
  const [all, year, month, day, hour, minute, second, fraction = '0', sign, offHour = 0, offMinute = 0] =
    timestamp.exec(text) ?? [];
  if (all === undefined) return undefined;
  const at = utc([Number(year), Number(month), Number(day), Number(hour), Number(minute), Number(second)]);
  if (at === undefined) return undefined;
  const offset = (Number(offHour) * 60 + Number(offMinute)) * 60_000;
  return at + Number(fraction) * 1000 - (sign === '-' ? -offset : offset);
}
