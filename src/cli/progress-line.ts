import type { Counts } from '../core/account.js';

/** How a run stands, in parts, what matters most first. */
export function progressParts({ read, failed, skipped, pending }: Counts, seconds: number): string[] {
  const done = read - pending;
  const parts = [
    `${number(done)} done`,
    `${number(Math.round(done / Math.max(seconds, 0.001)))}/s`,
    `${number(pending)} in flight`,
  ];
  if (failed > 0) parts.splice(1, 0, `${number(failed)} failed`);
  if (skipped > 0) parts.push(`${number(skipped)} skipped`);
  return parts;
}

/** As many of the parts as have room in so many columns, in one line: half a number would be a wrong one. */
export function joinParts(parts: readonly string[], columns = Infinity): string {
  let line = '';
  for (const part of parts) {
    const longer = line === '' ? part : `${line} · ${part}`;
    if (longer.length > columns) break;
    line = longer;
  }
  return line;
}

/** A number as people read it. */
export const number = (value: number): string => value.toLocaleString('en');
