import { isUtf8 } from 'node:buffer';
import type { Argument } from './argument.js';

/**
 * A command as one line that a shell reads back as exactly these arguments: for people, logs and copying.
 *
 * Quotes are only put where they are needed. What would not show, or would move the cursor, and bytes that are no UTF-8
 * are written as `$'\n\377'`, which bash, zsh and ksh know; all else is plain `sh`.
 *
 * @example
 * import { printableCommand } from 'batchx';
 *
 * printableCommand(['cp', 'my photo.png', "it's", '']); // cp 'my photo.png' "it's" ''
 */
export const printableCommand = (argv: readonly Argument[]): string =>
  argv.map((argument, i) => printableWord(argument, i === 0)).join(' ');

/** Characters that mean nothing to a shell. As the first word `a=b` and the words of its grammar do. */
const plain = /^[\w@%+:,./-][\w@%+=:,./-]*$/;
const grammar =
  /=|^(?:case|do|done|elif|else|esac|fi|for|function|if|in|select|then|time|until|while|coproc|end|foreach|repeat)$/;

/* eslint-disable no-control-regex */
const hidden = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/;
const unprintable = /['\\\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;
const notAscii = /['\\]|[^ -~]/g;
/* eslint-enable no-control-regex */

/** One argument; `first` when it may stand where a shell expects a command. */
export function printableWord(argument: Argument, first: boolean): string {
  if (typeof argument !== 'string' || hidden.test(argument)) return escaped(argument);
  if (plain.test(argument) && !(first && grammar.test(argument))) return argument;
  if (!argument.includes("'")) return `'${argument}'`;
  return /[\\$`"!]/.test(argument) ? `'${argument.replaceAll("'", "'\\''")}'` : `"${argument}"`;
}

const short: Readonly<Record<string, string>> = { '\n': '\\n', '\t': '\\t', '\r': '\\r', "'": "\\'", '\\': '\\\\' };

/** Characters that are visible, and octal digits for the bytes of the others. */
function escaped(argument: Argument): string {
  const bytes = Buffer.from(argument as Uint8Array);
  const isText = isUtf8(bytes);
  const text = bytes.toString(isText ? 'utf8' : 'latin1');
  const escape = (char: string): string => {
    const octets = Buffer.from(char, isText ? 'utf8' : 'latin1');
    return short[char] ?? Array.from(octets, (byte) => `\\${byte.toString(8).padStart(3, '0')}`).join('');
  };
  return `$'${text.replace(isText ? unprintable : notAscii, escape)}'`;
}
