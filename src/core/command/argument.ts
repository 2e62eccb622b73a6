import { isUtf8 } from 'node:buffer';

/** One argument of a command: text, or bytes that are no UTF-8 and so cannot be text. */
export type Argument = string | Uint8Array;

/** Pieces of one argument put together; bytes as soon as one piece is, with the others in UTF-8. */
export function concatArguments(pieces: readonly Argument[]): Argument {
  let text = '';
  for (const piece of pieces) {
    if (typeof piece !== 'string') return Buffer.concat(pieces.map((each) => Buffer.from(each as Uint8Array)));
    text += piece;
  }
  return text;
}

/** What a function makes of an argument; it sees bytes as text of one character for each, and must keep them so. */
export function mapArgument(argument: Argument, change: (text: string) => string): Argument {
  if (typeof argument === 'string') return change(argument);
  return argumentOf(Buffer.from(change(Buffer.from(argument).toString('latin1')), 'latin1'));
}

/** Where a byte that is no part of a character stands in text: as half of a surrogate pair, which no UTF-8 decodes to. */
const HALF = 0xdc00;
const halves = /([\udc80-\udcff]+)/u;

/**
 * Bytes as text that keeps each of them: a character as itself, a byte that belongs to none as one of U+DC80 to U+DCFF.
 * So a command line can be read as text, whatever is in it, and be made bytes again by `keptArgument`.
 */
export function keptText(bytes: Buffer): string {
  let text = '';
  for (let at = 0; at < bytes.length;) {
    const length = [1, 2, 3, 4].find((size) => isUtf8(bytes.subarray(at, at + size))) ?? 0;
    text += length > 0 ? bytes.toString('utf8', at, at + length) : String.fromCharCode(HALF + (bytes[at] as number));
    at += Math.max(length, 1);
  }
  return text;
}

/** Whether text keeps bytes that are not UTF-8. */
export const keepsBytes = (text: string): boolean => halves.test(text);

/** What `keptText` was made of; any other text as it is. */
export function keptArgument(text: string): Argument {
  if (!keepsBytes(text)) return text;
  // Those between are what `split` has found, and of a half of a pair latin1 takes the byte.
  return Buffer.concat(text.split(halves).map((part, i) => Buffer.from(part, i % 2 === 1 ? 'latin1' : 'utf8')));
}

/** Bytes as an argument: text wherever they are UTF-8. */
export const argumentOf = (bytes: Buffer): Argument => (isUtf8(bytes) ? bytes.toString('utf8') : bytes);

/** Whether a command cannot be given this argument: the system ends one at a NUL. */
export const hasNul = (argument: Argument): boolean =>
  typeof argument === 'string' ? argument.includes('\0') : argument.includes(0);
