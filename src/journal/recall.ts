import { Observable, type OperatorFunction, type Subscriber } from 'rxjs';
import { BatchxError } from '../core/errors.js';
import type { Identity } from '../core/identity.js';
import type { Item } from '../core/item.js';
import { BatchOrigin } from '../core/origin.js';
import { Room } from '../core/rooms.js';
import { type Intake, subscribeThrough } from '../core/upstream.js';
import { contentOf, fileOf, fingerprintOf, keyOfPart } from './fingerprints.js';
import { identifyFile, identifyRow, type Known, Occurrences } from './identify.js';
import { FLAG, STATE } from './item-table.js';
import { Look } from './look.js';
import { type RecallJob, type RecallOptions, told } from './recall-options.js';
import { wordOf } from './words.js';

/** How many items are looked up before they go on, at most: those of them are suspect when the process dies. */
const BLOCK = 512;
/** In how many runs that died an item was being done that is suspect; and how often it was so alone when it is set aside. */
const SUSPECT = 2;
const POISON = 3;
/** How many files are looked at side by side. */
const AT_ONCE = 8;

/**
 * Looks up each item of the source in its job. One that was done goes on with what had come of it, as `already-done`; one
 * that failed goes on failed; what is new or has changed is noted as begun, and goes on to be done, with the results of
 * the steps that it has behind it. Order is kept. What is looked up at once waits in a room of its own.
 */
export const recall =
  (job: RecallJob, options: RecallOptions): OperatorFunction<Item, Item> =>
  (source) =>
    new Observable((subscriber) => {
      const recalling = new Recalling(subscriber, job, options);
      subscribeThrough(source, recalling, subscriber, [recalling.room]);
      subscriber.add(() => recalling.leave());
    });

class Recalling implements Intake<Item> {
  readonly room = new Room(BLOCK);
  readonly #out: Subscriber<Item>;
  readonly #job: RecallJob;
  readonly #options: RecallOptions;
  readonly #occurrences = new Occurrences();
  #gathered: Item[] = [];
  #busy = false;
  #scheduled = false;
  #ended: { readonly error?: unknown } | undefined;

  constructor(out: Subscriber<Item>, job: RecallJob, options: RecallOptions) {
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
    this.#run().catch((error: unknown) => {
      this.#out.error(BatchxError.from(error, 'bug'));
    });
  };

  async #run(): Promise<void> {
    while (this.#gathered.length > 0 && !this.#out.closed) {
      const block = this.#gathered;
      this.#gathered = [];
      // Rows are known at once: only what has to be read from the disk is waited for.
      const known = block.some((item) => fileOf(item) !== undefined) ? await this.#files(block) : undefined;
      let found: Item[] = [];
      let weight = 0;
      for (let i = 0; i < block.length; i++) {
        weight += (block[i] as Item).weight;
        const looked = this.#look(block[i] as Item, known?.[i]);
        const item = looked instanceof Promise ? await looked : looked;
        if (!this.#isSuspect(item)) {
          found.push(item);
          continue;
        }
        this.#goOn(found);
        found = [];
        await this.#alone(item);
      }
      this.#goOn(found);
      this.room.give(weight);
    }
    // At once: who comes from now on begins the next round.
    this.#busy = false;
    if (this.#ended === undefined || this.#out.closed) return;
    if ('error' in this.#ended) this.#out.error(this.#ended.error);
    else this.#out.complete();
  }

  /** Lets items go on, once it is noted in one go which of them will be done. */
  #goOn(found: readonly Item[]): void {
    const begun: Identity[] = [];
    for (const { live, extra } of found) {
      const { identity } = extra;
      if (live && identity !== undefined && identity.entry >= 0) begun.push(identity);
    }
    if (begun.length > 0 && !this.#out.closed) this.#job.begin(begun);
    for (const item of found) if (!this.#out.closed) this.#out.next(item);
  }

  /** Whether an item was being done when several runs died: then it is done while nothing else is. */
  #isSuspect({ live, extra: { identity } }: Item): boolean {
    if (!live || identity === undefined || identity.entry < 0 || this.#options.alone !== true) return false;
    return (this.#job.table.deaths(identity.entry) & 15) >= SUSPECT;
  }

  async #alone(item: Item): Promise<void> {
    await this.#job.idle?.();
    if (this.#out.closed) return;
    this.#job.beginAlone?.(item.extra.identity as Identity);
    this.#out.next(item);
    await this.#job.idle?.();
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

  #look(item: Item, file: Known | undefined): Item | Promise<Item> {
    const { origin, part } = item.extra;
    if (origin instanceof BatchOrigin) return item.withIdentity(identityOfBatch(origin));
    if (part === undefined && origin !== undefined) return item;
    if (item.extra.identity !== undefined && item.extra.part === undefined) return item;
    const known = file ?? this.#identify(item);
    const { table } = this.#job;
    const entry = table.add(wordOf(known.key, 0), wordOf(known.key, 8));
    const { key, fingerprint, times } = known;
    const identity: Identity = { key, fingerprint, times, entry, kept: undefined, outputs: undefined };
    const words = identity.times ?? identity.fingerprint;
    const [hi, lo] = [wordOf(words, 0), wordOf(words, 8)];
    const same = table.matches(entry, hi, lo);
    table.setFingerprint(entry, hi, lo);
    if (table.has(entry, FLAG.seen)) return this.#again(item, identity, same);
    table.set(entry, FLAG.seen, true);
    const state = table.state(entry);
    const place = table.place(entry);
    if (this.#job.table.deaths(entry) >> 4 >= POISON) return told(this.#options, 'poison', setAside(item, identity));
    // Whatever it is now, a call may have been done for it that must not be done twice.
    const doubted = this.#job.state.intents.has(entry);
    if (state === STATE.begun && place === undefined && !doubted)
      return told(this.#options, 'new', item.withIdentity(identity));
    if (state === STATE.deferred)
      return told(
        this.#options,
        'deferred',
        item.withIdentity(identity).withExtra({ recalled: 'silent' }).skip('deferred'),
      );
    const look = new Look(this.#job, this.#options, item, identity, place);
    if (state === STATE.again) this.#job.superseded = true;
    if (!look.changed(same) || doubted) return look.goOn(state);
    if (state !== STATE.begun) this.#job.superseded = true;
    return told(this.#options, 'content', look.anew());
  }

  /** An item with the key of one before it. */
  #again(item: Item, identity: Identity, same: boolean): Item {
    const known = item.withIdentity({ ...identity, entry: -1 });
    if (same || this.#options.onDuplicate === 'first') return told(this.#options, 'duplicate', known.skip('duplicate'));
    const what = `another item before it has the id ${item.id}, but not the same content`;
    const how = 'give each an id of its own, or --on-duplicate first takes the first of them';
    const error = new BatchxError('validation', `${what}; ${how}`, { class: 'permanent' });
    return told(this.#options, 'same-id', known.fail(error));
  }
}

/** What stands for several has no entry of its own: they are known. Parts of it are known by them all. */
function identityOfBatch({ parents }: BatchOrigin): Identity {
  const of = (which: 'key' | 'fingerprint'): string =>
    fingerprintOf(`batch\0${parents.map(({ extra }) => extra.identity?.[which] ?? '').join('\0')}`);
  return { key: of('key'), fingerprint: of('fingerprint'), times: undefined, entry: -1, outputs: undefined };
}

function setAside(item: Item, identity: Identity): Item {
  const what = `crashes-the-runner: the process died ${POISON} times while nothing but this item was being done`;
  const how = 'it is set aside; --retry failed tries it again';
  return item.withIdentity(identity).fail(new BatchxError('exec', `${what}; ${how}`, { class: 'permanent' }));
}
