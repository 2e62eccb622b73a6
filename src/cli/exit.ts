import { closeSync, fstatSync, openSync } from 'node:fs';
import { Socket } from 'node:net';
import { constants } from 'node:os';
import { isatty } from 'node:tty';
import { type BatchxError, type ErrorCode, systemCode } from '../core/errors.js';

/** How the program ends; the same numbers for every command. */
export const EXIT = {
  ok: 0,
  failed: 1,
  usage: 2,
  halted: 3,
  input: 4,
  output: 5,
  locked: 6,
  bug: 70,
} as const;

/** What a command leaves behind: a code, or the signal that the program ends by. */
export type Ending = number | NodeJS.Signals;

/** How the program ends for an error that ended what it was doing. */
export function endingOf(code: ErrorCode): Ending {
  switch (code) {
    case 'usage':
      return EXIT.usage;
    case 'input':
    case 'parse':
      return EXIT.input;
    case 'output':
      return EXIT.output;
    case 'locked':
      return EXIT.locked;
    case 'closed':
      return 'SIGPIPE';
    case 'halted':
      return EXIT.halted;
    case 'validation':
    case 'expression':
    case 'encode':
    case 'aborted':
    case 'timeout':
    case 'limit':
    case 'open':
    case 'exec':
    case 'http':
    case 'path':
      return EXIT.failed;
    case 'bug':
      return EXIT.bug;
  }
}

/** How the program ends as a shell shows it. */
export const asExit = (ending: Ending): number =>
  typeof ending === 'number' ? ending : 128 + constants.signals[ending];

/** What the system says of a disk that takes nothing more. */
const DISK = new Set<unknown>(['ENOSPC', 'EDQUOT', 'EROFS', 'EIO']);

/**
 * How the program ends for an error that ended a run. What mostly fails a single item, but ended the run as every
 * further one would have failed too, is a halt; a disk that takes nothing more is an output that cannot be written.
 */
export function endingOfRun({ code, class: kind, cause }: BatchxError): Ending {
  const ending = endingOf(code);
  if (ending !== EXIT.failed || kind !== 'fatal') return ending;
  return DISK.has(systemCode(cause)) ? EXIT.output : EXIT.halted;
}

/** Ends the program as the ending says, once standard error has taken what was written to it. */
export async function endProcess(ending: Ending): Promise<never> {
  await new Promise<void>((resolve) => process.stderr.write('', () => resolve()));
  if (typeof ending === 'string') await endBySignal(ending);
  forgetLostTerminals();
  process.exit(typeof ending === 'string' ? EXIT.bug : ending);
}

/** Ends by the signal itself, so that a shell loop around the program ends too. */
async function endBySignal(signal: NodeJS.Signals): Promise<void> {
  restorePipes();
  // Node ignores SIGPIPE; only a listener that comes and goes gives the signal its own meaning back.
  process.once(signal, () => undefined);
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
  await new Promise((resolve) => setTimeout(resolve, 1000));
}

/**
 * Gives pipes that others use after us back as they were: blocking. Node does so itself, but not when a signal ends it;
 * the next program would then fail with "resource temporarily unavailable".
 */
function restorePipes(): void {
  for (const fd of [0, 1]) {
    try {
      const stat = fstatSync(fd);
      if (!stat.isFIFO() && !stat.isSocket()) continue;
      const { _handle: handle } = new Socket({ fd }) as { _handle?: { setBlocking?(blocking: boolean): void } };
      handle?.setBlocking?.(true);
    } catch {
      // Closed by now: nobody will use it.
    }
  }
}

const terminals = [0, 1, 2].filter((fd) => isatty(fd));

/** Puts nothing in the place of terminals that are gone: Node would crash when it wants to leave them as they were. */
function forgetLostTerminals(): void {
  for (const fd of terminals) {
    if (isatty(fd)) continue;
    closeSync(fd);
    // The lowest number that is free: the same.
    openSync('/dev/null', 'r+');
  }
}
