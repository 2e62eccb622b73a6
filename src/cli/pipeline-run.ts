import type { Counts } from '../core/account.js';
import type * as z from 'zod';
import { BatchxError } from '../core/errors.js';
import { createRuntime, type Runtime } from '../core/runtime.js';
import { Secrets } from '../core/secrets.js';
import { secretsOf } from '../pipeline/file/context.js';
import { checkPipeline } from '../pipeline/file/check.js';
import { faultsError, type PlacedFault } from '../pipeline/file/faults.js';
import { refusePart } from '../pipeline/file/part-files.js';
import { entriesOf, type PipelineFile, textOf } from '../pipeline/file/pipeline-file.js';
import type { OpenJob } from '../pipeline/job-of-plan.js';
import type { Plan, Use } from '../pipeline/plan.js';
import { type FileRunResult, runFile } from '../pipeline/run-file.js';
import type { WorkersBy } from '../report/recommendations.js';
import type { Report } from '../report/report-schema.js';
import type { RunRecorder } from '../report/run-recorder.js';
import { commandAgain } from './again.js';
import { jobName } from './job-name.js';
import { againIn, jobOf, nothingLeft, tellJob } from './job.js';
import { type CommandLine, commandLine } from './command-line.js';
import { keepRun } from './kept-run.js';
import { planFor, registryFor, type Retrying } from './retrying.js';
import { refuseClosedOutput } from './closed.js';
import type { Ending } from './exit.js';
import type { Reword } from './flag-words.js';
import { haltOf } from './halted.js';
import { inTest, outputsOutside, refuseOutside } from './in-test.js';
import type { ParsedLine } from './parse-line.js';
import { dryRunFile } from './pipeline-dry-run.js';
import { pipelineOf } from './pipeline-of.js';
import { checkFailed } from './row-failed.js';
import { runFlags } from './run-flags.js';
import { Reporting } from './run-report.js';
import { inSession, type Session } from './session.js';
import { hideWith, say } from './terminal.js';
import { whileLoading } from './user-modules.js';

type Flags = z.output<typeof runFlags>;

/** Runs the pipeline of a file, once all that can be known before says that it can run. */
export async function runPipelineFile(line: ParsedLine<typeof runFlags>): Promise<Ending> {
  const { flags } = line;
  const given = await whileLoading(() => pipelineOf(line));
  const file = flags.test ? inTest(given) : given;
  const again: Around['again'] = (letters, elsewhere) => {
    if (flags.manifest !== undefined || !readsLetters(file) || (elsewhere && outputsOutside(file).length > 0))
      return undefined;
    const other = elsewhere ? { without: ['output'], more: ['--output', anotherFolder(given)] } : {};
    return commandAgain('run', runFlags, line.args, letters, other);
  };
  return runChecked(file, flags, {
    again,
    letters: readsLetters(file),
    ...(flags.test && { refuse: refuseOutside }),
    command: commandLine('run', line.args),
    job: jobName(file.name, line),
    retrying: line.retrying,
  });
}

/** The flags that say how a pipeline is run, whatever it does. */
type Running = Omit<Flags, 'pipeline' | 'config' | 'set' | 'input' | 'manifest' | 'output' | 'test'>;

export interface Around {
  /** The command line that runs the items of a file again, where there is one; `elsewhere` it writes to other files. */
  readonly again: (letters: string, elsewhere: boolean) => string | undefined;
  /** Whether the input reads items that failed, in the place of its own; it does unless said. */
  readonly letters?: boolean;
  /** How its user says how many workers there are: by a key of the pipeline unless it is one of the command line. */
  readonly workersBy?: WorkersBy;
  /** What is wrong with the pipeline, as its user is told it. */
  readonly told?: (faults: readonly PlacedFault[]) => BatchxError;
  readonly reword?: Reword;
  /** Throws where a pipeline without faults cannot be run so. */
  readonly refuse?: (file: PipelineFile) => void;
  /** Is given what the run has to work with, before it begins. */
  readonly prepare?: (runtime: Runtime) => Runtime;
  /** What its job is called, where that is not what the pipeline is; see `jobOf`. */
  readonly job?: string;
  /** The command line that it was started by. */
  readonly command: CommandLine;
  readonly retrying?: Retrying | undefined;
}

/** Checks a pipeline and runs it, or tells what it would do. */
export async function runChecked(file: PipelineFile, flags: Running, around: Around): Promise<Ending> {
  const {
    again,
    letters = true,
    job: name = file.name,
    workersBy = 'key',
    told = faultsError,
    reword,
    refuse,
    prepare = (runtime: Runtime) => runtime,
    command,
  } = around;
  const secrets = new Secrets(secretsOf(file, createRuntime()));
  const redact = (text: string): string => secrets.redact(text);
  hideWith(redact);
  const faults = await whileLoading(() => checkPipeline(file, createRuntime()));
  if (faults.length > 0) throw told(faults);
  refuse?.(file);
  const { quiet, progress, failed } = flags;
  if (flags['dry-run']) return dryRunFile(file, flags);
  const { report, 'report-items': items, json } = flags;
  for (const path of [failed, report, items]) if (path !== undefined) await refusePart(file, path);
  if (failed !== undefined) await checkFailed(failed);
  let open: OpenJob | undefined;
  const keep = async (made: Report): Promise<void> => {
    const options = { keep: flags['keep-runs'], redact, runtime: createRuntime({ durability: flags.durability }) };
    if (open !== undefined) await keepRun(open, made, command, options);
  };
  const reporting = new Reporting({
    pipeline: file.name,
    report,
    items,
    json,
    redact,
    again,
    inJob: () => open && againIn(open, command, redact),
    letters,
    workersBy,
    keep,
  });
  await reporting.check();
  const outputs = entriesOf(file, 'output');
  const rows = outputs.length === 0 || outputs.some(({ form, value }) => value[form.verb] === '-');
  const { durability } = flags;
  return inSession(
    { quiet, progress, durability, rows, stages: true, reword, conclude: reporting.conclude },
    (session) =>
      runIn({ ...session, runtime: prepare(session.runtime) }, file, flags, {
        ...around,
        name,
        recorder: reporting.begin(session),
        onJob: (opened) => (open = opened),
      }),
  );
}

/** Where results of a few go that would take the place of those of all: `out-again` beside `out`. */
function anotherFolder({ keys: { outputRoot } }: PipelineFile): string {
  const root = textOf(outputRoot)?.replace(/\/+$/, '');
  return root === undefined || root === '' || root === '.' || root.includes('{{') ? 'again' : `${root}-again`;
}

/** Whether failed items can be given in place of the input, as its source reads them. */
function readsLetters(file: PipelineFile): boolean {
  const [input] = entriesOf(file, 'input');
  return input !== undefined && ['jsonl', 'json', 'csv', 'lines', 'items', 'manifest'].includes(input.form.verb);
}

/** What a run has to work with, and its job. */
interface InJob extends Around {
  readonly name: string;
  readonly recorder: RunRecorder;
  readonly onJob: (open: OpenJob) => void;
}

async function runIn(
  { runtime, account }: Session,
  file: PipelineFile,
  flags: Running,
  { name, recorder, command, retrying, onJob: opened }: InJob,
): Promise<FileRunResult> {
  const change = (plan: Plan): Plan => planFor(changed(plan, flags), retrying);
  const job = jobOf(name, flags, command, retrying);
  let idle: ((counts: Counts) => string | undefined) | undefined;
  const onJob = (open: OpenJob): void => {
    opened(open);
    tellJob(open, flags);
    idle = (counts) => nothingLeft(open, counts);
  };
  const registry = registryFor(retrying);
  const result = await runFile(file, { registry, runtime, account, recorder, change, job, onJob });
  const { error, counts, interrupted } = result;
  const why = error === undefined ? idle?.(counts) : undefined;
  if (why !== undefined && !flags.quiet) say(why);
  if (error !== undefined || counts.read > 0 || flags['allow-empty'] || interrupted || flags.limit === 0) return result;
  const nothing = new BatchxError(
    'input',
    'there is nothing to do: the input has no items; --allow-empty takes that for all that there is',
  );
  return { ...result, error: nothing };
}

function changed(plan: Plan, flags: Running): Plan {
  const rules = haltOf(flags);
  const sinks: Use[] = [...plan.sinks];
  if (sinks.length === 0) {
    refuseClosedOutput();
    sinks.push(
      flags.shape === 'result'
        ? { name: 'jsonl', options: { path: '-' } }
        : { name: 'outcomes', options: { path: '-' } },
    );
  }
  if (flags.failed !== undefined) sinks.push({ name: 'failed', options: { path: flags.failed } });
  return {
    ...plan,
    limit: flags.limit ?? plan.limit,
    concurrency: flags.concurrency ?? plan.concurrency,
    ordered: flags['keep-order'] ?? plan.ordered,
    writes: [...(plan.writes ?? []), ...[flags.report, flags['report-items']].filter((path) => path !== undefined)],
    halt: rules.length > 0 ? rules : plan.halt,
    sinks,
  };
}
