import type { SchedulerLike } from 'rxjs';
import { ProcessTable } from './process-table.js';
import { sendSignal } from './send-signal.js';
import { pause } from './within.js';

/** How long processes have to end by themselves, in milliseconds. */
const GRACE = 200;

/** Ends the processes whose mark begins with one of these, as a run that died has left them. */
export async function endMarked(marks: readonly string[], scheduler: SchedulerLike): Promise<void> {
  if (marks.length === 0) return;
  const table = new ProcessTable(scheduler);
  for (const signal of ['SIGTERM', 'SIGTERM', 'SIGKILL'] as const) {
    const left = (await table.look()).filter(({ mark }) => marks.some((each) => mark?.startsWith(`${each}-`) === true));
    if (left.length === 0) return;
    for (const { pid } of left) sendSignal(pid, signal);
    await pause(GRACE, scheduler);
  }
}
