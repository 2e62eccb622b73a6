import { type Observable, type OperatorFunction, takeWhile, tap } from 'rxjs';
import type { Item } from '../core/item.js';

/** Lets items pass up to and with the first that failed, then ends the stream; `onHalt` is told before. */
export function haltOnFailure(onHalt: () => void): OperatorFunction<Item, Item> {
  return (items: Observable<Item>) =>
    items.pipe(
      tap((item) => {
        if (item.error !== undefined) onHalt();
      }),
      takeWhile((item) => item.error === undefined, true),
    );
}
