import { BatchxError } from '../core/errors.js';

/** What may go wrong in a run without being the failure of an item. */
export interface FaultListener {
  /** The user's code left an error behind: a promise that nobody waits for, a timer that throws. */
  readonly stray: (error: unknown) => void;
  /** An error of our own. The run cannot be relied on any more. */
  readonly bug: (error: unknown) => void;
  /** Nothing is left that could wake the program: calls wait for what will never come. */
  readonly stuck: () => void;
}

/** Listens from now on, so that the program does not end with a stack trace, or as if nothing were left to do. */
export function watchFaults({ stray, bug, stuck }: FaultListener): void {
  const onError = (error: unknown): void => {
    if (isOurs(error)) bug(error);
    else stray(error);
  };
  process.on('unhandledRejection', onError);
  process.on('uncaughtException', onError);
  process.on('beforeExit', stuck);
}

/** Where our own files are, as stack traces call them. */
const here = new URL('.', import.meta.url).href;

/** Whether an error was made in our files, and not in code of the user that they have called. */
export function isOurs(error: unknown): boolean {
  if (error instanceof BatchxError) return error.code === 'bug';
  if (!(error instanceof Error)) return false;
  const frames = (error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line));
  const made = frames.find((frame) => !/\(node:|at node:|\(<anonymous>\)$/.test(frame)) ?? '';
  return made.includes(here) && !made.includes('eval at ');
}
