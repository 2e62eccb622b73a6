import { readdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { SchedulerLike } from 'rxjs';
import { TEMP } from '../core/output-path.js';
import { endMarked } from '../core/process/end-marked.js';
import { isRunning } from './process-life.js';
import { RUNS, stampOfRun } from './run-folders.js';

/** What runs may have left that died. */
export interface Left {
  /** What their processes have in their environment. */
  readonly processes: readonly string[];
  /** Where they have made temporary files, and how the names of those begin. */
  readonly folders: readonly string[];
  readonly marks: readonly string[];
  /** What they have written beside the files of items. */
  readonly written: readonly string[];
  /** The last of them, when it has come to its end: only its report may be missing. */
  readonly ended:
    | { readonly pid: number; readonly boot: string; readonly at: string; readonly mark?: string | undefined }
    | undefined;
}

/** Ends the processes that are left, and removes the temporary files, none of which is ever whole. */
export async function cleanUp(
  job: string,
  { processes, folders, marks, written, ended }: Left,
  scheduler: SchedulerLike,
): Promise<void> {
  await endMarked(processes, scheduler);
  // Its lock is free before it has written its report.
  const writing = ended !== undefined && isRunning(ended) ? ended : undefined;
  const busy = writing && stampOfRun(writing.at);
  // In the folders of its runs nobody else writes anything.
  for (const run of await readdir(join(job, RUNS)).catch(() => []))
    if (run !== busy) await removeTemporary(join(job, RUNS, run), TEMP);
  for (const folder of new Set([...folders, ...written.map((path) => dirname(path))])) {
    for (const mark of marks) if (mark !== writing?.mark) await removeTemporary(folder, TEMP + mark);
  }
}

/** Removes what begins so. What is gone, or cannot be read, cannot be cleaned up. */
async function removeTemporary(folder: string, beginning: string): Promise<void> {
  for (const name of await readdir(folder).catch(() => []))
    if (name.startsWith(beginning))
      await rm(join(folder, name), { recursive: true, force: true }).catch(() => undefined);
}
