import { Observable, type SchedulerLike } from 'rxjs';

/** The longest delay that a timer of Node keeps; a longer one would fire at once. */
const LONGEST = 2 ** 31 - 1;

/**
 * Emits once and completes when `ms` milliseconds have passed on the scheduler; waits longer than 24 days too.
 *
 * Unsubscribing ends the timer. Zero, negative and missing times emit at the scheduler's next turn.
 */
export function wait(ms: number, scheduler: SchedulerLike): Observable<0> {
  return new Observable((subscriber) => {
    const length = ms > 0 ? ms : 0;
    const due = scheduler.now() + length;
    const again = (): void => {
      const left = due - scheduler.now();
      if (left <= 0) {
        subscriber.next(0);
        subscriber.complete();
      } else arm(left);
    };
    const arm = (left: number): void => {
      subscriber.add(scheduler.schedule(again, Math.min(left, LONGEST)));
    };
    arm(length);
  });
}
