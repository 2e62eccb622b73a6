import { isatty } from 'node:tty';
import { BatchxError } from '../core/errors.js';
import { useInputs } from '../core/in-use.js';
import type { Runtime } from '../core/runtime.js';
import type { Use } from '../pipeline/plan.js';
import { isInputClosed } from './closed.js';
import type { ExecLine } from './exec-line.js';
import type { ValueList } from './exec-lists.js';
import { unmatched } from './find-files.js';
import { rowSources } from './row-sources.js';
import { say } from './terminal.js';

/**
 * The sources of the values of `exec`: lists behind `:::` and the like, rows of a format, files that match, or the lines
 * of standard input.
 */
export async function execSources(line: ExecLine, runtime: Runtime): Promise<Use[]> {
  const { flags, inputs, lists } = line;
  if (flags.in !== undefined) return rowsOf(line, flags.in, runtime);
  if (lists.length > 0) return [argumentsOf(lists, flags, runtime)];
  if (inputs.length === 0 || inputs.includes('-')) {
    if (inputs.length > 1) throw new BatchxError('usage', `expected \`-\` alone, got ${inputs.join(' ')}`);
    if (isInputClosed()) return fromNothing(flags['allow-empty']);
    if (!flags.quiet && isatty(0) && isatty(2)) say('reading values from the terminal; Ctrl-D ends them');
    return [argumentsOf([{ files: ['-'], linked: false }], flags, runtime)];
  }
  refuseListFlags(flags);
  if (!flags.quiet) await tellUnmatched(inputs);
  return [{ name: 'files', options: { pattern: inputs } }];
}

/** Of one pattern alone the end of the run says it; among others it would pass unnoticed. */
async function tellUnmatched(inputs: readonly string[]): Promise<void> {
  if (inputs.length === 1) return;
  const none = await unmatched(inputs);
  if (none.length < inputs.length) say(...none.map((pattern) => `warning: ${pattern}: no file matches`));
}

function fromNothing(mayBeEmpty: boolean): Use[] {
  if (!mayBeEmpty) throw new BatchxError('input', 'cannot read stdin: it is closed', { where: 'stdin' });
  return [{ name: 'literals', options: { values: [] } }];
}

function rowsOf({ inputs, lists, flags }: ExecLine, format: string, runtime: Runtime): Promise<Use[]> {
  if (lists.length > 0) throw new BatchxError('usage', 'expected --in with files: values are text as they stand');
  refuseListFlags(flags);
  const { quiet, failed } = flags;
  const rowFlags = { in: format, 'allow-empty': flags['allow-empty'], quiet, failed } as never;
  return rowSources(inputs, { flags: rowFlags, literals: undefined, positionals: [], args: [] }, runtime);
}

/** The flags that say how lists of values are read. */
const LIST_FLAGS = ['null', 'colsep', 'header', 'link', 'max-args'] as const;

function refuseListFlags(flags: ExecLine['flags']): void {
  const given = LIST_FLAGS.filter((name) => flags[name] !== undefined && flags[name] !== false);
  if (given.length === 0) return;
  const shown = given.map((name) => `--${name}`).join(', ');
  throw new BatchxError(
    'usage',
    `expected ${shown} with values, behind \`:::\`, in a file (-a) or from standard input; the inputs here are files`,
  );
}

function argumentsOf(lists: readonly ValueList[], flags: ExecLine['flags'], runtime: Runtime): Use {
  const given = lists.flatMap(listsOf);
  const { null: nul, colsep, header, link, 'max-args': perJob } = flags;
  const read = given.flatMap((list) => (list.path === undefined ? [] : [list.path]));
  useInputs(
    read.map((path) => (path === '-' ? '/dev/stdin' : path)),
    runtime,
  );
  return {
    name: 'arguments',
    options: {
      lists: given,
      null: nul,
      link,
      header: header !== undefined,
      ...(colsep !== undefined && { colsep }),
      ...(perJob !== undefined && { perJob }),
    },
  };
}

interface Listed {
  readonly path?: string;
  readonly values?: readonly (string | Uint8Array)[];
  readonly link: boolean;
}

const listsOf = ({ values, files = [], linked }: ValueList): Listed[] =>
  values === undefined ? files.map((path) => ({ path, link: linked })) : [{ values, link: linked }];
