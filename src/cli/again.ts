import type * as z from 'zod';
import { keepsBytes } from '../core/command/argument.js';
import { printable } from '../core/printable.js';
import { shownArg } from './flag-faults.js';
import { type Flag, flagsOf } from './flags.js';

/** What is said of the inputs of a run, and not of what failed in it. */
const OF_INPUTS = ['limit', 'retry-in-doubt', 'allow-empty'];

/**
 * The command line that runs just what failed again: as it was given, over the file of dead letters in place of the
 * inputs. Undefined where it cannot be written in one line. `words` is how many stand before the inputs; the flags
 * `without` go, and `more` come.
 */
export function commandAgain(
  name: string,
  schema: z.ZodObject,
  args: readonly string[],
  file: string,
  { words: count = 1, without = [] as readonly string[], more = [] as readonly string[] } = {},
): string | undefined {
  const { flags, others } = partsOf(args, flagsOf(schema), [...OF_INPUTS, ...without]);
  const words = others.slice(0, count);
  const dash = words.some((word) => /^-./.test(word)) || /^-./.test(file) ? ['--'] : [];
  return shellLine(['batchx', name, ...flags, ...more, ...dash, ...words, file]);
}

/** The same for `exec`: the dead letters have all values, however these were put together. */
export function execAgain(
  schema: z.ZodObject,
  line: { readonly own: readonly string[]; readonly words: readonly string[]; readonly rows: boolean },
  file: string,
): string | undefined {
  const { own, words, rows } = line;
  const lists = ['arg-file', 'null', 'colsep', 'header', 'link', 'max-args'];
  const { flags } = partsOf(own, flagsOf(schema), rows ? OF_INPUTS : [...OF_INPUTS, ...lists]);
  const [first = ''] = words;
  const spaced = /\s/.test(first.trim());
  if (rows) {
    // Only one word leaves a place for inputs.
    if (words.length > 1) return undefined;
    const dash = /^-./.test(file) ? ['--'] : [];
    return first.startsWith('-') ? undefined : shellLine(['batchx', 'exec', ...flags, first, ...dash, file]);
  }
  const input = file.startsWith('-') && file !== '-' ? [`--arg-file=${file}`] : ['-a', file];
  const dash = first.startsWith('-') || (spaced && words.length > 1) ? ['--'] : [];
  return shellLine(['batchx', 'exec', ...flags, ...input, ...dash, ...words]);
}

/** The flags of a command line but for some, with their values, and what else there is before any values. */
function partsOf(
  args: readonly string[],
  flags: readonly Flag[],
  without: readonly string[],
): { readonly flags: string[]; readonly others: string[] } {
  const kept: string[] = [];
  const others: string[] = [];
  const line = args.includes(':::') ? args.slice(0, args.indexOf(':::')) : args;
  for (let at = 0; at < line.length; at++) {
    const arg = line[at] as string;
    if (arg === '--') {
      others.push(...line.slice(at + 1));
      break;
    }
    if (!/^-./.test(arg)) {
      others.push(arg);
      continue;
    }
    const flag = lastOf(arg, flags);
    const value = flag !== undefined && !flag.boolean && isBare(arg, flag) ? line.slice(at + 1, at + 2) : [];
    at += value.length;
    kept.push(...withoutFlags(arg, value, flag, flags, without));
  }
  return { flags: kept, others };
}

/** One argument, and the value behind it, without the flags in it that are to go: of `-k0a list` the `-k` stays. */
function withoutFlags(
  arg: string,
  value: readonly string[],
  last: Flag | undefined,
  flags: readonly Flag[],
  without: readonly string[],
): readonly string[] {
  const goes = (flag: Flag | undefined): boolean => flag !== undefined && without.includes(flag.name);
  if (arg.startsWith('--')) return goes(last) || goes(negated(arg, flags)) ? [] : [arg, ...value];
  const end = last === undefined || last.boolean ? arg.length : arg.indexOf(last.alias ?? '', 1);
  const switches = Array.from(arg.slice(1, end)).filter((letter) => !goes(flags.find(({ alias }) => alias === letter)));
  const rest = goes(last) ? '' : arg.slice(end);
  const left = `${switches.join('')}${rest}`;
  return [...(left === '' ? [] : [`-${left}`]), ...(goes(last) ? [] : value)];
}

const negated = (arg: string, flags: readonly Flag[]): Flag | undefined =>
  flags.find(({ name }) => arg === `--no-${name}`);

/** The flag whose value may follow: the one that is named, or the last letter of several, as in `-qj`. */
function lastOf(arg: string, flags: readonly Flag[]): Flag | undefined {
  if (arg.startsWith('--')) return flags.find(({ name }) => arg === `--${name}` || arg.startsWith(`--${name}=`));
  const letters = Array.from(arg.slice(1));
  const valued = letters.findIndex((letter) => flags.some(({ alias, boolean }) => alias === letter && !boolean));
  return flags.find(({ alias }) => alias === letters[valued < 0 ? letters.length - 1 : valued]);
}

/** Whether the value of a flag is the next argument, and not a part of this one. */
const isBare = (arg: string, { name, alias }: Flag): boolean =>
  arg === `--${name}` || (!arg.startsWith('--') && alias !== undefined && arg.endsWith(alias));

/** Words as one line for a shell; undefined when they cannot be shown as they are. */
export function shellLine(words: readonly string[]): string | undefined {
  const line = words.map(quoted).join(' ');
  return printable(line) === line ? line : undefined;
}

/** An argument as a shell has to be given it. */
function quoted(arg: string): string {
  if (/^[\w@%+=:,./-]+$/.test(arg)) return arg;
  return keepsBytes(arg) ? shownArg(arg) : `'${arg.replaceAll("'", `'\\''`)}'`;
}
