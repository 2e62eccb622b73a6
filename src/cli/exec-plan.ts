import type { Plan, StepUse, Use } from '../pipeline/plan.js';
import type { ExecLine } from './exec-line.js';
import { haltOf } from './halted.js';
import type { LineOutput } from './line-output.js';

/** A command for each item of the sources, as a command line says it. */
export const execPlan = (line: ExecLine, sources: readonly Use[], lines?: LineOutput): Plan => ({
  name: 'exec',
  sources,
  limit: line.flags.limit,
  retryInDoubt: line.flags['retry-in-doubt'],
  steps: [{ name: 'exec', options: stepOptions(line, lines), policies: policiesOf(line.flags) }],
  concurrency: line.flags.concurrency,
  ordered: line.flags['keep-order'],
  total: totalOf(line),
  halt: haltOf(line.flags),
  sinks: sinksOf(line.flags),
});

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
