import { leftInDoubt } from '../core/dead-letter.js';
import { BatchxError } from '../core/errors.js';
import type { Identity, ItemChange, OutputFile } from '../core/identity.js';
import type { Item } from '../core/item.js';
import { FLAG, STATE, type State } from './item-table.js';
import { errorOf } from './rebuild.js';
import { type Recalled, type RecallJob, type RecallOptions, told } from './recall-options.js';
import type { ReadLine } from './results-file.js';

/** What an earlier run has left of an item. */
export class Look {
  readonly #job: RecallJob;
  readonly #options: RecallOptions;
  readonly #item: Item;
  readonly #identity: Identity;
  readonly #place: number | undefined;

  constructor(job: RecallJob, options: RecallOptions, item: Item, identity: Identity, place: number | undefined) {
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

  /** It was done with others, and has to be done again since these have changed. */
  again(): Item {
    return this.#told('content', this.#rest());
  }

  /** Everything is to be done. */
  anew(): Item {
    return this.#item.withIdentity(this.#identity);
  }

  /** What is done with an item that is as it was. */
  goOn(state: State): Item | Promise<Item> {
    const { retry = 'none' } = this.#options;
    const { table, chain } = this.#job;
    // Whether it is another one that it was done by, as it may be, is said by its line.
    const other = table.has(this.#identity.entry, FLAG.other) && this.#line()?.s !== chain.at(-1);
    switch (state) {
      case STATE.failed:
        if (retry === 'failed' || retry === 'all') return this.#told('failed', this.#rest());
        return other ? this.#told('step', this.#rest()) : this.#told('failed', this.#failed());
      case STATE.inDoubt:
        return this.#told('in-doubt', retry === 'in-doubt' || retry === 'all' ? this.#rest() : this.#failed());
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
    if (step === undefined) return this.#told('begun', rest);
    const again = retry === 'in-doubt' || retry === 'all';
    const why = leftInDoubt(`the run died while \`${step}\` was being done`, '--retry in-doubt');
    return this.#told('in-doubt', again ? rest : rest.fail(why));
  }

  #told(recalled: Recalled, item: Item): Item {
    return told(this.#options, recalled, item);
  }

  /** What is kept of it. */
  get line(): ReadLine | undefined {
    return this.#line();
  }

  #line(): ReadLine | undefined {
    return this.#place === undefined ? undefined : this.#job.results.read(this.#place);
  }

  #done(state: State, other: boolean): Item | Promise<Item> {
    const { table } = this.#job;
    if (other) return this.#told('step', this.#rest());
    const { intact } = this.#options;
    if (!table.has(this.#identity.entry, FLAG.files) || intact === undefined) return this.#shown(state);
    const line = this.#line();
    const good = line === undefined || intact(line);
    const goesOn = (is: boolean): Item =>
      is && this.#holds(line?.w) ? this.#shown(state) : this.#told('outputs', this.#rest(true, true));
    return typeof good === 'boolean' ? goesOn(good) : good.then(goesOn);
  }

  /** Whether files are still its own, and no other item has taken them over: then none may do so any more. */
  #holds(files: readonly OutputFile[] = []): boolean {
    const { state, table } = this.#job;
    const { entry } = this.#identity;
    const own = files.every(({ path }) => state.owners.get(path) === entry);
    table.set(entry, FLAG.holds, own);
    return own;
  }

  /** The item with what had come of it, where somebody wants to see that. */
  #shown(state: State): Item {
    let done = this.anew().skip('already-done').withExtra({ recalled: 'silent' });
    // What was split comes by again for its parts.
    if (this.#options.splits === true && this.#item.extra.part === undefined)
      return this.#told('done', this.#rest(false));
    const { replay, needs, aggregates, remembers } = this.#options;
    const needed = replay || needs || aggregates === true;
    const line = needed || remembers === true ? this.#line() : undefined;
    // Whether it still is one is for those to say that come before it now.
    if (remembers === true && line?.x === 'duplicate') return this.#told('done', this.#rest(false));
    if (line?.h !== undefined) done = done.withExtra({ seen: line.h });
    if (line === undefined || state !== STATE.ok || !needed) return this.#told('done', done);
    if (line.n === 1 && line.b !== 1) return this.#told('result', this.#rest());
    // What several were made into is shown with the first of them.
    const shows = (replay || aggregates === true) && line.b !== 1;
    const recalled = replay ? 'shown' : 'kept';
    return this.#told('done', shows ? restored(done, line).withExtra({ recalled }) : done);
  }

  #failed(): Item {
    const line = this.#line();
    this.#holds(line?.w);
    // As with one that was done: those of its parts that went well do so again.
    if (line?.y === 1 && this.#options.splits === true) return this.#rest(false);
    const error = line === undefined ? new BatchxError('bug', 'it failed in an earlier run') : errorOf(line);
    return this.anew().withExtra({ recalled: 'shown', seen: line?.h }).fail(error);
  }

  /** What is left to do: what steps have made of it before is not done again as long as all before them is as it was. */
  #rest(supersedes = true, remakes = false): Item {
    const { chain, results, table } = this.#job;
    if (supersedes && table.state(this.#identity.entry) !== STATE.begun) this.#job.superseded = true;
    const kept = new Map<string, ItemChange>();
    // The last of the lines that count has all files up to there.
    let outputs: OutputFile[] | undefined;
    for (let place = this.#place ?? -1; place >= 0;) {
      const line = results.read(place);
      if (line.f !== this.#identity.fingerprint) break;
      if (line.a === 1 && chain.includes(line.s) && !kept.has(line.s)) {
        kept.set(line.s, line.d as ItemChange);
        outputs ??= line.w && [...line.w];
      }
      place = line.q;
    }
    if (outputs === undefined || remakes) table.set(this.#identity.entry, FLAG.holds, false);
    if (kept.size === 0) return this.anew();
    const lost = outputs !== undefined && !remakes && !this.#holds(outputs);
    return this.#item.withIdentity({ ...this.#identity, kept, remakes: remakes || lost, outputs });
  }
}

/** An item with what was kept of it. */
function restored(item: Item, line: ReadLine): Item {
  const first = line.u === true ? item : item.withData(line.d);
  const named = line.g === undefined ? first : first.withExtra({ id: line.id });
  return line.o === undefined ? named : named.withExtra({ outputs: line.o });
}
