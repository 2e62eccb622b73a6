import { type OperatorFunction, tap } from 'rxjs';
import { Account } from '../core/account.js';
import { aggregateItems } from '../core/aggregate.js';
import { BatchxError, messageOf } from '../core/errors.js';
import { FolderSync } from '../core/folder-sync.js';
import { Secrets } from '../core/secrets.js';
import { useInputs } from '../core/in-use.js';
import type { Item } from '../core/item.js';
import { makeFolders, syncMade } from '../core/make-folders.js';
import type { Registry } from '../core/registry.js';
import type { Runtime } from '../core/runtime.js';
import { checkReportPath } from '../report/report-file.js';
import { RunRecorder } from '../report/run-recorder.js';
import { contextOf, secretsOf, withoutSecrets } from './file/context.js';
import { partFiles } from './file/part-files.js';
import { asKeys, type PipelineFile, textOf } from './file/pipeline-file.js';
import { type FilePlan, planOfFile } from './file/plan-of-file.js';
import { missingInput } from './inputs-there.js';
import { writeOwnReport } from './own-report.js';
import { aggregatesError, aggregatesOf } from './aggregates.js';
import { closingJob, type JobUse, openJob, type OpenJob, stampOf } from './job-of-plan.js';
import type { Plan } from './plan.js';
import { run } from './run.js';
import type { RunResult } from './run-result.js';

/** How a pipeline of a file ended. */
export interface FileRunResult extends RunResult {
  /** What was made of all results; undefined when nothing was to be, or the run did not come to its end. */
  readonly aggregate: unknown;
  readonly report: string | undefined;
  /** True when the error has kept no item from its end: an aggregate could not be made. */
  readonly whole?: boolean;
  /** What the run is called. */
  readonly id: string;
  /** Where the plan writes failed items to, if it does. */
  readonly failed: string | undefined;
  /** The mark of the run in its job, where it has one. */
  readonly mark: string | undefined;
}

export interface FileRunOptions {
  readonly registry: Registry;
  readonly runtime: Runtime;
  readonly account?: Account;
  /** Counts what is done, for whoever writes the report; without it one that the file asks for is written here. */
  readonly recorder?: RunRecorder | undefined;
  /** Changes what is run, as flags of a command line do. */
  readonly change?: (plan: Plan) => Plan;
  /** The job that keeps its state; without one nothing is kept. */
  readonly job?: JobUse | undefined;
  /** Told of the job once it is open. */
  readonly onJob?: ((open: OpenJob) => void) | undefined;
}

/** Runs a pipeline that has been checked. */
export async function runFile(
  file: PipelineFile,
  { registry, runtime, account, recorder: counting, change = (plan) => plan, job, onJob }: FileRunOptions,
): Promise<FileRunResult> {
  const context = contextOf(file, runtime, job && stampOf(job));
  const secrets = new Secrets(secretsOf(file, runtime));
  const redact = (text: string): string => secrets.redact(text);
  const env = withoutSecrets(file, runtime);
  const recorder =
    counting ?? (asksForReport(file) ? new RunRecorder(runtime, new Account(runtime.events)) : undefined);
  const inside = { ...(recorder?.counting(runtime) ?? runtime), env, context, redact };
  // The templates of recipes may name the secrets that these declare; commands see them only by such.
  const { plan, aggregate, report, folders }: FilePlan = planOfFile(file, context, { ...inside, env: runtime.env });
  await makeFoldersOf(folders, runtime);
  if (report !== undefined) await checkReportPath(report);
  let made: unknown;
  const faults: BatchxError[] = [];
  const onFault = (fault: BatchxError): void => void faults.push(fault);
  const end =
    aggregate === undefined
      ? undefined
      : (((items) =>
          items.pipe(
            aggregateItems(aggregatesOf(aggregate, registry, onFault), inside) as OperatorFunction<Item, unknown>,
            tap((value) => (made = value)),
          )) satisfies OperatorFunction<Item, unknown>);
  const changed = change(plan);
  const begin = (open: OpenJob | undefined): Promise<RunResult> =>
    run(changed, {
      registry,
      runtime: inside,
      recorder,
      job: open,
      ...(account !== undefined && { account }),
      ...(end !== undefined && { end }),
    });
  const missing = await missingInput(changed, registry);
  // Parts of the pipeline whose paths items name are only seen when they are written.
  const unused = useInputs(partFiles(file), runtime);
  let mark: string | undefined;
  const working = (): Promise<RunResult> => {
    if (job === undefined) return begin(undefined);
    const stamp = context.run.stamp;
    const open = openJob({ ...job, stamp }, changed, registry, inside, aggregate !== undefined);
    mark = open.job.mark;
    onJob?.(open);
    return closingJob(open, changed, begin(open));
  };
  const result = await (missing === undefined ? working() : notBegun(changed, missing, runtime)).finally(unused);
  const failed = changed.sinks.findLast(({ name }) => name === FAILED)?.options.path;
  const error = result.error ?? aggregatesError(faults);
  const whole = result.error === undefined && faults.length > 0;
  const of = { report, id: context.run.id, failed: textOf(failed), mark };
  const ended = { ...result, error, whole, aggregate: made, ...of };
  if (counting !== undefined || recorder === undefined || report === undefined) return ended;
  const unwritten = await writeOwnReport(report, plan.name, ended, recorder, redact);
  return { ...ended, error: ended.error ?? unwritten };
}

/** Ends a run that cannot begin. */
function notBegun({ name }: Plan, error: BatchxError, { events }: Runtime): Promise<RunResult> {
  const counts = { read: 0, ok: 0, failed: 0, skipped: 0, inDoubt: 0, pending: 0 };
  events.emit('batch:start', { name, total: undefined, stages: [] });
  events.emit('batch:end', { error });
  return Promise.resolve({ counts, halted: undefined, interrupted: false, error });
}

const asksForReport = ({ keys: { output } }: PipelineFile): boolean =>
  Array.isArray(output) && (output as unknown[]).some((each) => 'report' in asKeys(each));

/** The sink whose items can be given as input again. */
const FAILED = 'failed';

async function makeFoldersOf(folders: readonly string[], { events, durability }: Runtime): Promise<void> {
  const syncing = new FolderSync();
  for (const folder of folders) {
    try {
      const first = await makeFolders(folder);
      if (first === undefined) continue;
      events.emit('batch:folder', { path: folder });
      if (durability !== 'off') await syncMade(folder, first, syncing);
    } catch (error) {
      throw new BatchxError('output', `cannot make the folder ${folder}: ${messageOf(error)}`, { cause: error });
    }
  }
}
