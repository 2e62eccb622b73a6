import { Digests } from '../core/digests.js';
import { eachDone } from './done-records.js';
import { EndedItems } from './ended-items.js';
import { FLAG, ItemTable, STATE, type State } from './item-table.js';
import type { JournalReader } from './read-journal.js';
import { type DoneAs, type EndedHow, JOURNAL_FORMAT, type JournalRecord } from './records.js';
import { BatchxError } from '../core/errors.js';
import { bootId } from './process-life.js';
import { wordOf } from './words.js';

type Of<T extends JournalRecord['t']> = Extract<JournalRecord, { readonly t: T }>;

export const STATE_OF: Readonly<Record<DoneAs, State>> = {
  ok: STATE.ok,
  skipped: STATE.skipped,
  failed: STATE.failed,
  'in-doubt': STATE.inDoubt,
  deferred: STATE.deferred,
};

/** How much of an output belongs to what is done. */
export type OutputMark = Of<'commit'>['outputs'][number];

/** What a snapshot has of what a journal says, beside the table and the owners. Items are named by their keys. */
export interface SavedState {
  /** The last link of the chain that the table says of each item whether it was done by it. */
  readonly last: string;
  readonly items: number;
  readonly owners: number;
  readonly job: Of<'job'> | undefined;
  readonly run: Of<'run'> | undefined;
  readonly end: EndedHow | undefined;
  readonly chains: readonly (readonly [p: number, chain: readonly string[]])[];
  readonly intents: readonly (readonly [key: string, step: string])[];
  readonly outputs: readonly OutputMark[];
  readonly folders: readonly string[];
  readonly processes: readonly string[];
  readonly marks: readonly string[];
  readonly written: readonly string[];
  readonly running: readonly string[];
  readonly alone: readonly string[];
  readonly relinked: number;
}

/** What a journal says. */
export class JournalState implements JournalReader {
  readonly table: ItemTable;
  job: Of<'job'> | undefined;
  /** The last run. */
  run: Of<'run'> | undefined;
  /** How the last run ended; undefined when it died. */
  end: EndedHow | undefined;
  /** The chains of all runs, by their numbers. */
  readonly chains = new Map<number, readonly string[]>();
  /** The items whose call was begun that must not be done twice, and the step of it, until it is known how it ended. */
  readonly intents = new Map<number, string>();
  readonly outputs = new Map<string, OutputMark>();
  /** Whose a file is that was written: the number of the item's entry. */
  readonly owners = new Digests();
  /** By what the processes of runs are known that did not come to their end, and their temporary files. */
  readonly processes = new Set<string>();
  readonly marks = new Set<string>();
  /** What its runs have written, beside the files of items. */
  readonly written = new Set<string>();
  /** Where temporary files may have been left. */
  readonly folders = new Set<string>();
  /** How many lines of results had one of the same item before them. */
  relinked = 0;
  /** The records of items that have ended since the last commit: without one they do not count. */
  readonly #pending = new EndedItems();
  readonly #running = new Set<number>();
  /** Those that nothing else was begun beside: an item, and a part of it. */
  readonly #alone = new Set<number>();

  readonly #last: string;
  /** The numbers of the chains that are the same as that of the run to come. */
  readonly #same = new Set<number>();

  /** `last` is the last link of the chain of the run to come. */
  constructor(last: string, table = new ItemTable()) {
    this.#last = last;
    this.table = table;
  }

  /** How many items were being run when the last run died; none when it came to its end. */
  get left(): number {
    return this.#running.size;
  }

  /** The entries of the items that are being done, as far as it was read. */
  get running(): ReadonlySet<number> {
    return this.#running;
  }

  /** Whether its runs have written a file. */
  hasWritten(path: string): boolean {
    return this.written.has(path) || (this.owners.size > 0 && this.owners.get(path) !== undefined);
  }

  record(record: JournalRecord): void {
    switch (record.t) {
      case 'job':
        if (record.v > JOURNAL_FORMAT) throw newer(record);
        this.job = bare(record);
        break;
      case 'run':
        this.#died(record.boot);
        this.run = bare(record);
        this.end = undefined;
        if (record.mark !== undefined) this.marks.add(record.mark);
        this.#chain(record.p, record.chain);
        break;
      case 'writes':
        for (const path of record.paths) this.written.add(path);
        break;
      case 'start':
        for (const key of record.k) this.#running.add(this.#entry(key));
        break;
      case 'alone':
        this.#beginAlone(this.#entry(record.k));
        break;
      case 'intent': {
        const entry = this.#begun(record.k);
        this.intents.set(entry, record.s);
        break;
      }
      case 'processes':
        this.processes.add(record.mark);
        break;
      case 'folder':
        this.folders.add(record.path);
        break;
      case 'step': {
        const entry = this.#begun(record.k);
        this.intents.delete(entry);
        this.#put(entry, record.f, record.r);
        break;
      }
      case 'done': {
        const { k, f, m = f, as, p, w } = record;
        eachDone(record, (at, place) => {
          const entry = this.table.add(wordOf(k, at), wordOf(k, at + 8));
          this.#pending.add(entry, wordOf(m, at), wordOf(m, at + 8), as, p, place, w === 1);
        });
        break;
      }
      case 'again':
        this.table.setState(this.#entry(record.k), STATE.begun);
        break;
      case 'touched': {
        this.table.setFingerprint(this.#entry(record.k), wordOf(record.m, 0), wordOf(record.m, 8));
        break;
      }
      case 'emitted':
        for (const key of record.k) this.table.set(this.#entry(key), FLAG.emitted, true);
        break;
      case 'commit':
        this.#commit(record.outputs);
        break;
      case 'end':
        this.end = record.how;
        // Who comes to his end leaves nothing behind.
        this.processes.clear();
        this.marks.clear();
        // But for a report, which is written when all else has ended.
        if (this.run?.mark !== undefined) this.marks.add(this.run.mark);
        this.folders.clear();
        this.#running.clear();
        this.#alone.clear();
        break;
      case 'ready':
        this.owners.set(record.path, this.#entry(record.k));
        break;
      case 'synced':
        break;
    }
  }

  /** Counts the deaths of the last run, if it died, for those that it was running then; and what it did not commit is void. */
  closed(): void {
    this.#died(bootId());
  }

  /** What it says beside the table and the owners, for a snapshot. */
  saved(): SavedState {
    const { job, run, end, table } = this;
    return {
      last: this.#last,
      items: table.size,
      owners: this.owners.size,
      job,
      run,
      end,
      chains: [...this.chains],
      intents: [...this.intents].map(([entry, step]) => [table.keyOf(entry), step]),
      outputs: [...this.outputs.values()],
      folders: [...this.folders],
      processes: [...this.processes],
      marks: [...this.marks],
      written: [...this.written],
      running: [...this.#running].map((entry) => table.keyOf(entry)),
      alone: [...this.#alone].map((entry) => table.keyOf(entry)),
      relinked: this.relinked,
    };
  }

  /** Takes what another one had saved, once the table has its entries. */
  restore(saved: SavedState): void {
    const { last, job, run, end, chains, intents, outputs, running, alone, relinked } = saved;
    Object.assign(this, { job, run, end, relinked });
    for (const [p, chain] of chains) this.#chain(p, chain);
    for (const [key, step] of intents) this.intents.set(this.#entry(key), step);
    for (const output of outputs) this.outputs.set(output[0], output);
    for (const set of ['folders', 'processes', 'marks', 'written'] as const)
      for (const each of saved[set]) this[set].add(each);
    for (const key of running) this.#running.add(this.#entry(key));
    for (const key of alone) this.#alone.add(this.#entry(key));
    if (last === this.#last) return;
    // What is not known to be of the run to come is looked at when it is met.
    for (let entry = 0; entry < this.table.size; entry++)
      if (this.table.state(entry) !== STATE.begun) this.table.set(entry, FLAG.other, true);
  }

  #chain(p: number, chain: readonly string[]): void {
    this.chains.set(p, chain);
    if (chain.at(-1) === this.#last) this.#same.add(p);
  }

  #put(entry: number, f: string, place: number): void {
    this.#relink(entry);
    this.table.setFingerprint(entry, wordOf(f, 0), wordOf(f, 8));
    this.table.setPlace(entry, place < 0 ? undefined : place);
  }

  #commit(outputs: readonly OutputMark[]): void {
    this.#pending.drain(({ entry, hi, lo, as, p, place, files }) => {
      const flags = (files ? FLAG.files : 0) | (this.#same.has(p) ? 0 : FLAG.other);
      if (this.table.settle(entry, hi, lo, STATE_OF[as], place < 0 ? undefined : place, flags)) this.relinked++;
      if (this.#running.size > 0) this.#running.delete(entry);
      if (this.#alone.size > 0) this.#alone.delete(entry);
      if (this.intents.size > 0) this.intents.delete(entry);
    });
    for (const output of outputs) this.outputs.set(output[0], output);
  }

  #relink(entry: number): void {
    if (this.table.place(entry) !== undefined) this.relinked++;
  }

  #beginAlone(entry: number): void {
    // Behind all that goes on.
    this.#running.delete(entry);
    this.#running.add(entry);
    this.#alone.add(entry);
  }

  #died(boot: string): void {
    this.#pending.clear();
    if (this.run === undefined || this.end !== undefined) return;
    // Parts that an item was split into begin behind it: as long as one of them goes on it is not that item.
    const last = this.#alone.size === 0 || this.run.boot !== boot ? undefined : [...this.#running].at(-1);
    for (const entry of this.#running) {
      const deaths = this.table.deaths(entry);
      const alone = (deaths >> 4) + (entry === last && this.#alone.has(entry) ? 1 : 0);
      this.table.setDeaths(entry, (Math.min(alone, 15) << 4) | Math.min((deaths & 15) + 1, 15));
    }
    this.#running.clear();
    this.#alone.clear();
  }

  /** The entry of an item that is being done, be it again: how it had ended before says nothing of what it is now. */
  #begun(key: string): number {
    const entry = this.#entry(key);
    if (this.table.state(entry) !== STATE.begun) this.table.setState(entry, STATE.again);
    return entry;
  }

  #entry(key: string): number {
    return this.table.add(wordOf(key, 0), wordOf(key, 8));
  }
}

/** A record without its number and its sum, which are those of the line that it was read from. */
function bare<T extends JournalRecord>(record: T): T {
  const { n: _n, c: _c, ...rest } = record as T & { readonly n?: number; readonly c?: string };
  return rest as unknown as T;
}

const newer = ({ v, batchx }: Of<'job'>): BatchxError =>
  new BatchxError(
    'locked',
    `the journal is of format ${v}, written by batchx ${batchx}; this version reads format ${JOURNAL_FORMAT}: use that one, or --fresh to start over`,
  );
