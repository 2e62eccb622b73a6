import { readFileSync } from 'node:fs';
import type { SchedulerLike } from 'rxjs';
import { processNumbers } from './own-proc.js';
import { pause } from './within.js';

/** The variable by which the processes of a program are known, also those that have left it. */
export const MARK = 'BATCHX_RUN';

/** A process that runs. */
export interface Entry {
  readonly pid: number;
  readonly parent: number;
  readonly group: number;
  readonly session: number;
  /** When it was started: another process with its number was started at another time. */
  readonly start: string;
  /** What the environment it was started with says of `BATCHX_RUN`. */
  readonly mark: string | undefined;
}

/** The processes of this system, from /proc; none where there is no such thing. */
export class ProcessTable {
  readonly #scheduler: SchedulerLike;
  #next: Promise<readonly Entry[]> | undefined;

  constructor(scheduler: SchedulerLike) {
    this.#scheduler = scheduler;
  }

  /** As it is after the call. Who asks at the same time shares one look, as it costs some milliseconds. */
  look(): Promise<readonly Entry[]> {
    return (this.#next ??= pause(0, this.#scheduler).then(() => {
      this.#next = undefined;
      return entries();
    }));
  }
}

function entries(): Entry[] {
  return processNumbers().flatMap((pid) => entryOf(pid) ?? []);
}

function entryOf(pid: string): Entry | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The name, in parentheses, may have anything in it.
    const [state, parent, group, session, ...rest] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (state === 'Z' || state === 'X') return undefined;
    return {
      pid: Number(pid),
      parent: Number(parent),
      group: Number(group),
      session: Number(session),
      start: rest[15] as string,
      mark: markOf(pid),
    };
  } catch {
    return undefined; // it has ended meanwhile
  }
}

function markOf(pid: string): string | undefined {
  try {
    return /(?:^|\0)BATCHX_RUN=([^\0]*)/.exec(readFileSync(`/proc/${pid}/environ`, 'latin1'))?.[1];
  } catch {
    return undefined; // it is of another user
  }
}
