import { retryAfterOf } from 'batchx';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { httpDate } from '../../src/core/http-date.js';
import { shouldRetryOf } from '../../src/core/retry-after.js';

/** Tue, 27 Jan 2026 10:00:00 GMT, a Tuesday. */
const now = Date.UTC(2026, 0, 27, 10, 0, 0);
const seconds = now / 1000;

const ofRetryAfter = (text: string) => retryAfterOf({ 'retry-after': text }, now);
const ofReset = (text: string, name = 'x-ratelimit-reset') => retryAfterOf({ [name]: text }, now);

describe('Retry-After', () => {
  it.each([
    ['0', 0],
    ['1', 1000],
    ['120', 120_000],
    ['007', 7000],
    ['2.0', 2000],
    ['2.5', 2500],
    ['0.25', 250],
    ['0.0001', 1],
    ['1.0001', 1001],
    ['64.1', 64_100],
    ['2147484', 2_147_484_000],
    ['9'.repeat(20), 1e23],
    ['9'.repeat(400), Infinity],
    [' 5 ', 5000],
    ['5, 120', 120_000],
    ['120,5', 120_000],
    ['Tue, 27 Jan 2026 10:00:00 GMT', 0],
    ['Tue, 27 Jan 2026 10:00:07 GMT', 7000],
    ['Wed, 28 Jan 2026 10:00:00 GMT', 86_400_000],
    ['Tue, 27 Jan 2026 09:59:59 GMT', 0],
    ['Sun, 06 Nov 1994 08:49:37 GMT', 0],
    ['Tue, 27 Jan 2026 10:00:60 GMT', 60_000],
    ['Tue, 27 Jan 2026 23:59:60 GMT', 14 * 3_600_000],
    ['Sun, 29 Feb 2032 00:00:00 GMT', Date.UTC(2032, 1, 29) - now],
    ['Fri, 27 Jan 2026 10:00:07 GMT', 7000],
    ['Tuesday, 27-Jan-26 10:00:07 GMT', 7000],
    ['Sunday, 06-Nov-94 08:49:37 GMT', 0],
    ['Monday, 27-Jan-76 10:00:00 GMT', Date.UTC(2076, 0, 27, 10) - now],
    ['Wednesday, 27-Jan-77 10:00:00 GMT', 0],
    ['Tue Jan 27 10:00:07 2026', 7000],
    ['Sun Feb  1 10:00:00 2026', 5 * 86_400_000],
    ['Sun Nov  6 08:49:37 1994', 0],
  ])('%s', (text, ms) => {
    expect(ofRetryAfter(text)).toBe(ms);
  });

  it.each([
    '',
    ' ',
    'soon',
    'NaN',
    'Infinity',
    '1s',
    '1m30s',
    '-1',
    '+1',
    '-0',
    '0x10',
    '0b1',
    '1e3',
    '1E3',
    '1_000',
    '.5',
    '5.',
    '1.2.3',
    '1 2',
    '5;',
    '1,',
    '5, soon',
    '١٢', // digits, but not ours
    'null',
    'true',
    '2026-01-27T10:00:07Z',
    '27 Jan 2026 10:00:07 GMT',
    'Tue, 27 Jan 2026 10:00:07',
    'Tue, 27 Jan 2026 10:00:07 UTC',
    'Tue, 27 Jan 2026 10:00:07 EST',
    'Tue, 27 Jan 2026 10:00:07 +0000',
    'Tue, 27 Jan 26 10:00:07 GMT',
    'Tue, 7 Jan 2026 10:00:07 GMT',
    'Tue 27 Jan 2026 10:00:07 GMT',
    'Tue, 27 Foo 2026 10:00:07 GMT',
    'Foo, 27 Jan 2026 10:00:07 GMT',
    'Mon, 30 Feb 2026 10:00:07 GMT',
    'Sun, 29 Feb 2026 10:00:07 GMT',
    'Tue, 00 Jan 2026 10:00:07 GMT',
    'Tue, 32 Jan 2026 10:00:07 GMT',
    'Tue, 27 Jan 2026 24:00:00 GMT',
    'Tue, 27 Jan 2026 10:60:00 GMT',
    'Tue, 27 Jan 2026 10:00:61 GMT',
    'Tue, 27 Jan 2026 10:00 GMT',
    'Tuesday, 27-Jan-2026 10:00:07 GMT',
    'Tue, 27-Jan-26 10:00:07 GMT',
    'Tue Jan 27 10:00:07 2026 GMT',
    'Sun Feb 1 10:00:00 2026',
    'Tue, 27 Jan 2026 10:00:07 GMT, Tue, 27 Jan 2026 10:00:09 GMT',
  ])('refuses %j, and hides what else is said', (text) => {
    expect(ofRetryAfter(text)).toBe('invalid');
    expect(retryAfterOf({ 'retry-after': text, 'ratelimit-reset': '7' }, now)).toBe('invalid');
  });

  it('never is less than asked, and at most a millisecond more', () => {
    const digits = fc.tuple(fc.nat(1_000_000), fc.option(fc.stringMatching(/^\d{1,9}$/)));
    fc.assert(
      fc.property(
        digits,
        fc.constantFrom('retry-after', 'retry-after-ms', 'ratelimit-reset'),
        ([whole, part], name) => {
          const text = part === null ? String(whole) : `${whole}.${part}`;
          // In billionths, so that nothing is rounded here.
          const asked = BigInt(whole) * 10n ** 9n + BigInt((part ?? '').padEnd(9, '0'));
          const ms = retryAfterOf({ [name]: text }, now);
          const given = BigInt(ms as number) * 10n ** 9n;
          const unit = name === 'retry-after-ms' ? 1n : 1000n;
          expect(given >= asked * unit && given <= asked * unit + 10n ** 9n).toBe(true);
        },
      ),
    );
  });

  it('reads each date in its three forms, and gives the time to it', () => {
    const any = fc.date({ min: new Date(now), max: new Date(now + 40 * 366 * 86_400_000), noInvalidDate: true });
    fc.assert(
      fc.property(any, fc.nat(999), (date, fraction) => {
        const at = Math.floor(date.getTime() / 1000) * 1000;
        const [, day, month, year, time] = /^\w+, (\d+) (\w+) (\d+) (.*) GMT$/.exec(new Date(at).toUTCString()) ?? [];
        const forms = [
          new Date(at).toUTCString(),
          `Sunday, ${day}-${month}-${year?.slice(2)} ${time} GMT`,
          `Sun ${month} ${String(Number(day)).padStart(2)} ${time} ${year}`,
        ];
        for (const form of forms) {
          expect(httpDate(form, now)).toBe(at);
          expect(retryAfterOf({ 'retry-after': form }, now + fraction)).toBe(Math.max(0, at - now - fraction));
        }
      }),
    );
  });

  it('never takes any text for anything but whole milliseconds', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[\d.,exGMT: +-]*$/)), (text) => {
        const got = ofRetryAfter(text);
        expect(
          got === 'invalid' || (typeof got === 'number' && got >= 0 && (Number.isInteger(got) || got === Infinity)),
        ).toBe(true);
      }),
    );
  });

  it('takes years of two digits for those around now', () => {
    const year = (text: string, thisYear: number): number | undefined =>
      new Date(httpDate(`Sunday, 01-Jan-${text} 00:00:00 GMT`, Date.UTC(thisYear, 5)) ?? NaN).getUTCFullYear();
    expect([year('76', 2026), year('77', 2026), year('99', 2026), year('00', 2026)]).toEqual([2076, 1977, 1999, 2000]);
    expect([year('01', 2098), year('47', 2098), year('48', 2098)]).toEqual([2101, 2147, 2048]);
  });
});

describe('the order of headers', () => {
  const all = {
    'retry-after-ms': '1500',
    'retry-after': '2',
    'ratelimit-reset': '3',
  };
  it.each([
    [all, 1500],
    [{ ...all, 'retry-after-ms': '0.5' }, 1],
    [{ ...all, 'retry-after-ms': 'x' }, 2000],
    [{ ...all, 'retry-after-ms': undefined }, 2000],
    [{ ...all, 'retry-after': 'x' }, 1500],
    [{ 'retry-after-ms': 'x', 'ratelimit-reset': '3' }, 'invalid'],
    [{ 'retry-after-ms': '-1', 'retry-after': '' }, 'invalid'],
    [{ 'ratelimit-reset': '3' }, 3000],
    [{}, undefined],
    [{ 'content-type': 'text/plain', date: 'Tue, 27 Jan 2026 10:00:07 GMT' }, undefined],
  ])('%j', (headers, expected) => {
    expect(retryAfterOf(headers, now)).toBe(expected);
  });

  it.each([500, 503, 403, 200])('counts resets for 429 alone, and not for %d', (status) => {
    expect(retryAfterOf({ 'x-ratelimit-reset': '3' }, now, status)).toBe(undefined);
    expect(retryAfterOf({ 'retry-after': '3', 'x-ratelimit-reset': '9' }, now, status)).toBe(3000);
  });
});

describe('the form of headers', () => {
  it.each([
    ['names in any case', { 'Retry-After': '3' }],
    ['names in capitals', { 'RETRY-AFTER': '3' }],
    ['lists', { 'retry-after': ['3'] }],
    ['lists of more', { 'retry-after': ['1', '3', '2'] }],
    ['a name in two cases', { 'Retry-After': '1', 'retry-after': '3' }],
    ['Headers', new Headers({ 'Retry-After': '3' })],
    ['Headers with more', new Headers([['retry-after', '3'], ['retry-after', '1']])], // prettier-ignore
    ['the headers of a Response', new Response('', { headers: { 'Retry-After': '3' } }).headers],
    ['a Map', new Map([['Retry-After', '3']])],
    ['pairs', [['Retry-After', '3'] as const]],
  ])('may be %s', (_, headers) => {
    expect(retryAfterOf(headers, now)).toBe(3000);
  });

  it('an empty list is a header without a value', () => {
    expect(retryAfterOf({ 'retry-after': [] }, now)).toBe('invalid');
  });

  it('dates may be in Headers', () => {
    expect(retryAfterOf(new Headers({ 'retry-after': 'Tue, 27 Jan 2026 10:00:07 GMT' }), now)).toBe(7000);
  });
});

describe('headers of rate limits', () => {
  it.each([
    ['0', 0],
    ['30', 30_000],
    ['1.5', 1500],
    [String(seconds + 30), 30_000],
    [`${seconds + 30}.25`, 30_250],
    [String(seconds - 30), 0],
    [String(now + 1234), 1234],
    [String(now - 1), 0],
    ['1s', 1000],
    ['634ms', 634],
    ['6m0s', 360_000],
    ['1m30s', 90_000],
    ['1m30.5s', 90_500],
    ['1h2m3s', 3_723_000],
    ['2d', 172_800_000],
    ['20us', 1],
    ['20µs', 1],
    ['5ns', 1],
    ['0s', 0],
    ['2026-01-27T10:00:07Z', 7000],
    ['2026-01-27T10:00:07.25Z', 7250],
    ['2026-01-27t10:00:07z', 7000],
    ['2026-01-27 10:00:07Z', 7000],
    ['2026-01-27T12:00:07+02:00', 7000],
    ['2026-01-27T05:30:07-04:30', 7000],
    ['2026-01-27T10:00:60Z', 60_000],
    ['2026-01-27T09:00:00Z', 0],
    ['Tue, 27 Jan 2026 10:00:07 GMT', 7000],
  ])('reset at %s', (text, ms) => {
    expect(ofReset(text)).toBe(ms);
  });

  it.each([
    '',
    'soon',
    '-1',
    '1e3',
    '0x10',
    '1 s',
    's',
    '1x',
    '1.s',
    '2026-01-27',
    '2026-01-27T10:00:07',
    '2026-02-30T10:00:07Z',
    '2026-01-27T10:00:07+25:00',
    '2026-13-01T10:00:07Z',
  ])('passes over %j', (text) => {
    expect(ofReset(text)).toBe(undefined);
  });

  it.each([
    'ratelimit-reset',
    'RateLimit-Reset',
    'x-ratelimit-reset',
    'X-RateLimit-Reset',
    'x-rate-limit-reset',
    'x-ratelimit-reset-requests',
    'x-ratelimit-reset-tokens',
    'x-ratelimit-reset-project-tokens',
    'x-ratelimit-reset-after',
    'anthropic-ratelimit-requests-reset',
    'anthropic-ratelimit-input-tokens-reset',
  ])('knows %s', (name) => {
    expect(ofReset('7', name)).toBe(7000);
  });

  it.each(['reset', 'x-reset', 'x-ratelimit-limit', 'x-ratelimit-remaining', 'x-ratelimit-preset'])(
    'does not take %s for a reset',
    (name) => {
      expect(ofReset('7s', name)).toBe(undefined);
    },
  );

  it('asks for the longest of those that are used up', () => {
    const headers = {
      'x-ratelimit-remaining-requests': '0',
      'x-ratelimit-reset-requests': '2s',
      'x-ratelimit-remaining-tokens': '0',
      'x-ratelimit-reset-tokens': '6m0s',
      'x-ratelimit-remaining-project-tokens': '17',
      'x-ratelimit-reset-project-tokens': '1h0m0s',
    };
    expect(retryAfterOf(headers, now)).toBe(360_000);
    expect(retryAfterOf(Object.entries(headers).reverse(), now)).toBe(360_000);
    expect(retryAfterOf({ ...headers, 'x-ratelimit-remaining-tokens': '1' }, now)).toBe(2000);
    const left = { 'x-ratelimit-remaining-tokens': '1', 'x-ratelimit-remaining-requests': '1' };
    expect(retryAfterOf({ ...headers, ...left }, now)).toBe(undefined);
  });

  it('tells the two kinds of tokens apart', () => {
    const headers = {
      'anthropic-ratelimit-input-tokens-remaining': '0',
      'anthropic-ratelimit-input-tokens-reset': '2026-01-27T10:00:05Z',
      'anthropic-ratelimit-output-tokens-remaining': '800',
      'anthropic-ratelimit-output-tokens-reset': '2026-01-27T10:00:50Z',
    };
    expect(retryAfterOf(headers, now)).toBe(5000);
  });
});

describe('x-should-retry', () => {
  it.each([
    [{ 'x-should-retry': 'true' }, true],
    [{ 'X-Should-Retry': 'False' }, false],
    [{ 'x-should-retry': ' true ' }, true],
    [{ 'x-should-retry': '1' }, undefined],
    [{ 'x-should-retry': '' }, undefined],
    [{}, undefined],
    [new Headers({ 'x-should-retry': 'false' }), false],
  ])('%j', (headers, expected) => {
    expect(shouldRetryOf(headers)).toBe(expected);
  });
});
