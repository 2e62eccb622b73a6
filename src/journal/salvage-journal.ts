import { closeSync, existsSync, openSync } from 'node:fs';
import { eachDone } from './done-records.js';
import type { JournalState } from './load-journal.js';
import { eachRecord, type JournalReader } from './read-journal.js';
import { type RunHistory, together } from './run-history.js';
import { wordOf } from './words.js';

/** What could be read of a journal that is damaged. */
export interface Salvaged {
  /** The number of the last record. */
  readonly last: number;
  /** How many lines could not be read, or are missing; and how much those that are there are, in bytes. */
  readonly lines: number;
  readonly bytes: number;
  /** The items that a run had begun whose part is damaged, and of which it is not known that they have ended. */
  readonly suspects: ReadonlySet<number>;
  /** A step whose calls must not be done twice, where there is one. */
  readonly step: string | undefined;
}

/**
 * Reads all records of a journal that are whole, wherever it is damaged. `lost` says that those up to `after` are not
 * known.
 */
export function salvageJournal(
  path: string,
  state: JournalState,
  history: RunHistory,
  after: number,
  lost: boolean,
): Salvaged {
  const suspects = new Set<number>();
  let [last, lines, bytes] = [after, 0, 0];
  let step: string | undefined = [...state.intents.values()].at(-1);
  /** Whether a part is missing of what the run has written that is being read. */
  let damaged = false;
  const closeRun = (): void => {
    if (damaged) for (const entry of state.running) suspects.add(entry);
    damaged = false;
  };
  if (!existsSync(path)) return { last, lines, bytes, suspects, step };
  const before: JournalReader = {
    record: (record) => {
      if (record.t === 'intent') step = record.s;
      if (record.t === 'done')
        eachDone(record, (at) => suspects.delete(state.table.find(wordOf(record.k, at), wordOf(record.k, at + 8))));
      if (record.t === 'run' || record.t === 'end') closeRun();
    },
  };
  const reader = together(before, state, history);
  const fd = openSync(path, 'r');
  /** Those at the end are what was being written, unless something whole comes behind them. */
  let [tail, tailBytes] = [0, 0];
  try {
    eachRecord(fd, (n, line, take) => {
      if (n === undefined) {
        tail++;
        tailBytes += line.length + 1;
        step ??= intendedIn(line.toString('latin1'));
        return;
      }
      if (tail > 0 || (n > last + 1 && !(lost && last === 0))) {
        lines += Math.max(tail, n - last - 1, 1);
        bytes += tailBytes;
        [tail, tailBytes] = [0, 0];
        damaged = true;
      }
      if (n <= last && n > after) return;
      // Those up to there are in the snapshot, be it lost: of what it had none is left but what these say.
      if (n > after) take(reader);
      last = Math.max(last, n);
    });
  } finally {
    closeSync(fd);
  }
  closeRun();
  if (lines > 0 && tail > 0) [lines, bytes] = [lines + tail, bytes + tailBytes];
  return { last, lines, bytes, suspects, step };
}

/** The step of a record that may have been about a call which must not be done twice. */
function intendedIn(line: string): string | undefined {
  const [, step] = /"s":"([^"]*)"/.exec(line) ?? [];
  return line.includes('"intent"') || (step !== undefined && !line.includes('"f":"')) ? (step ?? 'a step') : undefined;
}
