import { BatchxError } from '../core/errors.js';
import { createRuntime } from '../core/runtime.js';
import { knownIn } from '../journal/known.js';
import { type JobThere, jobsIn } from '../journal/jobs-there.js';
import { holderOf } from '../journal/lock.js';
import { peekJob } from '../journal/peek-job.js';
import { removeJob } from '../journal/remove-job.js';
import { olderRuns, removeRuns } from '../journal/run-folders.js';
import { type Ending, EXIT } from './exit.js';
import { number } from './progress-line.js';
import { say } from './terminal.js';
import { whichJob } from './which-job.js';
import { writeOut } from './write-out.js';

export interface CleanFlags {
  readonly all: boolean;
  readonly 'keep-runs'?: number | undefined;
  readonly 'dry-run': boolean;
}

/** Removes what is kept of a job, or of all; or only what older runs of it have told. */
export async function cleanJobs(name: string | undefined, flags: CleanFlags): Promise<Ending> {
  const { all, 'keep-runs': keep, 'dry-run': dry } = flags;
  if (all && name !== undefined) throw new BatchxError('usage', `expected either --all or one job, got both (${name})`);
  const jobs = all ? jobsIn() : [whichJob(name, 'clean shop')];
  const busy = jobs.find(({ folder }) => keep === undefined && holderOf(folder) !== undefined);
  if (busy !== undefined)
    throw new BatchxError(
      'locked',
      `the job ${busy.name} is being run by process ${holderOf(busy.folder)?.pid ?? ''}: nothing is removed; wait for it, or end it`,
    );
  if (jobs.length === 0) say('there are no jobs here');
  for (const job of jobs) await writeOut(`${keep === undefined ? cleanJob(job, dry) : cleanRuns(job, keep, dry)}\n`);
  return EXIT.ok;
}

function cleanJob({ name, folder }: JobThere, dry: boolean): string {
  const known = whatIsKnown(folder);
  if (!dry) removeJob(folder, new Date(createRuntime().wallNow()).toISOString());
  return `${name}: ${dry ? 'would remove' : 'removed'} ${folder}${known}`;
}

function cleanRuns({ name, folder }: JobThere, keep: number, dry: boolean): string {
  const older = olderRuns(folder, keep);
  if (!dry) removeRuns(folder, older);
  const what = `${number(older.length)} ${older.length === 1 ? 'report' : 'reports'}`;
  return `${name}: ${dry ? 'would remove' : 'removed'} ${what} of older runs`;
}

/** What the next run does again once it is removed. */
function whatIsKnown(folder: string): string {
  try {
    const peeked = peekJob(folder);
    peeked?.close();
    const { ok = 0, failed = 0 } = peeked === undefined ? {} : knownIn(peeked.table);
    return ok + failed === 0 ? '' : `, which knew of ${number(ok)} done and ${number(failed)} failed`;
  } catch {
    // What is damaged can be removed all the same.
    return '';
  }
}
