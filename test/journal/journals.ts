import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BatchxError } from 'batchx';
import { hex32 } from '../../src/journal/hex.js';
import { FLAG, type State } from '../../src/journal/item-table.js';
import { JOURNAL, openJournal } from '../../src/journal/job-files.js';
import { JournalFile } from '../../src/journal/journal-file.js';
import type { JournalState } from '../../src/journal/load-journal.js';
import type { JournalRecord } from '../../src/journal/records.js';
import { wordOf } from '../../src/journal/words.js';

/** A key, or a fingerprint, of 16 digits. */
export const key = (n: number): string => hex32(Math.imul(n, 2654435761) >>> 0) + hex32(n);

export const CHAIN = ['aaaaaaaaaaaaaaaa', 'bbbbbbbbbbbbbbbb'];
export const LAST = CHAIN[1] as string;

export const jobRecord = { t: 'job', v: 1, batchx: '1.0.0', name: 'nightly', at: 'then', stamp: 's' } as const;
export const runRecord = (epoch = 1, chain = CHAIN, p = 1): JournalRecord => ({
  t: 'run',
  epoch,
  at: 'then',
  pid: 1,
  boot: 'other',
  p,
  chain,
});
export const doneRecord = (
  n: number,
  { r = n * 300, ...more }: { r?: number; [key: string]: unknown } = {},
): JournalRecord => ({
  t: 'done',
  as: 'ok',
  p: 1,
  k: key(n),
  f: key(n + 1000),
  r: [r],
  ...more,
});
export const commitRecord: JournalRecord = { t: 'commit', outputs: [] };

export const journalOf = (folder: string): string => join(folder, JOURNAL);

/** Writes records to the end of the journal in a folder; gives where each begins in it. */
export async function write(folder: string, records: readonly (JournalRecord | 'sync')[], last = 0): Promise<number[]> {
  const path = journalOf(folder);
  const journal = new JournalFile(openSync(path, 'a+'), path, last, 'power');
  const places: number[] = [];
  for (const record of records) {
    if (record === 'sync') await journal.sync();
    else {
      journal.write();
      places.push(journal.size);
      journal.append(record);
    }
  }
  journal.write();
  journal.close();
  return places;
}

/** All that a journal says, in a form that can be compared. */
export function told({ table, intents, outputs, chains, end, job, processes, marks }: JournalState): object {
  const items = Array.from({ length: table.size }, (_, entry) => [
    table.keyHi(entry),
    table.keyLo(entry),
    table.state(entry),
    table.place(entry),
    table.deaths(entry),
    Object.values(FLAG).map((flag) => table.has(entry, flag)),
  ]);
  return {
    items,
    intents: [...intents],
    outputs: [...outputs],
    chains: [...chains],
    end,
    job: job?.stamp,
    processes: [...processes],
    marks: [...marks],
  };
}

/** How an item is known, by its number; undefined when it is not. */
export function known(
  { table }: JournalState,
  n: number,
): { state: State; place: number | undefined; same: boolean } | undefined {
  const entry = table.find(wordOf(key(n), 0), wordOf(key(n), 8));
  const print = key(n + 1000);
  return entry < 0
    ? undefined
    : {
        state: table.state(entry),
        place: table.place(entry),
        same: table.matches(entry, wordOf(print, 0), wordOf(print, 8)),
      };
}

/** Opens a journal; the error when it is refused. */
export function opened(folder: string, last = LAST): JournalState | BatchxError {
  try {
    const { fd, state } = openJournal(folder, last);
    closeSync(fd);
    return state;
  } catch (error) {
    if (error instanceof BatchxError) return error;
    throw error;
  }
}

export function openedWell(folder: string, last = LAST): JournalState {
  const state = opened(folder, last);
  if (state instanceof BatchxError) throw state;
  return state;
}

export const bytesOf = (folder: string): Buffer => readFileSync(journalOf(folder));
export const put = (folder: string, bytes: Uint8Array): void => {
  writeFileSync(journalOf(folder), bytes);
};
