import { printable } from '../core/printable.js';
import { showMs } from '../core/show-ms.js';
import { countsText } from './failures.js';
import { type Ending, EXIT } from './exit.js';
import { newestFirst, type RunThere, runsOf } from './runs-there.js';
import { say } from './terminal.js';
import { whichJobs } from './which-job.js';
import { writeOut } from './write-out.js';

/** Lists the runs of a job, or of all, the newest first. */
export async function listRuns(name: string | undefined, json: boolean): Promise<Ending> {
  const runs = whichJobs(name).flatMap(runsOf).sort(newestFirst);
  if (json) await writeOut(`${JSON.stringify(runs, null, 2)}\n`);
  else if (runs.length === 0) say('there are no runs here');
  else await writeOut(table(runs.map(cells)));
  return EXIT.ok;
}

const cells = ({ job, run, ms, counts, parts, how, pid, part }: RunThere): string[] => [
  printable(job),
  run,
  ms === null ? '-' : showMs(ms),
  `${how === 'running' ? `running now, process ${pid}` : how === 'error' ? 'ended early' : how}${part ? ', a retry' : ''}`,
  `${countsText(counts)}${parts && Object.values(counts).some((count) => count > 0) ? ', of items and parts' : ''}`,
];

/** Rows as lines, in columns; the last one is as long as it likes to be. */
function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, at) => Math.max(...rows.map((row) => row[at]?.length ?? 0)));
  const line = (row: readonly string[]): string => row.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join('  ');
  return rows.map((row) => `${line(row).trimEnd()}\n`).join('');
}
