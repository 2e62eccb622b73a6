import { closeSync, openSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { firstValueFrom, type SchedulerLike } from 'rxjs';
import type { Identity, OutputFile } from '../core/identity.js';
import type { ItemChange } from '../core/identity.js';
import { CommandResult } from '../core/command-result.js';
import { BatchxError } from '../core/errors.js';
import { keep } from '../core/kept.js';
import { tempName } from '../core/output-path.js';
import { wait } from '../core/wait.js';
import type { AppendFile, Durability } from './append-file.js';
import { GroupCommit } from './group-commit.js';
import { compact, compactAtEnd, type CompactOptions, isDue } from './compact.js';
import { LargeFiles } from './large-outputs.js';
import { cleanUp, type Left } from './clean-up.js';
import { FAILED, firstRecord, forget, JOURNAL, makeJobFolder, openJournal, openLines } from './job-files.js';
import { type Done, DoneRecords } from './done-records.js';
import { JournalFile } from './journal-file.js';
import { FLAG, type ItemTable, STATE, type State } from './item-table.js';
import type { JournalState, OutputMark } from './load-journal.js';
import { Lock } from './lock.js';
import { isIntact, OutputLines } from './output-lines.js';
import { ownLife } from './process-life.js';
import { type EndedHow, JOURNAL_FORMAT, type JournalRecord } from './records.js';
import { ResultsFile } from './results-file.js';
import { Starting } from './starting.js';
import { untoldSteps } from './untold-steps.js';

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
  /** The command line, and where it was given. */
  readonly args?: readonly string[] | undefined;
  readonly cwd?: string | undefined;
  readonly scheduler: SchedulerLike;
  readonly random: () => number;
  /** Whether items are done some time after they were looked up: then somebody calls `start` for each. */
  readonly startsLater?: boolean | undefined;
  /** Fires when the run is to end. */
  readonly stopping: AbortSignal;
  /** Hides secrets. */
  readonly redact: (text: string) => string;
  /** Takes it over from whoever has it. */
  readonly force?: boolean | undefined;
  /** Throws when no earlier run has left anything to do. */
  readonly resume?: boolean | undefined;
  /** Begins anew when the job is complete. */
  readonly anew?: boolean | undefined;
  /** Forgets what is known, and begins anew. */
  readonly fresh?: boolean | undefined;
}

/** How long what nobody waits for may take to get to the disk, in milliseconds. */
const SOON = 20;

/** How long after another commit one begins that can wait, in milliseconds; and of how many items none waits. */
const APART = 15;
const MANY = 1024;

/** The state of a job that is being run: what is known of its items, and what is written of them. */
export class Job {
  readonly folder: string;
  readonly name: string;
  readonly chain: readonly string[];
  readonly lock: Lock;
  readonly state: JournalState;
  readonly table: ItemTable;
  readonly results: ResultsFile;
  /** Whether an earlier run did not come to its end. */
  readonly resumes: boolean;
  readonly durability: Durability;
  /** How much was cut off its journal, as a record was being written when a run died, in bytes. */
  readonly torn: number;
  /** What earlier runs have done, in items and parts of them. */
  readonly known: Known;
  readonly #outputs = new Set<OutputLines>();
  /** Folders that are known to have temporary files in them. */
  readonly #folders = new Set<string>();
  /** How the names of its temporary files begin. */
  readonly mark: string;
  readonly large: LargeFiles;
  /** What runs have left that died. */
  readonly #left: Left;
  /** The items that are being done. */
  readonly #running = new Set<number>();
  /** Who waits until nothing is being done, but what is said; and who is told when an item is to be done alone. */
  readonly #idlers = new Set<{ readonly but: ReadonlySet<number>; readonly go: () => void }>();
  readonly #lone = new Set<() => void>();
  /** The entries of those that are done alone: an item, and a part of it. */
  readonly #alone = new Set<number>();
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
  readonly #openLetters: () => AppendFile;
  #letters: AppendFile | undefined;
  readonly #redact: (text: string) => string;
  readonly #stopping: AbortSignal;
  readonly #startsLater: boolean;
  readonly #starting = new Starting();
  #pending = new DoneRecords();
  #steps: Extract<JournalRecord, { readonly t: 'step' }>[] = [];
  /** What the steps have made of items that were kept last. */
  readonly #made = new WeakMap<Identity, unknown>();
  /** What was known of it when all that was forgotten. */
  #before: JournalState | undefined;
  #waits = false;
  /** When the last commit began. */
  #began = -Infinity;
  #cannotCompact = false;
  readonly #scheduler: SchedulerLike;
  #closed = false;

  constructor(options: JobOptions) {
    const { folder, name, chain, version, at, stamp, durability = 'power', args, cwd, fresh = false } = options;
    this.#scheduler = options.scheduler;
    this.#random = options.random;
    this.#redact = options.redact;
    this.#stopping = options.stopping;
    this.#startsLater = options.startsLater ?? false;
    options.stopping.addEventListener('abort', () => this.#tellIdle(true), { once: true });
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
    try {
      if (fresh) {
        this.#before = knownBefore(folder);
        forget(folder);
      }
      let found = openJournal(folder, chain.at(-1) as string);
      // Who has deferred an item wants it passed over, and what was done not to be done again for that.
      if (options.anew === true && found.state.end === 'complete' && !isKnown(found.state.table, STATE.deferred)) {
        closeSync(found.fd);
        this.#before = found.state;
        forget(folder);
        found = openJournal(folder, chain.at(-1) as string);
      }
      const { fd, state, last } = found;
      this.torn = found.torn;
      this.state = state;
      this.table = state.table;
      this.#journal = new JournalFile(fd, folder, last, durability);
      this.#resultLines = openLines(folder, found.results, durability);
      this.results = new ResultsFile(this.#resultLines, this.large);
      this.#steps = untoldSteps(this.#resultLines, state);
      this.#openLetters = () => openLines(folder, FAILED, durability);
      this.resumes = state.run !== undefined && state.end !== 'complete';
      if (options.resume === true && !this.resumes) throw nothingLeft(folder, state.run !== undefined);
      this.known = knownIn(this.table);
      if (state.job === undefined)
        this.#journal.append({ t: 'job', v: JOURNAL_FORMAT, batchx: version, name, at, stamp });
      this.p = numberOf(chain, state.chains);
      const { pid, boot } = ownLife();
      const { mark } = this;
      this.#journal.append({ t: 'run', epoch: this.lock.epoch, at, pid, boot, mark, p: this.p, chain, args, cwd });
      this.#journal.write();
    } catch (error) {
      this.lock.release();
      throw error;
    }
    this.#commits = new GroupCommit(() => this.#commitNow());
    this.#left = {
      processes: [...this.state.processes],
      folders: [...this.state.folders],
      marks: [...this.state.marks],
    };
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
    return (this.#letters ??= this.#openLetters());
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

  /** Notes that items are to be done. */
  begin(items: readonly Identity[]): void {
    for (const { entry } of items) this.#running.add(entry);
    if (this.#startsLater) this.#starting.wait(items);
    else this.#note(items);
  }

  /** Notes that items are being done now, if it was not noted yet: it is known when the process dies. */
  start(items: readonly Identity[]): void {
    const begun = this.#starting.begin(items, this.#scheduler.now(), (entry) => this.#running.has(entry));
    if (begun.length > 0) this.#note(begun);
  }

  #note(begun: readonly Identity[]): void {
    this.#journal.appendStart(begun.map(({ key }) => key));
    this.#journal.write();
  }

  /** Whether an item is to be done while nothing else is. */
  get alone(): boolean {
    return this.#alone.size > 0;
  }

  onAlone(listener: () => void): () => void {
    this.#lone.add(listener);
    return () => this.#lone.delete(listener);
  }

  /**
   * Has `emit` begin an item while nothing else is being done but what it is a part of (`above`), and is done when the
   * item has ended too, or the run is to end.
   */
  async aloneWith(item: Identity, above: readonly Identity[], emit: () => void): Promise<void> {
    this.#alone.add(item.entry);
    try {
      const but = new Set(above.map(({ entry }) => entry));
      for (const listener of this.#lone) listener();
      await this.#idle(but);
      this.#running.add(item.entry);
      this.#journal.append({ t: 'alone', k: item.key });
      this.start([...above, item]);
      emit();
      await this.#idle(but);
    } finally {
      this.#alone.delete(item.entry);
    }
  }

  /** Whether it is this item. */
  isAlone({ entry }: Identity): boolean {
    return this.#alone.has(entry);
  }

  /** Whether an item is being done. */
  isRunning(entry: number): boolean {
    return this.#running.has(entry);
  }

  /** Done when all that was begun has ended but these, or the run is to end. */
  async #idle(but: ReadonlySet<number>): Promise<void> {
    await new Promise<void>((go) => {
      this.#idlers.add({ but, go });
      this.#tellIdle(this.#stopping.aborted);
    });
  }

  #tellIdle(anyway = false): void {
    for (const idler of this.#idlers) {
      if (!anyway && (this.#running.size > idler.but.size || [...this.#running].some((entry) => !idler.but.has(entry))))
        continue;
      this.#idlers.delete(idler);
      idler.go();
    }
  }

  /** Notes by what the processes are known that are started. */
  noteProcesses(mark: string): void {
    this.#journal.append({ t: 'processes', mark });
    this.#journal.write();
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
    this.#steps.push({ t: 'step', k, f, s: link, r: place });
    this.#soon();
  }

  /** Whether the line of an item that was written last has these data, as a step has made them. */
  hasKept(identity: Identity, data: unknown): boolean {
    return this.#made.has(identity) && this.#made.get(identity) === data;
  }

  /** Done when it is on the disk that a file is the item's own. */
  async ready({ key, entry }: Identity, { path, size, sha256 }: OutputFile): Promise<void> {
    this.#journal.append({ t: 'ready', k: key, path, size, sha256 });
    this.state.owners.set(path, entry);
    await this.commit();
  }

  owns({ entry }: Identity, path: string): boolean {
    return this.state.owners.get(path) === entry;
  }

  noteFolder(path: string): void {
    if (this.#folders.has(path)) return;
    this.#folders.add(path);
    this.#journal.append({ t: 'folder', path });
    this.#journal.write();
  }

  /** Finds out which outputs are not as earlier runs have left them, or are new: they are to be written anew. */
  lookAt(paths: readonly string[]): void {
    for (const path of alteredOf(paths, this.state, this.known)) this.altered.add(path);
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

  /** Notes that an output has been written anew. */
  async replaced(mark: OutputMark): Promise<void> {
    this.#replaced.push(mark);
    await this.commit();
  }

  /** Opens an output behind what it has of what is done. */
  async open(path: string): Promise<OutputLines> {
    const mark = this.altered.has(path) ? undefined : this.state.outputs.get(path);
    const onClose = (): void => void this.#outputs.delete(output);
    const output: OutputLines = await OutputLines.open(path, mark, onClose, this.durability);
    this.#outputs.add(output);
    return output;
  }

  /** What outputs have now is that of whole blocks of items: see `OutputLines`. */
  markOutputs(): void {
    for (const output of this.#outputs) output.mark();
  }

  /** Notes that an item has ended: it counts once `commit` is done, which is to follow. */
  end(item: Done, entry: number): void {
    this.#pending.add(item);
    this.left(entry);
  }

  /** Notes that nothing more is done for an item, which is as it was. */
  left(entry: number): void {
    this.#starting.end(entry);
    if (this.#running.delete(entry) && this.#idlers.size > 0) this.#tellIdle();
  }

  /** As `commit`, but of a few items not right after the one before: what comes within milliseconds goes to the disk together. */
  async commitTogether(items: number): Promise<void> {
    const early = this.#began + APART - this.#scheduler.now();
    if (early > 1 && items < MANY) await firstValueFrom(wait(early, this.#scheduler));
    await this.commit();
  }

  /** Done when all that was noted before is on the disk, with what it says of outputs. */
  commit(): Promise<void> {
    return this.#commits.commit();
  }

  async #commitNow(): Promise<void> {
    this.#began = this.#scheduler.now();
    this.lock.check();
    const ended = this.#pending;
    const steps = this.#steps;
    this.#pending = new DoneRecords();
    this.#steps = [];
    // What a record says to be there has to be there first.
    const replaced = this.#replaced;
    this.#replaced = [];
    const outputs = [
      // What is to be written anew at the end is not what it should be before that.
      ...[...this.#outputs].flatMap(({ path, marked }) => (this.altered.has(path) ? [] : [marked])),
      ...replaced,
    ];
    await Promise.all([
      this.#resultLines.sync(),
      this.#letters?.sync(),
      ...[...this.#outputs].map((output) => output.sync()),
    ]);
    for (const record of steps) this.#journal.append(record);
    const counts = !ended.empty || replaced.length > 0;
    this.#journal.appendDone(ended);
    if (counts) this.#journal.append({ t: 'commit', outputs });
    await this.#journal.sync();
    if (!this.#cannotCompact && isDue(this.#journal.size, this.table.size, false)) this.#compact();
  }

  /** Puts what the journal says into a snapshot while the run goes on. */
  #compact(): void {
    this.#journal.write();
    try {
      const { n } = compact(this.folder, { ...this.#compacting, results: false });
      const path = join(this.folder, JOURNAL);
      this.#journal.moveTo(openSync(path, 'a+'), path, n);
    } catch (error) {
      this.#cannotCompact = true;
      ignoreFull(error);
    }
  }

  get #compacting(): Omit<CompactOptions, 'results'> {
    return {
      last: this.chain.at(-1) as string,
      check: () => {
        this.lock.check();
      },
    };
  }

  /** Leaves of what is kept what is of use. Nobody needs the table any more. */
  #compactAtEnd(): void {
    const { size } = this.table;
    this.table.clear();
    try {
      compactAtEnd(this.folder, this.#journal.size, size, { ...this.#compacting, results: true });
    } catch (error) {
      ignoreFull(error);
    }
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
        if (how !== 'interrupted' && how !== 'error') this.#compactAtEnd();
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

/** How many items have ended how. */
export interface Known {
  readonly ok: number;
  readonly failed: number;
  readonly inDoubt: number;
}

/** Those outputs that are not as the runs of a job have left them, or that they have not written. */
export const alteredOf = (paths: readonly string[], { outputs }: JournalState, { ok, failed }: Known): string[] =>
  paths.filter((path) => {
    const mark = outputs.get(path);
    return mark === undefined ? ok + failed > 0 : !isIntact(mark);
  });

function isKnown(table: ItemTable, state: State): boolean {
  for (let entry = 0; entry < table.size; entry++) if (table.state(entry) === state) return true;
  return false;
}

export function knownIn(table: ItemTable): Known {
  const counts = [0, 0, 0, 0, 0, 0, 0];
  for (let entry = 0; entry < table.size; entry++)
    counts[table.state(entry)] = (counts[table.state(entry)] as number) + 1;
  const of = (state: State): number => counts[state] as number;
  return { ok: of(STATE.ok) + of(STATE.skipped), failed: of(STATE.failed), inDoubt: of(STATE.inDoubt) };
}

/** What a job that is begun anew has known; undefined when that cannot be read. */
function knownBefore(folder: string): JournalState | undefined {
  try {
    const { fd, state } = openJournal(folder, '');
    closeSync(fd);
    return state;
  } catch (error) {
    if (error instanceof BatchxError) return undefined;
    throw error;
  }
}

/** What is on the disk is whole without being compacted, too: the next run tries again. */
function ignoreFull(error: unknown): void {
  if (!(error instanceof BatchxError) || (error.code !== 'output' && error.code !== 'locked')) throw error;
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
