import { parseArgs } from 'node:util';
import type * as z from 'zod';
import { BatchxError } from '../core/errors.js';
import { suggest } from '../core/suggest.js';
import { type Flag, flagsOf } from './flags.js';

/** The arguments of a command. */
export interface ParsedLine<F extends z.ZodObject> {
  readonly flags: z.output<F>;
  readonly positionals: readonly string[];
  /** The values behind `:::`, taken as they are; undefined without one. */
  readonly literals: readonly string[] | undefined;
}

/**
 * Parses the arguments of a command; whatever is wrong with them throws one error that names every fault.
 *
 * As is usual: `--limit 5`, `--limit=5`, `-j 4`, `-j4`, `-qk`, `--no-keep-order`; the last of a flag counts; behind `--`
 * nothing is a flag.
 */
export function parseLine<F extends z.ZodObject>(schema: F, args: readonly string[]): ParsedLine<F> {
  const flags = flagsOf(schema);
  const mark = args.indexOf(':::');
  const line = mark < 0 ? args : args.slice(0, mark);
  const options = Object.fromEntries(
    flags.map(({ name, alias, boolean }) => [
      name,
      { type: boolean ? ('boolean' as const) : ('string' as const), ...(alias !== undefined && { short: alias }) },
    ]),
  );
  const { tokens, positionals } = parseArgs({ args: [...line], options, strict: false, tokens: true });
  const given = new Map<string, string | boolean>();
  /** By the argument: the first fault of one like `-data.total` says enough. */
  const wrong = new Map<number, string>();
  for (const token of tokens) {
    if (token.kind !== 'option' || wrong.has(token.index)) continue;
    const { name, fault, value } = meaning(token, flags);
    if (fault === undefined) given.set(name, value);
    else wrong.set(token.index, fault);
  }
  const parsed = schema.safeParse(Object.fromEntries(given));
  const faults = [...wrong.values()];
  for (const { path, message } of parsed.error?.issues ?? []) faults.push(`--${path.join('.')}: ${message}`);
  if (faults.length > 0) throw new BatchxError('usage', faults.join('\n'));
  const literals = mark < 0 ? undefined : args.slice(mark + 1);
  return { flags: parsed.data as z.output<F>, positionals, literals };
}

interface Token {
  readonly name: string;
  readonly rawName: string;
  readonly value: string | undefined;
  readonly inlineValue: boolean | undefined;
}

interface Meaning {
  readonly name: string;
  readonly value: string | boolean;
  readonly fault?: string;
}

function meaning({ name, rawName, value, inlineValue }: Token, flags: readonly Flag[]): Meaning {
  const wrong = (fault: string): Meaning => ({ name, value: '', fault });
  const flag = flags.find((each) => each.name === name);
  if (flag?.boolean === true) {
    return value === undefined ? { name, value: true } : wrong(`${rawName}: expected no value, got ${show(value)}`);
  }
  if (flag !== undefined) {
    const missing = value === undefined || (inlineValue === false && /^-./.test(value));
    if (!missing) return { name, value };
    return wrong(`${rawName}: expected a value; one that begins with a dash is given as ${rawName}=VALUE`);
  }
  const negated = value === undefined ? flags.find((each) => `no-${each.name}` === name) : undefined;
  if (negated?.boolean === true) return { name: negated.name, value: false };
  if (negated?.choices.includes('none') === true) return { name: negated.name, value: 'none' };
  return wrong(unknown(rawName, name, flags));
}

function unknown(rawName: string, name: string, flags: readonly Flag[]): string {
  if (!rawName.startsWith('--')) {
    return `no flag is called ${rawName}; what begins with a dash and is no flag goes behind --, as in: -- -data.total`;
  }
  const names = flags.flatMap((each) => (each.negatable ? [each.name, `no-${each.name}`] : [each.name]));
  const near = suggest(name, names);
  return `no flag is called ${rawName}${near === undefined ? '' : `; did you mean --${near}?`}`;
}

const show = (value: string): string => JSON.stringify(value);
