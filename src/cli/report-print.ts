import { BatchxError } from '../core/errors.js';
import { jobsIn } from '../journal/jobs-there.js';
import { readReport } from '../journal/run-folders.js';
import type { Report } from '../report/report-schema.js';
import { type Ending, EXIT } from './exit.js';
import { reportLines } from './report-text.js';
import { newestFirst, type RunThere, runsOf } from './runs-there.js';
import { say } from './terminal.js';
import { noJob } from './which-job.js';
import { writeOut } from './write-out.js';

/** Prints what a run has told at its end: the last one, or the one that is named, be it by its job. */
export async function printReport(name: string | undefined, json: boolean): Promise<Ending> {
  const runs = runsNamed(name);
  const [last] = runs;
  if (last === undefined) throw new BatchxError('usage', `no run of ${name ?? 'a job'} is known here`);
  const told = runs.find(({ report }) => report !== null);
  if (told === undefined) throw new BatchxError('usage', `${stateOf(last)}, and no report is kept of a run before it`);
  if (told !== last) say(`${stateOf(last)}: this is the report of the run before it that has one`);
  const folder = jobsIn().find((job) => job.name === told.job)?.folder ?? '';
  const text = readReport(folder, told.run) ?? '';
  await writeOut(json ? text : `${reportLines(JSON.parse(text) as Report).join('\n')}\n`);
  return EXIT.ok;
}

/** The runs that a name may mean, the newest first: those of a job, or the one whose name begins so. */
function runsNamed(name: string | undefined): RunThere[] {
  const jobs = jobsIn();
  const all = (): RunThere[] => jobs.flatMap(runsOf).sort(newestFirst);
  if (name === undefined) {
    if (jobs.length === 0) throw noJob('', jobs);
    return all();
  }
  const job = jobs.find((each) => each.name === name);
  if (job !== undefined) return runsOf(job);
  const found = all().filter(({ job: of, run }) => run.startsWith(name) || `${of}/${run}`.startsWith(name));
  if (found.length === 0) throw noJob(name, jobs, 'job or run');
  if (found.length === 1) return found;
  const which = found.map(({ job: of, run }) => `${of}/${run}`).join(', ');
  throw new BatchxError('usage', `expected the name of one run, got ${name}, which may be ${which}`);
}

function stateOf({ job, run, how, pid }: RunThere): string {
  const what = `the run ${run} of ${job}`;
  if (how === 'running') return `${what} is still going on (process ${pid})`;
  return how === 'died' ? `${what} died and has told nothing` : `of ${what} no report is kept`;
}
