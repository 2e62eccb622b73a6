import type { Account } from '../core/account.js';
import { messageOf } from '../core/errors.js';
import type { Runtime } from '../core/runtime.js';
import type { JobUse, OpenJob } from '../pipeline/job-of-plan.js';
import { closingJob, openJob } from '../pipeline/job-of-plan.js';
import type { Plan } from '../pipeline/plan.js';
import { run } from '../pipeline/run.js';
import type { RunResult } from '../pipeline/run-result.js';
import { makeReport } from '../report/make-report.js';
import { RunRecorder } from '../report/run-recorder.js';
import type { CommandLine } from './command-line.js';
import { asExit, type Ending, EXIT } from './exit.js';
import { withAdvice } from './halted.js';
import { keepRun } from './kept-run.js';
import { resourcesUsed } from './resources.js';
import { registryFor, type Retrying } from './retrying.js';
import { say } from './terminal.js';
import { version } from './version.js';

export interface ExecInJob {
  readonly runtime: Runtime;
  readonly account: Account;
  readonly line: CommandLine;
  readonly keepRuns: number;
  readonly retrying: Retrying | undefined;
  /** Told of the job once it is open. */
  readonly onJob: (open: OpenJob) => void;
}

/** How the run of a job has ended, and what keeps its report once it is known how the program ends. */
export interface RanInJob {
  readonly result: RunResult;
  readonly keep: (result: RunResult, ending: Ending) => Promise<Ending>;
}

/** Runs a plan of commands in its job. */
export async function runInJob(use: JobUse, plan: Plan, options: ExecInJob): Promise<RanInJob> {
  const { runtime, account, line, keepRuns, retrying, onJob } = options;
  const registry = registryFor(retrying);
  const stamp = new Date(runtime.wallNow()).toISOString();
  const recorder = new RunRecorder(runtime, account);
  const open = openJob({ ...use, stamp }, plan, registry, runtime, false);
  onJob(open);
  const result = await closingJob(open, plan, run(plan, { registry, runtime, account, recorder, job: open }));
  const keep = async ({ halted, interrupted, error }: RunResult, ending: Ending): Promise<Ending> => {
    const report = makeReport(recorder, {
      batchx: version,
      pipeline: plan.name,
      workersBy: 'flag',
      run: open.at,
      exit: asExit(ending),
      interrupted,
      halted: halted === undefined ? null : { rule: halted.rule?.said ?? null, words: withAdvice(halted) },
      error,
      aggregate: undefined,
      resources: resourcesUsed(),
      failed: { file: undefined, command: undefined },
    });
    const options = { keep: keepRuns, redact: (text: string) => runtime.redact(text), runtime };
    try {
      await keepRun(open, report, line, options);
      return ending;
    } catch (thrown) {
      say(messageOf(thrown));
      // A signal, and a bug, stay what they are.
      return typeof ending === 'number' && ending !== EXIT.bug ? EXIT.output : ending;
    }
  };
  return { result, keep };
}
