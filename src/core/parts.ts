import { BatchxError } from './errors.js';
import { Item, type Metadata } from './item.js';
import { SplitOrigin } from './origin.js';
import { isPromiseLike } from './promise.js';
import type { Slot } from './slot.js';

/** Gives the parts of an item: an iterable, an asynchronous one, or the promise of either. */
export type Project = (data: unknown, item: Item, slot: Pick<Slot, 'signal'>) => unknown;

type Pulled = IteratorResult<unknown>;

/** An item that is being taken apart. */
export class Splitting implements Pick<Slot, 'signal'> {
  readonly #parent: Item;
  readonly #project: Project;
  readonly #origin: SplitOrigin;
  readonly #outputs: Metadata | undefined;
  #iterator: Iterator<unknown> | AsyncIterator<unknown> | undefined;
  #parts = 0;
  #parentId: string | undefined;
  #controller: AbortController | undefined;
  #pulling = false;
  #left = false;

  constructor(parent: Item, project: Project) {
    this.#parent = parent;
    this.#project = project;
    this.#origin = new SplitOrigin(parent);
    // The result so far is that of the whole.
    const { result: _, ...others } = parent.outputs;
    this.#outputs = parent.extra.outputs === undefined ? undefined : others;
  }

  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#left) this.#abort();
    return this.#controller.signal;
  }

  /** The next part's data; throws what the user's code throws. */
  next(): Pulled | Promise<Pulled> {
    this.#pulling = true;
    try {
      this.#iterator ??= iteratorOf(this.#project(this.#parent.data, this.#parent, this));
      return this.#iterator.next();
    } finally {
      this.#pulling = false;
      if (this.#left) this.leave();
    }
  }

  /** The item for a part. */
  part(data: unknown): Item {
    const number = ++this.#parts;
    const parent = this.#parent;
    this.#origin.add();
    return new Item(parent.seq, data, undefined, parent.place, parent.at, {
      // The id of a row means counting lines: it is found when somebody asks, once for all parts.
      id: () => `${(this.#parentId ??= parent.id)}/${number}`,
      metadata: parent.extra.metadata,
      outputs: this.#outputs,
      origin: this.#origin,
      part: number,
    });
  }

  /** There are no more parts. If there has been none the item itself goes on, skipped. */
  end(): Item | undefined {
    if (this.#parts === 0) return this.#parent.skip('filtered');
    this.#origin.close();
    return undefined;
  }

  /** The item itself, failed: it goes on as the last of its parts. */
  fail(error: unknown): Item {
    const failed = this.#parent.fail(BatchxError.from(error));
    if (this.#parts === 0) return failed;
    this.#origin.add();
    this.#origin.close();
    return failed.withExtra({ origin: this.#origin });
  }

  /** Nobody wants the parts any more, nor to be told of an error of the clean-up. */
  leave(): void {
    this.#left = true;
    this.#abort();
    // What a generator does itself cannot end it before it has given its part.
    if (this.#pulling) return;
    const iterator = this.#iterator;
    this.#iterator = undefined;
    try {
      const ended: unknown = iterator?.return?.();
      if (isPromiseLike(ended)) ended.then(undefined, () => undefined);
    } catch {
      // As said.
    }
  }

  #abort(): void {
    this.#controller?.abort(new BatchxError('aborted', 'the parts are not wanted any more'));
  }
}

function iteratorOf(parts: unknown): Iterator<unknown> | AsyncIterator<unknown> {
  if (isPromiseLike(parts)) return promised(parts);
  if (typeof parts === 'object' && parts !== null) {
    if (Symbol.asyncIterator in parts) return (parts as AsyncIterable<unknown>)[Symbol.asyncIterator]();
    if (Symbol.iterator in parts) return (parts as Iterable<unknown>)[Symbol.iterator]();
  }
  const got = typeof parts === 'string' ? 'text' : parts === null ? 'null' : typeof parts;
  throw new BatchxError('expression', `expected an array or another iterable of parts, got ${got}`);
}

async function* promised(parts: PromiseLike<unknown>): AsyncGenerator {
  const iterator = iteratorOf(await parts);
  yield* { [Symbol.asyncIterator]: () => iterator as AsyncIterator<unknown> };
}
