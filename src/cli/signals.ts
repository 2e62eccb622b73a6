import { isatty } from 'node:tty';
import { killTrees } from '../core/process/kill-trees.js';
import { say } from './terminal.js';

/** What the user wants of a run that is going on, by signals. */
export interface Interruption {
  /** Fires at the first signal: read and start nothing more, let what runs end. */
  readonly stopping: AbortSignal;
  /** Fires at the second, or when the time to end is over: give up what runs. */
  readonly signal: AbortSignal;
  /** The signal that the program has to end by, once there was one. */
  readonly endedBy: () => NodeJS.Signals | undefined;
  /** Gives up what runs, for another reason than a signal. */
  readonly abort: () => void;
}

/** How long running calls may take to end, in seconds. */
const GRACE = { SIGINT: 30, SIGTERM: 8, SIGHUP: 30 } as const;
/** A second signal that follows faster is the same key pressed once; in milliseconds. */
const SAME = 100;
/** Only when running calls take longer than this is it said that they are waited for; in milliseconds. */
const PATIENCE = 300;

/** Listens to the signals that end a run, from now on; SIGUSR1 says how it stands. */
export function listen(status: () => string, quiet: boolean): Interruption {
  const stopping = new AbortController();
  const abort = new AbortController();
  // Looked at now: a terminal that has hung up is none any more.
  const onTerminal = [0, 1, 2].some((fd) => isatty(fd));
  let endedBy: keyof typeof GRACE | undefined;
  let first = 0;
  const onSignal = (signal: keyof typeof GRACE): void => {
    if (endedBy === undefined) {
      endedBy = signal;
      first = performance.now();
      setTimeout(() => abort.abort(), GRACE[signal] * 1000).unref();
      if (!quiet) setTimeout(() => say(waiting(signal)), PATIENCE).unref();
      stopping.abort();
    } else if (performance.now() - first < SAME) return;
    else if (!abort.signal.aborted) abort.abort();
    else {
      killTrees();
      process.removeAllListeners(endedBy);
      process.kill(process.pid, endedBy);
    }
  };
  process.on('SIGINT', () => onSignal('SIGINT'));
  process.on('SIGTERM', () => onSignal('SIGTERM'));
  // Node undoes what nohup has done, so that has to be done again: without a terminal there is nothing to hang up.
  process.on('SIGHUP', () => {
    if (onTerminal) onSignal('SIGHUP');
  });
  process.on('SIGUSR1', () => say(status()));
  return {
    stopping: stopping.signal,
    signal: abort.signal,
    endedBy: () => endedBy,
    abort: () => abort.abort(),
  };
}

const waiting = (signal: keyof typeof GRACE): string =>
  `stopping: nothing more is read, running calls have ${GRACE[signal]} seconds to end; ` +
  `${signal === 'SIGINT' ? 'Ctrl-C again' : `a second ${signal}`} gives them up`;
