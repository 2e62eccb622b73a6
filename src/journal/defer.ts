import { BatchxError } from '../core/errors.js';
import { keyOfId } from './fingerprints.js';
import { FLAG, STATE } from './item-table.js';
import { openJournal } from './job-files.js';
import { JournalFile } from './journal-file.js';
import type { JournalState } from './load-journal.js';
import { Lock } from './lock.js';
import type { PeekedJob } from './peek-job.js';
import { ownLife } from './process-life.js';
import type { DoneAs, EndedHow } from './records.js';
import type { ReadLine } from './results-file.js';
import { wordOf } from './words.js';

/** What is said of items by hand. */
export interface DeferOptions {
  readonly folder: string;
  /** The time of day, as ISO 8601 says it. */
  readonly at: string;
  readonly args: readonly string[];
  readonly cwd: string;
  /** By what the job knows the items. */
  readonly keys: readonly string[];
  /** Whether they are no longer to be passed over. */
  readonly undo: boolean;
  /** What is kept of an item at a place. */
  readonly lineAt: (place: number) => ReadLine;
}

/**
 * Notes in the journal of a job that items are to be passed over, or no longer: these are then as they were before. It is
 * on the disk when this is done. Gives the keys of those that were not so already. Throws when a run of the job goes on.
 */
export async function deferItems(options: DeferOptions): Promise<string[]> {
  const { folder, at, args, cwd, keys, undo, lineAt } = options;
  const lock = Lock.take(folder, at);
  try {
    const { fd, state, last } = openJournal(folder, '');
    const journal = new JournalFile(fd, folder, last, 'power');
    try {
      if (state.run === undefined) throw new BatchxError('usage', `no run of the job ${folder} is known`);
      const { p, chain } = state.run;
      const { pid, boot } = ownLife();
      const left = undo ? 'partial' : (state.end ?? 'partial');
      // A record of its own makes void what a run that died had not made count.
      journal.append({ t: 'run', epoch: lock.epoch, at, pid, boot, p, chain, args, cwd });
      const noted = keys.filter((key) => note(journal, state, key, undo, lineAt));
      journal.append({ t: 'commit', outputs: [] });
      journal.append({ t: 'end', epoch: lock.epoch, how: noted.length === 0 ? endOf(state) : left });
      await journal.sync();
      return noted;
    } finally {
      journal.close();
    }
  } finally {
    lock.release();
  }
}

const endOf = ({ end = 'partial' }: JournalState): EndedHow => end;

function note(
  journal: JournalFile,
  { table, chains }: JournalState,
  key: string,
  undo: boolean,
  lineAt: DeferOptions['lineAt'],
): boolean {
  const entry = table.find(wordOf(key, 0), wordOf(key, 8));
  const deferred = entry >= 0 && table.state(entry) === STATE.deferred;
  if (deferred !== undo) return false;
  const place = entry < 0 ? undefined : table.place(entry);
  const words = entry < 0 ? NOTHING : table.fingerprintOf(entry);
  const w = entry >= 0 && table.has(entry, FLAG.files) ? 1 : undefined;
  const line = undo && place !== undefined ? lineAt(place) : undefined;
  const as = undo ? endSaid(line) : 'deferred';
  if (as === undefined) {
    journal.append({ t: 'again', k: key });
    return true;
  }
  // What it was done by is said by its line: no chain has the number 0.
  const p = [...chains].find(([, chain]) => chain.at(-1) === line?.s)?.[0] ?? 0;
  journal.append({ t: 'done', as, p, k: key, f: words, r: [place ?? -1], ...(w !== undefined && { w }) });
  return true;
}

/** The fingerprint of what nothing is known of. */
const NOTHING = '0'.repeat(16);

/** How an item had ended before it was deferred; undefined when it had not, or that is not known. */
function endSaid(line: ReadLine | undefined): DoneAs | undefined {
  if (line === undefined || line.a === 1) return undefined;
  if (line.e !== undefined) return line.e.inDoubt === true ? 'in-doubt' : 'failed';
  return line.x === undefined ? 'ok' : 'skipped';
}

/** By what a job knows the items of these ids, and whether it has met them: by their names, or as its results call them. */
export function keysOf(
  { table, results }: PeekedJob,
  ids: readonly string[],
): Map<string, { key: string; met: boolean }> {
  const keys = new Map(ids.map((id) => [id, { key: keyOfId(id), met: false }]));
  for (const [id, found] of keys)
    if (table.find(wordOf(found.key, 0), wordOf(found.key, 8)) >= 0) keys.set(id, { ...found, met: true });
  if ([...keys.values()].every(({ met }) => met)) return keys;
  for (let entry = 0; entry < table.size; entry++) {
    const place = table.place(entry);
    if (place === undefined) continue;
    const { id, k } = results.read(place);
    if (keys.get(id)?.met === false) keys.set(id, { key: k, met: true });
  }
  return keys;
}
