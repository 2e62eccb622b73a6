import type { SchedulerLike } from 'rxjs';
import { wait } from '../wait.js';

/** Whether the promise is settled within a time; no timer is left when it is. */
export function within(promise: Promise<unknown>, ms: number, scheduler: SchedulerLike): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = wait(ms, scheduler).subscribe(() => resolve(false));
    const settled = (): void => {
      timer.unsubscribe();
      resolve(true);
    };
    promise.then(settled, settled);
  });
}

/** Resolves when the time has passed. */
export const pause = (ms: number, scheduler: SchedulerLike): Promise<void> =>
  new Promise((resolve) => {
    wait(ms, scheduler).subscribe(() => resolve());
  });
