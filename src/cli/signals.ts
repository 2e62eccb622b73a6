import { isatty } from 'node:tty';
import { say } from './terminal.js';

/** What the user wants of a run that is going on, by signals. */
export interface Interruption {
  /** Fires at the first signal: read and start nothing more, let what runs end. */
  readonly stopping: AbortSignal;
  /** Fires at the second, or when the time to end is over: give up what runs. */
  readonly signal: AbortSignal;
  /** The signal that the program has to end by, once there was one. */
  readonly endedBy: () => NodeJS.Signals | undefined;
}

/** How long running calls may take to end, in milliseconds. */
const GRACE: Partial<Record<NodeJS.Signals, number>> = { SIGINT: 30_000, SIGTERM: 8_000, SIGHUP: 30_000 };
/** A second signal that follows faster is the same key pressed once. */
const SAME = 100;

/** Listens to the signals that end a run, from now on; SIGUSR1 says how it stands. */
export function listen(status: () => string): Interruption {
  const stopping = new AbortController();
  const abort = new AbortController();
  let endedBy: NodeJS.Signals | undefined;
  let first = 0;
  const onSignal = (signal: NodeJS.Signals): void => {
    if (signal === 'SIGHUP' && ![0, 1, 2].some((fd) => isatty(fd))) return;
    if (endedBy === undefined) {
      endedBy = signal;
      first = performance.now();
      setTimeout(() => { abort.abort(); }, GRACE[signal]).unref();
      stopping.abort();
    } else if (performance.now() - first < SAME) return;
    else if (!abort.signal.aborted) abort.abort();
    else process.kill(process.pid, 'SIGKILL');
  };
  for (const signal of Object.keys(GRACE)) process.on(signal, onSignal);
  process.on('SIGUSR1', () => { say(status()); });
  return { stopping: stopping.signal, signal: abort.signal, endedBy: () => endedBy };
}
