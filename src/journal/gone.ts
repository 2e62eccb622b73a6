import { keyOfPart } from './fingerprints.js';
import { FLAG, type ItemTable, STATE } from './item-table.js';
import type { RecallJob } from './recall-options.js';
import { wordOf } from './words.js';

/**
 * The ids of the items of a job that its input has no more, once all of it was looked up. Of those that are `split` the
 * parts have entries of their own: they are there as long as what they are parts of is.
 */
export function* goneFrom({ table, results }: RecallJob, split: boolean): Generator<string> {
  const parts = split ? partsOf(table) : new Set<number>();
  for (let entry = 0; entry < table.size; entry++) {
    if (table.has(entry, FLAG.seen) || parts.has(entry) || table.state(entry) === STATE.begun) continue;
    const place = table.place(entry);
    // What was only deferred was never there.
    if (place !== undefined) yield results.read(place).id;
  }
}

function partsOf(table: ItemTable): Set<number> {
  const parts = new Set<number>();
  const add = (entry: number): void => {
    const key = table.keyOf(entry);
    for (let part = 1; ; part++) {
      const of = keyOfPart(key, part);
      const found = table.find(wordOf(of, 0), wordOf(of, 8));
      if (found < 0) return;
      parts.add(found);
    }
  };
  for (let entry = 0; entry < table.size; entry++) if (table.has(entry, FLAG.seen)) add(entry);
  // They may have been split themselves; a set goes on to what is added to it meanwhile.
  for (const entry of parts) add(entry);
  return parts;
}
