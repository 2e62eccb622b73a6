import type { CommandResult } from '../../core/command-result.js';
import { CommandError } from '../../core/command-result.js';
import { BatchxError } from '../../core/errors.js';

/** So many items in a row whose program could not be started say that no further one will be. */
export const NOT_STARTED = 5;

/** What its user can do about that. */
const INSTALL = 'install the program, or correct its name or its rights, and run it again';

type Redact = (text: string) => string;

/** Throws for a command whose end is no success. */
export function expectSuccess(
  result: CommandResult,
  okExit: readonly number[],
  retryExit: readonly number[] | undefined,
  redact: Redact,
): void {
  const { exitCode, signal } = result;
  const why = (): string => said(result, redact);
  if (signal !== undefined) throw new CommandError(`ended by ${signal}${why()}`, result, { class: 'transient' });
  if (exitCode === undefined || okExit.includes(exitCode)) return;
  // As a shell says it of a program that it cannot run, or does not find.
  const missing = exitCode === 126 || exitCode === 127;
  const worth = retryExit === undefined ? !missing : retryExit.includes(exitCode);
  throw new CommandError(`exit code ${exitCode}${why()}`, result, {
    class: worth ? 'transient' : 'permanent',
    ...(missing && { haltAfter: NOT_STARTED, haltKey: `exit code ${exitCode}`, advice: INSTALL }),
  });
}

/** What the command gives as data, by the option of that name. */
export function dataOf(
  result: CommandResult,
  stdout: 'text' | 'json' | 'jsonl' | 'ignore' | 'result',
  before: unknown,
  redact: Redact,
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
  const isShown = (): boolean => redact(result.stdout) === result.stdout;
  const values = texts.map((text, index) => parse(text, stdout === 'json' ? undefined : index + 1, isShown));
  return stdout === 'json' ? values[0] : values;
}

/** Of what has a secret in it a message shows no part: that a line of it is one cannot be seen from the line alone. */
function parse(text: string, line: number | undefined, isShown: () => boolean): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    const where = line === undefined ? 'what the command wrote' : `line ${line} of what the command wrote`;
    if (!isShown()) throw new BatchxError('parse', `expected ${where} to be JSON; there is a secret in it`);
    throw new BatchxError('parse', `expected ${where} to be JSON: ${(error as Error).message}`, { cause: error });
  }
}

/** So much of the end of what it said is looked at for secrets; in characters. */
const LOOKED_AT = 64 * 1024;
/** So many characters are told. */
const TOLD = 200;

/** The last line of what it said, which mostly tells why. A secret of several lines is only found while all are there. */
function said({ stderr }: CommandResult, redact: Redact): string {
  const line = redact(stderr.trimEnd().slice(-LOOKED_AT)).split('\n').at(-1)?.trim() ?? '';
  return line === '' ? '' : `: ${line.slice(0, TOLD)}`;
}
