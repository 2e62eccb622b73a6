import { asyncScheduler, merge, VirtualTimeScheduler } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { fakeRuntime, marbles } from 'batchx/testing';
import { monotonic } from '../../src/core/monotonic.js';
import { wait } from '../../src/core/wait.js';

const days = 24 * 60 * 60 * 1000;

describe('wait', () => {
  it(
    'emits once when the time has passed',
    marbles(({ expectObservable }) => {
      expectObservable(wait(5, fakeRuntime().scheduler)).toBe('5ms (a|)', { a: 0 });
    }),
  );

  it(
    'starts its time at each subscription, and ends its timer with it',
    marbles(({ expectObservable, flush }) => {
      const waited = wait(5, asyncScheduler);
      expectObservable(waited, '3ms ^').toBe('8ms (a|)', { a: 0 });
      expectObservable(waited, '^--!').toBe('');
      flush();
    }),
  );

  it.each([60, 24.855, 24.8551, 49.8])('waits %d days', (length) => {
    const scheduler = new VirtualTimeScheduler();
    const longest: number[] = [];
    const bounded = {
      now: () => scheduler.now(),
      schedule: ((work, delay = 0, state) => {
        longest.push(delay);
        return scheduler.schedule(work, delay, state);
      }) as typeof scheduler.schedule,
    };
    const fired: number[] = [];
    wait(length * days, bounded).subscribe(() => fired.push(scheduler.now()));
    scheduler.flush();
    expect(fired).toEqual([length * days]);
    expect(Math.max(...longest)).toBeLessThan(2 ** 31);
  });

  it.each([0, -1, NaN, undefined])('emits at the next turn for %s', (length) => {
    const scheduler = new VirtualTimeScheduler();
    const fired: number[] = [];
    wait(length as number, scheduler).subscribe({ next: () => fired.push(scheduler.now()) });
    expect(fired).toEqual([]);
    scheduler.flush();
    expect(fired).toEqual([0]);
  });

  it('goes on when a timer fires early', () => {
    const scheduler = new VirtualTimeScheduler();
    const early = monotonic(scheduler, () => Math.max(0, scheduler.now() - 1));
    const fired: number[] = [];
    wait(10, early).subscribe(() => fired.push(scheduler.now()));
    scheduler.flush();
    expect(fired).toEqual([11]);
  });

  it(
    'never ends for an endless time',
    marbles(({ expectObservable }) => {
      expectObservable(wait(Infinity, asyncScheduler), '^ 10s !').toBe('');
    }),
  );
});

describe('monotonic', () => {
  it(
    'is the same scheduler with another clock',
    marbles(({ expectObservable }) => {
      let now = 100;
      const scheduler = monotonic(asyncScheduler, () => (now += 5));
      expect([scheduler.now(), scheduler.now()]).toEqual([105, 110]);
      expectObservable(merge(wait(0, scheduler))).toBe('(a|)', { a: 0 });
    }),
  );

  it('gives the state to the work, which may schedule itself again', () => {
    const virtual = new VirtualTimeScheduler();
    const seen: (readonly [number, number])[] = [];
    monotonic(virtual, () => 0).schedule<number>(
      function (n) {
        seen.push([virtual.now(), n]);
        if (n < 3) this.schedule(n + 1, 10);
      },
      5,
      1,
    );
    virtual.flush();
    expect(seen).toEqual([
      [5, 1],
      [15, 2],
      [25, 3],
    ]);
  });
});
