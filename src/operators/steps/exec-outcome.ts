import type { CommandResult } from '../../core/command-result.js';
import { CommandError } from '../../core/command-result.js';
import { BatchxError } from '../../core/errors.js';

/** So many items in a row whose program could not be started say that no further one will be. */
export const NOT_STARTED = 5;

/** What its user can do about that. */
const INSTALL = 'install the program, or correct its name or its rights, and run it again';

/** Throws for a command whose end is no success. */
export function expectSuccess(
  result: CommandResult,
  okExit: readonly number[],
  retryExit: readonly number[] | undefined,
): void {
  const { exitCode, signal } = result;
  if (signal !== undefined) throw new CommandError(`ended by ${signal}${said(result)}`, result, { class: 'transient' });
  if (exitCode === undefined || okExit.includes(exitCode)) return;
  // As a shell says it of a program that it cannot run, or does not find.
  const missing = exitCode === 126 || exitCode === 127;
  const worth = retryExit === undefined ? !missing : retryExit.includes(exitCode);
  throw new CommandError(`exit code ${exitCode}${said(result)}`, result, {
    class: worth ? 'transient' : 'permanent',
    ...(missing && { haltAfter: NOT_STARTED, haltKey: `exit code ${exitCode}`, advice: INSTALL }),
  });
}

/** What the command gives as data, by the option of that name. */
export function dataOf(
  result: CommandResult,
  stdout: 'text' | 'json' | 'jsonl' | 'ignore' | 'result',
  before: unknown,
): unknown {
  if (stdout === 'result') return result;
  if (stdout === 'ignore') return before;
  const { size, kept } = result.output.stdout;
  if (size > kept.length) {
    throw new CommandError(
      `wrote ${size} bytes, of which ${kept.length} were kept: raise \`keep\`, or let it write to a file`,
      result,
      { class: 'permanent' },
    );
  }
  if (stdout === 'text') return result.stdout.replace(/(\r?\n)+$/, '');
  const texts = stdout === 'json' ? [result.stdout] : result.stdout.split('\n').filter((line) => line.trim() !== '');
  const values = texts.map((text, index) => parse(text, stdout === 'json' ? undefined : index + 1));
  return stdout === 'json' ? values[0] : values;
}

function parse(text: string, line: number | undefined): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    const where = line === undefined ? 'what the command wrote' : `line ${line} of what the command wrote`;
    throw new BatchxError('parse', `expected ${where} to be JSON: ${(error as Error).message}`, { cause: error });
  }
}

/** The last line of what it said, which mostly tells why. */
function said({ stderr }: CommandResult): string {
  const line = stderr.trimEnd().split('\n').at(-1)?.trim() ?? '';
  return line === '' ? '' : `: ${line.slice(0, 200)}`;
}
