import { builtin } from '../builtin.js';
import { CommandError } from '../core/command-result.js';
import { BatchxError } from '../core/errors.js';
import type { Outcome } from '../core/outcome.js';
import { prepareRoot } from '../core/root-folder.js';
import type { JobUse, OpenJob } from '../pipeline/job-of-plan.js';
import type { Plan } from '../pipeline/plan.js';
import { run } from '../pipeline/run.js';
import type { RunResult } from '../pipeline/run-result.js';
import { execAgain } from './again.js';
import { refuseClosedOutput } from './closed.js';
import { checkLine } from './exec-checks.js';
import { defaultJobs, execFlags } from './exec-flags.js';
import type { ExecLine } from './exec-line.js';
import { execPlan } from './exec-plan.js';
import { execSources } from './exec-sources.js';
import type { Ending } from './exit.js';
import type { Again } from './failures.js';
import { rewordFor } from './flag-words.js';
import { LineOutput } from './line-output.js';
import { inSession, type Session } from './session.js';
import { againIn, jobOf, tellJob } from './job.js';
import { commandLine } from './command-line.js';
import { say } from './terminal.js';

/** Runs a command for each value, and gives how the program ends. */
export async function runCommands(line: ExecLine): Promise<Ending> {
  const { quiet, progress, out, results } = line.flags;
  if (line.flags['print-pipeline']) {
    const { printCommands } = await import('./pipelines.js');
    return printCommands(line);
  }
  const speaksForItself = ({ error }: Outcome): boolean =>
    out === 'output' && results === undefined && error instanceof CommandError && error.result.output.stderr.size > 0;
  let keep: Keep | undefined;
  const onEnd: Keep = (result, ending) => keep?.(result, ending) ?? Promise.resolve(ending);
  const reword = rewordFor(execFlags);
  let inJob: Again | undefined;
  const options = {
    quiet,
    progress,
    durability: line.flags.durability,
    rows: true,
    get again() {
      return inJob ?? againOf(line);
    },
    reword,
    speaksForItself,
    onEnd,
  };
  const onJob = (open: OpenJob): void => {
    inJob = againIn(open, commandLine('exec', line.args), (text) => text);
  };
  return inSession(options, (session) => runStep(line, session, { onKeep: (made) => (keep = made), onJob }));
}

/** Keeps the report of a run that ends so, and gives how the program ends then. */
type Keep = (result: RunResult, ending: Ending) => Promise<Ending>;

async function runStep(
  line: ExecLine,
  { runtime, account }: Session,
  { onKeep, onJob: opened }: { readonly onKeep: (keep: Keep) => void; readonly onJob: (open: OpenJob) => void },
): Promise<RunResult> {
  const { flags, retrying } = line;
  refuseClosedOutput();
  await checkLine(line);
  const lines = flags['line-buffer'] && !flags['dry-run'] ? new LineOutput(runtime.stdio, flags.tag) : undefined;
  const sources = retrying === undefined ? await execSources(line, runtime) : [];
  const concurrency = flags.concurrency ?? defaultJobs();
  // Who says when to halt is taken at their word.
  const haltAlike = flags.halt === undefined;
  const given: Plan = { ...execPlan(line, sources, lines), concurrency, haltAlike };
  const plan = retrying === undefined ? given : await retriedPlan(given, line);
  if (flags.results !== undefined && !flags['dry-run']) await prepareRoot(flags.results);
  if (flags.verbose) runtime.events.on('batch:command', ({ command }) => say(command));
  const command = commandLine('exec', line.args);
  const use = flags['dry-run']
    ? undefined
    : jobOf('exec-*', { ...flags, retry: flags['retry-in-doubt'] ? 'in-doubt' : flags.retry }, command, retrying);
  const inJob = async (job: JobUse): Promise<RunResult> => {
    const { runInJob } = await import('./exec-job.js');
    const onJob = (open: OpenJob): void => {
      opened(open);
      tellJob(open, flags);
    };
    const options = { runtime, account, line: command, keepRuns: flags['keep-runs'], retrying, onJob };
    const { result, keep } = await runInJob(job, plan, options);
    onKeep(keep);
    return result;
  };
  const result = await (use === undefined ? run(plan, { registry: builtin, runtime, account }) : inJob(use));
  if (result.error !== undefined || result.counts.read > 0 || flags['allow-empty'] || result.interrupted) return result;
  if (flags.limit === 0) return result;
  return { ...result, error: nothingToDo(line) };
}

/** The plan that runs the values of letters again: they are whole, however they had been put together. */
async function retriedPlan(plan: Plan, { flags, retrying }: ExecLine): Promise<Plan> {
  const { planFor } = await import('./retrying.js');
  return planFor(plan, retrying, flags.in === undefined ? 'values' : 'rows');
}

function nothingToDo({ inputs, lists }: ExecLine): BatchxError {
  const files = inputs.filter((input) => input !== '-');
  const none = lists.length > 0 ? 'there are no values' : 'there are no values on standard input';
  const what = files.length === 0 ? none : `${files.join(' ')}: no file matches`;
  return new BatchxError('input', `${what}; --allow-empty takes that for all that there is to do`);
}

/** How what failed is run again, where it is written to a file. */
function againOf({ flags, own, words }: ExecLine): Again | undefined {
  const { failed, in: format, 'dry-run': dryRun } = flags;
  if (failed === undefined || dryRun) return undefined;
  return { file: failed, command: execAgain(execFlags, { own, words, rows: format !== undefined }, failed) };
}
