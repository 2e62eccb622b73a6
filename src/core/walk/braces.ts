import { BatchxError } from '../errors.js';

/** So many patterns may come of one: the braces of `{a,b}{a,b}{a,b}...` multiply. */
const LIMIT = 1000;

/**
 * The patterns that a pattern with braces stands for, as shells expand them: `{a,b}`, `{1..9}`, `{01..12..2}`, `{a..e}`,
 * one within another. Braces that hold neither a comma nor a range stay as they are.
 */
export function expandBraces(pattern: string): string[] {
  const group = firstGroup(pattern);
  if (group === undefined) return [pattern];
  const head = pattern.slice(0, group.from);
  const tails = expandBraces(pattern.slice(group.to));
  const middles = group.parts.flatMap(expandBraces);
  if (middles.length * tails.length > LIMIT) throw tooMany(pattern);
  return middles.flatMap((middle) => tails.map((tail) => head + middle + tail));
}

/** Where the first braces begin that stand for several patterns; undefined when there are none. */
export const firstBrace = (pattern: string): number | undefined => firstGroup(pattern)?.from;

interface Group {
  readonly from: number;
  readonly to: number;
  readonly parts: readonly string[];
}

function firstGroup(pattern: string): Group | undefined {
  for (let i = 0; i < pattern.length; i++) {
    if (pattern[i] === '\\') i++;
    else if (pattern[i] === '{') {
      const group = groupAt(pattern, i);
      if (group !== undefined) return group;
    }
  }
  return undefined;
}

function groupAt(pattern: string, from: number): Group | undefined {
  const parts: string[] = [];
  let depth = 0;
  let start = from + 1;
  for (let i = from; i < pattern.length; i++) {
    const char = pattern[i];
    if (char === '\\') i++;
    else if (char === '{') depth++;
    else if (char === ',' && depth === 1) {
      parts.push(pattern.slice(start, i));
      start = i + 1;
    } else if (char === '}' && --depth === 0) {
      const last = pattern.slice(start, i);
      if (parts.length > 0) return { from, to: i + 1, parts: [...parts, last] };
      const range = rangeOf(last);
      return range === undefined ? undefined : { from, to: i + 1, parts: range };
    }
  }
  return undefined;
}

function rangeOf(text: string): string[] | undefined {
  const [, first = '', last = '', step = '1'] =
    /^(-?\d+|[a-zA-Z])\.\.(-?\d+|[a-zA-Z])(?:\.\.-?(\d+))?$/.exec(text) ?? [];
  const letters = /^[a-zA-Z]$/.test(first);
  if (first === '' || letters !== /^[a-zA-Z]$/.test(last)) return undefined;
  const [from, to] = letters ? [first.charCodeAt(0), last.charCodeAt(0)] : [Number(first), Number(last)];
  const by = Math.max(1, Number(step));
  if (!(Math.abs(to - from) / by < LIMIT)) throw tooMany(`{${text}}`);
  const width = [first, last].some((end) => /^-?0\d/.test(end)) ? Math.max(first.length, last.length) : 0;
  const found: string[] = [];
  for (let n = from; from <= to ? n <= to : n >= to; n += from <= to ? by : -by) {
    found.push(letters ? String.fromCharCode(n) : padded(n, width));
  }
  return found;
}

const padded = (n: number, width: number): string =>
  n < 0 ? `-${String(-n).padStart(width - 1, '0')}` : String(n).padStart(width, '0');

const tooMany = (pattern: string): BatchxError =>
  new BatchxError('usage', `the braces of ${pattern} stand for more than ${LIMIT} patterns`);
