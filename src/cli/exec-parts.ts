import { execFlags } from './exec-flags.js';
import { MARKS } from './exec-lists.js';
import { type Flag, flagsOf } from './flags.js';

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

/** Cuts the arguments of `exec` where flags end, and where values begin. */
export function partsOf(args: readonly string[]): Parts {
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
