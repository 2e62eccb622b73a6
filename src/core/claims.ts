import { Digests } from './digests.js';
import { BatchxError } from './errors.js';
import type { Events } from './events.js';
import type { Item } from './item.js';
import type { Runtime } from './runtime.js';

/** The writers of a run that have not ended. */
const writers = new WeakMap<Events, Set<Claims>>();

/** A path that an item has to itself. */
export interface Claim {
  /** False once another attempt of the same item has taken it over. */
  readonly valid: boolean;
  /** The file is in place: the path is taken for as long as the writer goes on. */
  keep(): void;
  /** There is no file: others may have the path. Does nothing once it is kept. */
  release(): void;
}

/**
 * The paths that the items of one writer, a step or a sink, are written to. In a run no two items get the same one,
 * whichever of its writers they come from, neither at once nor later: the second is refused.
 *
 * Kept for each file until the writer ends: 20 to 32 bytes.
 */
export class Claims {
  readonly #all: Set<Claims>;
  readonly #open = new Map<string, { readonly item: Item; readonly claim: Claim }>();
  readonly #kept = new Digests();

  constructor({ events }: Runtime) {
    this.#all = writers.get(events) ?? new Set();
    writers.set(events, this.#all);
    this.#all.add(this);
  }

  /** Takes a path, without links, for an item; `shown` is how messages call it. Throws when another item has it. */
  claim(path: string, shown: string, item: Item): Claim {
    for (const writer of this.#all) {
      const other = writer.#ownerOf(path, item);
      if (other === undefined) continue;
      throw taken(shown, other);
    }
    const [open, kept] = [this.#open, this.#kept];
    const claim: Claim = {
      get valid() {
        return open.get(path)?.claim === claim;
      },
      keep() {
        if (!claim.valid) return;
        open.delete(path);
        kept.set(path, item.seq);
      },
      release() {
        if (claim.valid) open.delete(path);
      },
    };
    open.set(path, { item, claim });
    return claim;
  }

  /** Nothing more is written: the paths are free. */
  close(): void {
    this.#all.delete(this);
  }

  /** Whose a path is, in words. An item that is tried again may have what its earlier attempt has not finished. */
  #ownerOf(path: string, item: Item): string | undefined {
    const open = this.#open.get(path);
    if (open !== undefined) return open.item === item ? undefined : `the item ${open.item.id}`;
    const seq = this.#kept.get(path);
    return seq === undefined ? undefined : `an earlier item, number ${seq + 1} of its source`;
  }
}

/** The error of a path that another item has, which is told in words. */
export const taken = (shown: string, other: string): BatchxError =>
  new BatchxError(
    'path',
    `cannot write ${shown}: it is already the output of ${other}; let the path tell the items apart, as \`{{ index }}\` does`,
    { where: shown },
  );
