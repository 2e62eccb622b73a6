import { Observable, type OperatorFunction, type Subscriber } from 'rxjs';
import { leftInDoubt } from '../core/dead-letter.js';
import { BatchxError } from '../core/errors.js';
import type { Identity } from '../core/identity.js';
import type { ItemChange } from '../core/identity.js';
import type { Item } from '../core/item.js';
import { Room } from '../core/rooms.js';
import { type Intake, subscribeThrough } from '../core/upstream.js';
import { contentOf, fileOf, keyOfPart } from './fingerprints.js';
import { identifyFile, identifyRow, type Known, Occurrences } from './identify.js';
import { FLAG, STATE, type State } from './item-table.js';
import type { Job } from './job.js';
import { wordOf } from './words.js';
import { errorOf } from './rebuild.js';
import type { ReadLine } from './results-file.js';

/** What is done with what earlier runs have left. */
export interface RecallOptions {
  /** Which of those that did not go well are run again; none unless said. */
  readonly retry?: 'failed' | 'in-doubt' | 'all' | undefined;
  /** Whether what was done earlier is shown again, so that its results are needed. */
  readonly replay: boolean;
  /** Whether the results of all items are needed at the end, to write an output anew. */
  readonly needs: boolean;
  /** Whether the files that were written for an item are still there; undefined when they need not be. */
  readonly intact?: ((line: ReadLine) => Promise<boolean> | boolean) | undefined;
  /** Whether items are split, and the parts of those that were done are to come by again. */
  readonly splits?: boolean | undefined;
  /** What becomes of an item with the key of another one before it, but with other content. */
  readonly onDuplicate?: 'error' | 'first' | undefined;
}

/** How many items are looked up before they go on, at most: those of them are suspect when the process dies. */
const BLOCK = 512;
/** How many files are looked at side by side. */
const AT_ONCE = 8;

/**
 * Looks up each item of the source in its job. One that was done goes on with what had come of it, as `already-done`; one
 * that failed goes on failed; what is new or has changed is noted as begun, and goes on to be done, with the results of
 * the steps that it has behind it. Order is kept. What is looked up at once waits in a room of its own.
 */
export const recall =
  (job: Job, options: RecallOptions): OperatorFunction<Item, Item> =>
  (source) =>
    new Observable((subscriber) => {
      const recalling = new Recalling(subscriber, job, options);
      subscribeThrough(source, recalling, subscriber, [recalling.room]);
      subscriber.add(() => recalling.leave());
    });

class Recalling implements Intake<Item> {
  readonly room = new Room(BLOCK);
  readonly #out: Subscriber<Item>;
  readonly #job: Job;
  readonly #options: RecallOptions;
  readonly #occurrences = new Occurrences();
  #gathered: Item[] = [];
  #busy = false;
  #scheduled = false;
  #ended: { readonly error?: unknown } | undefined;

  constructor(out: Subscriber<Item>, job: Job, options: RecallOptions) {
    this.#out = out;
    this.#job = job;
    this.#options = options;
  }

  next(item: Item): void {
    this.#gathered.push(item);
    this.room.take(item.weight);
    if (this.#busy || this.#scheduled) return;
    this.#scheduled = true;
    queueMicrotask(this.#flush);
  }

  error(error: unknown): void {
    this.#ended = { error };
    if (!this.#busy && !this.#scheduled) this.#flush();
  }

  complete(): void {
    this.#ended ??= {};
    if (!this.#busy && !this.#scheduled) this.#flush();
  }

  leave(): void {
    this.#gathered = [];
    this.room.give(this.room.held);
  }

  readonly #flush = (): void => {
    this.#scheduled = false;
    this.#busy = true;
    void this.#run().then(
      () => {
        this.#busy = false;
      },
      (error: unknown) => {
        this.#out.error(BatchxError.from(error, 'bug'));
      },
    );
  };

  async #run(): Promise<void> {
    while (this.#gathered.length > 0 && !this.#out.closed) {
      const block = this.#gathered;
      this.#gathered = [];
      // Rows are known at once: only what has to be read from the disk is waited for.
      const known = block.some((item) => fileOf(item) !== undefined) ? await this.#files(block) : undefined;
      const found: (Item | undefined)[] = [];
      for (let i = 0; i < block.length; i++) {
        const item = this.#look(block[i] as Item, known?.[i]);
        found.push(item instanceof Promise ? await item : item);
      }
      this.#begin(found);
      let weight = 0;
      for (let i = 0; i < block.length; i++) {
        weight += (block[i] as Item).weight;
        const item = found[i];
        if (item !== undefined && !this.#out.closed) this.#out.next(item);
      }
      this.room.give(weight);
    }
    if (this.#ended === undefined || this.#out.closed) return;
    if ('error' in this.#ended) this.#out.error(this.#ended.error);
    else this.#out.complete();
  }

  /** Notes what will be done, in one go. */
  #begin(found: readonly (Item | undefined)[]): void {
    const keys: string[] = [];
    for (const item of found) if (item?.live === true) keys.push((item.extra.identity as Identity).key);
    if (keys.length > 0) this.#job.begin(keys);
  }

  async #files(block: readonly Item[]): Promise<(Known | undefined)[]> {
    const known: (Known | undefined)[] = [];
    const rest = block.entries();
    const work = async (): Promise<void> => {
      for (const [index, item] of rest) known[index] = await identifyFile(item, this.#content);
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    return known;
  }

  /** The fingerprint of a file whose times are as they were. */
  readonly #content = (key: string, times: string): string | undefined => {
    const { table, results } = this.#job;
    const entry = table.find(wordOf(key, 0), wordOf(key, 8));
    if (entry < 0 || !table.matches(entry, wordOf(times, 0), wordOf(times, 8))) return undefined;
    const place = table.place(entry);
    return place === undefined ? undefined : results.read(place).f;
  };

  readonly #met = (key: string): boolean => {
    const { table } = this.#job;
    const entry = table.find(wordOf(key, 0), wordOf(key, 8));
    return entry >= 0 && table.has(entry, FLAG.seen);
  };

  #identify(item: Item): Known {
    const { origin, part } = item.extra;
    const parent = part === undefined ? undefined : origin?.parents?.[0]?.extra.identity;
    if (parent === undefined) return identifyRow(item, this.#met, this.#occurrences);
    return { key: keyOfPart(parent.key, part as number), fingerprint: contentOf(item), times: undefined };
  }

  #look(item: Item, file: Known | undefined): Item | undefined | Promise<Item | undefined> {
    // What stands for several has no key of its own: they are known.
    if (item.extra.part === undefined && item.extra.origin !== undefined) return item;
    if (item.extra.identity !== undefined && item.extra.part === undefined) return item;
    const known = file ?? this.#identify(item);
    const { table } = this.#job;
    const entry = table.add(wordOf(known.key, 0), wordOf(known.key, 8));
    const identity: Identity = { ...known, entry, outputs: [] };
    const words = identity.times ?? identity.fingerprint;
    const [hi, lo] = [wordOf(words, 0), wordOf(words, 8)];
    const same = table.matches(entry, hi, lo);
    table.setFingerprint(entry, hi, lo);
    if (table.has(entry, FLAG.seen)) return this.#again(item, identity, same);
    table.set(entry, FLAG.seen, true);
    const state = table.state(entry);
    const place = table.place(entry);
    if (state === STATE.begun && place === undefined) return item.withExtra({ identity });
    if (state === STATE.deferred) return item.withExtra({ identity }).skip('deferred');
    const look = new Look(this.#job, this.#options, item, identity, place);
    if (!look.changed(same)) return look.goOn(state);
    if (state !== STATE.begun) this.#job.superseded = true;
    return look.anew();
  }

  /** An item with the key of one before it. */
  #again(item: Item, identity: Identity, same: boolean): Item {
    const known = item.withExtra({ identity: { ...identity, entry: -1 } });
    if (same || this.#options.onDuplicate === 'first') return known.skip('duplicate');
    const what = `another item before it has the id ${item.id}, but not the same content`;
    const how = 'give each an id of its own, or --on-duplicate first takes the first of them';
    return known.fail(new BatchxError('validation', `${what}; ${how}`, { class: 'permanent' }));
  }
}

/** What an earlier run has left of an item. */
class Look {
  readonly #job: Job;
  readonly #options: RecallOptions;
  readonly #item: Item;
  readonly #identity: Identity;
  readonly #place: number | undefined;

  constructor(job: Job, options: RecallOptions, item: Item, identity: Identity, place: number | undefined) {
    this.#job = job;
    this.#options = options;
    this.#item = item;
    this.#identity = identity;
    this.#place = place;
  }

  /** Whether its content is another one. A file with other times may have the same. */
  changed(same: boolean): boolean {
    if (same) return false;
    const { key, times, fingerprint } = this.#identity;
    if (times === undefined || this.#place === undefined) return true;
    if (this.#job.results.read(this.#place).f !== fingerprint) return true;
    this.#job.touch(key, times);
    return false;
  }

  /** Everything is to be done. */
  anew(): Item {
    return this.#item.withExtra({ identity: this.#identity });
  }

  /** What is done with an item that is as it was. */
  goOn(state: State): Item | Promise<Item> {
    const { retry = 'none' } = this.#options;
    const other = this.#job.table.has(this.#identity.entry, FLAG.other);
    switch (state) {
      case STATE.failed:
        return retry === 'failed' || retry === 'all' || other ? this.#rest() : this.#failed();
      case STATE.inDoubt:
        return retry === 'in-doubt' || retry === 'all' ? this.#rest() : this.#failed();
      case STATE.ok:
      case STATE.skipped:
        return this.#done(state, other);
      default:
        return this.#begun();
    }
  }

  /** One that was begun: a call that must not be done twice may have been done. */
  #begun(): Item {
    const rest = this.#rest();
    const { entry } = this.#identity;
    const step = this.#job.state.intents.get(entry);
    const { retry } = this.#options;
    if (step === undefined || retry === 'in-doubt' || retry === 'all') return rest;
    return rest.fail(leftInDoubt(`the run died while \`${step}\` was being done`));
  }

  #line(): ReadLine | undefined {
    return this.#place === undefined ? undefined : this.#job.results.read(this.#place);
  }

  #done(state: State, other: boolean): Item | Promise<Item> {
    const { chain, table } = this.#job;
    if (other && this.#line()?.s !== chain.at(-1)) return this.#rest();
    const { intact } = this.#options;
    if (!table.has(this.#identity.entry, FLAG.files) || intact === undefined) return this.#shown(state);
    const line = this.#line();
    const good = line === undefined || intact(line);
    if (typeof good === 'boolean') return good ? this.#shown(state) : this.#rest();
    return good.then((is) => (is ? this.#shown(state) : this.#rest()));
  }

  /** The item with what had come of it, where somebody wants to see that. */
  #shown(state: State): Item {
    const done = this.anew().skip('already-done').withExtra({ recalled: 'silent' });
    // What was split comes by again for its parts.
    if (this.#options.splits === true && this.#item.extra.part === undefined) return this.#rest(false);
    const { replay, needs } = this.#options;
    const line = state === STATE.ok && (replay || needs) ? this.#line() : undefined;
    if (line === undefined) return done;
    if (line.n === 1) return this.#rest();
    return replay ? restored(done, line).withExtra({ recalled: 'shown' }) : done;
  }

  #failed(): Item {
    const line = this.#line();
    const error = line === undefined ? new BatchxError('bug', 'it failed in an earlier run') : errorOf(line);
    return this.anew().withExtra({ recalled: 'shown' }).fail(error);
  }

  /** What is left to do: what steps have made of it before is not done again as long as all before them is as it was. */
  #rest(supersedes = true): Item {
    const { chain, results, table } = this.#job;
    if (supersedes && table.state(this.#identity.entry) !== STATE.begun) this.#job.superseded = true;
    const kept = new Map<string, ItemChange>();
    for (let place = this.#place ?? -1; place >= 0;) {
      const line = results.read(place);
      if (line.f !== this.#identity.fingerprint) break;
      if (line.a === 1 && chain.includes(line.s) && !kept.has(line.s)) kept.set(line.s, line.d as ItemChange);
      place = line.q;
    }
    const identity = kept.size === 0 ? this.#identity : { ...this.#identity, kept };
    return this.#item.withExtra({ identity });
  }
}

/** An item with what was kept of it. */
function restored(item: Item, line: ReadLine): Item {
  const first = line.u === true ? item : item.withData(line.d);
  return line.o === undefined ? first : first.withExtra({ outputs: line.o });
}
