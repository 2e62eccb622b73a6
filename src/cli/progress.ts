import { isatty } from 'node:tty';
import type { Account } from '../core/account.js';
import type { Runtime, Stdio } from '../core/runtime.js';
import { RunProgress } from '../report/run-progress.js';
import { lineStart } from './line-start.js';
import { writeEvents } from './progress-json.js';
import { progressLines, type ProgressLook, progressText } from './progress-lines.js';
import { drawProgress } from './spinner.js';
import { besideDrawing } from './standard-streams.js';
import { canDraw, hidden, say } from './terminal.js';

export const PROGRESS = ['auto', 'none', 'plain', 'tty', 'json'] as const;
export type ProgressMode = (typeof PROGRESS)[number];

/** The display of a run that is going on. */
export interface Progress {
  /** How the run stands, in one line. */
  readonly line: () => string;
  /** The standard streams to use beside lines that are drawn on the same terminal. */
  readonly stdio?: Stdio;
  /** Ends the display; nothing of a drawn one stays on the screen. */
  stop(): void;
}

export interface ProgressOptions {
  readonly progress: ProgressMode;
  readonly quiet: boolean;
  /** Whether rows go to standard output while the run goes on. */
  readonly rows: boolean;
  /** Whether each stage has a line of its own. */
  readonly stages?: boolean | undefined;
}

/** How often it is looked how much is done, and how often a line that stays is written, in milliseconds. */
const LOOK = 1_000;
const EVERY = 10_000;

/**
 * Shows on standard error how a run stands: lines that renew themselves on a terminal, otherwise a plain line every ten
 * seconds, or an event a line with `json`. Nothing is drawn where rows go to a terminal.
 */
export function showProgress(
  options: ProgressOptions,
  runtime: Pick<Runtime, 'events' | 'scheduler' | 'wallNow'>,
  account: Account,
): Progress {
  const progress = new RunProgress(runtime, account);
  const look = (): ProgressLook => ({
    stages: options.stages === true,
    redact: hidden,
    now: runtime.wallNow(),
  });
  const line = (): string => progressText(progress.figures, look());
  const kind = kindOf(options);
  if (kind === 'none') return { line, stop: () => undefined };
  if (kind === 'json') {
    const write = (text: string): void => void process.stderr.write(`${lineStart()}${text}\n`);
    return { line, stop: writeEvents(runtime, progress, hidden, write) };
  }
  const looking = setInterval(() => progress.look(), LOOK).unref();
  if (kind === 'tty') {
    const end = drawProgress((room) => progressLines(progress.figures, look(), room));
    const stop = (): void => {
      clearInterval(looking);
      end();
    };
    return { line, stop, stdio: besideDrawing() };
  }
  const saying = setInterval(() => say(line()), EVERY).unref();
  return {
    line,
    stop() {
      clearInterval(looking);
      clearInterval(saying);
    },
  };
}

function kindOf({ progress: mode, quiet, rows }: ProgressOptions): 'none' | 'plain' | 'tty' | 'json' {
  if (mode === 'tty') return canDraw() ? 'tty' : 'plain';
  if (mode !== 'auto') return mode;
  if (quiet) return 'none';
  if (!canDraw()) return 'plain';
  return rows && isatty(1) ? 'none' : 'tty';
}
