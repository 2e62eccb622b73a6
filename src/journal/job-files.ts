import {
  closeSync,
  existsSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { unwritable } from '../core/bytes-out.js';
import { BatchxError, messageOf, systemCode } from '../core/errors.js';
import { makeFoldersNow } from '../core/make-folders.js';
import { AppendFile, type Durability } from './append-file.js';
import { LARGE } from './large-outputs.js';
import { JournalState } from './load-journal.js';
import { type JournalRead, readJournal } from './read-journal.js';
import type { JournalRecord } from './records.js';
import { type RunHistory, together } from './run-history.js';
import { readSnapshot, SNAPSHOT, snapshotHead } from './snapshot.js';
import { isWhole, SummedLines } from './summed-lines.js';
import { syncFolder } from './sync-folder.js';

/** The files of a job, in its folder. */
export const JOURNAL = 'journal.jsonl';
export const RESULTS = 'results.jsonl';
export const FAILED = 'failed.jsonl';

type JobRecord = Extract<JournalRecord, { readonly t: 'job' }>;

/** A journal as it was found. */
export interface Found {
  readonly fd: number;
  readonly state: JournalState;
  readonly last: number;
  /** The name of the file of its results. */
  readonly results: string;
  /** How much was cut off that was not whole, in bytes. */
  readonly torn: number;
}

/** Makes the folder of a job, in a folder that no version control looks into. */
export function makeJobFolder(folder: string): void {
  try {
    // What commands are given and say is nobody else's business.
    const first = makeFoldersNow(folder, 0o700);
    const ignore = join(dirname(folder), '.gitignore');
    if (!existsSync(ignore)) writeFileSync(ignore, '*\n');
    if (first === undefined) return;
    syncFolder(dirname(folder));
    syncFolder(dirname(first));
  } catch (error) {
    throw new BatchxError(
      'output',
      `cannot keep the job in ${folder}: ${messageOf(error)}; --no-journal runs without`,
      {
        cause: error,
        where: folder,
      },
    );
  }
}

/** What a job is, as its journal begins, or its snapshot. Undefined when there is neither, or it is not whole. */
export const firstRecord = (folder: string): JobRecord | undefined =>
  firstOfJournal(folder) ?? snapshotHead(folder)?.state.job;

function firstOfJournal(folder: string): JobRecord | undefined {
  try {
    const fd = openSync(join(folder, JOURNAL), 'r');
    try {
      const bytes = Buffer.alloc(4096);
      const end = bytes.subarray(0, readSync(fd, bytes, 0, bytes.length, 0)).indexOf('\n');
      if (end < 0 || !isWhole(bytes, 0, end)) return undefined;
      const record = JSON.parse(bytes.toString('utf8', 0, end)) as JournalRecord;
      return record.t === 'job' ? record : undefined;
    } finally {
      closeSync(fd);
    }
  } catch {
    return undefined;
  }
}

/** Removes all that is known of the items of a job. What it was told in earlier runs stays. */
export function forget(folder: string): void {
  rmSync(join(folder, LARGE), { force: true, recursive: true });
  // Between any two of these the machine may die: a snapshot alone is what a run before has left.
  for (const name of [JOURNAL, SNAPSHOT]) {
    rmSync(join(folder, name), { force: true });
    syncFolder(folder);
  }
  rmSync(join(folder, FAILED), { force: true });
  tidyJob(folder, undefined);
}

/** Removes what a compaction has left that did not come to its end, or could not remove: results that are not of use. */
export function tidyJob(folder: string, results: string | undefined): void {
  for (const name of readdirSync(folder))
    if (name !== results && (RESULTS_NAME.test(name) || NEW.test(name))) rmSync(join(folder, name), { force: true });
}

const RESULTS_NAME = /^results(-\d+)?\.jsonl$/;
const NEW = /^(snapshot|journal\.jsonl|failed\.jsonl)\.new$/;

/** The name of the results that come after others. */
export const resultsAfter = (name: string): string => `results-${Number(/\d+/.exec(name)?.[0] ?? 0) + 1}.jsonl`;

/** Reads what a job has in its snapshot and in its journal into `state`. Nothing is changed. */
export function loadJob(folder: string, journal: number, state: JournalState, history?: RunHistory): Loaded {
  const about = readSnapshot(folder, state, history);
  const after = about?.after ?? 0;
  if (about === undefined) state.table.reserve(fstatSync(journal).size / BYTES_OF_ITEM);
  const read = readJournal(journal, history === undefined ? state : together(state, history), after);
  state.table.fit();
  return { ...read, after, results: about?.results ?? RESULTS, looked: about?.looked ?? 0 };
}

/** What is read of a job, beside what it says. */
export interface Loaded extends JournalRead {
  /** The number of the last record that is in the snapshot; 0 without one. */
  readonly after: number;
  readonly results: string;
  readonly looked: number;
}

/** At least about so much is written of an item, in bytes. */
const BYTES_OF_ITEM = 42;

/** Puts a journal in its place that goes on behind a snapshot. */
export function beginJournal(folder: string, job: JobRecord | undefined, after: number): void {
  const path = join(folder, JOURNAL);
  const temp = `${path}.new`;
  try {
    const fd = openSync(temp, 'w+');
    try {
      const lines = new SummedLines();
      if (job !== undefined) lines.add(`${JSON.stringify(job).slice(0, -1)},"n":${after + 1}`);
      writeFileSync(fd, lines.take());
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    renameSync(temp, path);
    syncFolder(folder);
  } catch (error) {
    throw unwritable(path, error);
  }
}

/**
 * Opens the journal of a job at its end. What was being written when a run died is cut off, before anything is added: it
 * would swallow the next record. Throws when what had been on the disk is not whole.
 */
export function openJournal(folder: string, last: string): Found {
  const path = join(folder, JOURNAL);
  const known = existsSync(path);
  let fd = openAtEnd(path);
  try {
    const state = new JournalState(last);
    const { end, last: n, damagedAt, torn, after, results } = loadJob(folder, fd, state);
    if (damagedAt !== undefined) throw damaged(path, damagedAt);
    // Who forgets a job removes its journal first.
    if (known && n === 0 && isFilled(join(folder, results))) throw lost(path);
    tidyJob(folder, results);
    if (after > 0 && n <= after) {
      // A run died before it could begin this one; all of the older one is in the snapshot.
      beginJournal(folder, state.job, after);
      closeSync(fd);
      fd = openSync(path, 'a+');
      state.closed();
      return { fd, state, last: after + (state.job === undefined ? 0 : 1), results, torn: 0 };
    }
    if (torn > 0) {
      ftruncateSync(fd, end);
      fsyncSync(fd);
    }
    state.closed();
    return { fd, state, last: n, results, torn };
  } catch (error) {
    closeSync(fd);
    throw systemCode(error) === undefined ? error : unwritable(path, error);
  }
}

/** Opens a file of lines at its end. */
export const openLines = (folder: string, name: string, durability: Durability): AppendFile => {
  const path = join(folder, name);
  const fd = openAtEnd(path, durability);
  try {
    cutTail(fd);
  } catch (error) {
    closeSync(fd);
    throw unwritable(path, error);
  }
  return new AppendFile(fd, path, durability);
};

/** Opens a file at its end. Of a new one the name is on the disk too: without it what is synced could not be found. */
function openAtEnd(path: string, durability: Durability = 'power'): number {
  try {
    const known = existsSync(path);
    const fd = openSync(path, 'a+');
    if (!known && durability !== 'off') syncFolder(dirname(path));
    return fd;
  } catch (error) {
    throw unwritable(path, error);
  }
}

/** Cuts off a line that was being written when a run died: it would swallow the next. */
function cutTail(fd: number): void {
  const { size } = fstatSync(fd);
  const block = Buffer.alloc(64 * 1024);
  for (let end = size; end > 0;) {
    const from = Math.max(0, end - block.length);
    const read = readSync(fd, block, 0, end - from, from);
    const lf = block.subarray(0, read).lastIndexOf(LF);
    const whole = lf < 0 ? from : from + lf + 1;
    if (lf >= 0 || from === 0) {
      if (whole < size) ftruncateSync(fd, whole);
      return;
    }
    end = from;
  }
}

const LF = 0x0a;

/** Whether a file is there, and has something in it. */
const isFilled = (path: string): boolean => (statSync(path, { throwIfNoEntry: false })?.size ?? 0) > 0;

const lost = (path: string): BatchxError =>
  new BatchxError(
    'locked',
    `the journal of the job is lost: ${path} is empty although results are kept; --fresh starts over`,
    { where: path },
  );

/** What is told of a journal that had been on the disk, and is not as it was. */
export const damaged = (path: string, at: number): BatchxError =>
  new BatchxError(
    'locked',
    `the journal of the job is damaged: ${path} is not whole at byte ${at}, although it had been on the disk; \`batchx repair\` keeps what can be read, --fresh starts over`,
    { where: path },
  );
