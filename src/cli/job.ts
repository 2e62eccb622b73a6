import { accessSync, constants, existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { BatchxError, messageOf } from '../core/errors.js';
import { MARK } from '../core/process/process-table.js';
import type { Counts } from '../core/account.js';
import { FAILED } from '../journal/job-files.js';
import { ROOT } from '../journal/root.js';
import type { JobUse, OpenJob } from '../pipeline/job-of-plan.js';
import { shellLine } from './again.js';
import type { Again } from './failures.js';
import { number } from './progress-line.js';
import { say } from './terminal.js';
import type { CommandLine } from './command-line.js';
import type { Retrying } from './retrying.js';
import { version } from './version.js';

/** What the flags of a command say of the job that it works on. */
export interface JobFlags {
  readonly job?: string | undefined;
  readonly journal: boolean;
  readonly resume: boolean;
  readonly fresh: boolean;
  readonly 'break-lock': boolean;
  readonly retry?: 'failed' | 'in-doubt' | 'all' | undefined;
  readonly 'only-new': boolean;
  readonly verify: boolean;
  readonly 'on-duplicate': 'error' | 'first';
  readonly durability: 'power' | 'off';
  readonly 'keep-runs': number;
  readonly quiet: boolean;
}

/**
 * The job of a command, which is called `name` unless a flag says otherwise; with a star in it the name is made of what is
 * run, and it begins anew once all is done. Undefined when none is to be kept.
 */
export function jobOf(name: string, flags: JobFlags, line: CommandLine, retrying?: Retrying): JobUse | undefined {
  const { job, journal, resume, fresh, retry } = flags;
  if (resume && fresh) throw new BatchxError('usage', 'expected one of --resume and --fresh, got both');
  if (!journal) {
    const given = { '--job': job, '--resume': resume || undefined, '--fresh': fresh || undefined, '--retry': retry };
    const [first] = Object.entries(given).flatMap(([flag, value]) => (value === undefined ? [] : [flag]));
    if (first !== undefined)
      throw new BatchxError('usage', `expected ${first} without --no-journal: nothing is kept then`);
    return undefined;
  }
  if (name.includes('*') && job === undefined && !canKeep(flags)) return undefined;
  const { durability, 'on-duplicate': onDuplicate, 'break-lock': force, 'only-new': onlyNew, verify } = flags;
  const known = { version, ...line, onDuplicate, durability, force };
  if (retrying !== undefined) return { ...known, name: retrying.job, part: true, retry: retrying.retry };
  return {
    ...known,
    name: job ?? name,
    // Who names a job, or says what is to be done with what it knows, means that one.
    anew: job === undefined && name.includes('*') && !resume && retry === undefined && !onlyNew && !verify,
    fresh,
    retry,
    onlyNew,
    verify,
    resume,
  };
}

/**
 * Whether a command that nobody has named keeps a job: one that another batchx has started is an item there, and begins
 * anew with that; and where nothing can be written it is done all the same.
 */
function canKeep({ quiet }: JobFlags): boolean {
  if (process.env[MARK] !== undefined) return false;
  try {
    if (!existsSync(ROOT)) mkdirSync(ROOT);
    accessSync(ROOT, constants.W_OK | constants.X_OK);
    return true;
  } catch (error) {
    if (!quiet)
      say(`nothing is kept of this run, as it cannot be written here (${messageOf(error)}): it cannot go on later`);
    return false;
  }
}

/** Says what an earlier run has left, where this one goes on from there. */
export function tellJob({ job, part, parts }: OpenJob, { quiet }: JobFlags): void {
  const { ok, failed, inDoubt } = job.known;
  if (quiet || part || !job.resumes || ok + failed + inDoubt === 0) return;
  const also = [
    ...(failed > 0 ? [`${number(failed)} failed`] : []),
    ...(inDoubt > 0 ? [`${number(inDoubt)} in doubt`] : []),
  ];
  const done = `${number(ok)}${parts ? ' items and parts' : ''} done`;
  say(`resuming ${job.folder}: ${done}${also.map((each) => `, ${each}`).join('')}`);
}

/** How what fails in a job is run again; undefined where its command line had a secret in it, which is not kept. */
export function againIn(
  { job: { folder, name } }: OpenJob,
  { args }: CommandLine,
  redact: (text: string) => string,
): Again | undefined {
  if (args.some((arg) => redact(arg) !== arg)) return undefined;
  const command = shellLine(['batchx', 'retry', name]);
  return command === undefined ? undefined : { file: join(folder, FAILED), command, doubtful: `${command} --in-doubt` };
}

/** What is said at the end of a run that had nothing to do. */
export function nothingLeft({ job }: OpenJob, { read, skipped }: Counts): string | undefined {
  if (read === 0 || skipped < read || job.known.ok < read || job.resumes) return undefined;
  return `nothing to do: all of it was done by earlier runs; --fresh does it again`;
}
