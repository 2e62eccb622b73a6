import type { SchedulerAction, SchedulerLike, Subscription } from 'rxjs';

/** The given scheduler with another clock: rxjs's own reads the time of day, which may jump. */
export function monotonic(scheduler: SchedulerLike, now: () => number): SchedulerLike {
  return {
    now,
    schedule<T>(work: (this: SchedulerAction<T>, state?: T) => void, delay?: number, state?: T): Subscription {
      return scheduler.schedule(work, delay, state as T);
    },
  };
}
