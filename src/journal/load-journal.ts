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
  /** Whose a file is that was written. */
  readonly owners = new Map<string, string>();
  /** Where temporary files may have been left. */
  readonly folders = new Set<string>();
  /** The records of items that have ended since the last commit: without one they do not count. */
  #pending: [entry: number, hi: number, lo: number, as: DoneAs, p: number, place: number, files: boolean][] = [];
  readonly #running = new Set<number>();
  #alone: number | undefined;

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

  done(keyHi: number, keyLo: number, hi: number, lo: number, as: DoneAs, p: number, place: number): void {
    this.#pending.push([this.table.add(keyHi, keyLo), hi, lo, as, p, place, false]);
  }

  record(record: JournalRecord): void {
    switch (record.t) {
      case 'job':
        if (record.v > JOURNAL_FORMAT) throw newer(record);
        this.job = record;
        break;
      case 'run':
        this.#died(record.boot);
        this.run = record;
        this.end = undefined;
        this.chains.set(record.p, record.chain);
        if (record.chain.at(-1) === this.#last) this.#same.add(record.p);
        break;
      case 'start':
        for (const key of record.k) this.#running.add(this.#entry(key));
        break;
      case 'alone':
        this.#alone = this.#entry(record.k);
        break;
      case 'intent':
        this.intents.set(this.#entry(record.k), record.s);
        break;
      case 'folder':
        this.folders.add(record.path);
        break;
      case 'step': {
        const entry = this.#entry(record.k);
        this.intents.delete(entry);
        this.#put(entry, record.f, record.r);
        break;
      }
      case 'done': {
        const { k, f, m = f, as, p, r, w } = record;
        this.#pending.push([this.#entry(k), wordOf(m, 0), wordOf(m, 8), as, p, r, w === 1]);
        break;
      }
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
        this.#running.clear();
        this.#alone = undefined;
        break;
      case 'ready':
        this.owners.set(record.path, record.k);
        break;
      case 'synced':
        break;
    }
  }

  /** Counts the deaths of the last run, if it died, for those that it was running then; and what it did not commit is void. */
  closed(): void {
    this.#died(bootId());
  }

  #put(entry: number, f: string, place: number): void {
    this.table.setFingerprint(entry, wordOf(f, 0), wordOf(f, 8));
    this.table.setPlace(entry, place < 0 ? undefined : place);
  }

  #commit(outputs: readonly OutputMark[]): void {
    for (const [entry, hi, lo, as, p, place, files] of this.#pending) {
      this.table.setFingerprint(entry, hi, lo);
      this.table.setState(entry, STATE_OF[as]);
      this.table.setPlace(entry, place < 0 ? undefined : place);
      this.table.set(entry, FLAG.emitted, false);
      this.table.set(entry, FLAG.files, files);
      this.table.set(entry, FLAG.other, !this.#same.has(p));
      this.table.setDeaths(entry, 0);
      this.#running.delete(entry);
      if (this.#alone === entry) this.#alone = undefined;
      if (this.intents.size > 0) this.intents.delete(entry);
    }
    this.#pending = [];
    for (const output of outputs) this.outputs.set(output[0], output);
  }

  #died(boot: string): void {
    this.#pending = [];
    if (this.run === undefined || this.end !== undefined) return;
    const same = this.run.boot === boot;
    for (const entry of this.#running) {
      const deaths = this.table.deaths(entry);
      const alone = (deaths >> 4) + (same && this.#alone === entry ? 1 : 0);
      this.table.setDeaths(entry, (Math.min(alone, 15) << 4) | Math.min((deaths & 15) + 1, 15));
    }
    this.#running.clear();
    this.#alone = undefined;
  }

  #entry(key: string): number {
    return this.table.add(wordOf(key, 0), wordOf(key, 8));
  }
}

const newer = ({ v, batchx }: Of<'job'>): BatchxError =>
  new BatchxError(
    'locked',
    `the journal is of format ${v}, written by batchx ${batchx}; this version reads format ${JOURNAL_FORMAT}: use that one, or --fresh to start over`,
  );
