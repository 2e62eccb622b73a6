import type { BatchxError } from './errors.js';
import type { Identity } from './identity.js';

export type Metadata = Readonly<Record<string, unknown>>;

/** A piece of input that knows where its records came from; one object serves all records of a block. */
export interface Place {
  /** The input's name as the user wrote it: a path, or `stdin`. */
  readonly source: string | undefined;
  /** What is known of the record that begins at `at`: its line, its byte offset, ... */
  locate(at: number): Metadata & { readonly line?: number };
}

/** Why an item was passed over. */
export type SkipReason = 'filtered' | 'duplicate' | 'vanished' | 'dependency' | 'deferred' | 'already-done';

export type Status = 'ok' | 'failed' | 'skipped' | 'in-doubt';

/** An item and what became of it. */
export interface Settlement {
  readonly item: Item;
  readonly status: Status;
}

/** Told when an item that was made from others is settled; calls `settle` for those that are settled by that. */
export interface Origin {
  /** The items that it was made from; those that are run again when it fails. */
  readonly parents?: readonly Item[];
  settled(outcome: Settlement, settle: (outcome: Settlement) => void): void;
}

/** What only some items have, so that a plain row need not carry it. */
export interface ItemExtra {
  /** What it is called; a function is asked each time that somebody wants to know. */
  readonly id?: string | (() => string) | undefined;
  readonly metadata?: Metadata | undefined;
  /** What the steps of a pipeline have put beside the data, by name. */
  readonly outputs?: Metadata | undefined;
  /** How many items of the source it stands for; 1 unless said. */
  readonly weight?: number | undefined;
  /** The items that it was made from, which settle with it. */
  readonly origin?: Origin | undefined;
  /** The bytes of a record that could not be read, because they are not text. */
  readonly bytes?: Uint8Array | undefined;
  /** The format of a record that could not be read: what can read its text or bytes once they are mended. */
  readonly format?: string | undefined;
  /** By what it was known in a job when it failed there, where it is run again from its dead letter. */
  readonly key?: string | undefined;
  /** By what it is known in its job; only there when it is run in one. */
  readonly identity?: Identity | undefined;
  /** By what those flows know it, in their order, that remember what has come by; only there in a job. */
  readonly seen?: readonly string[] | undefined;
  /** Which part it is of the item that it was split from, from 1. */
  readonly part?: number | undefined;
  /** Its outcome is that of an earlier run of its job: nothing is done for it. `shown` when its result is there, to be shown again; `kept` when it is there for what is made of all of them alone. */
  readonly recalled?: 'shown' | 'kept' | 'silent' | undefined;
}

const plain: ItemExtra = {};
const none: Metadata = {};

/**
 * One unit of work: an `id`, the `data`, and `metadata` about where it came from.
 *
 * An item never changes: `withData`, `fail` and `skip` give a new one. One that failed or was skipped passes by all
 * later steps and is accounted for at the sink.
 *
 * @example
 * import { Item } from 'batchx';
 *
 * const item = Item.of({ sku: 'a-1' }, { id: 'a-1' });
 * item.withData({ sku: 'a-1', price: 3 }).id; // 'a-1'
 */
export class Item<T = unknown> {
  /** Its number in the input, from 0. */
  readonly seq: number;
  readonly data: T;
  /** The text of the row, as long as no step has changed the data. */
  readonly raw: string | undefined;
  readonly place: Place | undefined;
  /** Where in its `place` the record begins; only the place knows the unit. */
  readonly at: number;
  readonly extra: ItemExtra;
  readonly error: BatchxError | undefined;
  readonly skipped: SkipReason | undefined;
  /** The item as its source gave it, once a step has changed the data: what is run again when it fails. */
  readonly first: Item | undefined;

  constructor(
    seq: number,
    data: T,
    raw: string | undefined,
    place: Place | undefined,
    at: number,
    extra: ItemExtra = plain,
    error?: BatchxError,
    skipped?: SkipReason,
    first?: Item,
  ) {
    this.seq = seq;
    this.data = data;
    this.raw = raw;
    this.place = place;
    this.at = at;
    this.extra = extra;
    this.error = error;
    this.skipped = skipped;
    this.first = first;
  }

  /** An item around any value, for sources written by hand. */
  static of<T>(data: T, extra: ItemExtra & { readonly seq?: number } = {}): Item<T> {
    return new Item(extra.seq ?? 0, data, undefined, undefined, 0, extra);
  }

  /** The id that was given, or the place in the input; computed when asked for. */
  get id(): string {
    const { id } = this.extra;
    return (typeof id === 'function' ? id() : id) ?? this.where ?? `#${this.seq + 1}`;
  }

  /** `file:line`, when it came from such a place. */
  get where(): string | undefined {
    if (this.place === undefined) return undefined;
    const { line } = this.place.locate(this.at);
    return line === undefined ? this.place.source : `${this.place.source ?? ''}:${line}`;
  }

  /** Where it came from, and what its source said of it; computed when asked for. */
  get metadata(): Metadata {
    return { source: this.place?.source, ...this.place?.locate(this.at), ...this.extra.metadata };
  }

  /** What the steps of a pipeline have put beside the data, by name; the last one as `result`. */
  get outputs(): Metadata {
    return this.extra.outputs ?? none;
  }

  get weight(): number {
    return this.extra.weight ?? 1;
  }

  /** What JSON says of it: what users know of an item. */
  toJSON(): { id: string; data: T; metadata: Metadata } {
    const { id, data, metadata } = this;
    return { id, data, metadata };
  }

  /** How many characters it was read from: as near to the memory it takes as can be told at no cost. */
  get size(): number {
    const row = this.raw ?? this.first?.raw ?? this.data;
    return typeof row === 'string' ? row.length : 0;
  }

  /** True as long as it neither failed nor was skipped: only then do steps see it. */
  get live(): boolean {
    return this.error === undefined && this.skipped === undefined;
  }

  withData<U>(data: U): Item<U> {
    const { seq, place, at, extra, error, skipped, first = this } = this;
    return new Item(seq, data, undefined, place, at, extra, error, skipped, first);
  }

  /** The same item with some of its extras replaced. */
  withExtra(extra: ItemExtra): Item<T> {
    const merged = { ...this.extra, ...extra };
    return new Item(this.seq, this.data, this.raw, this.place, this.at, merged, this.error, this.skipped, this.first);
  }

  /** The same item, known in its job. Each item of a job is made so: it costs less than `withExtra`. */
  withIdentity(identity: Identity): Item<T> {
    const extra = this.extra === plain ? { identity } : { ...this.extra, identity };
    return new Item(this.seq, this.data, this.raw, this.place, this.at, extra, this.error, this.skipped, this.first);
  }

  fail(error: BatchxError): Item<T> {
    return new Item(this.seq, this.data, this.raw, this.place, this.at, this.extra, error, undefined, this.first);
  }

  skip(reason: SkipReason): Item<T> {
    return new Item(this.seq, this.data, this.raw, this.place, this.at, this.extra, undefined, reason, this.first);
  }
}

/** What a value weighs in a room: an item what it stands for, and one more for each 64 KB; anything else weighs 1. */
export function weightOf(value: unknown): number {
  return value instanceof Item ? value.weight + (value.size >> 16) : 1;
}
