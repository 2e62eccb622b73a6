import { readdirSync, readlinkSync } from 'node:fs';
import { ownPid } from './send-signal.js';

let known: boolean | undefined;

/**
 * Whether /proc is that of the system in which this process has its number. In some containers it is another one: its
 * numbers are those of other processes, which are not ours to look at, and least of all to end.
 */
export function isOwnProc(): boolean {
  known ??= readsOwn();
  return known;
}

function readsOwn(): boolean {
  try {
    return readlinkSync('/proc/self') === String(ownPid());
  } catch {
    return false;
  }
}

/** The numbers of all processes of this system; none where that cannot be told. */
export function processNumbers(): string[] {
  if (!isOwnProc()) return [];
  try {
    return readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  } catch {
    return [];
  }
}
