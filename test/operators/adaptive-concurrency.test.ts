import { AdaptiveConcurrency, adaptiveConcurrency, mapConcurrent } from 'batchx';
import { fakeRuntime, marbles } from 'batchx/testing';
import { NEVER, type Observable, of, Subject, throwError, toArray } from 'rxjs';
import { describe, expect, it, vi } from 'vitest';
import { BatchxError } from '../../src/core/errors.js';
import { inVirtualTime, record } from './helpers.js';

/** One whose records are kept. */
function listening() {
  const busy = new AdaptiveConcurrency({ max: 8 });
  return { busy, told: vi.spyOn(busy, 'record') };
}

describe('adaptiveConcurrency', () => {
  it(
    'does what its picture shows',
    marbles(({ cold, expectObservable, flush }) => {
      const { busy, told } = listening();
      const call = cold('-a-b---|');
      expectObservable(call.pipe(adaptiveConcurrency(busy, fakeRuntime()))).toBe('-a-b---|');
      flush();
      expect(told.mock.calls).toEqual([[1, 'success', 7]]);
    }),
  );

  it('tells once of each call how it ended', () => {
    const ends = [
      [of(1), 'success'],
      [throwError(() => new BatchxError('http', '429', { class: 'throttled' })), 'overload'],
      [throwError(() => new BatchxError('timeout', 'late')), 'late'],
      [throwError(() => new Error('?')), 'ignored'],
    ] as const;
    for (const [call, end] of ends) {
      const { busy, told } = listening();
      record((call as Observable<number>).pipe(adaptiveConcurrency(busy)));
      expect(told.mock.calls.map(([, result]) => result)).toEqual([end]);
    }
  });

  it('takes leaving after a value for a success, and earlier for nothing', () => {
    const { busy, told } = listening();
    const values = new Subject<number>();
    const left = values.pipe(adaptiveConcurrency(busy)).subscribe();
    values.next(1);
    left.unsubscribe();
    NEVER.pipe(adaptiveConcurrency(busy)).subscribe().unsubscribe();
    expect(told.mock.calls.map(([, result]) => result)).toEqual(['success', 'ignored']);
  });

  it('has an operator follow it', () => {
    const busy = new AdaptiveConcurrency({ max: 32 });
    let running = 0;
    let most = 0;
    const results = inVirtualTime((scheduler) => {
      const runtime = fakeRuntime({ scheduler });
      const done: number[][] = [];
      of(...Array.from({ length: 300 }, (_, n) => n))
        .pipe(
          mapConcurrent(
            (n) => {
              most = Math.max(most, ++running);
              const call = new Subject<number>();
              scheduler.schedule(() => {
                running--;
                call.next(n);
                call.complete();
              }, 10);
              return call.pipe(adaptiveConcurrency(busy, runtime));
            },
            { concurrency: busy },
          ),
          toArray(),
        )
        .subscribe((all) => done.push(all));
      return done;
    });
    expect(results[0]).toHaveLength(300);
    expect(most).toBe(32);
  });

  it('refuses what is none', () => {
    expect(() => adaptiveConcurrency({ max: 8 } as never)).toThrow('expected an AdaptiveConcurrency');
  });
});
