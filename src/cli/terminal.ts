import { styleText } from 'node:util';
import { printable } from '../core/printable.js';

type Style = Parameters<typeof styleText>[0];

/** Text in a style, when the stream is a terminal that wants colours (`NO_COLOR` and `FORCE_COLOR` are obeyed). */
export const styled = (style: Style, text: string, stream: NodeJS.WriteStream): string =>
  wantsColor(stream) ? styleText(style, text, { validateStream: false }) : text;

function wantsColor(stream: NodeJS.WriteStream): boolean {
  const { NO_COLOR, FORCE_COLOR, TERM } = process.env;
  if (NO_COLOR !== undefined && NO_COLOR !== '') return false;
  if (FORCE_COLOR !== undefined && FORCE_COLOR !== '') return FORCE_COLOR !== '0' && FORCE_COLOR !== 'false';
  return stream.isTTY && TERM !== 'dumb';
}

/** Whether a stream is a terminal that has room to draw in; some report no columns at all. */
export const canDraw = (stream: NodeJS.WriteStream): boolean => stream.isTTY && stream.columns > 0;

let hide: (() => () => void) | undefined;

/** Lets the progress line make way for other lines: `hider` hides it and gives back how to show it again. */
export function makeWay(hider: typeof hide): void {
  hide = hider;
}

/** Writes lines to standard error, each as one line whatever the data in it. */
export function say(...lines: readonly string[]): void {
  const show = hide?.();
  process.stderr.write(lines.map((line) => `batchx: ${printable(line)}\n`).join(''));
  show?.();
}
