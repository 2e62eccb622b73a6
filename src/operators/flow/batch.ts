import { Observable, type OperatorFunction, type SchedulerLike, type Subscriber, type Subscription } from 'rxjs';
import * as z from 'zod';
import { defineFlow } from '../../core/define.js';
import type { Durable } from '../../core/durable.js';
import { BatchxError } from '../../core/errors.js';
import { type DataFunction, expression } from '../../core/expression.js';
import { Item } from '../../core/item.js';
import { keyOf, keyText } from '../../core/key.js';
import { lastResult } from '../../core/last-result.js';
import { BatchOrigin } from '../../core/origin.js';
import { defaultRuntime, type Runtime } from '../../core/runtime.js';
import { byteSize, duration, parseOptions, toBytes, toMs } from '../../core/schema.js';
import { type Intake, subscribeThrough } from '../../core/upstream.js';
import { wait } from '../../core/wait.js';

/** How many items a batch has at most when only the time bounds it: memory must not depend on how fast they come. */
const MOST = 10_000;
/** How many batches may be open at once. */
const MOST_OPEN = 1000;

export const batchOptions = z
  .strictObject({
    size: z.int().min(1).optional().describe('How many items make a batch; 10,000 when only `within` is given.'),
    bytes: byteSize()
      .optional()
      .describe('The most that the rows of a batch have together; a larger row is a batch alone.'),
    within: duration().optional().describe('How long after its first item a batch goes on, full or not.'),
    by: expression().optional().describe('What the items of a batch have in common, as an expression over `data`.'),
  })
  .refine(({ size, bytes, within }) => size !== undefined || bytes !== undefined || within !== undefined, {
    error: 'expected at least one of `size`, `bytes` and `within`, got none',
  })
  .meta({ anyOf: ['size', 'bytes', 'within'].map((option) => ({ required: [option] })) });

export type BatchOptions<T = unknown> = Omit<z.input<typeof batchOptions>, 'by'> & {
  readonly by?: string | DataFunction<T>;
};

/**
 * Gathers items and emits, for each batch that is full, one item whose data is the array of theirs, in their order.
 * In a pipeline it gathers what would be written of each: the last result, or else the data.
 *
 * A batch is full with `size` items, or when the next one would bring it over `bytes` (the UTF-8 length of the rows, or
 * of their JSON), or `within` that time after its first. With `by` there is one open batch for each key, at most 1,000:
 * one more and the one opened first goes on. What is open when the source completes goes on in the order of opening;
 * an error drops it. Open batches are held, and do not keep sources from reading. Items that failed or were skipped
 * pass by at once; an item whose key or size cannot be had fails.
 *
 * A batch stands for its items: it weighs what they weigh, is called `first..last`, has its `key` in the metadata, and
 * each of them ends as it does.
 *
 * ```
 * source               -a-b-c-------d-|
 * size 2, within 5     ---x------y----(z|)      x is [a, b], y is [c], z is [d]
 * ```
 *
 * @example
 * import { batch, literals } from 'batchx';
 *
 * literals([1, 2, 3])
 *   .pipe(batch({ size: 2 }))
 *   .subscribe(({ data }) => console.log(data)); // [ 1, 2 ], [ 3 ]
 */
export function batch<T>(
  options: BatchOptions<T>,
  runtime: Runtime = defaultRuntime(),
): OperatorFunction<Item<T>, Item<T[]>> {
  return batching(parseOptions(batchOptions, options, 'batch'), runtime) as unknown as OperatorFunction<
    Item<T>,
    Item<T[]>
  >;
}

export const batchFlow = defineFlow({
  name: 'batch',
  gathers: true,
  oneByOne: true,
  status: 'stable',
  summary: 'Makes one item of many: by their number, their size, their time or a key.',
  options: batchOptions,
  examples: [
    { title: 'A hundred at a time, none waiting for longer than two seconds', options: { size: 100, within: '2s' } },
    { title: 'Uploads of at most 1 MB for each shop', options: { bytes: '1MB', by: 'data.shop' } },
  ],
  create: batching,
});

interface Limits {
  readonly size: number;
  readonly bytes: number | undefined;
  readonly within: number | undefined;
  readonly key: ((item: Item) => unknown) | undefined;
}

function batching(
  { size, bytes, within, by }: z.output<typeof batchOptions>,
  { scheduler, durable }: Runtime,
): OperatorFunction<Item, Item> {
  const limits: Limits = {
    size: size ?? (bytes === undefined ? MOST : Infinity),
    bytes: bytes === undefined ? undefined : toBytes(bytes),
    within: within === undefined ? undefined : toMs(within),
    key: by === undefined ? undefined : keyOf(by),
  };
  return (source) =>
    new Observable((subscriber) => {
      const batching = new Batching(subscriber, limits, scheduler, durable);
      if (durable !== undefined) subscriber.add(durable.onAlone(() => batching.flush()));
      subscribeThrough(source, batching, subscriber);
      subscriber.add(() => batching.clear());
    });
}

interface Batch {
  readonly key: unknown;
  readonly items: Item[];
  readonly due: number;
  bytes: number;
}

class Batching implements Intake<Item> {
  readonly #out: Subscriber<Item>;
  readonly #limits: Limits;
  readonly #scheduler: SchedulerLike;
  readonly #durable: Pick<Durable, 'alone'> | undefined;
  /** By the text of their key, the one opened first first: so they are due in this order too. */
  readonly #open = new Map<string, Batch>();
  /** One timer for all: it may find that the batch it was set for has gone, and is set anew. */
  #timer: Subscription | undefined;

  constructor(
    out: Subscriber<Item>,
    limits: Limits,
    scheduler: SchedulerLike,
    durable: Pick<Durable, 'alone'> | undefined,
  ) {
    this.#out = out;
    this.#limits = limits;
    this.#scheduler = scheduler;
    this.#durable = durable;
  }

  next(item: Item): void {
    if (!item.live) {
      this.#out.next(item);
      return;
    }
    let key: unknown;
    let text = '';
    let bytes = 0;
    try {
      if (this.#limits.key !== undefined) {
        key = this.#limits.key(item);
        text = keyText(key);
      }
      if (this.#limits.bytes !== undefined) bytes = bytesOf(item);
    } catch (error) {
      this.#out.next(item.fail(BatchxError.from(error)));
      return;
    }
    this.#add(text, key, item, bytes);
  }

  complete(): void {
    this.flush();
    this.#out.complete();
  }

  /** Lets all that is open go on. */
  flush(): void {
    for (const [text, batch] of this.#open) this.#flush(text, batch);
  }

  clear(): void {
    this.#timer?.unsubscribe();
    this.#open.clear();
  }

  /** All is put in its place before anything is emitted, which may bring the next item at once. */
  #add(text: string, key: unknown, item: Item, bytes: number): void {
    const { size, bytes: most = Infinity } = this.#limits;
    const before = this.#open.get(text);
    const full = before !== undefined && before.bytes + bytes > most ? before : undefined;
    if (full !== undefined) this.#open.delete(text);
    const batch = full === undefined && before !== undefined ? before : this.#start(text, key);
    batch.items.push(item);
    batch.bytes += bytes;

    if (full !== undefined) this.#emit(full);
    if (this.#open.size > MOST_OPEN) {
      const [oldest] = this.#open;
      if (oldest !== undefined) this.#flush(...oldest);
    }
    if (batch.items.length >= size || batch.bytes >= most || this.#durable?.alone === true) this.#flush(text, batch);
  }

  #start(text: string, key: unknown): Batch {
    const { within } = this.#limits;
    const batch = { key, items: [], due: within === undefined ? 0 : this.#scheduler.now() + within, bytes: 0 };
    this.#open.set(text, batch);
    if (within !== undefined && this.#timer === undefined) this.#arm(within);
    return batch;
  }

  #arm(ms: number): void {
    this.#timer = wait(ms, this.#scheduler).subscribe(() => this.#flushDue());
  }

  #flushDue(): void {
    const now = this.#scheduler.now();
    for (const [text, batch] of [...this.#open]) if (batch.due <= now) this.#flush(text, batch);
    this.#timer = undefined;
    const [next] = this.#open.values();
    if (next !== undefined) this.#arm(next.due - now);
  }

  /** Emits a batch, unless somebody has done so in the meantime. */
  #flush(text: string, batch: Batch): void {
    if (this.#open.get(text) !== batch) return;
    this.#open.delete(text);
    this.#emit(batch);
  }

  #emit({ key, items }: Batch): void {
    const first = items[0] as Item;
    const last = items[items.length - 1] as Item;
    const data: unknown[] = [];
    let weight = 0;
    for (const item of items) {
      data.push(lastResult(item));
      weight += item.weight;
    }
    const extra = {
      // Computed when asked for: the id of a row means counting lines.
      id: () => (first === last ? first.id : `${first.id}..${last.id}`),
      metadata: this.#limits.key === undefined ? undefined : { key },
      weight,
      origin: new BatchOrigin(items),
    };
    this.#out.next(new Item<unknown>(first.seq, data, undefined, first.place, first.at, extra));
  }
}

/** What a row has in UTF-8: its own text, or the JSON of its data as it stands in an array. */
function bytesOf(item: Item): number {
  try {
    const result = lastResult(item);
    const row = result === item.data ? item.raw : undefined;
    return Buffer.byteLength(row ?? JSON.stringify(result) ?? 'null');
  } catch (error) {
    throw BatchxError.from(error, 'encode');
  }
}
