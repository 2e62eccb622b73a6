import { statSync } from 'node:fs';
import { parseGlob } from '../glob-pattern.js';
import { namesBetween } from './excludes.js';
import { absolute, joined } from './locate.js';
import { PatternSet } from './pattern-state.js';

/** Whether one of some patterns, which are meant from `cwd`, matches the file at an absolute path, were it there. */
export function covers(patterns: readonly string[], cwd: string, hidden: boolean, path: string): boolean {
  return patterns.some((pattern) => {
    const place = absolute(joined(cwd, pattern));
    const found = statSync(place, { throwIfNoEntry: false });
    if (found?.isDirectory() === true) return namesBetween(place, path) !== undefined;
    if (found !== undefined) return place === path;
    const { base, ways } = parseGlob(pattern);
    const names = namesBetween(absolute(joined(cwd, base)), path);
    if (names === undefined) return false;
    let state = new PatternSet(hidden).start(ways);
    for (const name of names.slice(0, -1)) state = state?.enter(name);
    return state?.matches(names.at(-1) ?? '') === true;
  });
}
