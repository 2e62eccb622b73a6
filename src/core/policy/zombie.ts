import type { Runtime } from '../runtime.js';
import { wait } from '../wait.js';

/** How long a call that does not stop when it is told to keeps its slot; in milliseconds. */
const LONGEST = 60_000;

/** Settles when the call has ended, or has kept its slot for long enough. */
export function outlive(call: PromiseLike<unknown>, { scheduler }: Runtime): Promise<void> {
  return new Promise((resolve) => {
    const timer = wait(LONGEST, scheduler).subscribe(() => resolve());
    const ended = (): void => {
      timer.unsubscribe();
      resolve();
    };
    call.then(ended, ended);
  });
}
