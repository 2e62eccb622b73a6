import type { AtomicFile } from './atomic-file.js';
import type { Claim } from './claims.js';
import { BatchxError } from './errors.js';
import type { Events } from './events.js';
import type { Item } from './item.js';
import { unwritten } from './output-error.js';

/** The file of an item that has a path to itself. */
export class ClaimedFile implements AtomicFile {
  readonly path: string;
  readonly #file: AtomicFile;
  readonly #claim: Claim;
  readonly #item: Item;
  readonly #folders: () => Promise<unknown>;
  readonly #events: Events | undefined;

  constructor(
    file: AtomicFile,
    shown: string,
    claim: Claim,
    item: Item,
    folders: () => Promise<unknown>,
    events?: Events,
  ) {
    this.path = shown;
    this.#file = file;
    this.#claim = claim;
    this.#item = item;
    this.#folders = folders;
    this.#events = events;
  }

  get temp(): string {
    return this.#file.temp;
  }

  fill(content: Uint8Array): Promise<void> {
    return this.#claimed(() => this.#file.fill(content));
  }

  async commit(check?: Parameters<AtomicFile['commit']>[0]): Promise<boolean> {
    let bytes = 0;
    const placed = await this.#claimed(async () => {
      await this.#folders();
      if (!this.#claim.valid) throw new BatchxError('aborted', `${this.path} is written by a later attempt`);
      return this.#file.commit((file) => {
        bytes = file.size;
        return check?.(file);
      });
    });
    this.#claim.keep();
    if (placed) this.#events?.emit('batch:output', { path: this.path, bytes, item: this.#item });
    return placed;
  }

  async discard(): Promise<void> {
    await this.#file.discard();
    this.#claim.release();
  }

  async #claimed<R>(work: () => Promise<R>): Promise<R> {
    try {
      return await work();
    } catch (error) {
      await this.discard();
      throw ofItem(unwritten(this.path, error), this.#item);
    }
  }
}

/** An error that ends the run is told without its item otherwise. */
export function ofItem(error: BatchxError, item: Item): BatchxError {
  if (error.class !== 'fatal') return error;
  const { code, message, where, cause } = error;
  return new BatchxError(code, `${message}, for the item ${item.id}`, {
    class: 'fatal',
    where: where ?? item.id,
    cause,
  });
}
