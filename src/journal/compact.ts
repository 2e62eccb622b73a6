import { closeSync, openSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { ENTRY_BYTES } from './item-table.js';
import { beginJournal, damaged, FAILED, JOURNAL, type Loaded, loadJob, resultsAfter } from './job-files.js';
import { keepLiveLetters } from './live-letters.js';
import { copyLiveResults } from './live-results.js';
import { JournalState } from './load-journal.js';
import { RunHistory } from './run-history.js';
import { writeSnapshot } from './snapshot.js';

/** A smaller journal is not compacted at the end of a run, in bytes. */
const WORTH = 64 * 1024;
/** A larger one is also while the run goes on. */
const LARGE = 64 * 1024 * 1024;

/** How many times as large as what of it is of use. What is written of one item is up to seven times as large. */
const TIMES = 8;

/** Whether a journal is to be compacted: to be read once more it has to be so large that most of it is of no use. */
export const isDue = (size: number, items: number, ended: boolean): boolean =>
  size > (ended ? WORTH : LARGE) && size > TIMES * ENTRY_BYTES * items;

/** Leaves of what a job keeps at the end of a run what is of use. */
export function compactAtEnd(folder: string, size: number, items: number, options: CompactOptions): void {
  let state = isDue(size, items, true) ? compact(folder, options).state : undefined;
  if ((statSync(join(folder, FAILED), { throwIfNoEntry: false })?.size ?? 0) === 0) return;
  if (state === undefined) load(folder, (state = new JournalState(options.last)), new RunHistory());
  options.check();
  keepLiveLetters(folder, state.table);
}

/** What a compaction is told. */
export interface CompactOptions {
  /** The last link of the chain of the run. */
  readonly last: string;
  /** Throws when another run has taken over: then nothing more is changed. */
  readonly check: () => void;
  /** Whether results that are of no use any more are left out. They are not while a run reads them. */
  readonly results: boolean;
}

/** What is left to do with a job that was compacted, or not. */
export interface Compacted {
  readonly state: JournalState;
  /** The number of the last record of the journal. */
  readonly n: number;
}

/**
 * Puts all that the journal of a job says into a snapshot, and begins a new journal behind it. All of the old one has to
 * be on the disk, and nothing may be added to it meanwhile.
 *
 * The machine may die at any point: as long as the snapshot has not got its name all is as it was, and after that the
 * records of the old journal are in the snapshot and are passed over.
 */
export function compact(folder: string, { last, check, results }: CompactOptions): Compacted {
  const state = new JournalState(last);
  const history = new RunHistory();
  const loaded = load(folder, state, history);
  const about = results ? withoutSuperseded(folder, loaded, state) : loaded;
  check();
  const after = Math.max(loaded.last, loaded.after);
  writeSnapshot(folder, { after, results: about.results, looked: about.looked }, state, history);
  check();
  beginJournal(folder, state.job, after);
  if (about.results !== loaded.results) rmSync(join(folder, loaded.results), { force: true });
  return { state, n: after + (state.job === undefined ? 0 : 1) };
}

function load(folder: string, state: JournalState, history: RunHistory): Loaded {
  const path = join(folder, JOURNAL);
  const fd = openSync(path, 'r');
  try {
    const loaded = loadJob(folder, fd, state, history);
    if (loaded.damagedAt !== undefined) throw damaged(path, loaded.damagedAt);
    return loaded;
  } finally {
    closeSync(fd);
  }
}

/** Smaller results are not looked through, in bytes. */
const SMALL = 64 * 1024;

/** Leaves lines of results out that are of no use any more, where these are more than half. */
function withoutSuperseded(folder: string, { results, looked }: Loaded, state: JournalState): Looked {
  const size = statSync(join(folder, results), { throwIfNoEntry: false })?.size ?? 0;
  // Only where an item has several lines there may be such.
  if (state.relinked === 0 || size < SMALL || size < 1.5 * looked) return { results, looked };
  const next = resultsAfter(results);
  const copy = copyLiveResults(folder, results, next, state.table, ({ before, after }) => after < before / 2);
  if (!copy.kept) return { results, looked: copy.before };
  state.relinked = 0;
  return { results: next, looked: copy.after };
}

type Looked = Pick<Loaded, 'results' | 'looked'>;
