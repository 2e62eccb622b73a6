import { BatchxError } from './errors.js';
import { expandBraces, firstBrace } from './walk/braces.js';
import { ANY, type Segment, segmentOf } from './walk/segment.js';

/** A pattern, cut where its first glob begins. */
export interface GlobPattern {
  /** The folder before the first glob, ending in a slash; empty for the folder that patterns are meant from. */
  readonly base: string;
  /** What may follow below that folder; one way for each pattern that the braces stand for. */
  readonly ways: readonly (readonly Segment[])[];
}

/**
 * Reads a pattern: `*`, `?`, `[a-z]`, `!(...)`, `@(...)`, `+(...)`, `{a,b}`, `**` for any number of folders, and a
 * backslash before what is to stand for itself. One that ends in a slash means all that is in the folder.
 *
 * Without a glob in it there is one way, which is the last name of the path.
 */
export function parseGlob(pattern: string): GlobPattern {
  if (/[@?!+*]\([^()]*\/[^()]*\)/.test(pattern)) {
    throw new BatchxError('usage', `expected no \`/\` within the parentheses of a pattern, got ${pattern}`);
  }
  const fixed = segmentsOf(pattern.slice(0, firstBrace(pattern)).replace(/[^/]*$/, '')).length;
  const ways = expandBraces(pattern).map((each) => segmentsOf(each.replace(/\/\.?$/, '/**')));
  const [first = []] = ways;
  const glob = first.findIndex(({ kind }) => kind !== 'name');
  const cut = Math.min(firstBrace(pattern) === undefined ? first.length - 1 : fixed, glob === -1 ? Infinity : glob);
  const names = first.slice(0, Math.max(0, cut)) as { readonly name: string }[];
  return {
    base: (pattern.startsWith('/') ? '/' : '') + names.map(({ name }) => `${name}/`).join(''),
    ways: ways.map((way) => checked(way.slice(names.length), pattern)),
  };
}

/** The path that a pattern without a glob is; undefined of any other. */
export function plainPath({ base, ways }: GlobPattern): string | undefined {
  const [[segment, ...more] = [], ...others] = ways;
  if (more.length + others.length > 0) return undefined;
  return segment === undefined ? base : segment.kind === 'name' ? base + segment.name : undefined;
}

const segmentsOf = (pattern: string): Segment[] =>
  pattern
    .split('/')
    .filter((text) => text !== '' && text !== '.')
    .map(segmentOf)
    // `**/**` means no more than `**`, but would be tried in each way that it can be divided.
    .filter((segment, i, all) => segment !== ANY || all[i - 1] !== ANY);

function checked(way: Segment[], pattern: string): Segment[] {
  if (way.length > 1 && way.some((segment) => segment.kind === 'name' && segment.name === '..')) {
    throw new BatchxError('usage', `expected no \`..\` behind a glob, got ${pattern}`);
  }
  return way;
}
