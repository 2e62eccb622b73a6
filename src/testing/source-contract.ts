import { deepStrictEqual, ok, strictEqual } from 'node:assert/strict';
import { Observable, take } from 'rxjs';
import type { Item } from '../core/item.js';
import { Room } from '../core/rooms.js';
import type { Runtime } from '../core/runtime.js';
import { subscribeThrough } from '../core/upstream.js';
import { collect } from './collect.js';
import { type FakeRuntime, fakeRuntime } from './fake-runtime.js';
import { nowhere } from './nowhere.js';
import { closesFiles, openFiles } from './open-files.js';
import { turns } from './turns.js';

/**
 * Checks what every source has to keep, and rejects with what is wrong.
 *
 * Ids are unique and the same on a second run; each item is counted as read; nothing is emitted while there is no room;
 * it completes, at once when the run is stopping already; and one that is left closes its files. `source` is called for
 * each run; it should give at least three items and then end, with no pause of a second and more.
 *
 * @example
 * import { literals } from 'batchx';
 * import { sourceContract } from 'batchx/testing';
 *
 * await sourceContract((runtime) => literals(['a', 'b', 'c'], runtime));
 */
export async function sourceContract(
  source: (runtime: Runtime) => Observable<Item>,
  makeRuntime: () => FakeRuntime = fakeRuntime,
): Promise<void> {
  const ids = await idsOf(source, makeRuntime());
  ok(ids.length >= 3, `expected a source of at least three items, got ${ids.length}`);
  strictEqual(new Set(ids).size, ids.length, `expected ids that are unique, got ${ids.join(', ')}`);
  deepStrictEqual(await idsOf(source, makeRuntime()), ids, 'expected the same ids on a second run');
  await emitsOnlyWhileThereIsRoom(source(makeRuntime()));

  const before = await openFiles();
  await collect(source(makeRuntime()).pipe(take(1)), 'a first item on every run');
  await closesFiles(before);
  const stopped = makeRuntime();
  stopped.stop();
  deepStrictEqual(
    await idsOf(source, stopped, 'that completes when the run is stopping'),
    [],
    'expected no items of a run that is stopping',
  );
}

async function idsOf(
  source: (runtime: Runtime) => Observable<Item>,
  runtime: FakeRuntime,
  that = 'that completes',
): Promise<string[]> {
  const outcomes = await collect(source(runtime).pipe(nowhere(runtime)), `a source ${that}`);
  const { read, pending } = runtime.counts;
  deepStrictEqual({ read, pending }, { read: outcomes.length, pending: 0 }, 'expected each item to be counted as read');
  return outcomes.map(({ id }) => id);
}

async function emitsOnlyWhileThereIsRoom(source: Observable<Item>): Promise<void> {
  const room = new Room(1);
  let emitted = 0;
  const subscription = new Observable<never>((subscriber) => {
    const next = (): void => {
      emitted++;
      room.take(1);
    };
    subscribeThrough(source, { next, complete: () => subscriber.complete() }, subscriber, [room]);
  }).subscribe();
  for (let expected = 1; expected <= 3; expected++) {
    await until(() => emitted >= expected, `item ${expected} did not come although there was room`);
    await turns(5);
    strictEqual(emitted, expected, 'expected no item while the room below is full');
    room.give(1);
  }
  subscription.unsubscribe();
}

async function until(condition: () => boolean, otherwise: string): Promise<void> {
  for (let turn = 0; turn < 1000 && !condition(); turn++) await turns(1);
  ok(condition(), otherwise);
}
