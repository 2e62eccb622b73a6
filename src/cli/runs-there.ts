import { BatchxError } from '../core/errors.js';
import { type Holder, holderOf } from '../journal/lock.js';
import type { JobThere } from '../journal/jobs-there.js';
import { peekJob } from '../journal/peek-job.js';
import { readReport, reportPath, stampOfRun, stampsIn } from '../journal/run-folders.js';
import type { RunOfJob } from '../journal/run-history.js';
import type { Report } from '../report/report-schema.js';
import { say } from './terminal.js';

/** How a run stands: how it ended, or that it died, or goes on. */
export type RunHow = NonNullable<Report['job']>['how'] | 'died' | 'running';

/** A run of a job, as far as it is known. */
export interface RunThere {
  readonly job: string;
  /** What it is called. */
  readonly run: string;
  readonly startedAt: string;
  readonly how: RunHow;
  /** The process that runs it, while it goes on. */
  readonly pid: number | null;
  /** How long it took, in milliseconds; null when that is not known. */
  readonly ms: number | null;
  readonly exit: number | null;
  /** What became of its items; of one that left no report only those that had their end. */
  readonly counts: Partial<Report['counts']>;
  /** Whether these are counts of items, and of the parts of them. */
  readonly parts: boolean;
  readonly part: boolean;
  readonly args: readonly string[] | null;
  readonly cwd: string | null;
  /** Where its report is, if it has one. */
  readonly report: string | null;
}

/** The report of a run that its job has kept; undefined when there is none, or it cannot be read. */
export function reportOf({ folder }: JobThere, stamp: string): Report | undefined {
  try {
    return JSON.parse(readReport(folder, stamp) ?? '') as Report;
  } catch {
    return undefined;
  }
}

/** The runs of a job, the newest first: those that have left a report, and those that the journal tells of. */
export function runsOf(job: JobThere): RunThere[] {
  const runs = new Map<string, RunThere>();
  const told = stampsIn(job.folder).flatMap((stamp) => reportOf(job, stamp) ?? []);
  for (const report of told) if (report.job !== undefined) runs.set(report.job.run, ofReport(job, report));
  const holder = holderOf(job.folder);
  for (const run of journalRuns(job)) {
    const stamp = stampOfRun(run.at);
    if (!runs.has(stamp) && isRun(run)) runs.set(stamp, ofJournal(job, stamp, run, holder));
  }
  return [...runs.values()].sort(newestFirst);
}

export const newestFirst = (a: RunThere, b: RunThere): number => (a.run < b.run ? 1 : -1);

function journalRuns({ folder }: JobThere): readonly RunOfJob[] {
  try {
    const peeked = peekJob(folder);
    peeked?.close();
    return peeked?.runs ?? [];
  } catch (error) {
    // What runs have told can be listed all the same.
    if (!(error instanceof BatchxError)) throw error;
    say(error.message);
    return [];
  }
}

/** Whether items were to be run: what is noted between runs has a record of one, too. */
export const isRun = ({ args }: RunOfJob): boolean => args?.[0] !== 'defer';

function ofReport({ name, folder }: JobThere, report: Report): RunThere {
  const { job, startedAt, ms, exit, counts } = report;
  const { run = '', how = 'error', part = false, args = [], cwd = '' } = job ?? {};
  return {
    job: name,
    run,
    startedAt,
    how,
    pid: null,
    ms,
    exit,
    counts,
    parts: false,
    part,
    args,
    cwd,
    report: reportPath(folder, run),
  };
}

function ofJournal({ name }: JobThere, stamp: string, run: RunOfJob, holder: Holder | undefined): RunThere {
  const { at, how, pid, ended, args, cwd, parts, epoch } = run;
  const running = holder !== undefined && holder.epoch === epoch;
  const { ok, failed, skipped, 'in-doubt': inDoubt } = ended;
  return {
    job: name,
    run: stamp,
    startedAt: at,
    how: running ? 'running' : (how ?? 'died'),
    pid: running ? pid : null,
    ms: null,
    exit: null,
    counts: { ok, failed, skipped, inDoubt },
    parts: parts === true,
    part: false,
    args: args ?? null,
    cwd: cwd ?? null,
    report: null,
  };
}
