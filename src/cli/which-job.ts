import { BatchxError } from '../core/errors.js';
import { didYouMean } from '../core/suggest.js';
import { type JobThere, jobsIn } from '../journal/jobs-there.js';
import { ROOT } from '../journal/root.js';

/** The job that a command line means: the one of that name, or the only one there is. */
export function whichJob(name: string | undefined, example: string): JobThere {
  const jobs = jobsIn();
  const [only, ...others] = jobs;
  if (name !== undefined) return named(name, jobs);
  if (only === undefined) throw noJobs();
  if (others.length === 0) return only;
  const names = jobs.map((job) => job.name).join(', ');
  throw new BatchxError('usage', `expected the name of a job, as in: batchx ${example}; there are ${names}`);
}

/** The jobs that are meant: that of a name, or all. */
export const whichJobs = (name: string | undefined): readonly JobThere[] =>
  name === undefined ? jobsIn() : [named(name, jobsIn())];

function named(name: string, jobs: readonly JobThere[]): JobThere {
  const job = jobs.find((each) => each.name === name);
  if (job === undefined) throw noJob(name, jobs);
  return job;
}

/** That there is no job of a name, and which there are. */
export function noJob(name: string, jobs: readonly JobThere[], what = 'job'): BatchxError {
  if (jobs.length === 0) return noJobs();
  const names = jobs.map((job) => job.name);
  const hint = didYouMean(name, names) || ';';
  return new BatchxError('usage', `no ${what} is called "${name}"${hint} there are ${names.join(', ')}`);
}

const noJobs = (): BatchxError =>
  new BatchxError('usage', `there are no jobs here: ${ROOT} is where \`batchx run\`, \`exec\` and \`http\` keep them`);

/** Throws when there is more on a command line than one name. */
export function atMostOne(positionals: readonly string[], literals: readonly string[] | undefined): string | undefined {
  const [name, ...more] = [...positionals, ...(literals ?? [])];
  if (more.length > 0) throw new BatchxError('usage', `expected at most one name, got also ${more.join(' ')}`);
  return name;
}
