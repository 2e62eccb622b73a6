import { basename, dirname, join } from 'node:path';
import type { SchedulerLike } from 'rxjs';
import { CommandResult } from '../core/command-result.js';
import type { Identity, ItemChange, OutputFile } from '../core/identity.js';
import { keep } from '../core/kept.js';
import { tempName } from '../core/output-path.js';
import type { AppendFile, Durability } from './append-file.js';
import { cleanUp, type Left } from './clean-up.js';
import { Commits } from './commits.js';
import type { Done } from './done-records.js';
import { findJob, nothingLeft } from './found-job.js';
import { FLAG, type ItemTable, STATE } from './item-table.js';
import { FAILED, firstRecord, makeJobFolder, openLines } from './job-files.js';
import type { JobOptions } from './job-options.js';
import { JobOutputs } from './job-outputs.js';
import { JournalFile } from './journal-file.js';
import { alteredOf, type Known, knownIn } from './known.js';
import { LargeFiles } from './large-outputs.js';
import type { JournalState, OutputMark } from './load-journal.js';
import { Lock } from './lock.js';
import { OwnPaths } from './own-paths.js';
import { ownLife } from './process-life.js';
import { type EndedHow, JOURNAL_FORMAT } from './records.js';
import { ResultsFile } from './results-file.js';
import { Running } from './running.js';
import { untoldSteps } from './untold-steps.js';

/** The state of a job that is being run: what is known of its items, and what is written of them. */
export class Job {
  readonly folder: string;
  readonly name: string;
  readonly chain: readonly string[];
  readonly lock: Lock;
  readonly state: JournalState;
  readonly table: ItemTable;
  readonly results: ResultsFile;
  readonly running: Running;
  readonly outputs: JobOutputs;
  readonly commits: Commits;
  readonly paths: OwnPaths;
  readonly large: LargeFiles;
  /** Whether an earlier run did not come to its end. */
  readonly resumes: boolean;
  readonly durability: Durability;
  /** How much was cut off its journal, as a record was being written when a run died, in bytes. */
  readonly torn: number;
  /** What earlier runs have done, in items and parts of them. */
  readonly known: Known;
  /** How the names of its temporary files begin. */
  readonly mark: string;
  /** The number of its chain. */
  readonly p: number;
  /** Whether results that outputs hold have been replaced by others. */
  superseded = false;
  /** Folders that are known to have temporary files in them. */
  readonly #folders = new Set<string>();
  /** What runs have left that died. */
  readonly #left: Left;
  /** What was known of it when all that was forgotten. */
  readonly #before: JournalState | undefined;
  readonly #journal: JournalFile;
  readonly #resultLines: AppendFile;
  #letters: AppendFile | undefined;
  /** What the steps have made of items that were kept last. */
  readonly #made = new WeakMap<Identity, unknown>();
  readonly #random: () => number;
  readonly #redact: (text: string) => string;
  readonly #scheduler: SchedulerLike;
  #closed = false;

  constructor(options: JobOptions) {
    const { folder, name, chain, at, durability = 'power', scheduler, stopping, startsLater = false } = options;
    this.#scheduler = scheduler;
    this.#random = options.random;
    this.#redact = options.redact;
    this.folder = folder;
    this.name = name;
    this.chain = chain;
    this.mark = Math.floor(options.random() * 36 ** 8)
      .toString(36)
      .padStart(8, '0');
    this.durability = durability;
    this.large = new LargeFiles(folder, this.mark, durability);
    if (options.resume === true && firstRecord(folder) === undefined) throw nothingLeft(folder, false);
    makeJobFolder(folder);
    this.lock = Lock.take(folder, at, { force: options.force === true });
    let ended: JournalState['run'];
    try {
      const { fd, state, last, results, torn, before } = findJob(options);
      this.#before = before;
      this.torn = torn;
      this.state = state;
      this.table = state.table;
      this.#journal = new JournalFile(fd, folder, last, durability);
      this.#resultLines = openLines(folder, results, durability);
      this.results = new ResultsFile(this.#resultLines, this.large);
      this.paths = new OwnPaths(state, this.results);
      const steps = untoldSteps(this.#resultLines, state);
      this.resumes = state.run !== undefined && state.end !== 'complete';
      if (options.resume === true && !this.resumes) throw nothingLeft(folder, state.run !== undefined);
      this.known = knownIn(this.table);
      this.p = numberOf(chain, state.chains);
      ended = state.end === undefined ? undefined : state.run;
      this.#noteRun(options);
      this.running = new Running(this.#journal, scheduler, stopping, startsLater);
      this.outputs = new JobOutputs(state, durability);
      this.commits = this.#committing(steps);
    } catch (error) {
      this.lock.release();
      throw error;
    }
    const { processes, folders, marks, written } = this.state;
    const found = { folders: [...folders], marks: [...marks], written: [...written], ended };
    this.#left = { processes: [...processes], ...found };
  }

  #noteRun({ name, version, at, stamp, args, cwd, parts }: JobOptions): void {
    const { chain, mark, p, lock } = this;
    const { pid, boot } = ownLife();
    if (this.state.job === undefined)
      this.#journal.append({ t: 'job', v: JOURNAL_FORMAT, batchx: version, name, at, stamp });
    const more = { args, cwd, parts: parts === true || undefined };
    this.#journal.append({ t: 'run', epoch: lock.epoch, at, pid, boot, mark, p, chain, ...more });
    this.#journal.write();
  }

  #committing(steps: ReturnType<typeof untoldSteps>): Commits {
    const { folder, lock, table, outputs } = this;
    const letters = (): AppendFile | undefined => this.#letters;
    const written = { journal: this.#journal, results: this.#resultLines, letters, outputs };
    const last = this.chain.at(-1) as string;
    return new Commits({ folder, last, lock, table, ...written, scheduler: this.#scheduler }, steps);
  }

  /** Whether this run or one before it has written a file; the path is seen from the current folder. */
  hasWritten(path: string): boolean {
    return this.state.hasWritten(path) || this.#before?.hasWritten(path) === true;
  }

  /** Notes what is written beside the files of items: it is the run's own from then on. */
  noteWritten(paths: readonly string[]): void {
    const fresh = paths.filter((path) => !this.state.written.has(path));
    if (fresh.length === 0) return;
    this.#journal.append({ t: 'writes', paths: fresh });
    this.#journal.write();
  }

  /** The dead letters of the job; the file is opened with the first. */
  get letters(): AppendFile {
    return (this.#letters ??= openLines(this.folder, FAILED, this.durability));
  }

  /** Whether a text has no secret in it. What has one is not kept. */
  isPublic(text: string | undefined): boolean {
    return text === undefined || this.#redact(text) === text;
  }

  /** Where the order is kept in which items came by in this run. */
  get orderPath(): string {
    return join(this.folder, 'order');
  }

  /** Ends what is left of the processes of runs that died, and removes their temporary files. To be done before anything runs. */
  recover(): Promise<void> {
    return cleanUp(this.folder, this.#left, this.#scheduler);
  }

  /** Notes by what the processes are known that are started. */
  noteProcesses(mark: string): void {
    this.#journal.append({ t: 'processes', mark });
    this.#journal.write();
  }

  /** Done when it is on the disk that a call begins which must not be done twice. */
  async intend(key: string, step: string): Promise<void> {
    this.#journal.append({ t: 'intent', k: key, s: step });
    await this.commits.commit();
  }

  /** Notes that a file has other times, but the content that it had. */
  touch(key: string, times: string): void {
    this.#journal.append({ t: 'touched', k: key, m: times });
  }

  /** Keeps what a step has made of an item, for a run that is to go on from there. */
  keepStep(identity: Identity, id: string, link: string, change: ItemChange): void {
    if (identity.entry < 0) return;
    // What a command has said is kept at the end, where that is much.
    if (saysMuch(change.data)) return;
    const d = keep(change);
    if (d === undefined || !this.isPublic(d)) return;
    const { key: k, fingerprint: f, times: m, entry, outputs: w } = identity;
    const q = this.table.place(entry) ?? -1;
    const place = this.results.add({ k, f, ...(m !== undefined && { m }), s: link, q, id, w, a: 1 }, undefined, d);
    // A process that dies before the next commit has not called in vain: the line alone tells what came of it.
    this.#resultLines.write();
    this.table.setPlace(entry, place);
    // Other data may be changed by whoever has them.
    if (change.data instanceof CommandResult) this.#made.set(identity, change.data);
    this.commits.step({ t: 'step', k, f, s: link, r: place });
  }

  /** Whether the line of an item that was written last has these data, as a step has made them. */
  hasKept(identity: Identity, data: unknown): boolean {
    return this.#made.has(identity) && this.#made.get(identity) === data;
  }

  /** Done when it is on the disk that a file is the item's own. */
  async ready({ key, entry }: Identity, { path, size, sha256 }: OutputFile): Promise<void> {
    this.#journal.append({ t: 'ready', k: key, path, size, sha256 });
    this.paths.set(path, entry);
    await this.commits.commit();
  }

  noteFolder(path: string): void {
    if (this.#folders.has(path)) return;
    this.#folders.add(path);
    this.#journal.append({ t: 'folder', path });
    this.#journal.write();
  }

  /** Finds out which outputs are not as earlier runs have left them, or are new. */
  lookAt(paths: readonly string[]): void {
    for (const path of alteredOf(paths, this.state, this.known)) this.outputs.altered.add(path);
  }

  /** Whether there are results of items that the input has no more. To be asked when all of it was read. */
  hasGone(): boolean {
    for (let entry = 0; entry < this.table.size; entry++) {
      const state = this.table.state(entry);
      if (this.table.has(entry, FLAG.seen)) continue;
      if (state === STATE.ok || state === STATE.failed || state === STATE.again) return true;
    }
    return false;
  }

  /** The name under which a file is written that is to take the place of another one. */
  temporary(path: string): string {
    this.noteFolder(dirname(path));
    return join(dirname(path), tempName(basename(path), this.#random, this.mark));
  }

  /** Done when it is on the disk that an output has been written anew. */
  async replaced(mark: OutputMark): Promise<void> {
    this.outputs.replaced(mark);
    await this.commits.commit();
  }

  /** Notes that an item has ended: it counts once a commit is done, which is to follow. */
  end(item: Done, entry: number): void {
    this.commits.end(item);
    this.running.left(entry);
  }

  /** Ends the run: `how` says whether there is anything left to do. */
  async close(how: EndedHow | undefined): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.commits.close();
    try {
      await this.commits.commit();
      if (how !== undefined) {
        this.#journal.append({ t: 'end', epoch: this.lock.epoch, how });
        await this.#journal.sync();
        if (how !== 'interrupted' && how !== 'error') this.commits.compactAtEnd();
      }
    } finally {
      this.#journal.close();
      this.#resultLines.close();
      this.#letters?.close();
      this.lock.release();
    }
  }
}

/** So much of what a command has said is kept at once, in bytes. */
const MUCH = 16 * 1024;

const saysMuch = (data: unknown): boolean =>
  data instanceof CommandResult && data.output.stdout.size + data.output.stderr.size > MUCH;

/** The number of a chain: the same for the same, and otherwise the next. */
function numberOf(chain: readonly string[], known: ReadonlyMap<number, readonly string[]>): number {
  let next = 1;
  for (const [p, other] of known) {
    if (other.length === chain.length && other.at(-1) === chain.at(-1)) return p;
    next = Math.max(next, p + 1);
  }
  return next;
}
