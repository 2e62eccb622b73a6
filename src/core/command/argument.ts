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

/** Bytes as an argument: text wherever they are UTF-8. */
export const argumentOf = (bytes: Buffer): Argument => (isUtf8(bytes) ? bytes.toString('utf8') : bytes);

/** Whether a command cannot be given this argument: the system ends one at a NUL. */
export const hasNul = (argument: Argument): boolean =>
  typeof argument === 'string' ? argument.includes('\0') : argument.includes(0);
