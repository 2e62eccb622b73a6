import { Observable, type OperatorFunction, type Subscriber } from 'rxjs';
import { BatchxError } from '../core/errors.js';
import type { Identity } from '../core/identity.js';
import type { Item } from '../core/item.js';
import { BatchOrigin } from '../core/origin.js';
import { Room } from '../core/rooms.js';
import { type Intake, subscribeThrough } from '../core/upstream.js';
import { BatchMates } from './batch-mates.js';
import { contentOf, fileOf, fingerprintOf, keyOfPart, keyOfRow } from './fingerprints.js';
import { identifyFile, identifyRow, type Known, namedKey, NOTHING, Occurrences } from './identify.js';
import { FLAG, STATE } from './item-table.js';
import { aboveOf } from './lineage.js';
import { Look } from './look.js';
import { type Recalled, type RecallJob, type RecallOptions, told } from './recall-options.js';
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
  readonly #tell: RecallOptions['tell'];
  readonly #occurrences = new Occurrences();
  /** Only where something is made of several items. */
  readonly #mates: BatchMates | undefined;
  /** The item that was looked up last, and what was told of it. */
  #last: Look | undefined;
  #told: [Recalled, Item] | undefined;
  #gathered: Item[] = [];
  #busy = false;
  #scheduled = false;
  #ended: { readonly error?: unknown } | undefined;

  constructor(out: Subscriber<Item>, job: RecallJob, options: RecallOptions) {
    this.#out = out;
    this.#job = job;
    const gathers = options.gathers === true;
    this.#mates = gathers ? new BatchMates(job) : undefined;
    // What is told of an item may turn out to be otherwise.
    this.#options = gathers ? { ...options, tell: (...of) => (this.#told = of) } : options;
    this.#tell = options.tell;
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
        // Each wait costs more than all else that is done for most of them.
        if (this.#mates === undefined && !this.#isSuspect(item)) found.push(item);
        else found = await this.#add(found, this.#mates === undefined ? [item] : this.#together(item, this.#mates));
      }
      this.#goOn(found);
      this.room.give(weight);
    }
    if (this.#ended !== undefined && !('error' in this.#ended)) {
      const left = this.#mates?.end(this.#options.part !== true) ?? [];
      this.#goOn(await this.#add([], left));
    }
    // At once: who comes from now on begins the next round.
    this.#busy = false;
    if (this.#ended === undefined || this.#out.closed) return;
    if ('error' in this.#ended) this.#out.error(this.#ended.error);
    else this.#out.complete();
  }

  /** Adds items to those that go on together; one that is to be done alone goes on here, behind those. */
  async #add(found: Item[], items: readonly Item[]): Promise<Item[]> {
    for (const item of items) {
      if (!this.#isSuspect(item)) {
        found.push(item);
        continue;
      }
      this.#goOn(found);
      found = [];
      await this.#job.running?.aloneWith(item.extra.identity as Identity, aboveOf(item), () => {
        if (!this.#out.closed) this.#out.next(item);
      });
    }
    return found;
  }

  /** Those that may go on now that an item was looked up: itself, unless it waits for others, and who has waited for it. */
  #together(item: Item, mates: BatchMates): readonly Item[] {
    const look = this.#last;
    const told = this.#told;
    this.#last = this.#told = undefined;
    const tell = (): void => {
      if (told !== undefined) this.#tell?.(...told);
    };
    const line = look?.line;
    if (look === undefined || line === undefined) {
      tell();
      return [item];
    }
    const again = (): Item => {
      const one = look.again();
      if (this.#told !== undefined) this.#tell?.(...this.#told);
      this.#told = undefined;
      return one;
    };
    const asIs = (): Item => {
      tell();
      return item;
    };
    if (item.skipped === 'already-done') return mates.done({ above: aboveOf(item), asIs, again }, line);
    return [...(item.live ? mates.again(line) : []), asIs()];
  }

  /** Lets items go on, once it is noted in one go which of them will be done. */
  #goOn(found: readonly Item[]): void {
    const begun: Identity[] = [];
    for (const { live, extra } of found) {
      const { identity } = extra;
      if (live && identity !== undefined && identity.entry >= 0) begun.push(identity);
    }
    if (begun.length > 0 && !this.#out.closed) this.#job.running?.begin(begun);
    for (const item of found) if (!this.#out.closed) this.#out.next(item);
  }

  /** Whether an item was being done when several runs died: then it is done while nothing is but what it is a part of. */
  #isSuspect(item: Item): boolean {
    const { identity } = item.extra;
    const job = this.#job;
    if (!item.live || identity === undefined || identity.entry < 0 || this.#options.alone !== true) return false;
    if ((job.table.deaths(identity.entry) & 15) < SUSPECT || job.running === undefined) return false;
    // What goes on was looked up before.
    if (job.running.isRunning(identity.entry)) return false;
    const [root] = aboveOf(item);
    return root === undefined || job.running.isAlone(root);
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

  #identify(item: Item): Known | undefined {
    const { origin, part } = item.extra;
    const parent = part === undefined ? undefined : origin?.parents?.[0]?.extra.identity;
    if (parent === undefined) return identifyRow(item);
    return { key: keyOfPart(parent.key, part as number), fingerprint: contentOf(item) ?? NOTHING, times: undefined };
  }

  #look(item: Item, file: Known | undefined): Item | Promise<Item> {
    const { origin, part } = item.extra;
    // It was looked up where it came from.
    if (item.extra.identity !== undefined) return item;
    if (origin instanceof BatchOrigin) return item.withIdentity(identityOfBatch(origin));
    if (part === undefined && origin !== undefined) return item;
    const found = file ?? this.#identify(item);
    // What cannot be told from others is done each time: it could be taken for another one.
    if (found === undefined) return told(this.#options, 'new', item.withIdentity({ ...UNKNOWN }));
    const { fingerprint, times } = found;
    const { table } = this.#job;
    let { key } = found;
    let entry = table.add(wordOf(key, 0), wordOf(key, 8));
    // Rows without a name that are the same are told apart by their number.
    if (table.has(entry, FLAG.seen) && file === undefined && part === undefined && namedKey(item) === undefined) {
      key = keyOfRow(fingerprint, this.#occurrences.next(fingerprint));
      entry = table.add(wordOf(key, 0), wordOf(key, 8));
    }
    const identity: Identity = { key, fingerprint, times, entry, kept: undefined, outputs: undefined, ended: false };
    const words = identity.times ?? identity.fingerprint;
    const [hi, lo] = [wordOf(words, 0), wordOf(words, 8)];
    const same = table.matches(entry, hi, lo);
    table.setFingerprint(entry, hi, lo);
    if (table.has(entry, FLAG.seen)) return this.#again(item, identity, same);
    table.set(entry, FLAG.seen, true);
    const state = table.state(entry);
    const place = table.place(entry);
    const poison = table.deaths(entry) >> 4 >= POISON;
    // What is put off keeps the files that it has.
    if (poison || state === STATE.deferred) table.set(entry, FLAG.holds, true);
    if (poison) return told(this.#options, 'poison', setAside(item, identity));
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
    if (this.#mates !== undefined) this.#last = look;
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

const UNKNOWN: Identity = { key: NOTHING, fingerprint: NOTHING, times: undefined, entry: -1, outputs: undefined };

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
