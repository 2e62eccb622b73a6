import { Parser } from 'yargs/helpers';
import * as z from 'zod';
import { BatchxError } from '../core/errors.js';
import { didYouMean } from '../core/suggest.js';

/** What a flag says of itself beside its schema. */
export interface FlagMeta {
  readonly alias?: string;
  /** What stands for its value in the help. */
  readonly value?: string;
}

/** One flag, as help and completion show it. */
export interface Flag extends FlagMeta {
  readonly name: string;
  readonly description: string;
  readonly boolean: boolean;
  readonly choices: readonly string[];
}

export interface ParsedLine<F extends z.ZodObject> {
  readonly flags: z.output<F>;
  readonly positionals: readonly string[];
  /** The values behind `:::`, taken as they are; undefined without one. */
  readonly literals: readonly string[] | undefined;
}

/** A flag with a value, which arrives as text. */
export const flag = <S extends z.ZodType>(schema: S, description: string, meta: FlagMeta = {}): S =>
  schema.describe(description).meta({ ...meta, description });

/** The flags of a schema, in its order. */
export function flagsOf(schema: z.ZodObject): readonly Flag[] {
  return Object.entries(schema.shape).map(([name, type]) => {
    const { description = '', alias, value } = (type as z.ZodType).meta() as FlagMeta & { description?: string };
    const inner = innermost(type as z.ZodType);
    return {
      name,
      description,
      ...(alias !== undefined && { alias }),
      ...(value !== undefined && { value }),
      boolean: inner instanceof z.ZodBoolean,
      choices: inner instanceof z.ZodEnum ? inner.options.map(String) : [],
    };
  });
}

function innermost(type: z.ZodType): z.ZodType {
  return type instanceof z.ZodOptional || type instanceof z.ZodDefault ? innermost(type.unwrap() as z.ZodType) : type;
}

/** Parses the arguments of a command; whatever is wrong with them throws one error that names every fault. */
export function parseLine<F extends z.ZodObject>(schema: F, args: readonly string[]): ParsedLine<F> {
  const flags = flagsOf(schema);
  const mark = args.indexOf(':::');
  const { argv, error } = Parser.detailed(args.slice(0, mark < 0 ? undefined : mark), {
    alias: Object.fromEntries(flags.filter(({ alias }) => alias !== undefined).map(({ name, alias }) => [name, [alias as string]])),
    boolean: flags.filter(({ boolean }) => boolean).map(({ name }) => name),
    string: ['_', ...flags.filter(({ boolean }) => !boolean).map(({ name }) => name)],
    configuration: {
      'camel-case-expansion': false,
      'dot-notation': false,
      'duplicate-arguments-array': false,
      'parse-numbers': false,
      'parse-positional-numbers': false,
      'populate--': true,
      'strip-aliased': true,
    },
  }) as { argv: Record<string, unknown>; error: Error | null };
  if (error !== null) throw new BatchxError('usage', error.message);
  const { _: before, '--': after = [], ...given } = argv as { _: string[]; '--'?: string[]; [flag: string]: unknown };
  const names = flags.map(({ name }) => name);
  const faults = Object.keys(given)
    .filter((name) => !names.includes(name))
    .map((name) => `no flag is called ${dashed(name)}${didYouMean(name, names).replace(/"(.*)"/, '--$1')}`);
  const parsed = schema.safeParse(Object.fromEntries(Object.entries(given).filter(([name]) => names.includes(name))));
  for (const { path, message } of parsed.error?.issues ?? []) faults.push(`${dashed(path.join('.'))}: ${message}`);
  if (faults.length > 0) throw new BatchxError('usage', faults.join('\n'));
  return { flags: parsed.data as z.output<F>, positionals: [...before, ...after], literals: mark < 0 ? undefined : args.slice(mark + 1) };
}

const dashed = (name: string): string => (name.length === 1 ? `-${name}` : `--${name}`);
