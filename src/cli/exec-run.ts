import { builtin } from '../builtin.js';
import { CommandError } from '../core/command-result.js';
import { BatchxError } from '../core/errors.js';
import type { Outcome } from '../core/outcome.js';
import { prepareRoot } from '../core/root-folder.js';
import type { Plan, StepUse, Use } from '../pipeline/plan.js';
import { run, type RunResult } from '../pipeline/run.js';
import { execAgain } from './again.js';
import { refuseClosedOutput } from './closed.js';
import { checkLine } from './exec-checks.js';
import { defaultJobs, execFlags } from './exec-flags.js';
import type { ExecLine } from './exec-line.js';
import { execSources } from './exec-sources.js';
import type { Ending } from './exit.js';
import type { Again } from './failures.js';
import { rewordFor } from './flag-words.js';
import { haltOf } from './halted.js';
import { LineOutput } from './line-output.js';
import { inSession, type Session } from './session.js';
import { say } from './terminal.js';

/** Runs a command for each value, and gives how the program ends. */
export function runCommands(line: ExecLine): Promise<Ending> {
  const { quiet, progress, out, results } = line.flags;
  const speaksForItself = ({ error }: Outcome): boolean =>
    out === 'output' && results === undefined && error instanceof CommandError && error.result.output.stderr.size > 0;
  const options = { quiet, progress, rows: true, again: againOf(line), reword: rewordFor(execFlags), speaksForItself };
  return inSession(options, (session) => runStep(line, session));
}

async function runStep(line: ExecLine, { runtime, account }: Session): Promise<RunResult> {
  const { flags } = line;
  refuseClosedOutput();
  await checkLine(line);
  const lines = flags['line-buffer'] && !flags['dry-run'] ? new LineOutput(runtime.stdio, flags.tag) : undefined;
  const plan: Plan = {
    name: 'exec',
    sources: await execSources(line, runtime),
    limit: flags.limit,
    retryInDoubt: flags['retry-in-doubt'],
    steps: [{ name: 'exec', options: stepOptions(line, lines), policies: policiesOf(flags) }],
    concurrency: flags.concurrency ?? defaultJobs(),
    ordered: flags['keep-order'],
    total: totalOf(line),
    halt: haltOf(flags),
    sinks: sinksOf(flags),
  };
  if (flags.results !== undefined && !flags['dry-run']) await prepareRoot(flags.results);
  if (flags.verbose) runtime.events.on('batch:command', ({ command }) => say(command));
  const result = await run(plan, { registry: builtin, runtime, account });
  if (result.error !== undefined || result.counts.read > 0 || flags['allow-empty'] || result.interrupted) return result;
  if (flags.limit === 0) return result;
  return { ...result, error: nothingToDo(line) };
}

function nothingToDo({ inputs, lists }: ExecLine): BatchxError {
  const files = inputs.filter((input) => input !== '-');
  const none = lists.length > 0 ? 'there are no values' : 'there are no values on standard input';
  const what = files.length === 0 ? none : `${files.join(' ')}: no file matches`;
  return new BatchxError('input', `${what}; --allow-empty takes that for all that there is to do`);
}

function stepOptions({ command, flags }: ExecLine, lines: LineOutput | undefined): Use['options'] {
  const { shell, stdin, cwd, creates, 'on-exists': onExists, env = [], out, results } = flags;
  // Lines that have been shown need not be kept; an outcome holds only what is in memory.
  const spool = lines === undefined && (out === 'output' || results !== undefined);
  const variables = env.map((text) => [text.slice(0, text.indexOf('=')), text.slice(text.indexOf('=') + 1)] as const);
  return {
    command,
    shell,
    stdin: stdin ? 'data' : 'none',
    stdout: 'result',
    spool,
    ...(lines !== undefined && { keep: '0B' }),
    dryRun: flags['dry-run'],
    env: Object.fromEntries(variables),
    ...(onExists !== undefined && { onExists }),
    ...(cwd !== undefined && { cwd }),
    ...(creates !== undefined && { creates }),
    ...(lines !== undefined && { onOutput: lines.write }),
  };
}

/** Commands that are only told need not wait. */
function policiesOf({ timeout, retries, rate, delay, 'dry-run': dryRun }: ExecLine['flags']): StepUse['policies'] {
  if (dryRun) return {};
  return {
    ...(timeout !== undefined && { timeout }),
    ...(retries !== undefined && { retry: retries }),
    ...(rate !== undefined && { rate }),
    ...(delay !== undefined && { rate: { limit: 1, per: delay } }),
  };
}

/** Commands that are only told leave nothing behind: least of all may they remove what failed before. */
function sinksOf({ out, tag, joblog, results, failed, 'dry-run': dryRun }: ExecLine['flags']): Use[] {
  if (dryRun) return [{ name: 'command-output', options: {} }];
  // The output goes where it is kept, and is not shown besides.
  const show = results === undefined;
  return [
    ...(results === undefined ? [] : [{ name: 'command-files', options: { root: results } }]),
    out === 'jsonl' ? { name: 'outcomes', options: { path: '-' } } : { name: 'command-output', options: { show, tag } },
    ...(joblog === undefined ? [] : [{ name: 'joblog', options: { path: joblog } }]),
    ...(failed === undefined ? [] : [{ name: 'failed', options: { path: failed } }]),
  ];
}

/** How what failed is run again, where it is written to a file. */
function againOf({ flags, own, words }: ExecLine): Again | undefined {
  const { failed, in: format, 'dry-run': dryRun } = flags;
  if (failed === undefined || dryRun) return undefined;
  return { file: failed, command: execAgain(execFlags, { own, words, rows: format !== undefined }, failed) };
}

/** How many commands there will be, where plain values say so. */
function totalOf({ lists, flags }: ExecLine): number | undefined {
  const { header, colsep, link, limit = Infinity, 'max-args': perJob = 1 } = flags;
  if (lists.length === 0 || header !== undefined || colsep !== undefined || link) return undefined;
  let total = 1;
  for (const { values, linked } of lists) {
    if (values === undefined || linked) return undefined;
    total *= values.length;
  }
  return Math.min(Math.ceil(total / perJob), limit);
}
