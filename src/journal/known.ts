import { type ItemTable, STATE, type State } from './item-table.js';
import type { JournalState } from './load-journal.js';
import { isIntact } from './output-lines.js';

/** How many items have ended how. */
export interface Known {
  readonly ok: number;
  readonly failed: number;
  readonly inDoubt: number;
}

/** Those outputs that are not as the runs of a job have left them, or that they have not written. */
export const alteredOf = (paths: readonly string[], { outputs }: JournalState, { ok, failed }: Known): string[] =>
  paths.filter((path) => {
    const mark = outputs.get(path);
    return mark === undefined ? ok + failed > 0 : !isIntact(mark);
  });

/** Whether there are items of a state. */
export function isKnown(table: ItemTable, state: State): boolean {
  for (let entry = 0; entry < table.size; entry++) if (table.state(entry) === state) return true;
  return false;
}

/** How the items of a job have ended. */
export function knownIn(table: ItemTable): Known {
  const counts = [0, 0, 0, 0, 0, 0, 0];
  for (let entry = 0; entry < table.size; entry++)
    counts[table.state(entry)] = (counts[table.state(entry)] as number) + 1;
  const of = (state: State): number => counts[state] as number;
  return { ok: of(STATE.ok) + of(STATE.skipped), failed: of(STATE.failed), inDoubt: of(STATE.inDoubt) };
}
