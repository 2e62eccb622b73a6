import type { Stats } from 'node:fs';
import { realpath, stat } from 'node:fs/promises';
import { resolve, sep } from 'node:path';
import { unreadable } from '../bytes-in.js';
import { systemCode } from '../errors.js';
import { type GlobPattern, parseGlob, plainPath } from '../glob-pattern.js';
import { ANY, type Segment } from './segment.js';

/** A pattern, and where it leads. */
export interface Located {
  readonly kind: 'file' | 'tree';
  /** The file, or the folder from which the ways lead: from where the program runs. A folder ends in a slash, or is empty. */
  readonly path: string;
  /** The same as an absolute path. */
  readonly at: string;
  readonly ways: GlobPattern['ways'];
  readonly stats: Stats;
}

/**
 * Finds out what a pattern means: a path that exists is itself, whatever characters are in it; a folder is all that is
 * in it; anything else is a glob. A path that does not exist throws, and so does a glob of which the folder does not.
 */
export async function locate(pattern: string, cwd: string): Promise<Located> {
  const asked = statsAt(joined(cwd, pattern)).catch(() => undefined);
  // Most patterns are no paths: meanwhile where such a one would lead is asked for too.
  const base = basesOf(pattern).map((path) => statsAt(joined(cwd, path)));
  base[0]?.catch(() => undefined);
  const known = await asked;
  const glob = known === undefined ? parseGlob(pattern) : literal(pattern);
  const plain = plainPath(glob);
  const path = joined(cwd, plain ?? glob.base);
  let stats: Stats;
  try {
    stats = known ?? (await (base[0] ?? statsAt(path)));
  } catch (error) {
    const what = plain === undefined ? 'folder' : 'file or folder';
    const why = systemCode(error) === 'ENOENT' ? `there is no such ${what}` : undefined;
    throw unreadable(plain === undefined ? path.replace(/(?<=.)\/$/, '') : joined(cwd, pattern), error, why);
  }
  const at = await placeOf(path, stats);
  if (plain === undefined) return { kind: 'tree', path, at, ways: glob.ways, stats };
  if (!stats.isDirectory()) return { kind: 'file', path, at, ways: [], stats };
  return { kind: 'tree', path: path.replace(/(?<=[^/])$/, '/'), at, ways: [[ANY]], stats };
}

/** The folder that a pattern begins with, if it is a glob; one that is none is told later. */
function basesOf(pattern: string): string[] {
  try {
    const glob = parseGlob(pattern);
    return plainPath(glob) === undefined ? [glob.base] : [];
  } catch {
    return [];
  }
}

/**
 * The absolute path. That of one that goes up again behind a name is told by its text only where the name is no link.
 */
async function placeOf(path: string, { dev, ino }: Stats): Promise<string> {
  const at = absolute(path);
  if (!/(?:^|\/)(?!\.\.\/)[^/]+\/\.\.(?:\/|$)/.test(path)) return at;
  const there = await statsAt(at).catch(() => undefined);
  return there?.dev === dev && there.ino === ino ? at : absolute(await realpath(path));
}

/** What a pattern means that is not to be found: as `locate` reads it, only that it need not lead anywhere. */
export async function readPattern(pattern: string, cwd: string): Promise<GlobPattern> {
  const exists = await statsAt(joined(cwd, pattern)).then(
    () => true,
    () => false,
  );
  return exists ? literal(pattern) : parseGlob(pattern);
}

export const joined = (cwd: string, path: string): string =>
  path.startsWith('/')
    ? path
    : (cwd.startsWith('/') ? '/' : '') +
      namesOf(cwd)
        .map((name) => `${name}/`)
        .join('') +
      path;

export const absolute = (path: string): string => (sep === '/' ? resolve(path) : resolve(path).replaceAll(sep, '/'));

const statsAt = (path: string): Promise<Stats> => stat(path === '' ? '.' : path);

/** The path, as a glob in which nothing but names is. */
function literal(path: string): GlobPattern {
  const names = namesOf(path);
  const last = names.splice(-1).map((name): Segment => ({ kind: 'name', name }));
  return { base: (path.startsWith('/') ? '/' : '') + names.map((name) => `${name}/`).join(''), ways: [last] };
}

/** The names of a path, without those that lead nowhere. */
const namesOf = (path: string): string[] => path.split('/').filter((name) => name !== '' && name !== '.');
