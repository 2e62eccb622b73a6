import { relative } from 'node:path';
import type { ByteWriter } from '../core/bytes-out.js';
import type { Durable } from '../core/durable.js';
import type { Identity, OutputFile } from '../core/identity.js';
import type { Item } from '../core/item.js';
import type { ItemChange } from '../core/identity.js';
import { BatchOrigin } from '../core/origin.js';
import type { Job } from './job.js';

/** What the steps and sinks of a run see of its job. */
export class DurableJob implements Durable {
  readonly #job: Job;
  readonly #append: Durable['append'] | undefined;

  /** `append` opens outputs in place of the job. */
  constructor(job: Job, append?: Durable['append']) {
    this.#job = job;
    this.#append = append;
  }

  get mark(): string {
    return this.#job.mark;
  }

  processes(mark: string): void {
    this.#job.noteProcesses(mark);
  }

  async intend(item: Item, step: string): Promise<void> {
    const of = ownerOf(item);
    if (of !== undefined) await this.#job.intend(of.key, step);
  }

  keptOf(item: Item, link: string): ItemChange | undefined {
    return item.extra.identity?.kept?.get(link);
  }

  keepStep(item: Item, link: string, change: ItemChange): void {
    const { identity } = item.extra;
    // What is made of a batch is kept at its end, with its items.
    if (identity !== undefined && identity.entry >= 0) this.#job.keepStep(identity, item.id, link, change);
  }

  folder(path: string): void {
    this.#job.noteFolder(hereOf(path) || '.');
  }

  async ready(item: Item, file: OutputFile): Promise<void> {
    this.#job.lock.check();
    const of = ownerOf(item);
    if (of === undefined) return;
    const own = { ...file, path: hereOf(file.path) };
    const others = of.outputs?.filter(({ path }) => path !== own.path) ?? [];
    of.outputs = [...others, own];
    await this.#job.ready(of, own);
  }

  owns(item: Item, path: string): boolean {
    const of = ownerOf(item);
    return of !== undefined && this.#job.paths.takes(hereOf(path), of.entry);
  }

  holder(item: Item, path: string): string | undefined {
    const of = ownerOf(item);
    return of && this.#job.paths.holder(hereOf(path), of.entry);
  }

  get alone(): boolean {
    return this.#job.running.alone;
  }

  onAlone(listener: () => void): () => void {
    return this.#job.running.onAlone(listener);
  }

  append(path: string): Promise<ByteWriter> {
    return this.#append?.(path) ?? this.#job.outputs.open(path);
  }
}

/** A path as it is seen from the folder that the run is in: job and files may be taken elsewhere together. */
const hereOf = (path: string): string => relative('', path);

/** Who an item stands for: of a batch the first of those that it was made of. */
function ownerOf(item: Item): Identity | undefined {
  const { identity, origin } = item.extra;
  // Nothing is kept of what cannot be told from others.
  if (identity !== undefined && !(origin instanceof BatchOrigin)) return identity.entry < 0 ? undefined : identity;
  const parent = origin?.parents?.[0];
  return parent === undefined ? undefined : ownerOf(parent);
}
