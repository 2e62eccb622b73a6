import { join } from 'node:path';
import { redactedJson } from '../core/redacted.js';
import type { Runtime } from '../core/runtime.js';
import { keepReport, olderRuns, removeRuns, stampOfRun } from '../journal/run-folders.js';
import { FAILED } from '../journal/job-files.js';
import type { OpenJob } from '../pipeline/job-of-plan.js';
import type { Report } from '../report/report-schema.js';
import { shellLine } from './again.js';
import type { CommandLine } from './command-line.js';

/** Keeps the report of a run in its job, with the command line that it was started by; only those of some runs stay. */
export async function keepRun(
  { job, at, how = 'error', part }: OpenJob,
  report: Report,
  { args, cwd }: CommandLine,
  { keep, redact, runtime }: { keep: number; redact: (text: string) => string; runtime: Runtime },
): Promise<void> {
  const { folder, name } = job;
  const run = stampOfRun(at);
  const { failed } = report.counts;
  const doubt = failed === 0 ? ['--in-doubt'] : [];
  const again = report.failures.total === 0 ? null : (shellLine(['batchx', 'retry', name, ...doubt]) ?? null);
  const file = report.failures.total === 0 ? null : join(folder, FAILED);
  const kept = {
    ...report,
    failures: { ...report.failures, file, again },
    job: { name, run, how, part, args: [...args], cwd },
  } satisfies Report;
  if (keep > 0) await keepReport(folder, run, `${redactedJson(kept, redact, 2)}\n`, runtime);
  removeRuns(folder, olderRuns(folder, keep));
}
