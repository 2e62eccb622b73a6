import type { Room } from './progress-lines.js';
import { wantsColor } from './terminal.js';
import { widthOf } from './text-width.js';
import { wholeFrames } from './whole-frames.js';

/** How soon the lines appear, so that a quick command draws nothing, and how often they are renewed; in milliseconds. */
const FIRST = 1_000;
const EVERY = 200;
/** What the spinner itself takes of a line, with columns to spare for the `^C` of a terminal: a full line begins another. */
const BESIDE = 4;
/** So many lines of the screen are left to what has been said. */
const SPARED = 4;
const SPINNER = 2;

/**
 * Draws lines on the terminal of standard error until the function that it gives back is called; then they are gone.
 *
 * What else is written to standard error meanwhile appears above them: ora sees to that. It keeps its hands off the
 * cursor and the keyboard, so that there is nothing to restore when the program ends.
 */
export function drawProgress(lines: (room: Room) => readonly string[]): () => void {
  const { stderr } = process;
  let stop = (): void => clearTimeout(timer);
  let drawn: readonly string[] = [];
  const fitted = (): string => {
    const { columns, rows } = stderr;
    drawn = lines({ columns: columns - BESIDE, rows: Math.max(1, (rows > 0 ? rows : 24) - SPARED) });
    return drawn.join('\n');
  };
  const draw = async (): Promise<void> => {
    let wanted = true;
    stop = () => void (wanted = false);
    const { default: ora } = await import('ora');
    if (!wanted || stderr.columns === 0) return;
    const color = wantsColor(2) ? 'cyan' : false;
    const spinner = ora({
      stream: wholeFrames(stderr),
      text: fitted(),
      color,
      interval: 100,
      isEnabled: true,
      discardStdin: false,
      hideCursor: false,
    }).start();
    const renew = setInterval(() => void (spinner.text = fitted()), EVERY);
    stop = () => {
      clearInterval(renew);
      stderr.off('resize', resized);
      spinner.stop();
    };
    const resized = (): void => {
      // Without columns ora would go up for ever to clear what it has drawn.
      if (stderr.columns === 0) {
        stop();
        return;
      }
      const more = wrapped(drawn, stderr.columns);
      spinner.text = fitted();
      // The terminal has broken lines that are too long for it now: ora knows nothing of those.
      if (more > 0) stderr.write(`${'\u001b[1A\u001b[2K'.repeat(more)}\r`);
    };
    stderr.prependListener('resize', resized);
  };
  const timer = setTimeout(() => void draw(), FIRST).unref();
  return () => stop();
}

/** How many lines a terminal of so many columns makes more of what was drawn. */
const wrapped = (drawn: readonly string[], columns: number): number =>
  drawn.reduce((sum, line, index) => {
    const width = widthOf(line) + (index === 0 ? SPINNER : 0);
    return sum + Math.max(0, Math.ceil(width / columns) - 1);
  }, 0);
