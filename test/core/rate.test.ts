import * as z from 'zod';
import { describe, expect, it } from 'vitest';
import { paceOf, type Rate, rateOptions, rateText, toRate } from '../../src/core/rate.js';
import { describeIssues } from '../../src/core/schema.js';

const what = 'expected a rate such as "2/s", "500/m", "200k/m" or "10/5s"';
const messageFor = (schema: z.ZodType, input: unknown) => describeIssues(schema.safeParse(input).error?.issues ?? []);

describe('rateText', () => {
  it.each([
    ['2/s', 2, 1000],
    ['500/m', 500, 60_000],
    ['200k/m', 200_000, 60_000],
    ['2M/m', 2_000_000, 60_000],
    ['1.5k/h', 1500, 3_600_000],
    ['10/5s', 10, 5000],
    ['3/500ms', 3, 500],
    ['1/1.5s', 1, 1500],
    ['100/d', 100, 86_400_000],
    ['1/ms', 1, 1],
    ['10/0.5s', 10, 500],
  ])('%s', (text, limit, perMs) => {
    expect(rateText().parse(text)).toBe(text);
    expect(toRate(text)).toEqual({ limit, perMs });
  });

  it.each([
    ['0.5/s', 1, 2000],
    ['0.001k/s', 1, 1000],
    ['0.1/10s', 1, 100_000],
    ['2.5/s', 2, 800],
    ['1.5/m', 1, 40_000],
  ])('makes %s a whole number in another time', (text, limit, perMs) => {
    expect(toRate(text)).toEqual({ limit, perMs });
  });

  it.each(
    [
      '',
      '2',
      '/s',
      '2/',
      '2s',
      '2 /s',
      '2/ s',
      '-2/s',
      '2/-1s',
      '0/s',
      '0.0/s',
      '0k/s',
      '2/0s',
      '2/0.00m',
      '2/5',
      '1e3/s',
    ].concat(['2/w', '2/S', '2K/s', '2m/s', '2/s\n', ' 2/s', '.5/s', '2./s', '2//s', '2/s/s', '2 per second']),
  )('refuses %j', (text) => {
    expect(messageFor(rateText(), text)).toBe(`${what}, got ${JSON.stringify(text)}`);
  });

  it('refuses a number', () => {
    expect(messageFor(rateText(), 2)).toBe(`${what}, got 2 (number)`);
  });

  it('may be parsed twice, and be written down', () => {
    expect(rateText().parse(rateText().parse('2/s'))).toBe('2/s');
    expect(z.toJSONSchema(rateText())).toMatchObject({ type: 'string' });
  });
});

describe('rateOptions', () => {
  it('is per second unless said', () => {
    const parsed = rateOptions.parse({ limit: 3 });
    expect(parsed).toEqual({ limit: 3, per: '1s' });
    expect(rateOptions.parse(parsed)).toEqual(parsed);
  });

  it.each([
    [{ limit: 0 }, '`limit`'],
    [{ limit: -1 }, '`limit`'],
    [{ limit: Infinity }, '`limit`'],
    [{ limit: NaN }, '`limit`'],
    [{ limit: '2' }, '`limit`'],
    [{ per: '1s' }, '`limit`'],
    [{ limit: 1, per: 5 }, '`per`: expected a time such as "500ms", "2s" or "1.5m", got 5 (number)'],
    [{ limit: 1, per: '0s' }, '`per`: expected a time of more than 0'],
    [{ limit: 1, burst: 2 }, '`burst`: expected no more than the limit'],
    [{ limit: 2.5, burst: 2.5 }, '`burst`: expected no more than the limit'],
    [{ limit: 5, burst: 0 }, '`burst`'],
    [{ limit: 5, brust: 1 }, 'Unrecognized key: "brust"'],
  ])('refuses %j', (options, message) => {
    expect(messageFor(rateOptions, options)).toContain(message);
  });
});

describe('paceOf', () => {
  it.each<[Rate, object]>([
    ['2/s', { limit: 2, perMs: 1000, burst: 0 }],
    [{ limit: 2 }, { limit: 2, perMs: 1000, burst: 0 }],
    [
      { limit: 5, per: '2m', burst: 3 },
      { limit: 5, perMs: 120_000, burst: 3 },
    ],
    [
      { limit: 0.5, burst: 1 },
      { limit: 1, perMs: 2000, burst: 1 },
    ],
    [
      { limit: 0.25, per: '1m' },
      { limit: 1, perMs: 240_000, burst: 0 },
    ],
  ])('%j', (rate, pace) => {
    expect(paceOf(rate, 'limiter')).toEqual(pace);
  });

  it.each([
    ['2 per second', `limiter: ${what}, got "2 per second"`],
    [5, `limiter: ${what}, { limit, per, burst }, or { requests, tokens }, got 5 (number)`],
    [undefined, `limiter: ${what}, { limit, per, burst }, or { requests, tokens }, got undefined`],
    [null, `limiter: ${what}, { limit, per, burst }, or { requests, tokens }, got null`],
    [{ limit: 1, burst: 2 }, 'limiter: `burst`: expected no more than the limit'],
  ])('refuses %j with a usage error', (rate, message) => {
    expect(() => paceOf(rate as Rate, 'limiter')).toThrow(expect.objectContaining({ code: 'usage', message }));
  });
});
