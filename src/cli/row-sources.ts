import { fstatSync, statSync } from 'node:fs';
import { isatty } from 'node:tty';
import { BatchxError } from '../core/errors.js';
import { useInputs } from '../core/in-use.js';
import type { Runtime } from '../core/runtime.js';
import type { Use } from '../pipeline/plan.js';
import { isInputClosed } from './closed.js';
import { filesOf, sourcesOf } from './inputs.js';
import type { ParsedLine } from './parse-line.js';
import type { rowFlags } from './row-flags.js';
import { say } from './terminal.js';

const nothing: Use = { name: 'literals', options: { values: [] } };

/**
 * The sources of the rows, as the command line names them. With `--allow-empty` there may be none: where nothing
 * matches, no value is given, or standard input is closed.
 */
export async function rowSources(
  inputs: readonly string[],
  { flags, literals }: ParsedLine<typeof rowFlags>,
  runtime: Runtime,
): Promise<Use[]> {
  const mayBeEmpty = flags['allow-empty'];
  const own = flags.failed === undefined ? [] : [flags.failed];
  if (literals !== undefined) return [literalsOf(literals, inputs, flags.in, mayBeEmpty)];
  const paths = withoutClosed(await filesOf(inputs, mayBeEmpty, own), mayBeEmpty);
  if (paths.includes('-') && !flags.quiet && isatty(0) && isatty(2))
    say('reading rows from the terminal; Ctrl-D ends them');
  refuseToReadOutput(paths);
  // All of them from the start, also those whose turn comes later: nothing may be written over them.
  useInputs(paths.map(fileOf), runtime);
  return paths.length === 0 ? [nothing] : sourcesOf(paths, flags.in, flags.delimiter);
}

function withoutClosed(paths: readonly string[], mayBeEmpty: boolean): readonly string[] {
  if (!paths.includes('-') || !isInputClosed()) return paths;
  if (!mayBeEmpty) throw new BatchxError('input', 'cannot read stdin: it is closed', { where: 'stdin' });
  return paths.filter((path) => path !== '-');
}

function literalsOf(
  values: readonly string[],
  inputs: readonly string[],
  format: string | undefined,
  mayBeEmpty: boolean,
): Use {
  if (inputs.length > 0) {
    throw new BatchxError('usage', `expected either inputs or values behind \`:::\`, got both (${inputs.join(' ')})`);
  }
  if (format !== undefined) {
    throw new BatchxError('usage', 'expected --in only with inputs: values behind `:::` are text as they stand');
  }
  if (values.length === 0 && !mayBeEmpty) throw new BatchxError('input', 'there are no values behind `:::`');
  return { name: 'literals', options: { values } };
}

const fileOf = (path: string): string => (path === '-' ? '/dev/stdin' : path);

/** Throws when standard output goes to one of the inputs: appended to, that would never come to its end. */
function refuseToReadOutput(paths: readonly string[]): void {
  const output = fstatSync(1);
  if (!output.isFile()) return;
  for (const path of paths) {
    const input = statSync(fileOf(path), { throwIfNoEntry: false });
    if (input?.dev !== output.dev || input.ino !== output.ino) continue;
    throw new BatchxError('usage', `cannot read ${path}: standard output goes to the same file; write to another file`);
  }
}
