import type { Observable } from 'rxjs';
import type { Slot } from '../../core/slot.js';

/** The last value of an Observable, which is left when the slot's signal fires; undefined when there was none. */
export function lastOf<T>(values: Observable<T>, { signal }: Slot): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    let last: T | undefined;
    const subscription = values.subscribe({
      next: (value) => (last = value),
      error: reject,
      complete: () => resolve(last),
    });
    const leave = (): void => {
      subscription.unsubscribe();
      reject(signal.reason as Error);
    };
    if (signal.aborted) leave();
    else signal.addEventListener('abort', leave);
    subscription.add(() => signal.removeEventListener('abort', leave));
  });
}
