import {
  Observable,
  type MonoTypeOperatorFunction,
  type ObservableNotification,
  tap,
  VirtualTimeScheduler,
} from 'rxjs';
import { BatchxError } from '../../src/core/errors.js';
import { Item } from '../../src/core/item.js';
import { settle } from '../../src/core/origin.js';
import { Outcome } from '../../src/core/outcome.js';
import { findRooms, type Room } from '../../src/core/rooms.js';

/** An item in a few characters: its data, or why it failed (`!`) or was skipped (`~`). */
export function show({ data, error, skipped }: Item): unknown {
  if (error !== undefined) return `!${error.message}`;
  return skipped === undefined ? data : `~${skipped}`;
}

export const failed = <T>(data: T): Item<T> => Item.of(data).fail(new BatchxError('parse', 'bad'));

/** The numbers below `count`. */
export const upTo = (count: number): number[] => Array.from({ length: count }, (_, n) => n);

/** Collects the rooms that a source finds below it when it is subscribed to here. */
export function watch<T>(rooms: Room[]): MonoTypeOperatorFunction<T> {
  return (source) =>
    new Observable((subscriber) => {
      rooms.push(...findRooms(subscriber));
      return source.subscribe(subscriber);
    });
}

export const heldIn = (rooms: readonly Room[]): number => rooms.reduce((sum, { held }) => sum + held, 0);

/** Settles each item that passes, as the last sink does, and collects the outcomes of those of the source. */
export const settleInto = <T extends Item>(outcomes: Outcome[]): MonoTypeOperatorFunction<T> =>
  tap((item) => settle(Outcome.of(item), (outcome) => outcomes.push(outcome)));

/** Runs `test` with a scheduler of its own, then all that was scheduled. */
export function inVirtualTime<T>(test: (scheduler: VirtualTimeScheduler) => T): T {
  const scheduler = new VirtualTimeScheduler();
  const result = test(scheduler);
  scheduler.flush();
  return result;
}

/** All that an Observable says, in order, as it comes. */
export function record<T>(
  source: Observable<T>,
): ObservableNotification<T>['kind'][] & { values: T[]; error?: unknown } {
  const seen = Object.assign([] as ObservableNotification<T>['kind'][], { values: [] as T[] });
  source.subscribe({
    next: (value) => {
      seen.push('N');
      seen.values.push(value);
    },
    error: (error: unknown) => {
      seen.push('E');
      Object.assign(seen, { error });
    },
    complete: () => seen.push('C'),
  });
  return seen;
}

/** Lets all promises go on that can: as many turns as any chain in these tests has links. */
export async function turns(count = 50): Promise<void> {
  for (let turn = 0; turn < count; turn++) await Promise.resolve();
}
