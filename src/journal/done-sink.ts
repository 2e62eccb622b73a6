import { concat, defer, EMPTY, finalize, ignoreElements, type Observable, type OperatorFunction, tap } from 'rxjs';
import { lettersOf } from '../core/dead-letter.js';
import { CommandError } from '../core/command-result.js';
import type { BatchxError } from '../core/errors.js';
import type { Identity } from '../core/identity.js';
import type { Item } from '../core/item.js';
import { keep } from '../core/kept.js';
import { BatchOrigin } from '../core/origin.js';
import { Outcome } from '../core/outcome.js';
import type { Runtime } from '../core/runtime.js';
import { toSink } from '../core/sink.js';
import { type SinkWriter, writeBlock } from '../core/sink-writer.js';
import { FLAG, STATE, type State } from './item-table.js';
import type { DurableSink } from './durable-sink.js';
import type { Job } from './job.js';
import { STATE_OF } from './load-journal.js';
import { OrderFile } from './order-file.js';
import { hasLarge } from './large-outputs.js';
import { rebuild } from './rebuild.js';
import { sealed } from './sealed-letters.js';
import type { KeptError, KeptLine } from './results-file.js';

export interface DoneOptions {
  readonly runtime: Runtime;
  /** Whether what came of items is kept, to be shown or written again. */
  readonly keeps: boolean;
  /** Whether something is made of all results: then each is kept as it is, whatever can be read again. */
  readonly aggregates: boolean;
  /** Whether results are to be in the order of the input. */
  readonly ordered: boolean;
  /** Whether only some items are read: the others are as they were. */
  readonly part: boolean;
  /** The sinks behind these, to which what is done is shown. */
  readonly shown: readonly OperatorFunction<unknown, unknown>[];
}

/** How many rows are written at once, at most: what comes while one block is brought to the disk makes the next. */
const ROWS = 4096;

/**
 * Writes items to some sinks, then what became of them to the job, and shows them to others once all of it is on the disk.
 * What these refuse has failed in the job as well.
 *
 * What was done by an earlier run only passes by those that it writes to.
 */
export const doneIn =
  (job: Job, sinks: readonly DurableSink[], options: DoneOptions): OperatorFunction<Item, Outcome> =>
  (items) =>
    defer(() => {
      let done: DoneWriter | undefined;
      const sink = toSink<Item>(
        async () => {
          const writers: SinkWriter[] = [];
          for (const each of sinks) writers.push(await each.open());
          return (done = new DoneWriter(job, sinks, writers, options));
        },
        { takes: 'all', runtime: options.runtime, rows: ROWS },
      );
      const shown = options.shown.reduce<Observable<unknown>>(
        (above, operator) => above.pipe(operator),
        items.pipe(sink),
      );
      const told = (shown as Observable<Outcome>).pipe(tap((outcome) => done?.refused(outcome)));
      const end = defer(() => done?.end() ?? EMPTY).pipe(ignoreElements());
      return concat(told, end).pipe(finalize(() => done?.leave()));
    });

class DoneWriter implements SinkWriter {
  readonly #job: Job;
  readonly #sinks: readonly DurableSink[];
  readonly #writers: readonly SinkWriter[];
  /** Only there when an output may have to be written anew. */
  readonly #order: OrderFile | undefined;
  readonly #lines: boolean;
  readonly #runtime: Runtime;
  /** Items of the source that have a letter already: several parts of one may fail. */
  readonly #lettered = new WeakSet<Item>();

  /** Whether outputs hold what has failed after all. */
  #refused = false;

  readonly #keeps: boolean;
  readonly #aggregates: boolean;
  readonly #ordered: boolean;
  readonly #part: boolean;

  constructor(job: Job, sinks: readonly DurableSink[], writers: readonly SinkWriter[], options: DoneOptions) {
    const { runtime, keeps, aggregates, ordered, part } = options;
    this.#keeps = keeps;
    this.#aggregates = aggregates;
    this.#ordered = ordered;
    this.#part = part;
    this.#job = job;
    this.#sinks = sinks;
    this.#lines = sinks.some(({ path }) => path !== undefined);
    this.#order = this.#lines ? new OrderFile(job.orderPath) : undefined;
    this.#writers = writers;
    this.#runtime = runtime;
    // What was split ends with the last of its parts, which are on the disk by then.
    const unlisten = runtime.events.on('batch:item:end', (outcome) => {
      const { part, recalled, identity } = outcome.item.extra;
      if (identity === undefined || recalled !== undefined || part !== undefined || identity.ended === true) return;
      // Its parts were all done before.
      if (outcome.item.skipped === 'already-done' && job.table.state(identity.entry) !== STATE.begun) {
        job.running.left(identity.entry);
        return;
      }
      this.#note(outcome, identity, undefined, { y: 1 });
    });
    // Those that are shown end once they were, when nothing is left to be written here.
    const over = runtime.events.on('batch:end', () => {
      unlisten();
      over();
    });
  }

  async write(
    items: readonly Item[],
    refuse: (index: number, error: BatchxError) => void,
    skip: SkipFunction,
  ): Promise<void> {
    const block: Outcome[] = [];
    /** Where those of the block stand among all items. */
    const places: number[] = [];
    for (let index = 0; index < items.length; index++) {
      const item = items[index] as Item;
      this.#pass(item);
      if (item.extra.recalled !== undefined) continue;
      block.push(Outcome.of(item));
      places.push(index);
    }
    for (const [at, writer] of this.#writers.entries()) {
      const before = block.slice();
      await writeBlock(writer, block, (this.#sinks[at] as DurableSink).takes, new Set());
      for (let place = 0; place < block.length; place++) {
        const outcome = block[place] as Outcome;
        if (outcome === before[place]) continue;
        const { error, skipped } = outcome.item;
        if (error !== undefined) refuse(places[place] as number, error);
        else if (skipped !== undefined) skip(places[place] as number, skipped);
      }
    }
    if (this.#keeps) for (const { item } of block) if (hasLarge(item)) await this.#job.large.take(item);
    this.#job.outputs.mark();
    for (const outcome of block) this.#end(outcome);
    await this.#job.commits.together(block.length);
  }

  async close(whole: boolean): Promise<void> {
    for (const writer of this.#writers) await writer.close(whole);
  }

  /** Takes what became of an item in the end: one that is done, and was refused where it was shown, has failed all the same. */
  refused(outcome: Outcome): void {
    if (outcome.status !== 'failed') return;
    const { identity, origin } = outcome.item.extra;
    const owner = origin instanceof BatchOrigin ? origin.parents[0]?.extra.identity : identity;
    const { table, results } = this.#job;
    if (owner === undefined || owner.entry < 0 || table.state(owner.entry) !== STATE.ok) return;
    const place = table.place(owner.entry);
    if (place !== undefined) owner.outputs ??= results.read(place).w?.slice();
    this.#refused = true;
    this.#end(outcome);
  }

  /** The input is over, and all that is done was shown. */
  async end(): Promise<void> {
    // What was not read may still come.
    if (!this.#runtime.stopping.aborted) return this.#renew();
    if (!this.#refused) return;
    for (const { path } of this.#sinks) if (path !== undefined) this.#job.outputs.spoil(path);
    await this.#job.commits.commit();
  }

  leave(): void {
    this.#order?.close();
  }

  /** Writes those outputs anew that are not what they would be if all had been done in one run. */
  async #renew(): Promise<void> {
    const order = this.#order;
    if (order === undefined) return;
    const { superseded, outputs, table } = this.#job;
    const all = this.#part
      ? superseded && this.#ordered
      : superseded || this.#job.hasGone() || (this.#ordered && order.disordered);
    const anew = this.#sinks.filter(({ path, takes }) => {
      if (path === undefined) return false;
      // What failed before has no line that would have to go where only what went well is written.
      return all || this.#refused || outputs.altered.has(path) || (this.#part && superseded && takes !== 'ok');
    });
    if (anew.length === 0) return;
    // Those that were not read stand where they stood when they were met first.
    for (let entry = 0; this.#part && entry < table.size; entry++) {
      table.set(entry, FLAG.seen, true);
      order.add(entry, true);
    }
    order.flush();
    for (const sink of anew) {
      const path = sink.path as string;
      if (await rebuild(this.#job, sink, path, order.path)) continue;
      const what = `${path} may hold what it should not, or not all: it cannot be written anew, as not every result is kept`;
      this.#runtime.events.emit('batch:warning', { message: `${what}; --fresh does all of it again` });
    }
  }

  #pass({ extra: { identity, origin, recalled } }: Item): void {
    const owner = origin instanceof BatchOrigin ? origin.parents[0]?.extra.identity : identity;
    if (owner !== undefined && owner.entry >= 0 && !this.#part) this.#order?.add(owner.entry, recalled !== undefined);
  }

  #end(outcome: Outcome): void {
    const { item } = outcome;
    const { identity, origin } = item.extra;
    if (outcome.status === 'failed' || outcome.status === 'in-doubt') this.#letter(item);
    if (origin instanceof BatchOrigin) this.#batch(outcome, origin);
    // What could not be split to its end goes on behind its parts.
    else if (identity !== undefined)
      this.#note(outcome, identity, item, origin === undefined || item.extra.part !== undefined ? {} : { y: 1 });
  }

  /** The items that a batch was made of end as it does; the first of them keeps its result. */
  #batch(outcome: Outcome, origin: BatchOrigin): void {
    const all = membersOf(origin);
    const keys = all.map(({ extra }) => extra.identity?.key as string);
    all.forEach((member, index) => {
      const { error, skipped } = outcome.item;
      const as = error === undefined ? (skipped === undefined ? member : member.skip(skipped)) : member.fail(error);
      const first = index === 0;
      const more: Belongs = first ? (keys.length > 1 ? { g: keys } : {}) : { b: 1, l: keys[0] };
      const ended = new Outcome(as, outcome.status);
      this.#note(ended, member.extra.identity as Identity, first ? outcome.item : undefined, more);
    });
  }

  #letter(item: Item): void {
    const { error } = item;
    if (error === undefined) return;
    const text = lettersOf(item, error, this.#lettered);
    this.#job.letters.addText(sealed(text));
  }

  /** Keeps what came of an item, and notes that it has ended. */
  #note({ item, status }: Outcome, identity: Identity, result: Item | undefined, more: Belongs = {}): void {
    if (identity.entry < 0) return;
    identity.ended = true;
    const { key: k, fingerprint: f, times: m, entry, outputs: w } = identity;
    const { results, table, chain, p } = this.#job;
    // One of those before it that are new may have taken its place.
    if (item.skipped === 'duplicate' && OF_BEFORE.has(table.state(entry))) this.#job.superseded = true;
    const kept = status === 'ok' && result !== undefined && this.#keeps;
    // What a command said that failed is shown again, too.
    const failed = this.#keeps && item.error instanceof CommandError ? item.error.result : undefined;
    // What is as it was read need not be kept, unless an output may have to be written anew.
    const same = kept && result.first === undefined && !(result.extra.origin instanceof BatchOrigin);
    // The line before has it already, where it is of a step that does something outside.
    const made = kept && !same && this.#job.hasKept(identity, result.data);
    const needed = kept && !made && (this.#aggregates || !(same && (!this.#lines || result.raw !== undefined)));
    const { large } = this.#job;
    const d =
      failed !== undefined
        ? keep(failed, large)
        : needed
          ? (keep(result.data, large) ?? jsonOf(result.data))
          : undefined;
    const t = same && this.#lines ? result.raw : undefined;
    const o = kept && result.extra.outputs !== undefined ? keep(result.extra.outputs, large) : undefined;
    const beside = kept && result.extra.outputs !== undefined;
    const whole = (same || made || d !== undefined) && (!beside || o !== undefined);
    // What has a secret in it is not written where nobody asked for it.
    const lost = kept && !(whole && [d, o, t].every((text) => this.#job.isPublic(text)));
    const place = results.add(
      {
        k,
        f,
        m,
        s: chain.at(-1) as string,
        q: table.place(entry) ?? -1,
        id: this.#runtime.redact((result ?? item).id),
        w,
        e: item.error && this.#error(item.error),
        x: item.skipped,
        u: same ? true : undefined,
        t: lost ? undefined : t,
        ...more,
        h: item.extra.seen,
        v: made ? 1 : undefined,
        n: lost || (status === 'ok' && !kept) ? 1 : undefined,
      },
      lost ? undefined : o,
      lost || (failed !== undefined && !this.#job.isPublic(d)) ? undefined : d,
    );
    table.setPlace(entry, place);
    table.setState(entry, STATE_OF[status]);
    this.#job.end({ k, f, m, as: status, p, r: place, w: w === undefined ? undefined : 1 }, entry);
  }

  #error({ code, class: kind, message, inDoubt, where }: BatchxError): KeptError {
    return {
      code,
      class: kind,
      message: this.#runtime.redact(message),
      ...(inDoubt && { inDoubt }),
      ...(where !== undefined && { where: this.#runtime.redact(where) }),
    };
  }
}

/** How items have ended of which something is in outputs. */
const OF_BEFORE = new Set<State>([STATE.ok, STATE.failed, STATE.inDoubt, STATE.again]);

/** To whom else the result of an item belongs. */
type Belongs = Pick<KeptLine, 'b' | 'l' | 'g' | 'y'>;

/** The items that a batch stands for, each known by itself. */
const membersOf = ({ parents }: BatchOrigin): Item[] =>
  parents.flatMap((parent) => {
    const { identity, origin } = parent.extra;
    if (origin instanceof BatchOrigin) return membersOf(origin);
    return identity === undefined ? [] : [parent];
  });

/** What JSON says of data that cannot be made again: what an output of JSON has of them, too. */
function jsonOf(data: unknown): string | undefined {
  try {
    return JSON.stringify(data);
  } catch {
    return undefined;
  }
}

type SkipFunction = Parameters<SinkWriter['write']>[2];
