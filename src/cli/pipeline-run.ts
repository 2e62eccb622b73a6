import type * as z from 'zod';
import { builtin } from '../builtin.js';
import { BatchxError } from '../core/errors.js';
import { createRuntime } from '../core/runtime.js';
import { Secrets } from '../core/secrets.js';
import { secretsOf } from '../pipeline/file/context.js';
import { checkPipeline } from '../pipeline/file/check.js';
import { faultsError } from '../pipeline/file/faults.js';
import { entriesOf, type PipelineFile, textOf } from '../pipeline/file/pipeline-file.js';
import type { Plan, Use } from '../pipeline/plan.js';
import { type FileRunResult, runFile } from '../pipeline/run-file.js';
import type { RunRecorder } from '../report/run-recorder.js';
import { commandAgain } from './again.js';
import { refuseClosedOutput } from './closed.js';
import type { Ending } from './exit.js';
import { haltOf } from './halted.js';
import type { ParsedLine } from './parse-line.js';
import { dryRunFile } from './pipeline-dry-run.js';
import { pipelineOf } from './pipeline-of.js';
import { checkFailed } from './row-failed.js';
import { runFlags } from './run-flags.js';
import { Reporting } from './run-report.js';
import { inSession, type Session } from './session.js';
import { hideWith } from './terminal.js';

type Flags = z.output<typeof runFlags>;

/** Runs the pipeline of a file, once all that can be known before says that it can run. */
export async function runPipelineFile(line: ParsedLine<typeof runFlags>): Promise<Ending> {
  const { flags, positionals, literals } = line;
  const [path, ...inputs] = positionals;
  const file = withFlags(await pipelineOf(path, flags), flags, inputs, literals);
  const faults = await checkPipeline(file, createRuntime());
  if (faults.length > 0) throw faultsError(faults);
  const { quiet, progress, failed } = flags;
  const secrets = new Secrets(secretsOf(file, createRuntime()));
  const redact = (text: string): string => secrets.redact(text);
  hideWith(redact);
  if (flags['dry-run']) return dryRunFile(file, flags.limit);
  if (failed !== undefined) await checkFailed(failed);
  const { report, 'report-items': items, json } = flags;
  const commandFor = (letters: string): string | undefined =>
    readsLetters(file) ? commandAgain('run', runFlags, line.args, letters) : undefined;
  const reporting = new Reporting({ pipeline: file.name, report, items, json, redact, again: commandFor });
  await reporting.check();
  const rows = entriesOf(file, 'output').length === 0;
  return inSession({ quiet, progress, rows, conclude: reporting.conclude }, (session) =>
    runIn(session, file, flags, reporting.begin(session)),
  );
}

/** Whether failed items can be given in place of the input, as its source reads them. */
function readsLetters(file: PipelineFile): boolean {
  const [input] = entriesOf(file, 'input');
  return input !== undefined && ['jsonl', 'json', 'csv', 'lines'].includes(input.form.verb);
}

async function runIn(
  { runtime, account }: Session,
  file: PipelineFile,
  flags: Flags,
  recorder: RunRecorder,
): Promise<FileRunResult> {
  const change = (plan: Plan): Plan => changed(plan, flags);
  const result = await runFile(file, { registry: builtin, runtime, account, recorder, change });
  const { error, counts, interrupted } = result;
  if (error !== undefined || counts.read > 0 || flags['allow-empty'] || interrupted || flags.limit === 0) return result;
  const nothing = new BatchxError(
    'input',
    'there is nothing to do: the input has no items; --allow-empty takes that for all that there is',
  );
  return { ...result, error: nothing };
}

/** What flags say in place of the file. */
function withFlags(
  file: PipelineFile,
  { output, test }: Flags,
  inputs: readonly string[],
  literals: readonly string[] | undefined,
): PipelineFile {
  const { keys } = file;
  const input = literals !== undefined ? { items: literals } : inputs.length > 0 ? inputOf(file, inputs) : keys.input;
  const root = output ?? textOf(keys.outputRoot);
  const outputRoot = test ? `${root?.replace(/\/+$/, '') ?? file.name}_test` : root;
  return { ...file, keys: { ...keys, input, ...(outputRoot !== undefined && { outputRoot }) } };
}

/** Other inputs are read as the file's own would be. */
function inputOf(file: PipelineFile, inputs: readonly string[]): Record<string, unknown> {
  const [entry] = entriesOf(file, 'input');
  const { form, value } = entry ?? {};
  const path = inputs.length === 1 ? inputs[0] : inputs;
  const verb = form?.definition.main === undefined || form.verb === 'items' ? 'files' : form.verb;
  return { ...(form?.verb === verb ? value : {}), [verb]: path };
}

function changed(plan: Plan, flags: Flags): Plan {
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
    ordered: flags['keep-order'] || plan.ordered,
    halt: rules.length > 0 ? rules : plan.halt,
    sinks,
  };
}
