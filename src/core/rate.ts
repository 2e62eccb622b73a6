import * as z from 'zod';
import { BatchxError } from './errors.js';
import { duration, parseOptions, show, textLike, toMs } from './schema.js';

const THOUSANDS: Readonly<Record<string, number>> = { k: 1000, M: 1_000_000 };

/** A number, its thousands, and a length of time whose number may be left out; neither number is 0. */
const rateForm = /^(?=[\d.]*[1-9])(\d+(?:\.\d+)?)([kM]?)\/(?=[\d.]*[1-9]|[a-z])((?:\d+(?:\.\d+)?)?(?:ms|s|m|h|d))$/;

const RATE = 'a rate such as "2/s", "500/m", "200k/m" or "10/5s"';

/** How many in what time, as `2/s`, `500/m`, `200k/m`, `10/5s`. It stays text: `toRate` reads it. */
export const rateText = () => textLike(rateForm, RATE);

/** A rate in its parts, for one with a burst. */
export const rateOptions = z
  .strictObject({
    limit: z.number().positive().describe('How many may start in any window of length `per`.'),
    per: duration()
      .refine((per) => toMs(per) !== 0, { error: 'expected a time of more than 0' })
      .default('1s')
      .describe('The length of that window, which slides.'),
    burst: z
      .number()
      .min(1)
      .optional()
      .describe('How many may follow each other at once; unless given, all are spaced evenly.'),
  })
  .refine(({ limit, burst = 1 }) => burst <= whole(limit), {
    error: 'expected no more than the limit',
    path: ['burst'],
  });

export type RateOptions = z.input<typeof rateOptions>;

/** Two limits that hold together: a call is one request, and takes its weight in tokens. */
export const tokenRateOptions = z.strictObject({
  requests: rateText().optional().describe('How many calls may start in any window of time, as `500/m`.'),
  tokens: rateText().describe('What they may cost together in any window of time, as `200k/m`.'),
});

export type TokenRateOptions = z.input<typeof tokenRateOptions>;

/** How many may start in what time: text such as `2/s`, or its parts; or how many, and what they may weigh together. */
export type Rate = string | RateOptions | TokenRateOptions;

/** The limit of a `rateText()` and the milliseconds it is meant in; a fraction is a whole number in another time. */
export function toRate(text: string): { limit: number; perMs: number } {
  const [, amount, thousands = '', per = ''] = rateForm.exec(text) ?? [];
  return inWhole(Number(amount) * (THOUSANDS[thousands] ?? 1), toMs(/^\d/.test(per) ? per : `1${per}`));
}

/** How many may start, in numbers; `burst` is 0 when all are spaced evenly. */
export interface Pace {
  readonly limit: number;
  readonly perMs: number;
  readonly burst: number;
}

/** How many may start, where that is limited, and what they may weigh together. */
export interface TokenPace {
  readonly requests: Pace | undefined;
  readonly tokens: Pace;
}

/** Checks a rate that `of` was given. */
export function paceOf(rate: Rate, of: string): Pace | TokenPace {
  if (typeof rate === 'string') return { ...toRate(parseOptions(rateText(), rate, of)), burst: 0 };
  if (typeof rate !== 'object' || rate === null) {
    const forms = '{ limit, per, burst }, or { requests, tokens }';
    throw new BatchxError('usage', `${of}: expected ${RATE}, ${forms}, got ${show(rate)}`);
  }
  if ('tokens' in rate || 'requests' in rate) {
    const { requests, tokens } = parseOptions(tokenRateOptions, rate, of);
    return {
      requests: requests === undefined ? undefined : { ...toRate(requests), burst: 0 },
      tokens: { ...toRate(tokens), burst: 0 },
    };
  }
  const { limit, per, burst = 0 } = parseOptions(rateOptions, rate, of);
  return { ...inWhole(limit, toMs(per)), burst };
}

/** What is let through at once can only be whole: half of one a second is one in two seconds. */
const inWhole = (limit: number, perMs: number): { limit: number; perMs: number } => ({
  limit: whole(limit),
  perMs: (perMs * whole(limit)) / limit,
});

const whole = (limit: number): number => Math.max(1, Math.floor(limit));
