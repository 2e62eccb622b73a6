import { defer, EMPTY, fromEvent, map, type OperatorFunction, takeUntil } from 'rxjs';
import { Item } from '../../core/item.js';
import { defaultRuntime, type Runtime } from '../../core/runtime.js';

/**
 * Lifts each value to an item, at once, so that an Observable of anything can be worked on and accounted for.
 *
 * The items are numbered from 0 (`seq`) and called `#1`, `#2`, ...; each is counted as read. Nothing is held. When the
 * runtime is stopping it completes and unsubscribes from the source. A source that pushes is not slowed down by what
 * comes after it: only those made by `pull` are.
 *
 * ```
 * source     -a--b--|
 * toItems    -a--b--|      items #1 and #2 with the data a and b
 * ```
 *
 * @example
 * import { toItems } from 'batchx';
 * import { of } from 'rxjs';
 *
 * of('a', 'b')
 *   .pipe(toItems())
 *   .subscribe(({ id, data }) => console.log(id, data)); // #1 a, #2 b
 */
export function toItems<T>(runtime: Runtime = defaultRuntime()): OperatorFunction<T, Item<T>> {
  return (source) =>
    defer(() => {
      if (runtime.stopping.aborted) return EMPTY;
      let seq = 0;
      return source.pipe(
        takeUntil(fromEvent(runtime.stopping, 'abort')),
        map((data) => {
          const item = Item.of(data, { seq: seq++ });
          runtime.events.emit('batch:item:start', item);
          return item;
        }),
      );
    });
}
