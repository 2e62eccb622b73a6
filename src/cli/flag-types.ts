import { availableParallelism } from 'node:os';
import * as z from 'zod';

/** The message for a flag whose value is something else. */
export function wanted(what: string) {
  return { error: ({ input }: { input?: unknown }) => `expected ${what}, got ${JSON.stringify(input ?? '')}` };
}

/** A whole number of at least `least`, as text. */
export const whole = (least: number) =>
  z
    .string()
    .regex(/^\d+$/, wanted(`a whole number of at least ${least}`))
    .transform(Number)
    .refine((n) => n >= least, wanted(`a whole number of at least ${least}`));

export const oneOf = <const T extends readonly [string, ...string[]]>(names: T, or = '') =>
  z.enum(names, wanted(`one of ${names.join(', ')}${or}`));

/** How many at once: a number, a share of the cores, or all of them. */
export const concurrency = z
  .string()
  .regex(/^([1-9]\d*%?|auto)$/, wanted('a number of at least 1, a percentage such as 50%, or auto'))
  .transform((given) => {
    const cores = availableParallelism();
    if (given === 'auto') return cores;
    return given.endsWith('%') ? Math.max(1, Math.floor((cores * Number(given.slice(0, -1))) / 100)) : Number(given);
  });

export const text = z.string().min(1, 'expected a value, got empty text');
