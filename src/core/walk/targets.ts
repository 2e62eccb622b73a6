import { dirname } from 'node:path';
import { FileEntry, plainly } from '../file-entry.js';
import type { Tree } from '../walk.js';
import { Excludes, namesBetween, waysBelow } from './excludes.js';
import { inTurn } from './in-turn.js';
import { locate, type Located, readPattern } from './locate.js';
import { PatternSet } from './pattern-state.js';

export interface TargetOptions {
  readonly patterns: readonly string[];
  readonly exclude: readonly string[];
  /** Where patterns are meant from; empty for where the program runs. */
  readonly cwd: string;
  readonly hidden: boolean;
  /** Whether the size and the time of files are wanted. */
  readonly stats: boolean;
}

/** What patterns lead to: files that are named, and trees that have to be walked. */
export interface Targets {
  readonly files: readonly FileEntry[];
  readonly trees: readonly Tree[];
}

/**
 * Finds out what patterns lead to, each file once: patterns whose folders lie within each other become one tree. The
 * names of all files are relative to the folder that the patterns have in common.
 */
export async function targetsOf(options: TargetOptions): Promise<Targets> {
  const { patterns, exclude, cwd, hidden } = options;
  const found = await inTurn(patterns, (pattern) => locate(pattern, cwd));
  const unwanted = await inTurn(exclude, (pattern) => readPattern(pattern, cwd));
  const excludes = new Excludes(unwanted, cwd);
  const common = commonFolder(found.map(({ kind, at }) => (kind === 'file' ? dirname(at) : at)));
  const under = (path: string): string => (namesBetween(common, path) ?? []).join('/');

  const files = new Map<string, FileEntry>();
  for (const {
    kind,
    path,
    at,
    stats: { size, mtimeMs },
  } of found) {
    if (kind === 'tree' || excludes.at(dirname(at))?.matches(at.slice(at.lastIndexOf('/') + 1)) === true) continue;
    files.set(
      at,
      new FileEntry(plainly(path), { cut: Infinity, lead: under(at) }, options.stats ? { size, mtimeMs } : undefined),
    );
  }
  const given = new Set([...files.values()].map(({ relative }) => relative));
  const trees = treesOf(found.filter(({ kind }) => kind === 'tree')).flatMap(([outer, ...others]): Tree[] => {
    const ways = [outer, ...others].flatMap((tree) => waysBelow(namesBetween(outer.at, tree.at) ?? [], tree.ways));
    const include = new PatternSet(hidden).start(ways);
    const unwantedHere = excludes.at(outer.at);
    if (include === undefined || unwantedHere?.whole === true) return [];
    const prefix = plainly(outer.path);
    const lead = under(outer.at);
    const root = { cut: prefix.length, lead: lead === '' ? '' : `${lead}/` };
    return [{ prefix, include, exclude: unwantedHere, root, given, bytes: outer.stats.size }];
  });
  return { files: [...files.values()], trees };
}

type Group = [outer: Located, ...others: Located[]];

/** The outermost folders, each with those that lie in it, in the order in which they were given. */
function treesOf(trees: readonly Located[]): Group[] {
  const groups: Group[] = [];
  // In this order a folder comes right before those that lie in it.
  const sorted = [...trees].sort((a, b) => (`${a.at}/` < `${b.at}/` ? -1 : a.at === b.at ? 0 : 1));
  for (const tree of sorted) {
    const group = groups.at(-1);
    if (group !== undefined && namesBetween(group[0].at, tree.at) !== undefined) group.push(tree);
    else groups.push([tree]);
  }
  const places = new Map(trees.map((tree, i) => [tree, i]));
  const first = (group: Group): number => Math.min(...group.map((tree) => places.get(tree) ?? 0));
  return groups.sort((a, b) => first(a) - first(b));
}

function commonFolder(folders: readonly string[]): string {
  const [first = '/', ...others] = folders;
  let names = first.split('/');
  for (const folder of others) {
    const parts = folder.split('/');
    const end = names.findIndex((name, i) => parts[i] !== name);
    if (end !== -1) names = names.slice(0, end);
  }
  return names.join('/') || '/';
}
