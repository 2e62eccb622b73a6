import { keepsBytes, keptArgument } from '../core/command/argument.js';
import { printableWord } from '../core/command/printable-command.js';
import { suggest } from '../core/suggest.js';
import type { Flag } from './flags.js';

/** A flag by the name that it was given by: `-j` or `--concurrency`. */
export function asTyped({ name, alias }: Flag, line: readonly string[]): string {
  const long = `--${name}`;
  return alias === undefined || line.some((arg) => arg === long || arg.startsWith(`${long}=`)) ? long : `-${alias}`;
}

/** What is wrong with a value that has bytes in it that are not UTF-8: Node can pass on none of them. */
export function notUtf8(flag: Flag, values: readonly unknown[], line: readonly string[]): string | undefined {
  const value = values.find((each) => typeof each === 'string' && keepsBytes(each)) as string | undefined;
  if (value === undefined) return undefined;
  const { instead = 'choose another' } = flag;
  return `${asTyped(flag, line)}: expected text in UTF-8, got ${shownArg(value)}: ${instead}`;
}

/** An argument as one would type it, with the bytes that are not UTF-8. */
export const shownArg = (arg: string): string => printableWord(keptArgument(arg), false);

/** The faults of what stands where a flag may, and is none. */
export const unknownFlags = (positionals: readonly string[], flags: readonly Flag[], example: string): string[] =>
  positionals.filter((arg) => /^-./.test(arg)).map((arg) => unknown(cut(arg)[0], flags, example));

/** Flags that are known of, and not there yet. */
const NOT_YET: Readonly<Record<string, string>> = {
  '--watch': 'watching folders',
};

export function unknown(raw: string, flags: readonly Flag[], example = ''): string {
  const later = NOT_YET[raw];
  if (later !== undefined) return `${raw} (${later}) is not done by this version yet`;
  if (!raw.startsWith('--')) {
    return `no flag is called ${raw.slice(0, 2)}; what begins with a dash and is no flag goes behind --, as in: -- ${example}`;
  }
  const names = flags.flatMap((each) => (each.negatable ? [each.name, `no-${each.name}`] : [each.name]));
  const near = suggest(raw.slice(2), names);
  return `no flag is called ${raw}${near === undefined ? '' : `; did you mean --${near}?`}`;
}

/** The name and the value of `--flag=value`. */
export function cut(arg: string): [flag: string, value: string] {
  const at = arg.indexOf('=');
  return at < 0 ? [arg, ''] : [arg.slice(0, at), arg.slice(at + 1)];
}
