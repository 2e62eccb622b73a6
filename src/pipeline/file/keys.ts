import * as z from 'zod';
import { cacheOptions } from '../../core/cache/cache.js';
import { expression } from '../../core/expression.js';
import { backoffOptions } from '../../core/policy/backoff.js';
import { breakerOptions } from '../../core/policy/breaker-options.js';
import { policyOptions } from '../../core/policy/policy-options.js';
import { adaptiveOptions } from '../../core/policy/adaptive.js';
import { timeLimitText } from '../../core/policy/allowance.js';
import { rateText, tokenRateOptions } from '../../core/rate.js';
import { oneOf, show, someTime, textLike, wholeNumber } from '../../core/schema.js';
import { templateText } from '../../core/template-option.js';

/** A name that people give something in a file. */
export const named = (what: string) =>
  z.string({ error: ({ input }) => `expected ${what}, got ${show(input)}` }).regex(/^[\p{L}_][\p{L}\p{N}_-]*$/u, {
    error: ({ input }) => `expected ${what}: a letter, then letters, digits, - and _, got ${show(input)}`,
  });

/** A rate in its parts, as a file says it. */
export const rateParts = z.strictObject({
  limit: rateText().describe('How many calls may start in any window of time, as `2/s`.'),
  burst: z
    .number()
    .min(1)
    .optional()
    .describe('How many may follow each other at once; unless given, all are spaced evenly.'),
  per: templateText().optional().describe('Whose rate it is, as `{{ store }}`: each value has its own.'),
});

/** Two limits that hold together, as a file says them. */
const tokenRateParts = tokenRateOptions.safeExtend({ per: rateParts.shape.per });

const rateWhat = 'a rate such as "2/s", { limit: 2/s, burst, per }, or { requests: 500/m, tokens: 200k/m, per }';

/** What a rate can be where it is defined. */
export const rateValue = () => oneOf(rateWhat, [rateText(), rateParts, tokenRateParts]);

const workers =
  'a whole number of at least 1, a share of the processors such as "50%", "auto", or { max, min, adaptive: true }';

/** A concurrency that is found out, between two bounds. */
const adaptive = adaptiveOptions
  .safeExtend({
    adaptive: z
      .literal(true, { error: 'expected `adaptive: true` beside `max`' })
      .describe('Find out how many are of use: more while calls stay quick, fewer when not.'),
  })
  .meta({ title: 'adaptive' });

const concurrency = () =>
  oneOf(workers, [
    z.int().min(1, { error: ({ input }) => `expected ${workers}, got ${show(input)}` }),
    textLike(/^(?:[1-9]\d{0,2}%|auto)$/, workers),
    adaptive,
  ]);

const retryWhat = 'a number of retries, or { retries, initial, factor, max, deadline, ... }';

/** How calls are tried: on a step, or at the top for all steps that reach outside. */
export const policyKeys = {
  concurrency: concurrency()
    .optional()
    .describe(
      'How many items it works on at once: a number, a share of the processors such as `50%`, `auto`, or `{ max: 20, adaptive: true }`, which finds it out.',
    ),
  timeout: timeLimitText()
    .optional()
    .describe(policyOptions.shape.timeout.description ?? ''),
  deadline: someTime()
    .optional()
    .describe(policyOptions.shape.deadline.description ?? ''),
  rate: oneOf(`${rateWhat}, or the name of one under \`rates\``, [
    rateText(),
    named('the name of a rate'),
    rateParts,
    tokenRateParts,
  ])
    .optional()
    .describe(
      'How many calls may start in any window of time, as `2/s`, or the name of one of `rates`, which is shared.',
    ),
  breaker: oneOf('true, false, { window, failureRate, open, ... }, or the name of one under `breakers`', [
    z.boolean(),
    named('the name of a breaker'),
    breakerOptions,
  ])
    .optional()
    .describe(
      'Whether calls pause while most of them fail, and when; or the name of one of `breakers`, which is shared.',
    ),
  retry: oneOf(retryWhat, [wholeNumber(retryWhat), backoffOptions])
    .optional()
    .describe('How often a call that failed is tried again, or how.'),
};

/** Of what the results of a step are kept, and where. */
const cacheKeys = z.strictObject({
  key: templateText()
    .optional()
    .describe('What makes calls of the step equal, as `{{ sku }}`; all that they are made of unless said.'),
  ...cacheOptions.shape,
});

/** What every step may say. */
export const stepKeys = {
  name: named('a name').optional().describe('What it is called in messages and in the report; its verb unless said.'),
  output: named('a name').optional().describe('The name under which later steps find its result, beside the data.'),
  when: expression().optional().describe('Items for which this expression is false pass by the step as they are.'),
  ...policyKeys,
  cache: oneOf('true, false, or { key, ttl, dir }', [z.boolean(), cacheKeys])
    .optional()
    .describe('Whether a call is not made again that has been made with the same values, here or in an earlier run.'),
  ordered: z.boolean().optional().describe('Whether its stage gives items in the order in which they came.'),
  cost: oneOf('a number, or an expression', [z.number().min(0), expression()])
    .optional()
    .describe('What a call takes of a rate that has `tokens`: a number, or an expression of the data.'),
  effect: z
    .enum(['none', 'reads', 'writes', 'once'])
    .optional()
    .describe('What a call does outside: `once` is never done twice, all else may be repeated.'),
  optional: z.boolean().optional().describe('With `mode: best-effort` an item goes on when this step fails.'),
  accepts: z
    .unknown()
    .optional()
    .describe('A JSON Schema, or the path of one, that the data has to fit before the step.'),
  returns: z.unknown().optional().describe('A JSON Schema, or the path of one, that the result has to fit.'),
};
