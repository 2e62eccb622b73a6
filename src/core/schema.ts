import * as z from 'zod';
import { BatchxError } from './errors.js';

const UNITS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const SIZES = { B: 1, KB: 1024, MB: 1024 ** 2, GB: 1024 ** 3, K: 1024, M: 1024 ** 2, G: 1024 ** 3 } as const;

const durationText = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/;
const sizeText = /^(\d+(?:\.\d+)?)(B|KB|MB|GB|K|M|G)$/i;

/** A length of time with its unit, as `500ms`, `2s`, `1.5m`, `1h`, `1d`. It stays text: `toMs` reads it. */
export const duration = () => textLike(durationText, 'a time such as "500ms", "2s" or "1.5m"');

/** The same, and longer than nothing. */
export const someTime = () =>
  duration().refine((text) => toMs(text) !== 0, {
    error: ({ input }) => `expected a time longer than 0, got ${show(input)}`,
  });

/** A number of bytes with its unit, as `64KB`, `1.5MB`, `1G`; 1 KB is 1,024 bytes. It stays text: `toBytes` reads it. */
export const byteSize = () => textLike(sizeText, 'a size such as "64KB" or "1.5MB"');

/** The milliseconds of a `duration()`. */
export function toMs(text: string): number {
  const [, amount, unit] = durationText.exec(text) ?? [];
  return Number(amount) * UNITS[unit as keyof typeof UNITS];
}

/** The bytes of a `byteSize()`. */
export function toBytes(text: string): number {
  const [, amount, unit = ''] = sizeText.exec(text) ?? [];
  return Math.round(Number(amount) * SIZES[unit.toUpperCase() as keyof typeof SIZES]);
}

/** Parses options by their schema; what does not fit throws one error that names every fault and its option. */
export function parseOptions<S extends z.ZodType>(schema: S, input: unknown, of: string): z.output<S> {
  const parsed = schema.safeParse(input);
  if (parsed.success) return parsed.data;
  throw new BatchxError('usage', `${of}: ${describeIssues(parsed.error.issues)}`);
}

/** Refuses what is no function where one has to be given: when the operator is made, not at the first value. */
export function expectFunction(value: unknown, of: string): void {
  if (typeof value !== 'function') throw new BatchxError('usage', `${of}: expected a function, got ${show(value)}`);
}

/** An option of a type that only code can give, such as an Observable; `what` names it in the message. */
export const given = <T>(what: string, fits: (value: unknown) => boolean) =>
  z.custom<T>(fits, { error: ({ input }) => `expected ${what}, got ${show(input)}` });

/** An option that may be written in several forms; `what` names them all in the message. */
export const oneOf = <const F extends readonly z.core.SomeType[]>(what: string, forms: F) =>
  z.union(forms, { error: ({ input }) => `expected ${what}, got ${show(input)}` });

/** A whole number of at least 0; `what` names it in the message. */
export const wholeNumber = (what: string) => {
  const error = ({ input }: { readonly input?: unknown }): string => `expected ${what}, got ${show(input)}`;
  return z.int({ error, abort: true }).min(0, { error });
};

/** An option that is an AbortSignal. */
export const abortSignal = () => given<AbortSignal>('an AbortSignal', (value) => value instanceof AbortSignal);

/** The issues of a schema in one line, each with the option it is about. */
export function describeIssues(issues: readonly z.core.$ZodIssue[], above: readonly PropertyKey[] = []): string {
  return issues
    .map((issue) => {
      const path = [...above, ...issue.path];
      const meant = issue.code === 'invalid_union' ? meantOf(issue.errors) : undefined;
      if (meant !== undefined) return describeIssues(meant, path);
      return path.length === 0 ? issue.message : `\`${path.map(String).join('.')}\`: ${issue.message}`;
    })
    .join('; ');
}

/** Of several forms the one that was meant: it fits but for something in it. */
function meantOf(forms: readonly z.core.$ZodIssue[][]): readonly z.core.$ZodIssue[] | undefined {
  const near = forms.filter((issues) =>
    issues.every(({ code, path }) => path.length > 0 || code === 'unrecognized_keys'),
  );
  return near.length === 1 ? near[0] : undefined;
}

/** An option that is text of a form; `what` names it in the message. */
export function textLike(pattern: RegExp, what: string): z.ZodString {
  const error = ({ input }: { readonly input?: unknown }): string => `expected ${what}, got ${show(input)}`;
  return z.string({ error }).regex(pattern, { error });
}

/** A value as messages show it. */
export function show(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'number' || typeof value === 'boolean') return `${value} (${typeof value})`;
  if (value === null || value === undefined) return String(value);
  if (Array.isArray(value)) return 'an array';
  if (typeof value !== 'object') return `a ${typeof value}`;
  const { constructor: made } = value as { readonly constructor?: { readonly name: string } };
  if (made !== undefined && made !== Object) return `a value of class ${made.name}`;
  const keys = Object.keys(value);
  const more = keys.length > SHOWN_KEYS ? `, and ${keys.length - SHOWN_KEYS} more` : '';
  if (keys.length === 0) return 'a mapping without keys';
  return `a mapping with ${keys.length === 1 ? 'the key' : 'keys'} ${keys.slice(0, SHOWN_KEYS).join(', ')}${more}`;
}

/** So many keys are told of a value that was given where something else was expected. */
const SHOWN_KEYS = 5;
