import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { systemCode } from '../core/errors.js';
import { AppendFile } from './append-file.js';
import type { ItemTable } from './item-table.js';
import { damaged, JOURNAL, loadJob } from './job-files.js';
import { JournalState } from './load-journal.js';
import { ResultsFile } from './results-file.js';
import { RunHistory, type RunOfJob } from './run-history.js';

/** What is known of a job by looking at its files. */
export interface PeekedJob {
  readonly folder: string;
  readonly state: JournalState;
  readonly table: ItemTable;
  readonly results: ResultsFile;
  /** Its runs, the oldest first. */
  readonly runs: readonly RunOfJob[];
  close(): void;
}

/** How often results are looked for that a run is just putting in the place of others. */
const TRIES = 10;

/**
 * Looks at a job, as it is now: nothing is locked or changed, and a run of it may go on. `last` is the last link of the
 * chain of the run that is thought of, where there is one. Undefined when no run has been begun; throws for a journal
 * that is damaged.
 */
export function peekJob(folder: string, last = ''): PeekedJob | undefined {
  for (let tries = 1; ; tries++) {
    // The journal is opened first: a snapshot that is newer has all that is in it.
    const journal = openThere(folder, JOURNAL);
    if (journal === undefined) return undefined;
    const state = new JournalState(last);
    const history = new RunHistory();
    let results: string;
    try {
      const loaded = loadJob(folder, journal, state, history);
      if (loaded.damagedAt !== undefined) throw damaged(join(folder, JOURNAL), loaded.damagedAt);
      ({ results } = loaded);
    } finally {
      closeSync(journal);
    }
    state.closed();
    const fd = openThere(folder, results);
    if (fd === undefined && tries < TRIES) continue;
    if (fd === undefined) return undefined;
    return {
      folder,
      state,
      table: state.table,
      results: new ResultsFile(new AppendFile(fd, join(folder, results), 'off')),
      runs: history.runs,
      close: () => closeSync(fd),
    };
  }
}

function openThere(folder: string, name: string): number | undefined {
  try {
    return openSync(join(folder, name), 'r');
  } catch (error) {
    if (systemCode(error) === 'ENOENT' || systemCode(error) === 'ENOTDIR') return undefined;
    throw error;
  }
}
