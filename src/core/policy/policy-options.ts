import * as z from 'zod';
import type { Item } from '../item.js';
import { rateOptions, rateText, tokenRateOptions } from '../rate.js';
import { defaultRuntime, type Runtime } from '../runtime.js';
import { given, oneOf, parseOptions, someTime, toMs, wholeNumber } from '../schema.js';
import { timeLimitText } from './allowance.js';
import { Backoff, backoffOptions, retryText } from './backoff.js';
import { Breaker, breakerOptions } from './breaker.js';
import { Deadline } from './deadline.js';
import { Limiter } from './limiter.js';
import type { Policies } from './policies.js';
import { serverPauses } from './server-pauses.js';

const instance = <T>(type: abstract new (...args: never[]) => T, what: string) =>
  given<T>(what, (value) => value instanceof type);

/** How the calls of a step are tried: options in a pipeline, or objects that several steps share in code. */
export const policyOptions = z.strictObject({
  timeout: oneOf('a time such as "10s", a percentage above 100 such as "300%", or a Deadline', [
    timeLimitText(),
    instance(Deadline, 'a Deadline'),
  ])
    .optional()
    .describe('How long an attempt may take, as `10s`, or as `300%` of the running median; then it is cancelled.'),
  deadline: someTime().optional().describe('How long an item may take in all, with its retries and waits.'),
  rate: oneOf('a rate such as "2/s", { limit, per, burst }, { requests, tokens }, or a Limiter', [
    rateText(),
    rateOptions,
    tokenRateOptions,
    instance(Limiter, 'a Limiter'),
  ])
    .optional()
    .describe('How many calls may start in any window of time, as `2/s`.'),
  breaker: oneOf('true, false, { window, failureRate, open, ... }, or a Breaker', [
    z.boolean(),
    breakerOptions,
    instance(Breaker, 'a Breaker'),
  ])
    .optional()
    .describe('Whether calls pause while most of them fail, and when.'),
  retry: oneOf(`${retryText}, or a Backoff`, [
    wholeNumber(`${retryText}, or a Backoff`),
    z.literal(Infinity),
    backoffOptions,
    instance(Backoff, 'a Backoff'),
  ])
    .optional()
    .describe('How often a call that failed is tried again, or how.'),
  effect: z
    .enum(['writes', 'once'])
    .default('writes')
    .describe('`once`: a call that may have been done is not done again; its item ends in doubt.'),
});

export type PolicyOptions = z.input<typeof policyOptions>;

/** Makes the policies of a step of its options, which have been parsed. */
export function policiesOf(options: z.output<typeof policyOptions>, runtime: Runtime = defaultRuntime()): Policies {
  const { timeout, deadline, rate, breaker, retry, effect } = options;
  return {
    timeout: typeof timeout === 'string' ? new Deadline(timeout, runtime) : timeout,
    deadlineMs: deadline === undefined ? undefined : toMs(deadline),
    limiter: rate === undefined || rate instanceof Limiter ? rate : new Limiter(rate, runtime),
    breaker: breakerOf(breaker, runtime),
    // What is told to wait has not failed: it waits without retries too.
    backoff: retry instanceof Backoff ? retry : new Backoff(retry ?? 0, runtime),
    repeatable: effect === 'writes',
  };
}

/** How the calls of a step are tried unless the user says otherwise. */
export interface PolicyDefaults extends Pick<PolicyOptions, 'timeout' | 'breaker' | 'effect'> {
  /** Which server an item's call goes to: each has its own breaker, and is left alone for as long as it says. */
  readonly server?: (item: Item) => string;
}

/** Makes the policies of a step of what its user says, and of its defaults where nothing is said. */
export function policiesWith(
  { server, ...defaults }: PolicyDefaults,
  options: PolicyOptions,
  runtime: Runtime = defaultRuntime(),
  of = 'step',
): Policies {
  const said = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  const policies = policiesOf(parseOptions(policyOptions, { ...defaults, ...said }, of), runtime);
  return server === undefined ? policies : { ...policies, server, pauses: serverPauses(runtime) };
}

function breakerOf(breaker: z.output<typeof policyOptions>['breaker'], runtime: Runtime): Breaker | undefined {
  if (breaker === undefined || breaker === false || breaker instanceof Breaker) return breaker || undefined;
  return new Breaker(breaker === true ? {} : breaker, runtime);
}
