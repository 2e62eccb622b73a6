import { BatchxError } from '../core/errors.js';
import { Item } from '../core/item.js';
import { HIDDEN } from '../core/secret-form.js';
import { STATE } from '../journal/item-table.js';
import type { JobThere } from '../journal/jobs-there.js';
import { canRunAgain, type Found, lettersIn } from '../journal/letters.js';
import { holderOf } from '../journal/lock.js';
import { type PeekedJob, peekJob } from '../journal/peek-job.js';
import { stampsIn } from '../journal/run-folders.js';
import { patternIn } from '../report/causes.js';
import type { Report } from '../report/report-schema.js';
import type { Command } from './command.js';
import { type Ending, EXIT } from './exit.js';
import { parseLine } from './parse-line.js';
import { number } from './progress-line.js';
import type { Retrying } from './retrying.js';
import { reportOf } from './runs-there.js';
import { say } from './terminal.js';
import { whichJob } from './which-job.js';

export interface RetryFlags {
  readonly group?: number | undefined;
  readonly 'in-doubt': boolean;
  readonly quiet: boolean;
  readonly progress?: string | undefined;
}

/** Runs what has failed in a job again, by the command line that it was started by: that of one of `workers`. */
export async function retryJob(
  name: string | undefined,
  flags: RetryFlags,
  workers: readonly Command[],
): Promise<Ending> {
  const job = whichJob(name, 'retry shop');
  refuseRunning(job);
  const peeked = peekJob(job.folder);
  if (peeked === undefined) throw new BatchxError('usage', `no run of the job ${job.name} is known`);
  const letters = lettersIn(peeked);
  peeked.close();
  const retry = flags['in-doubt'] ? 'all' : 'failed';
  const wanted = chosen(letters?.found ?? [], job, flags);
  const found = wanted.filter(({ letter }) => canRunAgain(letter));
  tell(job, letters?.found ?? [], wanted, found, flags);
  if (letters === undefined || found.length === 0) return EXIT.ok;
  const [command, args] = commandOf(job, peeked, workers);
  return runAgain(command, args, { job: job.name, letters: { ...letters, found }, retry }, flags);
}

/** Another run may be just about to do what has failed. */
function refuseRunning({ name, folder }: JobThere): void {
  const holder = holderOf(folder);
  if (holder === undefined) return;
  throw new BatchxError('locked', `the job ${name} is being run by process ${holder.pid}: wait for it, or end it`);
}

/** Those letters that are asked for. */
function chosen(all: readonly Found[], job: JobThere, flags: RetryFlags): readonly Found[] {
  const these = all.filter(({ state }) => state === STATE.failed || flags['in-doubt']);
  if (flags.group === undefined) return these;
  const cause = groupOf(job, flags.group);
  return these.filter(({ letter }) => {
    const { id, data, error } = letter;
    return error.code === cause.code && patternIn(error, Item.of(data, { id })) === cause.pattern;
  });
}

/** The group of that number in the last report of the job that has any. */
function groupOf(job: JobThere, group: number): Report['failures']['causes'][number] {
  for (const stamp of stampsIn(job.folder)) {
    const { causes } = reportOf(job, stamp)?.failures ?? { causes: [] };
    if (causes.length === 0) continue;
    const cause = causes[group - 1];
    if (cause !== undefined) return cause;
    const most = causes.length === 1 ? 'only 1' : `1 to ${causes.length}`;
    throw new BatchxError('usage', `--group: expected a number that \`batchx report\` lists, ${most}, got ${group}`);
  }
  throw new BatchxError('usage', `--group: no report of the job ${job.name} has failures in it`);
}

function tell(
  { name }: JobThere,
  all: readonly Found[],
  wanted: readonly Found[],
  found: readonly Found[],
  { quiet, 'in-doubt': doubt }: RetryFlags,
): void {
  if (quiet) return;
  const left = all.filter(({ state }) => state === STATE.inDoubt).length;
  const lost = wanted.length - found.length;
  if (found.length > 0) say(`running ${items(found.length)} of ${name} again`);
  else if (lost === 0)
    say(`nothing has failed in ${name}${all.length > left ? ' for that cause' : ''}: there is nothing to run again`);
  if (lost > 0)
    say(`${items(lost)} could not be read, or not be kept: once the input is mended, \`batchx run\` runs them`);
  if (left > 0 && !doubt) say(`${items(left)} in doubt may have been done; --in-doubt runs them again all the same`);
}

const items = (count: number): string => `${number(count)} ${count === 1 ? 'item' : 'items'}`;

/** The command that the job was started by, and what stood behind its name. */
function commandOf(
  { name }: JobThere,
  { runs }: PeekedJob,
  workers: readonly Command[],
): readonly [Command, readonly string[]] {
  for (const { args: [verb, ...args] = [] } of runs.toReversed()) {
    const command = workers.find((each) => each.name === verb);
    // One that a secret was hidden in is not what was given.
    if (command !== undefined && !args.some((arg) => arg.includes(HIDDEN))) return [command, args];
  }
  throw new BatchxError(
    'usage',
    `the job ${name} does not know its command line, in which there may have been a secret: give that again, with --retry failed`,
  );
}

async function runAgain(
  command: Command,
  args: readonly string[],
  retrying: Retrying,
  { quiet, progress }: RetryFlags,
): Promise<Ending> {
  const line = command.parse?.(args) ?? parseLine(command.flags, args);
  const given = { ...(quiet && { quiet }), ...(progress !== undefined && { progress }) };
  // What is said of the input does not hold for these items.
  const fixed = {
    job: retrying.job,
    journal: true,
    resume: false,
    fresh: false,
    limit: undefined,
    'allow-empty': true,
  };
  return command.run({ ...line, flags: { ...line.flags, ...given, ...fixed }, retrying });
}
