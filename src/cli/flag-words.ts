import { BatchxError } from '../core/errors.js';
import { flagsOf } from './flags.js';
import type * as z from 'zod';

/** How a message is told: an option of a component by the flag that sets it. */
export type Reword = (error: Pick<BatchxError, 'code' | 'message'>) => string;

/** What flags are called where the option has another name. */
const OTHERS: Readonly<Record<string, string>> = { perJob: 'max-args', onExists: 'on-exists' };

/**
 * Says `--on-exists skip` where a component says `onExists: skip`, for the flags of a schema. Only in messages about
 * options and paths: in others the same word may come from data.
 */
export function rewordFor(schema: z.ZodObject): Reword {
  const names = new Set(flagsOf(schema).map(({ name }) => name));
  const flagOf = (option: string): string | undefined => {
    const name = OTHERS[option] ?? option;
    return names.has(name) ? `--${name}` : undefined;
  };
  return ({ code, message }) => {
    if (code !== 'usage' && code !== 'path') return message;
    return message
      .replace(/^\w+: `(\w+)`: /, (all, option: string) => {
        const flag = flagOf(option);
        return flag === undefined ? all : `${flag}: `;
      })
      .replace(/`(\w+)(?:: ([\w-]+))?`(?: \(--[\w-]+\))?/g, (all, option: string, value = '') => {
        const flag = flagOf(option);
        return flag === undefined ? all : `${flag} ${value === 'true' ? '' : (value as string)}`.trim();
      });
  };
}

/** The same error, told so. */
export function reworded(error: unknown, reword: Reword): unknown {
  if (!(error instanceof BatchxError)) return error;
  const { code, class: kind, where, cause } = error;
  return new BatchxError(code, reword(error), { class: kind, cause, ...(where !== undefined && { where }) });
}
