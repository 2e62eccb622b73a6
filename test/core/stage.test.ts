import { from, lastValueFrom, of, Subject, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { BatchxError } from '../../src/core/errors.js';
import { Item } from '../../src/core/item.js';
import { Room, roomsAnnounced, withRooms } from '../../src/core/rooms.js';
import { stage } from '../../src/core/stage.js';
import { type Applied, applied } from '../../src/core/step.js';
import type { Slot } from '../../src/core/slot.js';
import { settled } from './holder.js';

const slot: Slot = {
  signal: new AbortController().signal,
  park: () => undefined,
  unpark: (go) => go(),
  hold: () => undefined,
};
const item = (data: unknown): Item => Item.of(data);
/** An item in short: its data, or why it failed or was skipped. */
const show = (settled: Item | undefined): unknown => {
  if (settled === undefined) return 'pending';
  const { data, error, skipped } = settled;
  return error?.message ?? skipped ?? data;
};

describe('applied', () => {
  it('data: replaces the data, and drops the item for undefined', () => {
    const step = applied(({ data }) => (data === 1 ? undefined : [data]), 'data');
    expect([1, 2].map((n) => show(step(item(n), slot) as Item))).toEqual(['filtered', [2]]);
  });

  it.each([undefined, null, false, 0, '', NaN, 0n])('verdict: %s drops the item', (verdict) => {
    expect(show(applied(() => verdict, 'verdict')(item(1), slot) as Item)).toBe('filtered');
  });

  it.each([true, 1, 'no', [], {}])('verdict: %j lets the very same item go on', (verdict) => {
    const same = item(1);
    expect(applied(() => verdict, 'verdict')(same, slot)).toBe(same);
  });

  it('waits for promises', async () => {
    expect(show(await applied(async ({ data }) => [data], 'data')(item(1), slot))).toEqual([1]);
    expect(show(await applied(async () => undefined, 'data')(item(1), slot))).toBe('filtered');
    expect(show(await applied(async () => 0, 'verdict')(item(1), slot))).toBe('filtered');
  });

  it('fails the item with what is thrown, at once or later', async () => {
    const own = new BatchxError('validation', 'no', { retryable: true });
    for (const thrown of [own, new TypeError('bad'), 'text', undefined]) {
      const now = applied(() => {
        throw thrown;
      }, 'data')(item(1), slot) as Item;
      const later = await applied(() => Promise.reject(thrown), 'data')(item(1), slot);
      for (const each of [now, later]) expect(each?.error).toEqual(BatchxError.from(thrown));
    }
  });

  it('throws a fatal error, and leaves an item pending whose call was cancelled', async () => {
    const fatal = new BatchxError('output', 'the disk is full');
    const cancelled = new BatchxError('aborted', 'not wanted');
    const throwing = (error: Error) =>
      applied(() => {
        throw error;
      }, 'data');
    expect(() => throwing(fatal)(item(1), slot)).toThrow(fatal);
    await expect(applied(() => Promise.reject(fatal), 'data')(item(1), slot)).rejects.toBe(fatal);
    expect(throwing(cancelled)(item(1), slot)).toBeUndefined();
    expect(await applied(() => Promise.reject(cancelled), 'data')(item(1), slot)).toBeUndefined();
    // What a user's code threw is no fault of ours, even if it is called so by the system.
    const foreign = Object.assign(new Error('no space'), { code: 'ENOSPC' });
    expect(show(throwing(foreign)(item(1), slot) as Item)).toBe('no space');
  });

  it('waits for thenables of any make', async () => {
    const results: Record<string, unknown> = {};
    const makes: Record<string, (done: (value: unknown) => void, fail: (error: unknown) => void) => unknown> = {
      'gives back nothing': (done) => {
        done(2);
      },
      'calls back twice': (done) => {
        done(3);
        done(4);
        return Promise.resolve(5);
      },
      throws: () => {
        throw new Error('no');
      },
      fails: (_done, fail) => {
        fail(new Error('no'));
      },
    };
    for (const [name, then] of Object.entries(makes)) {
      results[name] = show(await applied(() => ({ then }), 'data')(item(1), slot));
    }
    expect(results).toEqual({ 'gives back nothing': 2, 'calls back twice': 3, throws: 'no', fails: 'no' });
  });

  it('gives the item and its slot', () => {
    const given: unknown[] = [];
    const same = item(1);
    void applied((...args) => given.push(...args), 'verdict')(same, slot);
    expect(given).toEqual([same, slot]);
  });
});

describe('stage', () => {
  const run = (steps: readonly Applied[], ...values: Item[]) =>
    lastValueFrom(from(values).pipe(stage(steps), toArray())).then((items) => items.map(show));

  const add = applied(({ data }) => (data as number) + 1, 'data');
  const addLater = applied(async ({ data }) => (data as number) + 1, 'data');
  const even = applied(({ data }) => (data as number) % 2 === 0, 'verdict');
  const fails = applied(() => {
    throw new Error('no');
  }, 'data');

  it('runs its steps one after another', async () => {
    expect(await run([add, add, even], item(1), item(2))).toEqual(['filtered', 4]);
    expect(await run([add, addLater, add, addLater], item(1))).toEqual([5]);
    expect(await run([], item(1))).toEqual([1]);
  });

  it('lets pass by what failed or was skipped, before or on the way', async () => {
    const bad = item(1).fail(new BatchxError('parse', 'bad'));
    const never = applied(() => expect.unreachable(), 'data');
    expect(await run([fails, never], item(1))).toEqual(['no']);
    expect(await run([even, never], item(1))).toEqual(['filtered']);
    expect(await run([never], bad, item(1).skip('duplicate'))).toEqual(['bad', 'duplicate']);
    expect(await run([addLater, fails, never], item(1))).toEqual(['no']);
  });

  it('is done at once as long as no step returns a promise', () => {
    const seen: unknown[] = [];
    from([item(1), item(2)])
      .pipe(stage([add, even]))
      .subscribe({ next: (each) => seen.push(show(each)), complete: () => seen.push('complete') });
    expect(seen).toEqual([2, 'filtered', 'complete']);
  });

  it('runs all steps of an item in one slot', async () => {
    const slots: Slot[] = [];
    const look = applied(async (_item, given) => slots.push(given), 'verdict');
    const gates = [new Subject<number>(), new Subject<number>()];
    const wait = applied(({ data }) => lastValueFrom(gates[data as number] as Subject<number>), 'data');
    const started: unknown[] = [];
    const start = applied(({ data }) => started.push(data), 'verdict');
    const seen: unknown[] = [];
    from([item(0), item(1)])
      .pipe(stage([start, look, wait, look], { concurrency: 1 }))
      .subscribe((each) => seen.push(show(each)));
    await settled();
    expect(started).toEqual([0]);
    gates[0]?.next(7);
    gates[0]?.complete();
    await settled();
    expect([started, seen]).toEqual([[0, 1], [7]]);
    expect(slots[0]).toBe(slots[1]);
    expect(slots[2]).not.toBe(slots[1]);
  });

  it('starts no further step once nobody wants the item any more', async () => {
    const gate = new Subject<number>();
    let signal: AbortSignal | undefined;
    const wait = applied((_item, given) => {
      signal = given.signal;
      return lastValueFrom(gate);
    }, 'data');
    let further = 0;
    const count = applied(() => ++further, 'data');
    const subscription = of(item(1))
      .pipe(stage([wait, count]))
      .subscribe();
    subscription.unsubscribe();
    expect(signal?.aborted).toBe(true);
    gate.next(1);
    gate.complete();
    await settled();
    expect(further).toBe(0);
  });

  it('hides the rooms around a subscription from its steps', () => {
    const seen: boolean[] = [];
    const look = applied(() => seen.push(roomsAnnounced()), 'data');
    withRooms([new Room(1)], () =>
      of(item(1), item(2))
        .pipe(stage([look]))
        .subscribe(),
    );
    expect(seen).toEqual([false, false]);
  });

  it('keeps the order when asked to', async () => {
    const gates = [new Subject<number>(), new Subject<number>()];
    const wait = applied(({ data }) => lastValueFrom(gates[data as number] as Subject<number>), 'data');
    const seen: unknown[] = [];
    from([item(0), item(1)])
      .pipe(stage([wait], { ordered: true }))
      .subscribe((each) => seen.push(show(each)));
    for (const n of [1, 0]) {
      gates[n]?.next(n);
      gates[n]?.complete();
      await settled();
    }
    expect(seen).toEqual([0, 1]);
  });

  it('ends the stream with a usage error of a step, at once or later: the step is wrong, not the item', async () => {
    const error = new BatchxError('usage', 'no');
    for (const run_ of [
      () => Promise.reject(error),
      () => {
        throw error;
      },
    ]) {
      const seen: unknown[] = [];
      of(item(1))
        .pipe(stage([applied(run_, 'data')]))
        .subscribe({ error: (thrown: unknown) => seen.push(thrown) });
      await settled();
      expect(seen).toEqual([error]);
      expect(seen[0]).toBe(error);
    }
  });

  it('ends the stream when a step breaks its own rules', async () => {
    const broken: Applied[] = [
      () => Promise.reject(new Error('no')),
      () => {
        throw new Error('no');
      },
    ];
    for (const step of broken) {
      const seen: unknown[] = [];
      of(item(1))
        .pipe(stage([step]))
        .subscribe({ error: (error: unknown) => seen.push(error) });
      await settled();
      expect(seen).toEqual([expect.any(Error)]);
    }
  });
});
