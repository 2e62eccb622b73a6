import { CommandError, CommandResult, Item } from 'batchx';
import type { Argument } from '../../src/core/command/argument.js';
import type { Captured } from '../../src/core/process/process.js';

/** What a command wrote: the first bytes in memory, the others as if in a temporary file. */
export function captured(text: string | Uint8Array, kept = Infinity): Captured & { disposed: boolean } {
  const bytes = Buffer.from(text as Uint8Array);
  return {
    size: bytes.length,
    kept: bytes.subarray(0, kept),
    disposed: false,
    async *blocks() {
      for (let at = 0; at < bytes.length; at += 7) yield await Promise.resolve(bytes.subarray(at, at + 7));
    },
    dispose() {
      this.disposed = true;
    },
  };
}

export interface Ran {
  readonly values?: readonly Argument[];
  readonly names?: readonly string[];
  readonly command?: string;
  readonly stdout?: Captured | string;
  readonly stderr?: Captured | string;
  readonly exitCode?: number;
  readonly signal?: NodeJS.Signals;
  readonly startedAt?: number;
  readonly ms?: number;
}

/** What a command did that never ran. */
export function resultOf(ran: Ran): CommandResult {
  const { values = ['v'], names, command = 'x v', stdout = '', stderr = '', startedAt = 0, ms = 0 } = ran;
  const stream = (of: Captured | string): Captured => (typeof of === 'string' ? captured(of) : of);
  const end = { exitCode: ran.exitCode, signal: ran.signal, startedAt, ms };
  return new CommandResult(
    ['x'],
    command,
    { args: values, names },
    {
      ...end,
      stdout: stream(stdout),
      stderr: stream(stderr),
    },
  );
}

/** The items of commands: one with an exit code other than 0, or a signal, has failed. */
export const itemsOf = (...commands: readonly Ran[]): Item[] =>
  commands.map((ran, seq) => {
    const { exitCode = 0, signal } = ran;
    const result = resultOf({ exitCode, ...ran });
    const item = Item.of<unknown>('v', { seq });
    const failed = exitCode !== 0 || signal !== undefined;
    return failed ? item.fail(new CommandError(`exit code ${exitCode}`, result)) : item.withData(result);
  });
