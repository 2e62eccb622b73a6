import type { AppendFile } from './append-file.js';
import type { JournalState } from './load-journal.js';
import { eachLine } from './read-journal.js';
import type { JournalRecord } from './records.js';
import { damagedResults, type KeptLine } from './results-file.js';
import { isWhole } from './summed-lines.js';
import { wordOf } from './words.js';

type StepRecord = Extract<JournalRecord, { readonly t: 'step' }>;

/**
 * Finds what steps had made of items when a run died that had written it, but no record of it: a whole line of the results
 * says all that is needed. Puts that into `state`, and gives the records that are still to be written. Throws when the last
 * line that the journal knows is not there.
 */
export function untoldSteps(results: AppendFile, state: JournalState): StepRecord[] {
  const { table } = state;
  let known = -1;
  for (let entry = 0; entry < table.size; entry++) known = Math.max(known, table.place(entry) ?? -1);
  const steps: StepRecord[] = [];
  let whole = known < 0;
  eachLine(
    results.fd,
    (bytes, from, to, at) => {
      if (at === known) whole = to >= 0 && isWhole(bytes, from, to);
      if (at <= known || to < 0 || !isWhole(bytes, from, to)) return;
      const { a, k, f, s, q } = JSON.parse(bytes.toString('utf8', from, to)) as KeptLine;
      const entry = table.find(wordOf(k, 0), wordOf(k, 8));
      // It goes on from what is known; otherwise it is of another time.
      if (a !== 1 || entry < 0 || (table.place(entry) ?? -1) !== q) return;
      const step: StepRecord = { t: 'step', k, f, s, r: at };
      state.record(step);
      steps.push(step);
    },
    Math.max(known, 0),
  );
  // Otherwise what comes next would stand in its place.
  if (!whole) throw damagedResults(results.path, known);
  return steps;
}
