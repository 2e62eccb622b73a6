import * as z from 'zod';
import { BatchxError } from '../errors.js';
import { defaultRuntime, type Runtime } from '../runtime.js';
import { duration, oneOf, parseOptions, show, toMs, wholeNumber } from '../schema.js';

const RETRIES = 'a whole number of at least 0, or Infinity';

/** The longest wait that the other side may ask for, unless said: longer ones are not waited for; in milliseconds. */
export const LONGEST_HINT = 600_000;

export const backoffOptions = z.strictObject({
  retries: oneOf(RETRIES, [wholeNumber(RETRIES), z.literal(Infinity)])
    .default(3)
    .describe('How often a call that failed is tried again.'),
  initial: duration().default('500ms').describe('The longest wait before the first retry.'),
  factor: z.number().min(1).max(100).default(2).describe('How much longer each further wait may be.'),
  max: duration().default('30s').describe('The longest of these waits.'),
  jitter: z
    .enum(['full', 'none'])
    .default('full')
    .describe('`full` waits any part of that time by chance, so that calls spread; `none` all of it.'),
  deadline: duration().optional().describe('How long after its first attempt a call may still be tried again.'),
  maxRetryAfter: duration().default('10m').describe('The longest wait that the other side may ask for.'),
  onLongRetryAfter: z
    .enum(['give-up', 'wait'])
    .default('give-up')
    .describe('What to do when it asks for more; it is never tried sooner than asked.'),
  maxThrottleWait: duration()
    .default('15m')
    .describe('How long one call may wait because it was told to before that costs it retries.'),
});

export const retryText = 'how often to try again, such as 3, or { retries, initial, factor, max, ... }';

export type BackoffOptions = z.input<typeof backoffOptions>;

/**
 * How often a call that failed is tried again, and after which waits: a value that many calls may share.
 *
 * The wait before retry n is a random part of `initial` x `factor`^(n-1), at most `max`. A wait that the other side asked
 * for is never undercut: up to 10 % is added to it, so that not all come back at once.
 *
 * @example
 * import { Backoff, retryBackoff } from 'batchx';
 * import { defer } from 'rxjs';
 *
 * const patient = new Backoff({ retries: 10, max: '5m', deadline: '1h' });
 * defer(() => fetch('https://shop.example/stock')).pipe(retryBackoff(patient)).subscribe();
 */
export class Backoff {
  readonly retries: number;
  /** In milliseconds from the first attempt; infinite when there is none. */
  readonly deadlineMs: number;
  readonly maxThrottleMs: number;
  /** The longest wait that the other side may ask for; infinite when any is waited for. */
  readonly maxHintMs: number;
  readonly #initialMs: number;
  readonly #factor: number;
  readonly #maxMs: number;
  readonly #full: boolean;
  readonly #random: () => number;

  constructor(options: BackoffOptions | number = {}, runtime: Runtime = defaultRuntime()) {
    const given: unknown = typeof options === 'number' ? { retries: options } : options;
    if (typeof given !== 'object' || given === null) {
      throw new BatchxError('usage', `retry: expected ${retryText}, got ${show(given)}`);
    }
    const parsed = parseOptions(backoffOptions, given, 'retry');
    this.retries = parsed.retries;
    this.deadlineMs = parsed.deadline === undefined ? Infinity : toMs(parsed.deadline);
    this.maxThrottleMs = toMs(parsed.maxThrottleWait);
    this.#initialMs = toMs(parsed.initial);
    this.#factor = parsed.factor;
    this.#maxMs = toMs(parsed.max);
    this.#full = parsed.jitter === 'full';
    this.maxHintMs = parsed.onLongRetryAfter === 'wait' ? Infinity : toMs(parsed.maxRetryAfter);
    this.#random = () => runtime.random();
  }

  /** The longest wait before retry number `retry` that is not asked for, in milliseconds. */
  longest(retry: number): number {
    // Nothing times an infinite power is no number.
    return this.#initialMs === 0 ? 0 : Math.min(this.#maxMs, this.#initialMs * this.#factor ** (retry - 1));
  }

  /** Whether a call waits so long when the other side asks for it. */
  accepts(hintMs: number): boolean {
    return hintMs <= this.maxHintMs;
  }

  /**
   * The wait before retry number `retry`, counted from 1, in milliseconds; `hintMs` is what the other side asked for.
   * Undefined when that is longer than it may be.
   */
  delay(retry: number, hintMs?: number): number | undefined {
    const most = this.longest(retry);
    const usual = this.#full ? this.#random() * most : most;
    if (hintMs === undefined) return usual;
    if (!this.accepts(hintMs)) return undefined;
    return Math.max(usual, hintMs * (1 + this.#random() / 10));
  }
}
