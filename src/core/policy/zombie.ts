import type { Runtime } from '../runtime.js';
import { wait } from '../wait.js';

/** How long a call that does not stop when it is told to keeps its slot; in milliseconds. */
const LONGEST = 60_000;

/** Settles when the call has ended, or has kept its slot for long enough, or nobody wants the slot any more. */
export function outlive(call: PromiseLike<unknown>, unwanted: AbortSignal, { scheduler }: Runtime): Promise<void> {
  return new Promise((resolve) => {
    const ended = (): void => {
      timer.unsubscribe();
      unwanted.removeEventListener('abort', ended);
      resolve();
    };
    const timer = wait(LONGEST, scheduler).subscribe(ended);
    unwanted.addEventListener('abort', ended);
    call.then(ended, ended);
  });
}
