import { systemCode } from '../errors.js';

/** Sends a signal to a process, or to a group by its negative number. Who has ended, or is not ours, is left out. */
export function sendSignal(pid: number, signal: NodeJS.Signals): void {
  try {
    // eslint-disable-next-line no-restricted-globals -- Node sends signals to groups by nothing else
    process.kill(pid, signal);
  } catch {
    // It has ended meanwhile, or runs as somebody else.
  }
}

/** Whether there is a process with this number, of whomever. */
export function isThere(pid: number): boolean {
  try {
    // eslint-disable-next-line no-restricted-globals -- as above
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return systemCode(error) === 'EPERM';
  }
}

/** The number of this process. */
// eslint-disable-next-line no-restricted-globals -- it is no part of the world that a test would want to replace
export const ownPid = (): number => process.pid;
