import type { Argument } from '../core/command/argument.js';
import { Arguments } from '../core/command/arguments.js';
import { FileEntry } from '../core/file-entry.js';
import { Item } from '../core/item.js';
import type { Row } from './argument-reader.js';

/** A list that has been read. */
export interface Held {
  readonly rows: readonly Row[];
  /** What each row is called in an id. */
  readonly labels: readonly string[];
  readonly names: readonly string[];
}

/** A row of one list or of several, on its way to be the values of an item. */
export interface Combined {
  readonly values: readonly Argument[];
  readonly names: readonly string[] | undefined;
  /** Undefined for a row that is called by its place in the input. */
  readonly label: string | undefined;
}

/** Labels that no two rows of a list share, and that can be told apart when they are put side by side. */
export function labelsOf(rows: readonly Row[]): string[] {
  const labels = rows.map((row) => row.map((value) => (typeof value === 'string' ? value : '\ufffd')).join(','));
  const clear = labels.every((label) => /^[^#\s][^\s]*$/.test(label) && !label.includes('\ufffd'));
  return clear && new Set(labels).size === labels.length ? labels : rows.map((_, i) => `#${i + 1}`);
}

/** Rows side by side, with the names of their columns as long as these are known. */
export function sideBySide(parts: readonly Combined[]): Combined {
  const [only] = parts;
  if (parts.length === 1 && only !== undefined) return only;
  const named = parts.some(({ names }) => names !== undefined);
  return {
    values: parts.flatMap(({ values }) => values),
    names: named ? parts.flatMap(({ names = [], values }) => values.map((_, i) => names[i] ?? '')) : undefined,
    label: parts.every(({ label }) => label !== undefined) ? parts.map(({ label }) => label).join(' ') : undefined,
  };
}

/** Row `i` of a list. */
export const rowAt = ({ rows, labels, names }: Held, i: number): Combined => ({
  values: rows[i] ?? [],
  names: names.length > 0 ? names : undefined,
  label: labels[i],
});

/** The data of a dead letter as they were: values, or a file that another source had found. */
const again = (json: unknown): unknown => Arguments.fromJSON(json) ?? FileEntry.fromJSON(json) ?? json;

/** Puts the rows of a list that is read together with those of lists that are held. */
export interface Arrangement {
  /** What the next row of the first list gives. */
  next(row: Combined): Iterable<Combined>;
  /** What is left when the first list is over. */
  rest(): Iterable<Combined>;
}

/**
 * Every combination of one row of each group of linked lists, the last group varying fastest. `groups[0]` are the lists
 * that are linked to the first. A group is as long as its shortest list.
 */
export class Nested implements Arrangement {
  readonly #partners: readonly Held[];
  readonly #groups: readonly (readonly Combined[])[];
  #at = 0;

  constructor([partners = [], ...groups]: readonly (readonly Held[])[]) {
    this.#partners = partners;
    this.#groups = groups.map((lists) =>
      Array.from({ length: Math.min(...lists.map(({ rows }) => rows.length)) }, (_, i) =>
        sideBySide(lists.map((list) => rowAt(list, i))),
      ),
    );
  }

  next(row: Combined): Iterable<Combined> {
    const at = this.#at++;
    const partners = this.#partners.map((list) => rowAt(list, at));
    if (this.#partners.some(({ rows }) => rows.length <= at)) return [];
    return product(sideBySide([row, ...partners]), this.#groups);
  }

  rest(): Iterable<Combined> {
    return [];
  }
}

function* product(first: Combined, groups: readonly (readonly Combined[])[]): Generator<Combined> {
  if (groups.some((group) => group.length === 0)) return;
  const at = groups.map(() => 0);
  for (;;) {
    yield sideBySide([first, ...groups.map((group, i) => group[at[i] as number] as Combined)]);
    let i = groups.length - 1;
    for (; i >= 0; i--) {
      at[i] = (at[i] as number) + 1;
      if ((at[i] as number) < (groups[i]?.length ?? 0)) break;
      at[i] = 0;
    }
    if (i < 0) return;
  }
}

/** The first row of all lists, then the second, ...: as many as the longest has; shorter ones begin again. */
export class Linked implements Arrangement {
  readonly #lists: readonly Held[];
  readonly #longest: number;
  /** Rows of the first list, in case that another one is longer. */
  readonly #kept: Combined[] = [];
  #at = 0;

  constructor(lists: readonly Held[]) {
    this.#lists = lists;
    this.#longest = Math.max(0, ...lists.map(({ rows }) => rows.length));
  }

  next(row: Combined): Iterable<Combined> {
    if (this.#lists.some(({ rows }) => rows.length === 0)) return [];
    if (this.#kept.length < this.#longest) this.#kept.push(row);
    const at = this.#at++;
    return [sideBySide([row, ...this.#lists.map((list) => rowAt(list, at % list.rows.length))])];
  }

  *rest(): Iterable<Combined> {
    const { length } = this.#kept;
    while (length > 0 && this.#at < this.#longest) yield* this.next(this.#kept[this.#at % length] as Combined);
  }
}

/** The longest id that is made of values. */
const LABEL = 80;

/** Makes items of rows, `perJob` of them for each. */
export class Jobs {
  readonly #perJob: number;
  #seq = 0;
  #rows: Combined[] = [];
  #first: Item | undefined;

  constructor(perJob: number) {
    this.#perJob = perJob;
  }

  /** The item that is whole with this row, which came from `from`. */
  add(row: Combined, from: Item): Item<Arguments> | undefined {
    this.#first ??= from;
    this.#rows.push(row);
    return this.#rows.length < this.#perJob ? undefined : this.flush();
  }

  /** The item of the rows that are left. */
  flush(): Item<Arguments> | undefined {
    const { place, at = 0 } = this.#first ?? {};
    const [first] = this.#rows;
    if (first === undefined) return undefined;
    const { values, label } = sideBySide(this.#rows);
    // `{name}` is that of the first row; those after it can be had by their positions.
    const data = new Arguments(values, first.names);
    const seq = this.#seq++;
    this.#rows = [];
    this.#first = undefined;
    if (label === undefined && (this.#perJob > 1 || place !== undefined)) {
      return new Item(seq, data, undefined, place, at);
    }
    const id = label !== undefined && label.length <= LABEL ? label : `#${seq + 1}`;
    return new Item(seq, data, undefined, place, at, { id });
  }

  /** A line that failed, or an item that a dead letter was, in its place among the others. */
  pass(item: Item): Item {
    // One that is left in doubt has its data, a line that could not be read has none.
    const data = item.error === undefined || item.error.inDoubt ? again(item.data) : undefined;
    return new Item(this.#seq++, data, item.raw, item.place, item.at, item.extra, item.error);
  }
}
