import type { ErrorCode } from '../core/errors.js';

/** How the program ends; the same numbers for every command. */
export const EXIT = {
  ok: 0,
  failed: 1,
  usage: 2,
  halted: 3,
  input: 4,
  output: 5,
  bug: 70,
} as const;

/** The exit code for an error that ended a run. */
export function exitCodeOf(code: ErrorCode): number {
  switch (code) {
    case 'usage':
      return EXIT.usage;
    case 'input':
    case 'parse':
      return EXIT.input;
    case 'output':
    case 'closed':
      return EXIT.output;
    case 'halted':
      return EXIT.halted;
    default:
      return EXIT.bug;
  }
}

/** What a command leaves behind: a code, or the signal that the program ends by. */
export type Ending = number | NodeJS.Signals;

/** Ends the program as the ending says, once standard error has taken what was written to it. */
export async function endProcess(ending: Ending): Promise<never> {
  await new Promise<void>((resolve) => process.stderr.write('', () => { resolve(); }));
  if (typeof ending === 'string') await endBySignal(ending);
  process.exit(typeof ending === 'string' ? EXIT.bug : ending);
}

/** Ends by the signal itself, so that a shell loop around the program ends too. */
async function endBySignal(signal: NodeJS.Signals): Promise<void> {
  // Node ignores SIGPIPE; only a listener that comes and goes gives the signal its own meaning back.
  process.once(signal, () => undefined);
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
  await new Promise((resolve) => setTimeout(resolve, 1000));
}
