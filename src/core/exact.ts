import { BatchxError } from './errors.js';

/**
 * The text of a number. One that is not what was written in the data would call another record: a whole number beyond
 * those that JavaScript keeps exactly, and what was too large for any, throws.
 */
export function exactText(value: number, name: string): string {
  if (Number.isInteger(value) ? Number.isSafeInteger(value) : Number.isFinite(value)) return String(value);
  if (!Number.isInteger(value)) {
    throw new BatchxError(
      'encode',
      `expected \`${name}\` to be a number, got ${value}, as a number in the data was too large, or none came of it; write it as text in the data`,
    );
  }
  throw new BatchxError(
    'encode',
    `\`${name}\` is read as ${BigInt(value)}, and whether its last digits are those that were written is not certain beyond ${Number.MAX_SAFE_INTEGER}; write it as text in the data, as in "${name.split('.').at(-1) ?? name}": "..."`,
  );
}

/** A value as JSON, whose numbers are those that were written; undefined when JSON cannot say it. */
export function exactJson(value: unknown, name: string): string | undefined {
  return JSON.stringify(value, (key, each: unknown) => {
    if (typeof each === 'number') exactText(each, /^\d*$/.test(key) ? name : key);
    return each;
  });
}

/** The text itself. Half of a character has no bytes, and would become another one on its way. */
export function wholeText(text: string, name: string): string {
  if (!/\p{Surrogate}/u.test(text)) return text;
  throw new BatchxError('encode', `expected \`${name}\` to be text, got half of a character`);
}

/** Whether a number keeps all that was written: no whole one of which digits are lost, nor one too large for any. */
export const keepsDigits = (written: string): boolean => {
  const value = Number(written);
  return Number.isFinite(value) && (!/^[-+]?\d+$/.test(written) || BigInt(written.replace('+', '')) === BigInt(value));
};
