import { closeSync } from 'node:fs';
import { BatchxError } from '../core/errors.js';
import { STATE } from './item-table.js';
import { type Found, forget, openJournal } from './job-files.js';
import type { JobOptions } from './job-options.js';
import { isKnown } from './known.js';
import type { JournalState } from './load-journal.js';

/** What there is of a job when a run of it begins. */
export interface FoundJob extends Found {
  /** What was known of it when all that was forgotten. */
  readonly before: JournalState | undefined;
}

/** Opens the journal of a job that nobody else has, an empty one where it is begun anew. */
export function findJob({ folder, chain, fresh, anew }: JobOptions): FoundJob {
  const last = chain.at(-1) as string;
  if (fresh === true) {
    const before = knownBefore(folder);
    forget(folder);
    return { ...openJournal(folder, last), before };
  }
  const found = openJournal(folder, last);
  const { end, table } = found.state;
  // Who has deferred an item wants it passed over; and what is in doubt is not done again for that it was asked for once more.
  if (anew !== true || end !== 'complete' || isKnown(table, STATE.deferred) || isKnown(table, STATE.inDoubt))
    return { ...found, before: undefined };
  closeSync(found.fd);
  forget(folder);
  return { ...openJournal(folder, last), before: found.state };
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

export const nothingLeft = (folder: string, complete: boolean): BatchxError =>
  new BatchxError(
    'usage',
    `there is nothing to resume: ${complete ? `the job ${folder} is complete` : `no run of ${folder} is known`}`,
  );
