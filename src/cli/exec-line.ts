import { BatchxError } from '../core/errors.js';
import { execFlags } from './exec-flags.js';
import { type Flag, flagsOf } from './flags.js';
import { type ParsedLine, parseLine } from './parse-line.js';
import { rawArgs } from './raw-args.js';

/** A list of values behind one of the marks. */
export interface ValueList {
  /** Bytes are values that are not UTF-8. */
  readonly values?: readonly (string | Uint8Array)[];
  readonly files?: readonly string[];
  /** Goes along with the list before it, instead of being combined with it. */
  readonly linked: boolean;
}

/** What a command line of `exec` says. */
export interface ExecLine extends ParsedLine<typeof execFlags> {
  /** A text that is still to be split, or words. */
  readonly command: string | readonly string[];
  /** The words of it as they were given. */
  readonly words: readonly string[];
  /** The arguments in front of the words, or all before any values. */
  readonly own: readonly string[];
  readonly inputs: readonly string[];
  readonly lists: readonly ValueList[];
}

const MARKS = [':::', ':::+', '::::', '::::+'];

/**
 * Reads the arguments of `exec`.
 *
 * A first word with spaces in it is the whole command, and so is a first word that inputs follow. Words are the command
 * where they can be nothing else: behind `--`, before values (`gzip -9 ::: a b`), or where one of them has a placeholder
 * (`ls | batchx exec gzip -9 {}`). Then flags end with the first word, as GNU parallel has it. Behind a whole command
 * `--` is followed by inputs.
 */
export function parseExecLine(args: readonly string[]): ExecLine {
  const { own, words, values } = partsOf(args);
  const line = { ...parseLine(execFlags, own, 'gzip -9 {}'), args, own };
  const { flags, positionals } = line;
  const lists = [
    ...(flags['arg-file'] === undefined ? [] : [{ files: flags['arg-file'], linked: false }]),
    ...listsOf(values),
  ];
  const [first, ...others] = positionals;
  if (words === undefined || first !== undefined) {
    const inputs = [...others, ...(words ?? [])];
    if (first === undefined)
      throw new BatchxError('usage', "expected a command, as in: batchx exec 'gzip -k {}' 'logs/*.txt'");
    if (lists.length > 0 && inputs.length > 0) {
      throw new BatchxError(
        'usage',
        `expected the values of the command in one place, got ${inputs.join(' ')} beside those of -a or \`:::\``,
      );
    }
    return { ...line, command: first, words: [first], inputs, lists };
  }
  return { ...line, command: commandOf(words), words, inputs: [], lists };
}

/** The arguments among which flags are looked for. */
export const flagsIn = (args: readonly string[]): readonly string[] => partsOf(args).own;

interface Parts {
  /** Flags, and what may be a command in one word with its inputs. */
  readonly own: readonly string[];
  /** What follows where flags have ended. */
  readonly words: readonly string[] | undefined;
  /** The first mark and all behind it. */
  readonly values: readonly string[];
}

function partsOf(args: readonly string[]): Parts {
  const mark = args.findIndex((arg) => MARKS.includes(arg));
  const head = mark < 0 ? args : args.slice(0, mark);
  const values = mark < 0 ? [] : args.slice(mark);
  const flags = flagsOf(execFlags);
  let hasValues = mark >= 0;
  for (let at = 0; at < head.length; at++) {
    const arg = head[at] as string;
    if (arg === '--') return { own: head.slice(0, at), words: head.slice(at + 1), values };
    if (isFlag(arg)) {
      hasValues ||= saysArgFile(arg, flags);
      if (takesNext(arg, flags)) at++;
    } else if (isWhole(arg)) break;
    else if (hasValues || hasPlaceholders(head.slice(at), flags))
      return { own: head.slice(0, at), words: head.slice(at), values };
    else break;
  }
  const dashes = head.indexOf('--');
  if (dashes < 0) return { own: head, words: undefined, values };
  return { own: head.slice(0, dashes), words: head.slice(dashes + 1), values };
}

const isFlag = (arg: string): boolean => arg.startsWith('-') && arg !== '-';

function saysArgFile(arg: string, flags: readonly Flag[]): boolean {
  if (arg.startsWith('--')) return arg === '--arg-file' || arg.startsWith('--arg-file=');
  const letters = Array.from(arg.slice(1));
  const valued = letters.find((letter) => flags.some(({ alias, boolean }) => alias === letter && !boolean));
  return valued === 'a';
}

/** Whether one of these words has a placeholder in it, and is not the value of a flag. */
function hasPlaceholders(words: readonly string[], flags: readonly Flag[]): boolean {
  for (let at = 0; at < words.length; at++) {
    const word = words[at] as string;
    if (word === '--') return false;
    if (isFlag(word) && takesNext(word, flags)) at++;
    else if (at > 0 && hasPlaceholder(word) && !flags.some(({ name }) => word.startsWith(`--${name}=`))) return true;
  }
  return false;
}

/** Whether what follows a flag is its value. */
function takesNext(arg: string, flags: readonly Flag[]): boolean {
  if (arg.startsWith('--')) return flags.some(({ name, boolean }) => !boolean && arg === `--${name}`);
  // Of flags in one word, such as `-kj`, the last one may have a value; `-j4` has it already.
  for (let at = 1; at < arg.length; at++) {
    const flag = flags.find(({ alias }) => alias === arg[at]);
    if (flag?.boolean === false) return at === arg.length - 1;
  }
  return false;
}

const isWhole = (word: string): boolean => /\s/.test(word.trim());

const hasPlaceholder = (word: string): boolean => /\{(-?\d*(\.|\/\/|\/\.|\/)?|#|%|outputPath)\}|\{\{/.test(word);

/** One word may be a whole command; several are words already. */
const commandOf = (words: readonly string[]): string | readonly string[] => {
  const [only] = words;
  if (only === undefined) throw new BatchxError('usage', 'expected a command, got none');
  return words.length === 1 ? only : words;
};

function listsOf(args: readonly string[]): ValueList[] {
  const lists: { mark: string; entries: (string | Uint8Array)[] }[] = [];
  for (const arg of rawArgs(args)) {
    if (typeof arg === 'string' && MARKS.includes(arg)) lists.push({ mark: arg, entries: [] });
    else lists.at(-1)?.entries.push(arg);
  }
  return lists.map(({ mark, entries }) => ({
    ...(mark.startsWith('::::') ? { files: entries.map(String) } : { values: entries }),
    linked: mark.endsWith('+'),
  }));
}
