import type { Remaining } from '../report/estimate.js';
import type { ProgressFigures } from '../report/run-progress.js';
import { showSpan } from './show-span.js';

/**
 * How a run stands, in parts, what matters most first. What was skipped is no part of what is to be done, so that it
 * moves nothing; the rate is that of all items that are settled, as the report has it.
 */
export function progressParts({ counts, total, rate, remaining, retries }: ProgressFigures): string[] {
  const { ok, failed, skipped, inDoubt, pending } = counts;
  const of = total === undefined ? '?' : number(Math.max(total - skipped, 0));
  return [
    `${number(ok + failed + inDoubt)}/${of} done`,
    ...some(failed, 'failed'),
    ...some(inDoubt, 'in doubt'),
    `${perSecond(rate)}/s`,
    ...(remaining === undefined ? [] : [left(remaining)]),
    `${number(pending)} in flight`,
    ...some(skipped, 'skipped'),
    ...some(retries, retries === 1 ? 'retry' : 'retries'),
  ];
}

export const some = (count: number, word: string): string[] => (count > 0 ? [`${number(count)} ${word}`] : []);

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

export const perSecond = (rate: number): string =>
  rate < 10 ? rate.toLocaleString('en', { maximumFractionDigits: 1 }) : number(Math.round(rate));

function left({ least, most }: Remaining): string {
  if (most === undefined) return `more than ${showSpan(least, 'down')} left`;
  const [from, to] = [showSpan(least, 'down'), showSpan(most, 'up')];
  return least === most || from === to ? `${to} left` : `${from} to ${to} left`;
}
