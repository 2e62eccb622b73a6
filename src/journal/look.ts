import { leftInDoubt } from '../core/dead-letter.js';
import { BatchxError } from '../core/errors.js';
import type { Identity, ItemChange } from '../core/identity.js';
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
    const why = leftInDoubt(`the run died while \`${step}\` was being done`);
    return this.#told('in-doubt', again ? rest : rest.fail(why));
  }

  #told(recalled: Recalled, item: Item): Item {
    return told(this.#options, recalled, item);
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
    const goesOn = (is: boolean): Item => (is ? this.#shown(state) : this.#told('outputs', this.#rest()));
    return typeof good === 'boolean' ? goesOn(good) : good.then(goesOn);
  }

  /** The item with what had come of it, where somebody wants to see that. */
  #shown(state: State): Item {
    const done = this.anew().skip('already-done').withExtra({ recalled: 'silent' });
    // What was split comes by again for its parts.
    if (this.#options.splits === true && this.#item.extra.part === undefined)
      return this.#told('done', this.#rest(false));
    const { replay, needs } = this.#options;
    const line = state === STATE.ok && (replay || needs) ? this.#line() : undefined;
    if (line === undefined) return this.#told('done', done);
    if (line.n === 1 && line.b !== 1) return this.#told('result', this.#rest());
    return this.#told('done', replay ? restored(done, line).withExtra({ recalled: 'shown' }) : done);
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
    return this.#item.withIdentity(identity);
  }
}

/** An item with what was kept of it. */
function restored(item: Item, line: ReadLine): Item {
  const first = line.u === true ? item : item.withData(line.d);
  return line.o === undefined ? first : first.withExtra({ outputs: line.o });
}
