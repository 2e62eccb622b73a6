import {
  closeSync,
  existsSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { BatchxError, messageOf } from '../core/errors.js';
import { AppendFile, type Durability } from './append-file.js';
import { JournalState } from './load-journal.js';
import { readJournal } from './read-journal.js';
import type { JournalRecord } from './records.js';
import { isWhole } from './summed-lines.js';

/** The files of a job, in its folder. */
export const JOURNAL = 'journal.jsonl';
export const RESULTS = 'results.jsonl';
export const FAILED = 'failed.jsonl';

/** A journal as it was found. */
export interface Found {
  readonly fd: number;
  readonly state: JournalState;
  readonly last: number;
  /** How much was cut off that was not whole, in bytes. */
  readonly torn: number;
}

/** Makes the folder of a job, in a folder that no version control looks into. */
export function makeJobFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true });
    const ignore = join(dirname(folder), '.gitignore');
    if (!existsSync(ignore)) writeFileSync(ignore, '*\n');
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

/** The first record of the journal of a job: what it is. Undefined when there is none, or it is not whole. */
export function firstRecord(folder: string): Extract<JournalRecord, { readonly t: 'job' }> | undefined {
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
  for (const name of [JOURNAL, RESULTS, FAILED]) rmSync(join(folder, name), { force: true });
}

/**
 * Opens the journal of a job at its end. What was being written when a run died is cut off, before anything is added: it
 * would swallow the next record. Throws when what had been on the disk is not whole.
 */
export function openJournal(folder: string, last: string): Found {
  const path = join(folder, JOURNAL);
  const fd = openSync(path, 'a+');
  try {
    const state = new JournalState(last);
    const { end, last: n, damagedAt, torn } = readJournal(fd, state);
    if (damagedAt !== undefined) throw damaged(path, damagedAt);
    if (torn > 0) {
      ftruncateSync(fd, end);
      fsyncSync(fd);
    }
    state.closed();
    return { fd, state, last: n, torn };
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

/** Opens a file of lines at its end. */
export const openLines = (folder: string, name: string, durability: Durability): AppendFile => {
  const path = join(folder, name);
  return new AppendFile(openSync(path, 'a+'), path, durability);
};

const damaged = (path: string, at: number): BatchxError =>
  new BatchxError(
    'locked',
    `the journal of the job is damaged: ${path} is not whole at byte ${at}, although it had been on the disk; \`batchx repair\` keeps what can be read, --fresh starts over`,
    { where: path },
  );
