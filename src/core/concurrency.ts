import { isObservable, type Observable, type Subscription } from 'rxjs';
import * as z from 'zod';
import { BatchxError } from './errors.js';
import { AdaptiveConcurrency } from './policy/adaptive.js';
import { abortSignal, given, parseOptions } from './schema.js';

/** How calls run side by side. */
export interface ConcurrencyOptions {
  /**
   * How many calls may run at once; 4 unless said. With an Observable nothing starts before its first number, 0
   * pauses, a lower number cancels nothing, completing keeps the last one, and an error ends the stream. An
   * `AdaptiveConcurrency` finds out how many, by the calls that tell it how they went.
   */
  readonly concurrency?: number | Observable<number> | AdaptiveConcurrency;
  /** Emit in the order of the source instead of as results come; false unless said. */
  readonly ordered?: boolean;
  /** How many calls may be parked in long waits at once; 1,000 unless said, and with 0 none may. */
  readonly maxWaiting?: number;
  /** When it fires, values that wait are dropped; what runs goes on. */
  readonly stop?: AbortSignal;
}

const caps = 'a whole number of at least 1, or an Observable of numbers';

const isDynamic = (value: unknown): boolean => isObservable(value) || value instanceof AdaptiveConcurrency;

/** The options of all that runs calls side by side, as a schema that others extend. */
export const concurrencyOptions = z.strictObject({
  concurrency: given<NonNullable<ConcurrencyOptions['concurrency']>>(
    caps,
    (value) => isDynamic(value) || isCap(value, 1),
  )
    .optional()
    .describe('How many calls may run at once.'),
  ordered: z.boolean().optional().describe('Whether results come in the order of the source.'),
  maxWaiting: z.int().min(0).optional().describe('How many calls may be parked in long waits at once.'),
  stop: abortSignal().optional().describe('When it fires, values that wait are dropped.'),
});

export interface ConcurrentSettings {
  readonly concurrency: number | Observable<number>;
  readonly ordered: boolean;
  readonly maxWaiting: number;
  readonly stop: AbortSignal | undefined;
}

/** Checks the options of the operator `of` and fills in their defaults. */
export const concurrentSettings = (options: unknown, of: string): ConcurrentSettings =>
  withDefaults(parseOptions(concurrencyOptions, options, of));

/** Fills in the defaults of options that have been checked. */
export function withDefaults(options: z.output<typeof concurrencyOptions>): ConcurrentSettings {
  const { concurrency = 4, ordered = false, maxWaiting = 1000, stop } = options;
  return {
    concurrency: concurrency instanceof AdaptiveConcurrency ? concurrency.caps : concurrency,
    ordered,
    maxWaiting,
    stop,
  };
}

/** What is to be told of each attempt, where the concurrency goes by that. */
export const adaptiveOf = ({ concurrency }: { readonly concurrency?: unknown }): AdaptiveConcurrency | undefined =>
  concurrency instanceof AdaptiveConcurrency ? concurrency : undefined;

/** Follows caps that change: each goes to `set`, and what is wrong with them to `fail`. */
export function followCaps(
  caps: Observable<number>,
  set: (cap: number) => void,
  fail: (error: unknown) => void,
): Subscription {
  const refuse = (expected: string): void => fail(new BatchxError('usage', `expected ${expected}`));
  let said = false;
  return caps.subscribe({
    next: (cap) => {
      said = true;
      if (isCap(cap, 0)) set(cap);
      else refuse(`a concurrency to be a whole number of at least 0, got ${String(cap)}`);
    },
    error: fail,
    complete: () => {
      if (!said) refuse('the concurrency Observable to emit a number, it completed without one');
    },
  });
}

const isCap = (cap: unknown, least: number): boolean =>
  cap === Infinity || (Number.isInteger(cap) && (cap as number) >= least);
