import { isatty } from 'node:tty';
import type { Counts } from '../core/account.js';
import type { Stdio } from '../core/runtime.js';
import { lineStart } from './line-start.js';
import { joinParts, progressParts } from './progress-line.js';
import { drawProgress } from './spinner.js';
import { besideDrawing } from './standard-streams.js';
import { canDraw, say } from './terminal.js';

export const PROGRESS = ['auto', 'none', 'plain', 'tty', 'json'] as const;
export type ProgressMode = (typeof PROGRESS)[number];

/** The display of a run that is going on. */
export interface Progress {
  /** How the run stands, in one line. */
  readonly line: () => string;
  /** The standard streams to use beside a line that is drawn on the same terminal. */
  readonly stdio?: Stdio;
  /** Ends the display; nothing of a drawn one stays on the screen. */
  stop(): void;
}

export interface ProgressOptions {
  readonly progress: ProgressMode;
  readonly quiet: boolean;
  /** Whether rows go to standard output while the run goes on. */
  readonly rows: boolean;
}

/** How often a line that stays is written, in milliseconds. */
const EVERY = { plain: 10_000, json: 1_000 } as const;

/**
 * Shows on standard error how a run stands: a line that renews itself on a terminal, otherwise a plain line every ten
 * seconds, or an event a line with `json`. Nothing is drawn where rows go to a terminal.
 */
export function showProgress(options: ProgressOptions, counts: () => Counts): Progress {
  const started = performance.now();
  const seconds = (): number => (performance.now() - started) / 1000;
  const parts = (): string[] => progressParts(counts(), seconds());
  const line = (): string => joinParts(parts());
  const kind = kindOf(options);
  if (kind === 'none') return { line, stop: () => undefined };
  if (kind === 'tty') {
    const stop = drawProgress((columns) => joinParts(parts(), columns));
    return { line, stop, stdio: besideDrawing() };
  }
  const event = (): string => JSON.stringify({ event: 'batch:progress', seconds: seconds(), ...counts() }) + '\n';
  const show = kind === 'plain' ? () => say(line()) : () => void process.stderr.write(lineStart() + event());
  const timer = setInterval(show, EVERY[kind]).unref();
  return {
    line,
    stop() {
      clearInterval(timer);
      if (kind === 'json') show();
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
