import { builtin } from '../builtin.js';
import { createRuntime } from '../core/runtime.js';
import { checkLine } from './exec-checks.js';
import type { ExecLine } from './exec-line.js';
import { execPlan } from './exec-plan.js';
import { execSources } from './exec-sources.js';
import type { Use } from '../pipeline/plan.js';
import type { Ending } from './exit.js';
import { keysOf } from './keys-of-plan.js';
import { printPipeline, runFlagsOf } from './print-pipeline.js';

/** Prints the pipeline that runs a command for each value. */
export async function printCommands(line: ExecLine): Promise<Ending> {
  await checkLine(line);
  const { flags } = line;
  // What is only told has other sinks, and no policies.
  const real = { ...line, flags: { ...flags, 'dry-run': false } };
  const plan = execPlan(real, (await execSources(real, createRuntime())).map(shortened));
  const sinks = plan.sinks.filter(({ options }) => options.show !== false);
  return printPipeline('exec', keysOf({ ...plan, sinks }, builtin), {
    flags: runFlagsOf(flags),
    notes: notesOf(flags),
  });
}

const notesOf = (flags: ExecLine['flags']): string[] => [
  ...(flags['line-buffer']
    ? ['--line-buffer is not for files: the output of a command is written once it is done.']
    : []),
  ...(flags.verbose
    ? ['--verbose is not for files; --dry-run tells the command lines, and --report-items each item.']
    : []),
];

/** The lists of values without what need not be said: one that is not linked is an array. */
function shortened({ name, options }: Use): Use {
  if (!Array.isArray(options.lists)) return { name, options };
  const lists = (options.lists as Readonly<Record<string, unknown>>[]).map(({ link, ...list }) =>
    link === true ? { ...list, link } : (list.values ?? list),
  );
  return { name, options: { ...options, lists } };
}
