import { Observable, type OperatorFunction } from 'rxjs';
import * as z from 'zod';
import { weightOf } from '../../core/item.js';
import { Ring } from '../../core/ring.js';
import { Room } from '../../core/rooms.js';
import { expectFunction, parseOptions } from '../../core/schema.js';
import { subscribeThrough } from '../../core/upstream.js';

export const countedOptions = z.strictObject({
  limit: z.int().min(1).default(64).describe('How many values may be held before sources stop reading.'),
});

export type CountedOptions = z.input<typeof countedOptions>;

/**
 * Wraps an rxjs operator that holds values for a while (`delay`, `concatMap`, `observeOn`, ...), so that what it holds
 * is counted in a room and sources stop reading while `limit` values are in it.
 *
 * Emits what the operator emits, when it does. It is for operators that give one value for each that they take: what
 * one drops would stay counted for ever, and one that gathers (`bufferCount`) would wait for input that never comes.
 * The room is emptied when the stream ends in any way.
 *
 * ```
 * source             -a-b-c----|
 * counted(delay(4))  -----a-b-c|
 * held               -1-2-2-1-0|
 * ```
 *
 * @example
 * import { counted, pull } from 'batchx';
 * import { delay } from 'rxjs';
 *
 * pull(() => [[1, 2, 3]])
 *   .pipe(counted(delay(100), { limit: 1000 }))
 *   .subscribe((n) => console.log(n)); // 1, 2, 3
 */
export function counted<T, R>(operator: OperatorFunction<T, R>, options: CountedOptions = {}): OperatorFunction<T, R> {
  expectFunction(operator, 'counted');
  const { limit } = parseOptions(countedOptions, options, 'counted');
  return (source) =>
    new Observable((subscriber) => {
      const room = new Room(limit);
      /** The weights of the values that are in the operator; one is taken out for each result. */
      const held = new Ring<number>();
      const entering = new Observable<T>((into) => {
        const next = (value: T): void => {
          const weight = weightOf(value);
          held.push(weight);
          room.take(weight);
          into.next(value);
        };
        subscribeThrough(source, { next, complete: () => into.complete() }, into, [room]);
      });
      const leave = (result: R): void => {
        const weight = held.shift() ?? 0;
        subscriber.next(result);
        // Whoever is let in by this must come after the result; when the stream has ended the room is empty already.
        if (!subscriber.closed) room.give(weight);
      };
      subscribeThrough(operator(entering), { next: leave, complete: () => subscriber.complete() }, subscriber);
      subscriber.add(() => {
        held.clear();
        room.give(room.held);
      });
    });
}
