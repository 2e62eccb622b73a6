import * as z from 'zod';
import { Quantiles } from '../quantiles.js';
import { show, toMs } from '../schema.js';
import { showMs } from '../show-ms.js';

const limitText = /^\d+(?:\.\d+)?(?:ms|s|m|h|d|%)$/;

/** How long an attempt may take: a time as `10s`, or a percentage as `300%`. It stays text: a `Deadline` reads it. */
export const timeLimitText = () =>
  z
    .string({ error: expected })
    .regex(limitText, { error: expected, abort: true })
    .refine((text) => (percentOf(text) ?? 101) > 100 && toMs(text) !== 0, { error: expected });

/** The number of a text such as `300%`. */
export const percentOf = (text: string): number | undefined =>
  text.endsWith('%') ? Number.parseFloat(text) : undefined;

function expected({ input }: { readonly input?: unknown }): string {
  return `expected a time such as "10s", or a percentage above 100 such as "300%", got ${show(input)}`;
}

/** How long attempts may take, by a text as `timeLimitText` takes it: the same for all, or by how long others took. */
export class Allowance {
  /** Whether it depends on how long the successful ones took. */
  readonly relative: boolean;
  readonly #text: string;
  readonly #factor: number;
  readonly #took = new Quantiles();
  #ms: number;
  #median = 0;
  /** Whether some were counted since the median was computed. */
  #stale = false;

  constructor(text: string) {
    const percent = percentOf(text);
    this.relative = percent !== undefined;
    this.#text = text;
    this.#factor = (percent ?? 0) / 100;
    this.#ms = percent === undefined ? toMs(text) : Infinity;
  }

  /** The present limit in milliseconds; infinite as long as there is none. */
  get ms(): number {
    if (this.#stale) {
      this.#stale = false;
      this.#median = Math.max(1, this.#took.quantile(0.5) ?? 1);
      this.#ms = this.#factor * this.#median;
    }
    return this.#ms;
  }

  /** A successful attempt took so long; only for one that is relative. */
  count(tookMs: number): void {
    this.#took.add(Math.max(0, tookMs));
    this.#stale = true;
  }

  /** What is said of an attempt that took so long. */
  exceeded(tookMs: number): string {
    const limit = this.relative
      ? `${this.#text} of the median (${showMs(this.#median)}): ${showMs(tookMs)}`
      : this.#text;
    return `took longer than ${limit}`;
  }
}
