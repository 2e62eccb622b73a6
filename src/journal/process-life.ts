import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import { isThere, ownPid } from '../core/process/send-signal.js';
import { isOwnProc } from '../core/process/own-proc.js';

/** By what a process is known: its number alone may be that of another one later. */
export interface ProcessLife {
  readonly pid: number;
  /** When the system was started, said by a number that it makes then; empty where that is not told. */
  readonly boot: string;
  /** When the process was started, in the system's ticks; empty where that is not told. */
  readonly start: string;
  /** In which space of process numbers it is, and on which machine. */
  readonly space: string;
}

/** This process. */
export function ownLife(): ProcessLife {
  const pid = ownPid();
  return { pid, boot: bootId(), start: startOf(pid) ?? '', space: `${hostname()} ${pidSpace()}`.trim() };
}

/**
 * Whether a process is still there. `unknown` for one on another machine, or in another container, whose processes are
 * not to be seen from here.
 */
export function lifeOf({ pid, boot, start, space }: ProcessLife): 'alive' | 'gone' | 'unknown' {
  const own = ownLife();
  if (space !== own.space) return sameHost(space, own.space) && boot !== own.boot ? 'gone' : 'unknown';
  if (boot !== own.boot) return 'gone';
  if (start === '') return isThere(pid) ? 'alive' : 'gone';
  return startOf(pid) === start ? 'alive' : 'gone';
}

/** Whether a process may still be there of which no more is known. */
export const isRunning = ({ pid, boot }: Pick<ProcessLife, 'pid' | 'boot'>): boolean =>
  boot === bootId() && isThere(pid);

/** On a machine that was started again nothing runs that ran before, in whatever container. */
const sameHost = (a: string, b: string): boolean => a.split(' ')[0] === b.split(' ')[0];

export function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
  } catch {
    return '';
  }
}

function pidSpace(): string {
  try {
    return readlinkSync('/proc/self/ns/pid');
  } catch {
    return '';
  }
}

/** When a process was started; undefined when it is not there, or has ended and is only waited for by its parent. */
function startOf(pid: number): string | undefined {
  if (!isOwnProc()) return undefined;
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The name, in parentheses, may have anything in it.
    const [state, ...rest] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return state === 'Z' || state === 'X' ? undefined : rest[18];
  } catch {
    return undefined;
  }
}
