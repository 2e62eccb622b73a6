import { isatty } from 'node:tty';
import { styleText } from 'node:util';
import { messageOf } from '../core/errors.js';
import { printable } from '../core/printable.js';
import { lineStart } from './line-start.js';

type Style = Parameters<typeof styleText>[0];

/** Text in a style, when the descriptor is a terminal that wants colours (`NO_COLOR` and `FORCE_COLOR` are obeyed). */
export const styled = (style: Style, text: string, fd: number): string =>
  wantsColor(fd) ? styleText(style, text, { validateStream: false }) : text;

export function wantsColor(fd: number): boolean {
  const { NO_COLOR, FORCE_COLOR, TERM } = process.env;
  if (NO_COLOR !== undefined && NO_COLOR !== '') return false;
  if (FORCE_COLOR !== undefined && FORCE_COLOR !== '') return FORCE_COLOR !== '0' && FORCE_COLOR !== 'false';
  return isatty(fd) && TERM !== 'dumb';
}

/** Whether standard error is a terminal that has room to draw in; some report no columns at all. */
export const canDraw = (): boolean => isatty(2) && process.stderr.columns > 0 && process.env.TERM !== 'dumb';

let redact = (text: string): string => text;

/** Hides secrets in all that is said from now on. */
export function hideWith(hide: (text: string) => string): void {
  redact = hide;
}

/** A text without its secrets. */
export const hidden = (text: string): string => redact(text);

/** Writes lines to standard error, each as one line whatever the data in it. */
export function say(...lines: readonly string[]): void {
  if (lines.length === 0) return;
  process.stderr.write(lineStart() + lines.map((line) => `batchx: ${printable(redact(line))}\n`).join(''));
}

/** Writes lines that belong to the one before, each as far as there is room for it. */
export function sayBelow(...lines: readonly string[]): void {
  process.stderr.write(lines.map((line) => `  ${cut(printable(redact(line)), roomBelow())}\n`).join(''));
}

/** The longest line that is still read, in characters. */
const LONGEST = 200;

/** How many characters a line has that belongs to the one before. */
export function roomBelow(): number {
  const { columns } = process.stderr;
  // A full line makes some terminals begin another.
  return (isatty(2) && columns > 0 ? Math.min(columns - 1, LONGEST) : LONGEST) - 2;
}

/** Text that is longer than its room, without its end. */
export const cut = (text: string, room: number): string =>
  text.length > room ? `${text.slice(0, Math.max(room - 3, 0))}...` : text;

/** Tells of a fault in batchx itself; the stack trace only to those who look for it. */
export function sayBug(error: unknown): void {
  say(`a bug in batchx: ${messageOf(error)}`);
  if (process.env.BATCHX_DEBUG === undefined) say('with BATCHX_DEBUG=1 it tells where; please report that');
  else if (error instanceof Error) process.stderr.write(`${redact(error.stack ?? '')}\n`);
}
