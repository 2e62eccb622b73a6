import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { SchedulerLike } from 'rxjs';
import { TEMP } from '../core/output-path.js';
import { endMarked } from '../core/process/end-marked.js';
import { RUNS } from './run-folders.js';

/** What runs may have left that died. */
export interface Left {
  /** What their processes have in their environment. */
  readonly processes: readonly string[];
  /** Where they have made temporary files, and how the names of those begin. */
  readonly folders: readonly string[];
  readonly marks: readonly string[];
}

/** Ends the processes that are left, and removes the temporary files, none of which is ever whole. */
export async function cleanUp(
  job: string,
  { processes, folders, marks }: Left,
  scheduler: SchedulerLike,
): Promise<void> {
  await endMarked(processes, scheduler);
  // In the folders of its runs nobody else writes anything.
  for (const run of await readdir(join(job, RUNS)).catch(() => [])) await removeTemporary(join(job, RUNS, run), TEMP);
  if (marks.length === 0) return;
  for (const folder of folders) {
    for (const mark of marks) await removeTemporary(folder, TEMP + mark);
  }
}

/** Removes what begins so. What is gone, or cannot be read, cannot be cleaned up. */
async function removeTemporary(folder: string, beginning: string): Promise<void> {
  for (const name of await readdir(folder).catch(() => []))
    if (name.startsWith(beginning))
      await rm(join(folder, name), { recursive: true, force: true }).catch(() => undefined);
}
