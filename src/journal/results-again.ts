import { closeSync, existsSync, openSync } from 'node:fs';
import { FLAG, STATE, type State } from './item-table.js';
import type { JournalState } from './load-journal.js';
import { eachLine } from './read-journal.js';
import type { KeptLine } from './results-file.js';
import { isWhole } from './summed-lines.js';
import { wordOf } from './words.js';

/**
 * Takes from the results how those items have ended of which nothing else says it: a whole line tells that, and with it
 * what steps had made of an item that has no end. What the journal says of an item counts more. Gives how many have their
 * end by that.
 */
export function takeResults(path: string, state: JournalState): number {
  if (!existsSync(path)) return 0;
  const { table, intents } = state;
  const told = new Set<number>();
  for (let entry = 0; entry < table.size; entry++)
    if (table.place(entry) !== undefined || table.state(entry) !== STATE.begun || intents.has(entry)) told.add(entry);
  const ended = new Set<number>();
  const fd = openSync(path, 'r');
  try {
    eachLine(fd, (bytes, from, to, at) => {
      if (to < 0 || !isWhole(bytes, from, to)) return;
      const line = JSON.parse(bytes.toString('utf8', from, to)) as KeptLine;
      const { k, f, m = f, s, a, w } = line;
      const entry = table.add(wordOf(k, 0), wordOf(k, 8));
      if (told.has(entry)) return;
      if (a === 1) {
        state.record({ t: 'step', k, f, s, r: at });
        ended.delete(entry);
        return;
      }
      // By which steps is said by the line itself.
      const flags = FLAG.other | (w === undefined ? 0 : FLAG.files);
      if (table.settle(entry, wordOf(m, 0), wordOf(m, 8), endOf(line), at, flags)) state.relinked++;
      ended.add(entry);
    });
  } finally {
    closeSync(fd);
  }
  return ended.size;
}

function endOf({ e, x }: KeptLine): State {
  if (e !== undefined) return e.inDoubt === true ? STATE.inDoubt : STATE.failed;
  return x === undefined ? STATE.ok : STATE.skipped;
}
