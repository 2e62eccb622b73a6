import * as z from 'zod';
import { parseOptions } from '../schema.js';

/** What a breaker has counted since it was made. */
export interface BreakerCounts {
  /** Results that were recorded. */
  readonly calls: number;
  readonly failures: number;
  readonly slow: number;
  /** Calls that told nothing of the server. */
  readonly ignored: number;
  /** Results of calls that were begun in an earlier state. */
  readonly late: number;
  /** How often a call was not let through. */
  readonly rejected: number;
}

/** What is kept of a breaker from one run to the next. No time of a clock is in it, only lengths. */
export interface SavedBreaker {
  readonly state: 'closed' | 'open' | 'half-open' | 'forced-open' | 'disabled';
  /** For how long it would still be open, in milliseconds; 0 in all other states. */
  readonly remainingMs: number;
  /** How long it opens this time, or the next, without what chance adds. */
  readonly openForMs: number;
  /** For information: a breaker that is restored counts from 0. */
  readonly counts: BreakerCounts;
  /** The lanes in another state than all are in that nothing is known of. */
  readonly lanes?: readonly (readonly [key: string, saved: SavedBreaker])[] | undefined;
}

const whole = () => z.int().min(0);
const length = () => z.number().min(0);

const savedBreaker: z.ZodType<SavedBreaker> = z.strictObject({
  state: z.enum(['closed', 'open', 'half-open', 'forced-open', 'disabled']),
  remainingMs: length(),
  openForMs: length(),
  counts: z.strictObject({
    calls: whole(),
    failures: whole(),
    slow: whole(),
    ignored: whole(),
    late: whole(),
    rejected: whole(),
  }),
  get lanes() {
    return z.array(z.tuple([z.string(), savedBreaker])).optional();
  },
});

/** Checks what was saved; what is no state of a breaker throws. */
export const parseSaved = (saved: unknown): SavedBreaker => parseOptions(savedBreaker, saved, 'a saved breaker');
