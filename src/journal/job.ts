import { closeSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { SchedulerLike } from 'rxjs';
import type { Identity, OutputFile } from '../core/identity.js';
import type { ItemChange } from '../core/identity.js';
import { BatchxError } from '../core/errors.js';
import { keep } from '../core/kept.js';
import { tempName } from '../core/output-path.js';
import { wait } from '../core/wait.js';
import type { AppendFile, Durability } from './append-file.js';
import { GroupCommit } from './group-commit.js';
import { FAILED, forget, makeJobFolder, openJournal, openLines, RESULTS } from './job-files.js';
import { type DoneRecord, JournalFile } from './journal-file.js';
import { FLAG, type ItemTable, STATE, type State } from './item-table.js';
import type { JournalState, OutputMark } from './load-journal.js';
import { Lock } from './lock.js';
import { isIntact, OutputLines } from './output-lines.js';
import { ownLife } from './process-life.js';
import { type EndedHow, JOURNAL_FORMAT, type JournalRecord } from './records.js';
import { ResultsFile } from './results-file.js';

export interface JobOptions {
  /** Where it is kept: `.batchx/<name>`. */
  readonly folder: string;
  readonly name: string;
  /** What each step does, with all steps before it; the first link is that of what is read. */
  readonly chain: readonly string[];
  readonly version: string;
  /** The time of day, as ISO 8601 says it. */
  readonly at: string;
  readonly stamp: string;
  readonly durability?: Durability | undefined;
  readonly args?: readonly string[] | undefined;
  readonly scheduler: SchedulerLike;
  readonly random: () => number;
  /** Throws when no earlier run has left anything to do. */
  readonly resume?: boolean | undefined;
  /** Begins anew when the job is complete. */
  readonly anew?: boolean | undefined;
  /** Forgets what is known, and begins anew. */
  readonly fresh?: boolean | undefined;
}

/** How long what nobody waits for may take to get to the disk, in milliseconds. */
const SOON = 20;

/** The state of a job that is being run: what is known of its items, and what is written of them. */
export class Job {
  readonly folder: string;
  readonly name: string;
  readonly chain: readonly string[];
  readonly lock: Lock;
  readonly state: JournalState;
  readonly table: ItemTable;
  readonly results: ResultsFile;
  readonly letters: AppendFile;
  /** Whether an earlier run did not come to its end. */
  readonly resumes: boolean;
  /** What earlier runs have done, in items and parts of them. */
  readonly known: Known;
  readonly #outputs = new Set<OutputLines>();
  /** Folders that are known to have temporary files in them. */
  readonly #folders = new Set<string>();
  readonly #journal: JournalFile;
  readonly #resultLines: AppendFile;
  readonly #commits: GroupCommit;
  /** The number of its chain. */
  readonly p: number;
  /** Whether results that outputs hold have been replaced by others. */
  superseded = false;
  /** The outputs that are not as earlier runs have left them. */
  readonly altered = new Set<string>();
  #replaced: OutputMark[] = [];
  readonly #random: () => number;
  #pending: DoneRecord[] = [];
  #steps: Extract<JournalRecord, { readonly t: 'step' }>[] = [];
  #waits = false;
  readonly #scheduler: SchedulerLike;
  #closed = false;

  constructor(options: JobOptions) {
    const { folder, name, chain, version, at, stamp, durability = 'power', args, fresh = false } = options;
    this.#scheduler = options.scheduler;
    this.#random = options.random;
    this.folder = folder;
    this.name = name;
    this.chain = chain;
    makeJobFolder(folder);
    this.lock = Lock.take(folder, at);
    try {
      if (fresh) forget(folder);
      let found = openJournal(folder, chain.at(-1) as string);
      if (options.anew === true && found.state.end === 'complete') {
        closeSync(found.fd);
        forget(folder);
        found = openJournal(folder, chain.at(-1) as string);
      }
      const { fd, state, last } = found;
      this.state = state;
      this.table = state.table;
      this.#journal = new JournalFile(fd, folder, last, durability);
      this.#resultLines = openLines(folder, RESULTS, durability);
      this.results = new ResultsFile(this.#resultLines);
      this.letters = openLines(folder, FAILED, durability);
      this.resumes = state.run !== undefined && state.end !== 'complete';
      if (options.resume === true && !this.resumes) throw nothingLeft(folder, state.run !== undefined);
      this.known = knownIn(this.table);
      if (state.job === undefined)
        this.#journal.append({ t: 'job', v: JOURNAL_FORMAT, batchx: version, name, at, stamp });
      this.p = numberOf(chain, state.chains);
      const { pid, boot } = ownLife();
      this.#journal.append({ t: 'run', epoch: this.lock.epoch, at, pid, boot, p: this.p, chain, args });
      this.#journal.write();
    } catch (error) {
      this.lock.release();
      throw error;
    }
    this.#commits = new GroupCommit(() => this.#commitNow());
  }

  /** Where the order is kept in which items came by in this run. */
  get orderPath(): string {
    return join(this.folder, 'order');
  }

  /** Notes that items begin; it is known if the process dies. */
  begin(keys: readonly string[]): void {
    this.#journal.appendStart(keys);
    this.#journal.write();
  }

  /** Notes that an item begins which nothing else runs beside. */
  beginAlone(key: string): void {
    this.#journal.append({ t: 'alone', k: key });
    this.begin([key]);
  }

  /** Done when it is on the disk that a call begins which must not be done twice. */
  async intend(key: string, step: string): Promise<void> {
    this.#journal.append({ t: 'intent', k: key, s: step });
    await this.commit();
  }

  /** Notes that a file has other times, but the content that it had. */
  touch(key: string, times: string): void {
    this.#journal.append({ t: 'touched', k: key, m: times });
  }

  /** Keeps what a step has made of an item, for a run that is to go on from there. */
  keepStep(identity: Identity, id: string, link: string, change: ItemChange): void {
    const d = keep(change);
    if (d === undefined) return;
    const { key: k, fingerprint: f, times: m, entry } = identity;
    const q = this.table.place(entry) ?? -1;
    const place = this.results.add({ k, f, ...(m !== undefined && { m }), s: link, q, id, a: 1 }, undefined, d);
    this.table.setPlace(entry, place);
    this.#steps.push({ t: 'step', k, f, s: link, r: place });
    this.#soon();
  }

  /** Done when it is on the disk that a file is the item's own. */
  async ready(key: string, { path, size, sha256 }: OutputFile): Promise<void> {
    this.#journal.append({ t: 'ready', k: key, path, size, sha256 });
    this.state.owners.set(path, key);
    await this.commit();
  }

  owns(key: string, path: string): boolean {
    return this.state.owners.get(path) === key;
  }

  noteFolder(path: string): void {
    if (this.#folders.has(path)) return;
    this.#folders.add(path);
    this.#journal.append({ t: 'folder', path });
    this.#journal.write();
  }

  /** Finds out which outputs are not as earlier runs have left them, or are new: they are to be written anew. */
  lookAt(paths: readonly string[]): void {
    const { ok, failed } = this.known;
    for (const path of paths) {
      const mark = this.state.outputs.get(path);
      if (mark === undefined ? ok + failed > 0 : !isIntact(mark)) this.altered.add(path);
    }
  }

  /** Whether there are results of items that the input has no more. To be asked when all of it was read. */
  hasGone(): boolean {
    for (let entry = 0; entry < this.table.size; entry++) {
      const state = this.table.state(entry);
      if (!this.table.has(entry, FLAG.seen) && (state === STATE.ok || state === STATE.failed)) return true;
    }
    return false;
  }

  /** The name under which a file is written that is to take the place of another one. */
  temporary(path: string): string {
    this.noteFolder(dirname(path));
    return join(dirname(path), tempName(basename(path), this.#random));
  }

  /** Notes that an output has been written anew. */
  async replaced(mark: OutputMark): Promise<void> {
    this.#replaced.push(mark);
    await this.commit();
  }

  /** Opens an output behind what it has of what is done. */
  async open(path: string): Promise<OutputLines> {
    const mark = this.altered.has(path) ? undefined : this.state.outputs.get(path);
    const output: OutputLines = await OutputLines.open(path, mark, () => this.#outputs.delete(output));
    this.#outputs.add(output);
    return output;
  }

  /** Notes that an item has ended: it counts once `commit` is done, which is to follow. */
  end(record: DoneRecord): void {
    this.#pending.push(record);
  }

  /** Done when all that was noted before is on the disk, with what it says of outputs. */
  commit(): Promise<void> {
    return this.#commits.commit();
  }

  async #commitNow(): Promise<void> {
    const ended = this.#pending;
    const steps = this.#steps;
    this.#pending = [];
    this.#steps = [];
    // What a record says to be there has to be there first.
    const replaced = this.#replaced;
    this.#replaced = [];
    const outputs = [
      // What is to be written anew at the end is not what it should be before that.
      ...[...this.#outputs].flatMap(({ path, size, crc }) =>
        this.altered.has(path) ? [] : [[path, size, crc] as const],
      ),
      ...replaced,
    ];
    await Promise.all([
      this.#resultLines.sync(),
      this.letters.sync(),
      ...[...this.#outputs].map((output) => output.sync()),
    ]);
    for (const record of steps) this.#journal.append(record);
    for (const record of ended) this.#journal.appendDone(record);
    if (ended.length + replaced.length > 0) this.#journal.append({ t: 'commit', outputs });
    await this.#journal.sync();
  }

  /** Brings what was noted to the disk before long, though nobody waits for it. */
  #soon(): void {
    if (this.#waits) return;
    this.#waits = true;
    wait(SOON, this.#scheduler).subscribe(() => {
      this.#waits = false;
      // When it fails it does so for good: the next who waits for it is told.
      if (!this.#closed) this.commit().catch(() => undefined);
    });
  }

  /** Ends the run: `how` says whether there is anything left to do. */
  async close(how: EndedHow | undefined): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    try {
      await this.commit();
      if (how !== undefined) {
        this.#journal.append({ t: 'end', epoch: this.lock.epoch, how });
        await this.#journal.sync();
      }
    } finally {
      this.#journal.close();
      this.#resultLines.close();
      this.letters.close();
      this.lock.release();
    }
  }
}

/** How many items have ended how. */
export interface Known {
  readonly ok: number;
  readonly failed: number;
  readonly inDoubt: number;
}

function knownIn(table: ItemTable): Known {
  const counts = [0, 0, 0, 0, 0, 0];
  for (let entry = 0; entry < table.size; entry++)
    counts[table.state(entry)] = (counts[table.state(entry)] as number) + 1;
  const of = (state: State): number => counts[state] as number;
  return { ok: of(STATE.ok) + of(STATE.skipped), failed: of(STATE.failed), inDoubt: of(STATE.inDoubt) };
}

const nothingLeft = (folder: string, complete: boolean): BatchxError =>
  new BatchxError(
    'usage',
    `there is nothing to resume: ${complete ? `the job ${folder} is complete` : `no run of ${folder} is known`}`,
  );

/** The number of a chain: the same for the same, and otherwise the next. */
function numberOf(chain: readonly string[], known: ReadonlyMap<number, readonly string[]>): number {
  let next = 1;
  for (const [p, other] of known) {
    if (other.length === chain.length && other.at(-1) === chain.at(-1)) return p;
    next = Math.max(next, p + 1);
  }
  return next;
}
