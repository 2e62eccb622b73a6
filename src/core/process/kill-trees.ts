import { readFileSync } from 'node:fs';
import { processNumbers } from './own-proc.js';
import { MARK } from './process-table.js';
import { ownPid, sendSignal } from './send-signal.js';

/** The leaders of the groups that this process has started and not reaped. */
const leaders = new Set<number>();

/** Notes a group until what comes back is called. */
export function noteGroup(leader: number): () => void {
  leaders.add(leader);
  return () => leaders.delete(leader);
}

/**
 * Ends at once, without waiting for anything, all that this process has started: by its groups, and on Linux by the
 * environment of what has left them. For the very end of the process.
 */
export function killTrees(): void {
  for (const leader of leaders) sendSignal(-leader, 'SIGKILL');
  for (const pid of marked(`${MARK}=${ownPid()}-`)) sendSignal(pid, 'SIGKILL');
}

const marked = (mark: string): number[] =>
  processNumbers()
    .filter((pid) => hasMark(pid, mark))
    .map(Number);

function hasMark(pid: string, mark: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1')
      .split('\0')
      .some((each) => each.startsWith(mark));
  } catch {
    // It has ended meanwhile, or is somebody else's.
    return false;
  }
}
