import { from, Observable, type Subscription } from 'rxjs';
import { describe, expect, it } from 'vitest';
import type { Slot } from '../../src/core/slot.js';
import { isWanted, watchSlot } from '../../src/core/slot-watch.js';
import { mapConcurrent, type MapConcurrentOptions } from '../../src/operators/flow/map-concurrent.js';
import { upTo, turns } from '../operators/helpers.js';

/** Calls whose slots are in the hands of the test. */
class Calls {
  readonly slots: Slot[] = [];
  readonly started: number[] = [];
  readonly back: number[] = [];
  ended = false;
  readonly subscription: Subscription;
  readonly #ends: (() => void)[] = [];

  constructor(count: number, options: MapConcurrentOptions) {
    const project = (n: number, slot: Slot): Observable<number> =>
      new Observable((subscriber) => {
        this.started.push(n);
        this.slots[n] = slot;
        this.#ends[n] = () => subscriber.complete();
      });
    this.subscription = from(upTo(count))
      .pipe(mapConcurrent(project, options))
      .subscribe({ complete: () => (this.ended = true) });
  }

  park(...which: number[]): void {
    for (const n of which) this.slots[n]?.park();
  }

  unpark(...which: number[]): void {
    for (const n of which) this.slots[n]?.unpark(() => this.back.push(n));
  }

  end(...which: number[]): void {
    for (const n of which) this.#ends[n]?.();
  }
}

describe('more calls that wait than may be parked', () => {
  it('keep their slots', () => {
    const calls = new Calls(5, { concurrency: 2, maxWaiting: 1 });
    calls.park(0, 1);
    expect(calls.started).toEqual([0, 1, 2]);
    calls.park(2);
    expect(calls.started).toEqual([0, 1, 2]);
  });

  it('are parked as soon as others are not any more', () => {
    const calls = new Calls(5, { concurrency: 2, maxWaiting: 1 });
    calls.park(0, 1, 2);
    calls.end(0);
    expect(calls.started).toEqual([0, 1, 2, 3]);
    calls.end(3);
    expect(calls.started).toEqual([0, 1, 2, 3, 4]);
  });

  it('give way to one that is parked and wants to go on: else all would wait for it', () => {
    const calls = new Calls(5, { concurrency: 2, maxWaiting: 1 });
    calls.park(0, 1, 2);
    calls.unpark(0);
    expect(calls.back).toEqual([0]);
    // One of the two that waited has been parked in its place: there is no slot more.
    expect(calls.started).toEqual([0, 1, 2]);
    calls.unpark(1, 2);
    expect(calls.back).toEqual([0, 1]);
    calls.end(0);
    expect(calls.back).toEqual([0, 1, 2]);
    calls.end(1, 2);
    expect(calls.started).toEqual([0, 1, 2, 3, 4]);
    calls.end(3, 4);
    expect(calls.ended).toBe(true);
  });

  it('go on at once when they had no need of it', () => {
    const calls = new Calls(3, { concurrency: 1, maxWaiting: 0 });
    calls.park(0);
    calls.unpark(0);
    expect(calls.back).toEqual([0]);
    calls.end(0);
    expect(calls.started).toEqual([0, 1]);
  });

  it('may end while they wait', () => {
    const calls = new Calls(6, { concurrency: 2, maxWaiting: 1 });
    calls.park(0, 1, 2);
    calls.end(1);
    expect(calls.started).toEqual([0, 1, 2, 3]);
    calls.end(0);
    expect(calls.started).toEqual([0, 1, 2, 3, 4]);
    calls.end(2, 3, 4, 5);
    expect(calls.ended).toBe(true);
  });
});

describe('work that goes on although its call is over', () => {
  it('keeps its slot until it ends', async () => {
    const calls = new Calls(2, { concurrency: 1 });
    let end: (() => void) | undefined;
    calls.slots[0]?.hold(new Promise<void>((resolve) => (end = resolve)));
    calls.end(0);
    expect(calls.started).toEqual([0]);
    end?.();
    await turns();
    expect(calls.started).toEqual([0, 1]);
  });

  it.each([0, 1])('has the slot of its call, which waits for another one (at most %i parked)', async (maxWaiting) => {
    const calls = new Calls(3, { concurrency: 1, maxWaiting });
    let end: (() => void) | undefined;
    calls.slots[0]?.hold(new Promise<void>((resolve) => (end = resolve)));
    calls.park(0);
    calls.unpark(0);
    expect([calls.back, calls.started]).toEqual([[], [0]]);
    end?.();
    await turns();
    expect([calls.back, calls.started]).toEqual([[0], [0]]);
    calls.end(0);
    expect(calls.started).toEqual([0, 1]);
  });

  it('is told when the subscription ends, even after its call', async () => {
    const calls = new Calls(3, { concurrency: 1 });
    let end: (() => void) | undefined;
    const signal = calls.slots[0]?.signal;
    calls.slots[0]?.hold(new Promise<void>((resolve) => (end = resolve)));
    calls.end(0);
    calls.subscription.unsubscribe();
    expect(signal?.aborted).toBe(true);
    const later = new Calls(3, { concurrency: 1 });
    const over = later.slots[0]?.signal;
    later.slots[0]?.hold(new Promise<void>((resolve) => (end = resolve)));
    later.end(0);
    end?.();
    await turns();
    later.subscription.unsubscribe();
    expect(over?.aborted).toBe(false);
  });
});

describe('watching a slot', () => {
  const told: number[] = [];
  const watch = (calls: Calls, ...which: number[]): void => {
    for (const n of which) watchSlot(calls.slots[n] as Slot, { abandoned: () => told.push(n) });
  };

  it('tells those that run when the subscription ends, in order, and each once', () => {
    told.length = 0;
    const calls = new Calls(6, { concurrency: 5 });
    watch(calls, 0, 1, 2, 3, 4);
    watch(calls, 2);
    calls.end(1, 4, 0);
    const signal = calls.slots[3]?.signal;
    calls.subscription.unsubscribe();
    expect(told).toEqual([2, 3]);
    expect(signal?.aborted).toBe(true);
  });

  it('tells at once when it has ended', () => {
    told.length = 0;
    const calls = new Calls(1, {});
    calls.subscription.unsubscribe();
    watch(calls, 0);
    expect(told).toEqual([0]);
  });

  it('knows that none is wanted before all have been told', () => {
    const calls = new Calls(2, {});
    const seen: boolean[] = [];
    for (const slot of calls.slots) {
      watchSlot(slot, { abandoned: () => seen.push(...calls.slots.map(isWanted)) });
    }
    expect(calls.slots.map(isWanted)).toEqual([true, true]);
    calls.subscription.unsubscribe();
    expect(seen).toEqual([false, false, false, false]);
  });

  it('takes the signal of a slot of another make, and lets go of it', () => {
    const controller = new AbortController();
    const slot: Slot = {
      signal: controller.signal,
      park: () => undefined,
      unpark: (go) => go(),
      hold: () => undefined,
    };
    const seen: string[] = [];
    const unwatch = watchSlot(slot, { abandoned: () => seen.push('first') });
    watchSlot(slot, { abandoned: () => seen.push('second') });
    unwatch?.();
    expect(isWanted(slot)).toBe(true);
    controller.abort();
    expect(isWanted(slot)).toBe(false);
    watchSlot(slot, { abandoned: () => seen.push('third') });
    expect(seen).toEqual(['second', 'third']);
  });
});
