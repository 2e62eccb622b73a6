import type { GlobPattern } from '../glob-pattern.js';
import { absolute, joined } from './locate.js';
import { type PatternState, PatternSet } from './pattern-state.js';
import { ANY, type Segment } from './segment.js';

/** A pattern of what is not wanted. */
interface Exclude {
  /** The folder from which its ways lead, without a slash at the end. */
  readonly base: string;
  readonly ways: readonly (readonly Segment[])[];
  /** Whether it begins with `**`: such a one also holds in trees that lie elsewhere. */
  readonly anywhere: boolean;
}

/**
 * What is not wanted, seen from any folder. What lies in a folder that is not wanted is not wanted either; names that
 * begin with a dot are matched as any others.
 */
export class Excludes {
  readonly #cwd: string;
  readonly #excludes: readonly Exclude[];
  readonly #set: PatternSet;
  readonly #known = new Map<string, PatternState | undefined>();

  constructor(globs: readonly GlobPattern[], cwd: string) {
    this.#cwd = absolute(cwd);
    this.#set = new PatternSet(true);
    this.#excludes = globs.map(({ base, ways }) => ({
      base: absolute(joined(cwd, base)),
      ways: ways.flatMap((way) => (way.at(-1) === ANY ? [way] : [way, [...way, ANY]])),
      anywhere: base === '' && ways.every(([first]) => first === ANY),
    }));
  }

  /** The state at a folder, of which the absolute path is given; undefined when all in it is wanted. */
  at(folder: string): PatternState | undefined {
    if (!this.#known.has(folder)) {
      const states = this.#excludes.map((exclude) => this.#stateOf(exclude, folder));
      this.#known.set(folder, this.#set.at(states.flatMap((state) => state?.parts ?? [])));
    }
    return this.#known.get(folder);
  }

  #stateOf({ base, ways, anywhere }: Exclude, folder: string): PatternState | undefined {
    if (anywhere && namesBetween(this.#cwd, folder) === undefined) return this.#set.start(ways);
    const below = namesBetween(folder, base);
    if (below !== undefined) return this.#set.start(waysBelow(below, ways));
    let state = this.#set.start(ways);
    for (const name of namesBetween(base, folder) ?? ['']) state = state?.enter(name);
    return state;
  }
}

/** The names that lead from one folder to another, by their absolute paths; undefined when it is not in there. */
export function namesBetween(outer: string, inner: string): string[] | undefined {
  const start = outer.endsWith('/') ? outer : `${outer}/`;
  return `${inner}/`.startsWith(start) || inner === outer
    ? inner.slice(start.length).split('/').filter(Boolean)
    : undefined;
}

/** The same ways, from a folder that lies so much higher. */
export const waysBelow = (names: readonly string[], ways: readonly (readonly Segment[])[]): (readonly Segment[])[] =>
  ways.map((way) => [...names.map((name): Segment => ({ kind: 'name', name })), ...way]);
