import { mkdir } from 'node:fs/promises';
import { type OperatorFunction, tap } from 'rxjs';
import { Account } from '../core/account.js';
import { aggregateItems } from '../core/aggregate.js';
import { shapeOf } from '../core/aggregate-spec.js';
import { BatchxError, messageOf } from '../core/errors.js';
import type { Events } from '../core/events.js';
import { Secrets } from '../core/secrets.js';
import type { Item } from '../core/item.js';
import type { Registry } from '../core/registry.js';
import type { Runtime } from '../core/runtime.js';
import { checkReportPath } from '../report/report-file.js';
import { RunRecorder } from '../report/run-recorder.js';
import { contextOf, secretsOf, withoutSecrets } from './file/context.js';
import { asKeys, type PipelineFile, textOf } from './file/pipeline-file.js';
import { type FilePlan, planOfFile } from './file/plan-of-file.js';
import { writeOwnReport } from './own-report.js';
import type { Plan } from './plan.js';
import { run, type RunResult } from './run.js';

/** How a pipeline of a file ended. */
export interface FileRunResult extends RunResult {
  /** What was made of all results; undefined when nothing was to be, or the run did not come to its end. */
  readonly aggregate: unknown;
  readonly report: string | undefined;
  /** What the run is called. */
  readonly id: string;
  /** Where the plan writes failed items to, if it does. */
  readonly failed: string | undefined;
}

export interface FileRunOptions {
  readonly registry: Registry;
  readonly runtime: Runtime;
  readonly account?: Account;
  /** Counts what is done, for whoever writes the report; without it one that the file asks for is written here. */
  readonly recorder?: RunRecorder | undefined;
  /** Changes what is run, as flags of a command line do. */
  readonly change?: (plan: Plan) => Plan;
}

/** Runs a pipeline that has been checked. */
export async function runFile(
  file: PipelineFile,
  { registry, runtime, account, recorder: counting, change = (plan) => plan }: FileRunOptions,
): Promise<FileRunResult> {
  const context = contextOf(file, runtime);
  const secrets = new Secrets(secretsOf(file, runtime));
  const redact = (text: string): string => secrets.redact(text);
  const env = withoutSecrets(file, runtime);
  const recorder =
    counting ?? (asksForReport(file) ? new RunRecorder(runtime, new Account(runtime.events)) : undefined);
  const inside = { ...(recorder?.counting(runtime) ?? runtime), env, context, redact };
  // The templates of recipes may name the secrets that these declare; commands see them only by such.
  const { plan, aggregate, report, folders }: FilePlan = planOfFile(file, context, { ...inside, env: runtime.env });
  await makeFolders(folders, runtime.events);
  if (report !== undefined) await checkReportPath(report);
  let made: unknown;
  const end =
    aggregate === undefined
      ? undefined
      : (((items) =>
          items.pipe(
            aggregateItems(shapeOf(aggregate, registry), inside) as OperatorFunction<Item, unknown>,
            tap((value) => (made = value)),
          )) satisfies OperatorFunction<Item, unknown>);
  const changed = change(plan);
  const result = await run(changed, {
    registry,
    runtime: inside,
    recorder,
    ...(account !== undefined && { account }),
    ...(end !== undefined && { end }),
  });
  const failed = changed.sinks.findLast(({ name }) => name === FAILED)?.options.path;
  const ended = { ...result, aggregate: made, report, id: context.run.id, failed: textOf(failed) };
  if (counting !== undefined || recorder === undefined || report === undefined) return ended;
  const unwritten = await writeOwnReport(report, plan.name, ended, recorder, redact);
  return { ...ended, error: ended.error ?? unwritten };
}

const asksForReport = ({ keys: { output } }: PipelineFile): boolean =>
  Array.isArray(output) && (output as unknown[]).some((each) => 'report' in asKeys(each));

/** The sink whose items can be given as input again. */
const FAILED = 'failed';

async function makeFolders(folders: readonly string[], events: Events): Promise<void> {
  for (const folder of folders) {
    try {
      const first = await mkdir(folder, { recursive: true });
      if (first !== undefined) events.emit('batch:folder', { path: folder });
    } catch (error) {
      throw new BatchxError('output', `cannot make the folder ${folder}: ${messageOf(error)}`, { cause: error });
    }
  }
}
