import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { SchedulerLike } from 'rxjs';
import { TEMP } from '../core/output-path.js';
import { endMarked } from '../core/process/end-marked.js';

/** What runs may have left that died. */
export interface Left {
  /** What their processes have in their environment. */
  readonly processes: readonly string[];
  /** Where they have made temporary files, and how the names of those begin. */
  readonly folders: readonly string[];
  readonly marks: readonly string[];
}

/** Ends the processes that are left, and removes the temporary files, none of which is ever whole. */
export async function cleanUp({ processes, folders, marks }: Left, scheduler: SchedulerLike): Promise<void> {
  await endMarked(processes, scheduler);
  if (marks.length === 0) return;
  for (const folder of folders) {
    // What is gone, or cannot be read, cannot be cleaned up.
    const names = await readdir(folder).catch(() => []);
    for (const name of names) {
      if (marks.some((mark) => name.startsWith(`${TEMP}${mark}`)))
        await rm(join(folder, name), { recursive: true, force: true }).catch(() => undefined);
    }
  }
}
