import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import type { AtomicFile } from './atomic-file.js';
import type { Claim } from './claims.js';
import { BatchxError } from './errors.js';
import type { Durable } from './durable.js';
import type { Events } from './events.js';
import type { OutputFile } from './identity.js';
import type { Item } from './item.js';
import { unwritten } from './output-error.js';
import type { OwnFiles } from './own-files.js';
import type { Runtime } from './runtime.js';

/** The file of an item that has a path to itself. */
export class ClaimedFile implements AtomicFile {
  readonly path: string;
  readonly #file: AtomicFile;
  readonly #claim: Claim;
  readonly #item: Item;
  readonly #folders: () => Promise<unknown>;
  readonly #events: Events | undefined;
  readonly #durable: Durable | undefined;
  readonly #own: OwnFiles | undefined;
  /** What it is made of, where that was given. */
  #content: Uint8Array | undefined;

  constructor(
    file: AtomicFile,
    shown: string,
    claim: Claim,
    item: Item,
    folders: () => Promise<unknown>,
    { events, durable, own }: Partial<Pick<Runtime, 'events' | 'durable' | 'own'>> = {},
  ) {
    this.path = shown;
    this.#file = file;
    this.#claim = claim;
    this.#item = item;
    this.#folders = folders;
    this.#events = events;
    this.#durable = durable;
    this.#own = own;
  }

  get temp(): string {
    return this.#file.temp;
  }

  fill(content: Uint8Array): Promise<void> {
    if (this.#durable !== undefined) this.#content = content;
    return this.#claimed(() => this.#file.fill(content));
  }

  async commit(check?: Parameters<AtomicFile['commit']>[0]): Promise<boolean> {
    let bytes = 0;
    const placed = await this.#claimed(async () => {
      await this.#folders();
      if (!this.#claim.valid) throw new BatchxError('aborted', `${this.path} is written by a later attempt`);
      return this.#file.commit(async (file) => {
        bytes = file.size;
        await check?.(file);
        // Before it has its name: whoever looks for files may find it at once.
        this.#own?.add(this.#file.path);
        await this.#durable?.ready(this.#item, await this.#described(file));
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

  /** What is known of the file by then. */
  async #described({ temp, size }: { readonly temp: string; readonly size: number }): Promise<OutputFile> {
    const hash = createHash('sha256');
    if (this.#content !== undefined) hash.update(this.#content);
    else for await (const block of createReadStream(temp)) hash.update(block as Buffer);
    return { path: this.#file.path, size, sha256: hash.digest('hex') };
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
