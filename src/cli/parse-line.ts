import { Parser } from 'yargs/helpers';
import type * as z from 'zod';
import { BatchxError } from '../core/errors.js';
import { asTyped, cut, notUtf8, unknown, unknownFlags } from './flag-faults.js';
import { type Flag, flagsOf } from './flags.js';
import type { Retrying } from './retrying.js';

/** The arguments of a command. */
export interface ParsedLine<F extends z.ZodObject> {
  readonly flags: z.output<F>;
  readonly positionals: readonly string[];
  /** The values behind `:::`, taken as they are; undefined without one. */
  readonly literals: readonly string[] | undefined;
  /** All of them as they were given. */
  readonly args: readonly string[];
  /** Which items of a job are run again in the place of its input. */
  readonly retrying?: Retrying | undefined;
}

/**
 * Parses the arguments of a command; whatever is wrong with them throws one error that names every fault.
 *
 * As is usual: `--limit 5`, `--limit=5`, `-j 4`, `-j4`, `-qk`, `--no-keep-order`; the last of a flag counts, unless it is
 * one that may be repeated; behind `--` nothing is a flag, such as the `example`.
 */
export function parseLine<F extends z.ZodObject>(
  schema: F,
  args: readonly string[],
  example = '-data.total',
): ParsedLine<F> {
  const flags = flagsOf(schema);
  const mark = args.indexOf(':::');
  const line = mark < 0 ? args : args.slice(0, mark);
  const valued = line.filter((arg, at) => isValued(arg, flags) && !line.slice(0, at).includes('--'));
  const faults = valued.map(cut).map(([raw, got]) => `${raw}: expected no value, got ${JSON.stringify(got)}`);
  const {
    _: before,
    '--': after = [],
    ...read
  } = readFlags(
    line.filter((arg) => !valued.includes(arg)),
    flags,
  );
  const positionals = before.map(String);
  faults.push(...unknownFlags(positionals, flags, example));
  const given: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(read)) {
    const flag = flags.find((each) => each.name === name);
    const [meant, fault] =
      flag === undefined ? [value, unknown(`--${name}`, flags, example)] : meaning(flag, value, line, flags);
    if (fault === undefined) given[name] = meant;
    else faults.push(fault);
  }
  const parsed = schema.safeParse(given);
  for (const { path, message } of parsed.error?.issues ?? []) {
    const flag = flags.find(({ name }) => name === path[0]);
    faults.push(`${flag === undefined ? `--${String(path[0])}` : asTyped(flag, line)}: ${message}`);
  }
  if (faults.length > 0) throw new BatchxError('usage', faults.join('\n'));
  const literals = mark < 0 ? undefined : args.slice(mark + 1);
  return { flags: parsed.data as z.output<F>, positionals: [...positionals, ...after.map(String)], literals, args };
}

interface Read {
  readonly _: readonly (string | number)[];
  readonly '--'?: readonly (string | number)[];
  readonly [flag: string]: unknown;
}

/** Everything stays text, and what is no flag stays where it was, so that we can say what is wrong with it. */
function readFlags(line: readonly string[], flags: readonly Flag[]): Read {
  const switches = flags.filter(({ boolean }) => boolean).map(({ name }) => name);
  return Parser(withDashes(unbundled(line, flags), flags), {
    alias: Object.fromEntries(flags.flatMap(({ name, alias }) => (alias === undefined ? [] : [[name, [alias]]]))),
    boolean: switches,
    // Otherwise the expression in `-q true` would be taken as the value of the switch.
    narg: Object.fromEntries(switches.map((name) => [name, 0])),
    string: flags.filter(({ boolean }) => !boolean).map(({ name }) => name),
    configuration: {
      'camel-case-expansion': false,
      'dot-notation': false,
      'parse-numbers': false,
      'parse-positional-numbers': false,
      'populate--': true,
      'strip-aliased': true,
      'unknown-options-as-args': true,
    },
  });
}

/** Flags of one letter in a word, as in `-kj4` or `-C,`, each by its name: the parser takes only letters and digits. */
function unbundled(line: readonly string[], flags: readonly Flag[]): string[] {
  const end = line.includes('--') ? line.indexOf('--') : line.length;
  return line.flatMap((arg, at) => (at < end && /^-[^-]./.test(arg) ? (flagsIn(arg, flags) ?? [arg]) : [arg]));
}

function flagsIn(arg: string, flags: readonly Flag[]): string[] | undefined {
  const named: string[] = [];
  for (let at = 1; at < arg.length; at++) {
    const flag = flags.find(({ alias }) => alias === arg[at]);
    if (flag === undefined) return undefined;
    const value = arg.slice(at + 1).replace(/^=/, '');
    if (!flag.boolean) return [...named, value === '' ? `-${arg[at]}` : `--${flag.name}=${value}`];
    named.push(`--${flag.name}`);
  }
  return named;
}

/** A dash alone is a value, as in `--failed -`, which the parser would take for a flag. */
function withDashes(line: readonly string[], flags: readonly Flag[]): string[] {
  const takesValue = (arg: string | undefined): boolean =>
    flags.some(
      ({ name, alias, boolean }) => !boolean && (arg === `--${name}` || (alias !== undefined && arg === `-${alias}`)),
    );
  const joined: string[] = [];
  for (const arg of line) {
    if (arg === '-' && takesValue(joined.at(-1))) joined.push(`${joined.pop() ?? ''}=-`);
    else joined.push(arg);
  }
  return joined;
}

/** Whether a switch is given a value, as in `--quiet=1`. */
const isValued = (arg: string, flags: readonly Flag[]): boolean =>
  flags.some(({ name, boolean }) => boolean && (arg.startsWith(`--${name}=`) || arg.startsWith(`--no-${name}=`)));

/** What was said by a flag, or what is wrong with it. */
function meaning(flag: Flag, given: unknown, line: readonly string[], flags: readonly Flag[]): [unknown, string?] {
  const values = Array.isArray(given) ? (given as unknown[]) : [given];
  const bytes = notUtf8(flag, values, line);
  if (bytes !== undefined) return [given, bytes];
  if (!flag.repeatable) return meaningOf(flag, values.at(-1), line, flags);
  const meant = values.map((value) => meaningOf(flag, value, line, flags));
  const faults = meant.flatMap(([, fault]) => fault ?? []);
  return [meant.map(([value]) => value), ...faults.slice(0, 1)] as [unknown, string?];
}

function meaningOf(flag: Flag, value: unknown, line: readonly string[], flags: readonly Flag[]): [unknown, string?] {
  const { name, boolean, choices } = flag;
  if (boolean) return [value];
  if (value === false) return choices.includes('none') ? ['none'] : [value, unknown(`--no-${name}`, flags)];
  if (value !== '' || isGivenEmpty(flag, line)) return [value];
  return [value, `${asTyped(flag, line)}: expected a value; one that begins with a dash is given as --${name}=VALUE`];
}

/** Whether empty text was given as the value of a flag, as in `--tag ''` or `--tag=`, and not just nothing. */
const isGivenEmpty = ({ name, alias }: Flag, line: readonly string[]): boolean =>
  line.some(
    (arg, at) =>
      arg === `--${name}=` ||
      (line[at + 1] === '' &&
        (arg === `--${name}` || (/^-[^-]/.test(arg) && alias !== undefined && arg.endsWith(alias)))),
  );
