import { compileGlob, isHidden, type Segment } from './segment.js';

/** A segment of a pattern with those that follow it. */
interface Part {
  readonly id: number;
  readonly kind: Segment['kind'];
  readonly next: Part | undefined;
  test(name: string): boolean;
}

/** Patterns that are followed together down a tree, name by name. */
export class PatternSet {
  readonly #hidden: boolean;
  /** Each state once, so that it can be told by its number. Few of those that are possible are ever met. */
  readonly #states = new Map<string, PatternState>();
  #parts = 0;

  constructor(hidden: boolean) {
    this.#hidden = hidden;
  }

  /** The state at the folder from which these ways lead; undefined when there are none. */
  start(ways: Iterable<readonly Segment[]>): PatternState | undefined {
    const parts: Part[] = [];
    for (const way of ways) {
      const part = way.reduceRight<Part | undefined>((next, segment) => this.#part(segment, next), undefined);
      if (part !== undefined) parts.push(part);
    }
    return this.at(parts);
  }

  at(parts: Iterable<Part>): PatternState | undefined {
    const all = new Set<Part>();
    for (const part of parts) {
      all.add(part);
      // `**` may also be no folder at all.
      if (part.kind === 'any' && part.next !== undefined) all.add(part.next);
    }
    if (all.size === 0) return undefined;
    const sorted = [...all].sort((a, b) => a.id - b.id);
    const key = sorted.map(({ id }) => id).join();
    let state = this.#states.get(key);
    if (state === undefined) this.#states.set(key, (state = new PatternState(this, this.#states.size, sorted)));
    return state;
  }

  #part(segment: Segment, next: Part | undefined): Part {
    return { id: this.#parts++, kind: segment.kind, next, test: this.#test(segment) };
  }

  #test(segment: Segment): (name: string) => boolean {
    if (segment.kind === 'any') return this.#hidden ? () => true : (name) => !isHidden(name);
    if (segment.kind === 'glob') return compileGlob(segment.glob, this.#hidden);
    return (name) => name === segment.name;
  }
}

/** How far patterns have been followed: what may match in one folder, and below it. */
export class PatternState {
  readonly number: number;
  readonly parts: readonly Part[];
  /** Whether all that is below is matched. */
  readonly whole: boolean;
  readonly #set: PatternSet;
  readonly #last: readonly Part[];
  /** The part that goes on, where it is one `**` alone: then each folder is like the one before. */
  readonly #any: Part | undefined;
  #inside: PatternState | undefined;

  constructor(set: PatternSet, number: number, parts: readonly Part[]) {
    this.#set = set;
    this.number = number;
    this.parts = parts;
    this.#last = parts.filter(({ next }) => next === undefined);
    const [first, ...others] = parts.filter(({ kind, next }) => kind === 'any' || next !== undefined);
    this.#any = first?.kind === 'any' && others.length === 0 ? first : undefined;
    this.whole = this.#last.some(({ kind }) => kind === 'any');
  }

  /** Whether a file of this name is matched in this folder. */
  matches(name: string): boolean {
    const last = this.#last;
    for (let i = 0; i < last.length; i++) if ((last[i] as Part).test(name)) return true;
    return false;
  }

  /** The state in the folder of this name; undefined when nothing in there can match. */
  enter(name: string): PatternState | undefined {
    if (this.#any !== undefined) return this.#any.test(name) ? (this.#inside ??= this.#set.at([this.#any])) : undefined;
    return this.#set.at(
      this.parts.flatMap((part) => {
        if (!part.test(name)) return [];
        return part.kind === 'any' ? [part] : (part.next ?? []);
      }),
    );
  }

  /** As `enter`, by those patterns alone that write out the name. */
  enterNamed(name: string): PatternState | undefined {
    return this.#set.at(
      this.parts.flatMap((part) => (part.kind === 'name' && part.test(name) ? (part.next ?? []) : [])),
    );
  }
}
