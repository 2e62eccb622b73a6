import type { Readable } from 'node:stream';
import { Capture } from './capture.js';
import type { GiveUp } from './give-up.js';
import { notStarted } from './not-started.js';
import type { Outlet } from './outlet.js';
import type { ProcessSpec, Wanted } from './process.js';
import type { Given } from './program.js';
import type { Spool } from './spool.js';

/** One of the two outputs of a program: what becomes of it, and what came. */
export interface Output {
  outlet: Outlet | 'ignore' | 'inherit' | 'closed';
  readonly capture: Capture;
}

/** Outlets for what is to be kept, as `take` gives them. Rejects when the system has too few descriptors left. */
export async function outputsOf(
  spec: ProcessSpec,
  spool: Spool,
  take: (count: number) => Outlet[] | Promise<Outlet[]>,
): Promise<readonly [Output, Output]> {
  const kept = [spec.stdout, spec.stderr].filter((wanted) => typeof wanted !== 'string').length;
  const taken = take(kept);
  const outlets =
    taken instanceof Promise ? await taken.catch((error: unknown) => Promise.reject(notStarted(spec, error))) : taken;
  const output = (wanted: Wanted): Output => ({
    outlet: typeof wanted === 'string' ? wanted : (outlets.pop() as Outlet),
    capture: new Capture(typeof wanted === 'string' ? NOTHING : wanted, spool),
  });
  return [output(spec.stdout), output(spec.stderr)];
}

const NOTHING = { keep: 0, spool: false };

/** What the program is given for it. */
export const opened = ({ outlet }: Output): Given =>
  typeof outlet === 'string' ? (outlet as 'ignore') : outlet.open();

/** Lets go of their outlets; may be done more than once. */
export function close(outputs: readonly Output[]): void {
  for (const output of outputs) {
    if (typeof output.outlet === 'string') continue;
    output.outlet.close();
    output.outlet = 'closed';
  }
}

/** Has it read, until something is wrong with what takes it: the run is given up for that. */
export function read({ outlet, capture }: Output, stream: Readable | null, giveUp: GiveUp): void {
  if (typeof outlet === 'string') return;
  const because = (error: unknown): void => giveUp.because(error);
  let failed = false;
  outlet.read((bytes) => {
    if (failed) return undefined;
    try {
      if (!giveUp.decided) return capture.take(bytes)?.catch(because);
      // What it had written by then, and what it says at its end.
      capture.keep(bytes);
    } catch (error) {
      failed = true;
      because(error);
    }
    return undefined;
  }, stream);
}

/** Once the program has exited: done when what it wrote is taken. */
export const finish = ({ outlet }: Output): Promise<void> | undefined =>
  typeof outlet === 'string' ? undefined : outlet.finish();
