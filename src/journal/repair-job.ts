import { closeSync, existsSync, linkSync, openSync, readdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { BatchxError } from '../core/errors.js';
import { beginJournal, JOURNAL, RESULTS, resultsAfter } from './job-files.js';
import { STATE } from './item-table.js';
import { copyLiveResults } from './live-results.js';
import { JournalState } from './load-journal.js';
import { Lock } from './lock.js';
import { eachLine } from './read-journal.js';
import { takeResults } from './results-again.js';
import { RunHistory } from './run-history.js';
import { type Salvaged, salvageJournal } from './salvage-journal.js';
import { readSnapshot, SNAPSHOT, type SnapshotAbout, snapshotHead, writeSnapshot } from './snapshot.js';
import type { KeptLine } from './results-file.js';
import { isWhole } from './summed-lines.js';

/** What was found damaged, and is left out now. */
export interface Repaired {
  /** Lines of the journal, and how much they were, in bytes. */
  readonly lines: number;
  readonly bytes: number;
  /** How many items the snapshot had that could not be read; undefined when it could, or when it does not say that. */
  readonly snapshot: number | 'unknown' | undefined;
  /** Items whose end only the snapshot had said, and the results say too. */
  readonly found: number;
  /** Lines of results. */
  readonly results: number;
  /** Items that are not known as done any more, as far as their names can be read. */
  readonly again: number;
  /** Items of which it is not known whether a call was done for them that must not be done twice. */
  readonly inDoubt: number;
  /** The names under which what was damaged is kept. */
  readonly kept: readonly string[];
}

/** Keeps of a damaged job what can be read; undefined when nothing is damaged. Throws when a run has the job. */
export function repairJob(folder: string, at: string): Repaired | undefined {
  const lock = Lock.take(folder, at);
  try {
    return repair(folder);
  } finally {
    lock.release();
  }
}

function repair(folder: string): Repaired | undefined {
  const history = new RunHistory();
  const { state, about, lost } = snapshotOf(folder, history);
  const salvaged = salvageJournal(join(folder, JOURNAL), state, history, about.after, lost !== undefined);
  const found = lost === undefined ? 0 : takeResults(join(folder, about.results), state);
  const damagedResults = unreadable(join(folder, about.results));
  const dropped = dropUnfound(folder, about.results, state);
  if (lost === undefined && salvaged.lines === 0 && damagedResults === 0 && dropped === 0) return undefined;
  const inDoubt = doubt(state, salvaged);
  // Outputs are written anew, as they may have lines of what is done again.
  state.outputs.clear();
  if (state.end === 'complete') state.end = 'interrupted';
  const kept: string[] = [];
  const keepAs = (name: string, put: (from: string, to: string) => void): void => {
    if (!existsSync(join(folder, name))) return;
    const to = freeName(folder, name);
    put(join(folder, name), join(folder, to));
    kept.push(to);
  };
  let { results } = about;
  const hasResults = existsSync(join(folder, results));
  if (damagedResults > 0 && hasResults) {
    results = freeResults(folder, results);
    copyLiveResults(folder, about.results, results, state.table, () => true);
  }
  if (lost !== undefined) keepAs(SNAPSHOT, linkSync);
  if (salvaged.lines > 0 || lost !== undefined) keepAs(JOURNAL, linkSync);
  writeSnapshot(folder, { after: salvaged.last, results, looked: 0 }, state, history);
  beginJournal(folder, state.job, salvaged.last);
  if (results !== about.results) keepAs(about.results, renameSync);
  const { lines, bytes } = salvaged;
  return { lines, bytes, snapshot: lost, found, results: damagedResults, again: dropped, inDoubt, kept };
}

interface Base {
  readonly state: JournalState;
  readonly about: SnapshotAbout;
  readonly lost: Repaired['snapshot'];
}

/** What the snapshot has, or of one that is damaged what its first line says. */
function snapshotOf(folder: string, history: RunHistory): Base {
  const none = { after: 0, results: newestResults(folder), looked: 0 };
  const state = new JournalState('');
  const head = snapshotHead(folder);
  try {
    return { state, about: readSnapshot(folder, state, history) ?? none, lost: undefined };
  } catch (error) {
    if (!(error instanceof BatchxError) || (head !== undefined && head.v > 1)) throw error;
    const empty = new JournalState('');
    if (head === undefined) return { state: empty, about: none, lost: 'unknown' };
    empty.restore(head.state);
    history.restore(head.runs);
    return { state: empty, about: head, lost: head.state.items };
  }
}

/** How many lines of a file are not whole. The last may be one that was being written. */
function unreadable(path: string): number {
  if (!existsSync(path)) return 0;
  const fd = openSync(path, 'r');
  try {
    let bad = 0;
    eachLine(fd, (bytes, from, to) => {
      if (to >= 0 && !isWhole(bytes, from, to)) bad++;
    });
    return bad;
  } finally {
    closeSync(fd);
  }
}

/** Forgets of the items whose result cannot be read how they ended; gives how many. */
function dropUnfound(folder: string, results: string, { table }: JournalState): number {
  const found = new Uint8Array(table.size);
  const path = join(folder, results);
  if (existsSync(path)) {
    const places = new Map<number, number>();
    for (let entry = 0; entry < table.size; entry++) {
      const place = table.place(entry);
      if (place !== undefined) places.set(place, entry);
    }
    const fd = openSync(path, 'r');
    try {
      /** Where what steps have made is whole: the line of an end may leave its data there. */
      const made = new Set<number>();
      eachLine(fd, (bytes, from, to, at) => {
        if (to < 0 || !isWhole(bytes, from, to)) return;
        const { a, v, q } = JSON.parse(bytes.toString('utf8', from, to)) as KeptLine;
        if (a === 1) made.add(at);
        const entry = places.get(at);
        if (entry !== undefined && (v !== 1 || made.has(q))) found[entry] = 1;
      });
    } finally {
      closeSync(fd);
    }
  }
  let dropped = 0;
  for (let entry = 0; entry < table.size; entry++) {
    if (found[entry] === 1 || table.place(entry) === undefined) continue;
    table.setPlace(entry, undefined);
    table.setState(entry, STATE.begun);
    dropped++;
  }
  return dropped;
}

/** Leaves those in doubt that were being done where the journal is damaged, when there are calls that must not be done twice. */
function doubt({ table, intents }: JournalState, { suspects, step }: Salvaged): number {
  if (step === undefined) return 0;
  for (const entry of suspects) {
    if (table.state(entry) !== STATE.begun) table.setState(entry, STATE.again);
    if (!intents.has(entry)) intents.set(entry, step);
  }
  return intents.size;
}

function freeName(folder: string, name: string): string {
  for (let n = 1; ; n++) if (!existsSync(join(folder, `${name}.damaged-${n}`))) return `${name}.damaged-${n}`;
}

function freeResults(folder: string, name: string): string {
  const next = resultsAfter(name);
  return existsSync(join(folder, next)) ? freeResults(folder, next) : next;
}

function newestResults(folder: string): string {
  const numbers = readdirSync(folder).flatMap((name) => /^results-(\d+)\.jsonl$/.exec(name)?.[1] ?? []);
  return numbers.length === 0 ? RESULTS : `results-${Math.max(...numbers.map(Number))}.jsonl`;
}
