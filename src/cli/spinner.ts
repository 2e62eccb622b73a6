import { wantsColor } from './terminal.js';

/** How soon the line appears, so that a quick command draws nothing, and how often it is renewed; in milliseconds. */
const FIRST = 1_000;
const EVERY = 200;
/** What the spinner itself takes of a line, with a column to spare: a full line makes some terminals begin another. */
const BESIDE = 3;

/**
 * Draws a line on the terminal of standard error until the function that it gives back is called; then it is gone.
 *
 * What else is written to standard error meanwhile appears above it: ora sees to that. It keeps its hands off the
 * cursor and the keyboard, so that there is nothing to restore when the program ends.
 */
export function drawProgress(text: (columns: number) => string): () => void {
  const { stderr } = process;
  let stop = (): void => clearTimeout(timer);
  const fitted = (): string => text(stderr.columns - BESIDE);
  const draw = async (): Promise<void> => {
    let wanted = true;
    stop = () => void (wanted = false);
    const { default: ora } = await import('ora');
    if (!wanted || stderr.columns === 0) return;
    const color = wantsColor(2) ? 'cyan' : false;
    const spinner = ora({
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
      if (stderr.columns > 0) spinner.text = fitted();
      else stop();
    };
    stderr.prependListener('resize', resized);
  };
  const timer = setTimeout(() => void draw(), FIRST).unref();
  return () => stop();
}
