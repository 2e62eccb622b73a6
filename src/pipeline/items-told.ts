import { Digests } from '../core/digests.js';
import type { Item } from '../core/item.js';
import type { Document, Path } from './file/document.js';
import type { PlacedFault } from './file/faults.js';

/** What can be wrong with the items of an input; of each kind so many are told, and the others counted. */
const KINDS = {
  input: 'more that cannot be read',
  id: 'more items with the id of another one',
  taken: 'more files that two items would be written to',
  refused: 'more files that cannot be written',
  fails: 'more items that would fail',
} as const;

export type ItemFaultKind = keyof typeof KINDS;

/** How many of a kind are told. */
const SHOWN = 20;

/** Gathers what is wrong with items: some of each kind in their words, all others as a number. */
export class ItemFaults {
  readonly #document: Document;
  readonly #counts = new Map<ItemFaultKind, number>();
  readonly #told: { kind: ItemFaultKind; fault: PlacedFault; first?: string | undefined }[] = [];

  constructor(document: Document) {
    this.#document = document;
  }

  /** `message` is asked only for those that are told; `first` is what the first of two that are alike is found by. */
  add(kind: ItemFaultKind, item: Item, path: Path, message: () => string, first?: string): void {
    const count = (this.#counts.get(kind) ?? 0) + 1;
    this.#counts.set(kind, count);
    if (count > SHOWN) return;
    const line = item.metadata.line as number | undefined;
    const at = path.join('.');
    const fault =
      line === undefined
        ? { file: this.#document.name, ...this.#document.position(path), path: at, message: `${item.id}: ${message()}` }
        : { file: String(item.metadata.source), line, path: at, message: message() };
    this.#told.push({ kind, fault, first });
  }

  /** What the first of two that are alike has to be found by. */
  get sought(): Set<string> {
    return new Set(this.#told.flatMap(({ first }) => first ?? []));
  }

  /** All that was told, with the names of those that came first in the place of `{first}`. */
  told(nameOf: (first: string) => string): PlacedFault[] {
    return (Object.keys(KINDS) as ItemFaultKind[]).flatMap((kind) => {
      const own = this.#told.filter((each) => each.kind === kind);
      const more = (this.#counts.get(kind) ?? 0) - own.length;
      const faults = own.map(({ fault, first }) =>
        first === undefined ? fault : { ...fault, message: fault.message.replace(FIRST, () => nameOf(first)) },
      );
      if (more === 0) return faults;
      const { path } = own[0]?.fault as PlacedFault;
      return [
        ...faults,
        { file: this.#document.name, path, message: `and ${more.toLocaleString('en')} ${KINDS[kind]}` },
      ];
    });
  }
}

/** What stands for the one of two items that came first, until it has been found again. */
export const FIRST = '{first}';

/** Which item was the first with a name of its own: of each some 32 bytes are held. */
export class FirstOnes {
  readonly #seen = new Digests();

  /** True for the first with this name; what an item has itself had before is no other. */
  isFirst(name: string, { seq }: Item): boolean {
    if (this.#seen.get(name) !== undefined) return false;
    this.#seen.set(name, seq);
    return true;
  }

  /** The number of the first one, from 1. */
  numberOf(name: string): number {
    return (this.#seen.get(name) ?? 0) + 1;
  }
}

/** Whether an item has both a line and a name of its own. */
export const isNamed = ({ metadata, where, id }: Item): boolean => metadata.line !== undefined && where !== id;

/** An item as people find it: by its id, and by where it stands unless that is the same. */
export const called = (item: Item): string => (isNamed(item) ? `"${item.id}" (${item.where ?? ''})` : item.id);
