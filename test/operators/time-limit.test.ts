import { Deadline, mapConcurrent, pull, timeLimit } from 'batchx';
import { fakeRuntime, marbles } from 'batchx/testing';
import {
  asyncScheduler,
  EMPTY,
  finalize,
  NEVER,
  Observable,
  of,
  retry,
  Subject,
  take,
  takeUntil,
  throwError,
} from 'rxjs';
import { describe, expect, it } from 'vitest';
import { BatchxError } from '../../src/core/errors.js';
import type { Room } from '../../src/core/rooms.js';
import { inVirtualTime, record, watch } from './helpers.js';

const late = (limit: string): BatchxError => new BatchxError('timeout', `took longer than ${limit}`);

describe('timeLimit', () => {
  it(
    'does what its picture shows',
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const call = cold('   -a-b-------------c|');
      const subs = '        ^---------!';
      const expected = '    -a-b------#';
      expectObservable(call.pipe(timeLimit('10ms', fakeRuntime()))).toBe(expected, undefined, late('10ms'));
      expectSubscriptions(call.subscriptions).toBe(subs);
    }),
  );

  it(
    'passes what completes in time',
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const call = cold('   -a-b-c---|');
      const subs = '        ^--------!';
      const expected = '    -a-b-c---|';
      expectObservable(call.pipe(timeLimit('10ms', fakeRuntime()))).toBe(expected);
      expectSubscriptions(call.subscriptions).toBe(subs);
    }),
  );

  it(
    'wants all of a call in time, not its first value',
    marbles(({ cold, expectObservable }) => {
      const call = cold('   a-a-a-a-a-a-a|');
      const expected = '    a-a-a-a-#';
      expectObservable(call.pipe(timeLimit('8ms', fakeRuntime()))).toBe(expected, undefined, late('8ms'));
    }),
  );

  it(
    'passes an empty call and an error',
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const empty = cold('   --|');
      const broken = cold('  -a-#');
      expectObservable(empty.pipe(timeLimit('10ms', fakeRuntime()))).toBe('--|');
      expectObservable(broken.pipe(timeLimit('10ms', fakeRuntime()))).toBe('-a-#');
      expectSubscriptions(broken.subscriptions).toBe('^--!');
    }),
  );

  it(
    'ends a call that never does anything',
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const call = cold('   -');
      expectObservable(call.pipe(timeLimit('5ms', fakeRuntime()))).toBe('-----#', undefined, late('5ms'));
      expectSubscriptions(call.subscriptions).toBe('^----!');
    }),
  );

  it(
    'leaves the call when it is unsubscribed from, and is not late after that',
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const call = cold('   -a-b-------|');
      const unsub = '       ----!';
      const expected = '    -a-b-------';
      expectObservable(call.pipe(timeLimit('6ms', fakeRuntime())), unsub).toBe(expected);
      expectSubscriptions(call.subscriptions).toBe('^---!');
    }),
  );

  it(
    'does not break the chain when it is left through an operator below',
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const call = cold('   -a-b-------|');
      expectObservable(call.pipe(timeLimit('6ms', fakeRuntime()), take(2))).toBe('-a-(b|)');
      expectSubscriptions(call.subscriptions).toBe('^--!');
    }),
  );

  it(
    'gives each retry all of the time',
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const call = cold('   --a------|');
      const subs = ['       ^---!     ', '    ----^---!  ', '    --------^---!'].map((marble) => marble.trimStart());
      const expected = '    --a---a---a-#';
      expectObservable(call.pipe(timeLimit('4ms', fakeRuntime()), retry(2))).toBe(expected, undefined, late('4ms'));
      expectSubscriptions(call.subscriptions).toBe(subs);
    }),
  );

  it(
    'starts the time anew for each subscription, side by side',
    marbles(({ cold, expectObservable, flush }) => {
      const call = cold('   a-|').pipe(timeLimit('1ms', fakeRuntime()));
      expectObservable(call).toBe('a#', undefined, late('1ms'));
      expectObservable(call, '3ms ^').toBe('3ms a#', undefined, late('1ms'));
      flush();
    }),
  );

  it('passes synchronous calls on at once', () => {
    expect([...record(of(1, 2).pipe(timeLimit('10ms')))]).toEqual(['N', 'N', 'C']);
    expect([...record(EMPTY.pipe(timeLimit('10ms')))]).toEqual(['C']);
    expect(record(throwError(() => 'no').pipe(timeLimit('10ms')))).toMatchObject({ error: 'no' });
  });

  it('leaves no timer behind, however the call ends', () => {
    const ends = [of(1), throwError(() => 'no'), NEVER.pipe(takeUntil(of(1)))].map((call) =>
      inVirtualTime((scheduler) => {
        call.pipe(timeLimit('1s', fakeRuntime({ scheduler }))).subscribe({ error: () => undefined });
        NEVER.pipe(timeLimit('1s', fakeRuntime({ scheduler })))
          .subscribe()
          .unsubscribe();
        return scheduler;
      }).now(),
    );
    expect(ends).toEqual([0, 0, 0]);
  });

  it('cancels the call before it tells the error', () => {
    const seen: string[] = [];
    inVirtualTime((scheduler) => {
      const call = NEVER.pipe(finalize(() => seen.push('cancelled')));
      call.pipe(timeLimit('1s', fakeRuntime({ scheduler }))).subscribe({ error: () => seen.push('error') });
    });
    expect(seen).toEqual(['cancelled', 'error']);
  });

  it('hears nothing of a call that does not stop', () => {
    const stubborn = new Observable<number>((subscriber) => {
      asyncScheduler.schedule(() => subscriber.next(1), 20);
    });
    marbles(({ expectObservable }) => {
      expectObservable(stubborn.pipe(timeLimit('10ms', fakeRuntime()))).toBe('10ms #', undefined, late('10ms'));
    })();
  });

  it('shares a Deadline: one timer, and one median', () => {
    const seen: string[] = [];
    inVirtualTime((scheduler) => {
      const deadline = new Deadline('300%', fakeRuntime({ scheduler }));
      const calls = [new Subject<string>(), new Subject<string>(), new Subject<string>()];
      for (const [n, call] of calls.entries())
        call.pipe(timeLimit(deadline)).subscribe({
          error: (error: Error) => seen.push(`${n} at ${scheduler.now()}: ${error.message}`),
          complete: () => seen.push(`${n} is done`),
        });
      scheduler.schedule(() => calls[0]?.complete(), 200);
      scheduler.schedule(() => calls[1]?.error(new Error('broken')), 300);
    });
    expect(seen).toEqual([
      '0 is done',
      '1 at 300: broken',
      '2 at 600: took longer than 300% of the median (200ms): 600ms',
    ]);
  });

  it('counts neither failures nor calls that were left for the median', () => {
    const deadline = new Deadline('300%');
    record(throwError(() => 'no').pipe(timeLimit(deadline)));
    NEVER.pipe(timeLimit(deadline)).subscribe().unsubscribe();
    record(NEVER.pipe(timeLimit(deadline), take(0)));
    record(of(1, 2).pipe(timeLimit(deadline), take(1)));
    expect(deadline.limitMs).toBe(Infinity);
    record(of(1).pipe(timeLimit(deadline)));
    expect(deadline.limitMs).toBeLessThan(Infinity);
  });

  it('lets a source above find the rooms below', () => {
    const rooms: Room[] = [];
    const call = pull(() => [[1]]).pipe(watch(rooms), timeLimit('1s'));
    record(of(1).pipe(mapConcurrent(() => call, { ordered: true })));
    expect(rooms.length).toBeGreaterThan(0);
    const later: Room[] = [];
    const nothing: Room[] = [];
    record(of(1).pipe(mapConcurrent(() => pull(() => [[1]]).pipe(watch(later)), { ordered: true })));
    record(call.pipe(watch(nothing)));
    expect(rooms.length).toBe(later.length);
  });

  it('wants a percentage to be shared', () => {
    expect(() => timeLimit('300%')).toThrow(
      new BatchxError(
        'usage',
        'timeLimit: a percentage is of what other calls took: make one `new Deadline("300%")`, and give it to all',
      ),
    );
  });

  it.each(['10', '', '50%', '0s', 10, undefined])('refuses %j when it is built', (limit) => {
    expect(() => timeLimit(limit as string)).toThrow(
      /^timeLimit: expected a time such as "10s", or a percentage above 100 such as "300%", got [^;]*$/,
    );
  });
});
