import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { BatchxError } from '../core/errors.js';
import { expectFolder } from './working-folder.js';
import type { ExecLine } from './exec-line.js';
import { checkFailed } from './row-failed.js';

/** Throws for what a command line asks in vain, before anything is run. */
export async function checkLine(line: ExecLine): Promise<void> {
  const { failed } = line.flags;
  expectFolder();
  if (failed !== undefined) await checkFailed(failed);
  refuseTogether(line.flags);
  refuseVariable(line);
  refuseFolder(line.flags);
}

/** What cannot be had at the same time. */
function refuseTogether(flags: ExecLine['flags']): void {
  const { 'line-buffer': lines, 'keep-order': ordered, out, results, rate, delay, creates } = flags;
  const refuse = (one: string, other: string, why: string): never => {
    throw new BatchxError('usage', `expected one of ${one} and ${other}, got both: ${why}`);
  };
  if (lines && ordered) refuse('--line-buffer', '--keep-order', 'lines are written as they come');
  if (lines && out === 'jsonl') refuse('--line-buffer', '--out jsonl', 'an outcome has all that its command wrote');
  if (lines && results !== undefined) refuse('--line-buffer', '--results', 'what goes to files is not shown');
  if (rate !== undefined && delay !== undefined) refuse('--rate', '--delay', 'a delay of 2s is a rate of 1/2s');
  if (flags['on-exists'] !== undefined && creates === undefined)
    throw new BatchxError(
      'usage',
      'expected --on-exists with --creates, which says what file it is about, got it alone',
    );
}

/** A shell takes a word such as `X=1` before a command for a variable; here it would be the program. */
function refuseVariable({ words: [first = ''], flags }: ExecLine): void {
  const [variable] = /^[A-Za-z_]\w*=\S*/.exec(first.trimStart()) ?? [];
  if (variable === undefined || flags.shell) return;
  throw new BatchxError('usage', `expected a program, got ${variable}: set a variable by --env ${variable}`);
}

function refuseFolder({ creates, cwd = '.' }: ExecLine['flags']): void {
  if (creates === undefined || statSync(resolve(cwd, creates), { throwIfNoEntry: false })?.isDirectory() !== true)
    return;
  throw new BatchxError('usage', `--creates: expected the path of a file, got ${creates}: it is a folder`);
}
