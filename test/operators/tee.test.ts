import { batch, counted, mapConcurrent, mapItems, pull, tee, toItems, toJsonl } from 'batchx';
import { fakeRuntime, marbles } from 'batchx/testing';
import fc from 'fast-check';
import {
  catchError,
  concatMap,
  delay,
  EMPTY,
  ignoreElements,
  lastValueFrom,
  map,
  merge,
  NEVER,
  Observable,
  of,
  type OperatorFunction,
  range,
  Subject,
  take,
  tap,
  throwError,
  timer,
} from 'rxjs';
import { describe, expect, it } from 'vitest';
import { Item } from '../../src/core/item.js';
import { Outcome } from '../../src/core/outcome.js';
import type { Room } from '../../src/core/rooms.js';
import { heldIn, inVirtualTime, record, settleInto, upTo, watch } from './helpers.js';

/** A branch that collects what it is given. */
const into = <T>(values: T[]): OperatorFunction<T, T> => tap((value) => values.push(value));

describe('tee', () => {
  it(
    'gives every value to the branches and lets it go on, as it comes',
    marbles(({ cold, expectObservable, expectSubscriptions, flush }) => {
      const source = cold('  -a-b--c-|');
      const subs = '         ^-------!';
      const expected = '     -a-b--c-|';
      const one: string[] = [];
      const two: string[] = [];
      expectObservable(source.pipe(tee(into(one), into(two)))).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
      flush();
      expect([one.join(''), two.join('')]).toEqual(['abc', 'abc']);
    }),
  );

  it(
    'passes an empty source, a silent one and an error, with branches and without',
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const branch = map((value: unknown) => value);
      for (const operator of [tee<string>(), tee<string>(branch), tee<string>(branch, branch)]) {
        const silent = cold('-');
        expectObservable(cold('--|').pipe(operator)).toBe('--|');
        expectObservable(silent.pipe(operator)).toBe('-');
        expectObservable(cold('-a-#').pipe(operator)).toBe('-a-#');
        expectSubscriptions(silent.subscriptions).toBe('^');
      }
    }),
  );

  it(
    'completes when the source and all branches have',
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('  -a-b-|');
      const subs = '         ^----!';
      const expected = '     -a-b-------|';
      const slow = concatMap(() => cold('-----|'));
      expectObservable(source.pipe(tee(slow, delay(1)))).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }),
  );

  it(
    'does not complete while a branch goes on',
    marbles(({ cold, expectObservable }) => {
      const source = cold('  -a|');
      expectObservable(source.pipe(tee(concatMap(() => NEVER)))).toBe('-a-');
    }),
  );

  it(
    'goes on without a branch that completes early',
    marbles(({ cold, expectObservable, flush }) => {
      const source = cold('  -a-b-c-|');
      const expected = '     -a-b-c-|';
      const values: string[] = [];
      expectObservable(
        source.pipe(
          tee(
            (branch) => branch.pipe(take(1), into(values)),
            () => EMPTY,
          ),
        ),
      ).toBe(expected);
      flush();
      expect(values).toEqual(['a']);
    }),
  );

  it(
    'ends with an error of a branch, and leaves the source and the other branches',
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('  -a-b-c-|');
      const other = cold('    ------|');
      const broken = concatMap(() => cold('---#'));
      const expected = '     -a-b#';
      expectObservable(
        source.pipe(
          tee(
            broken,
            concatMap(() => other),
          ),
        ),
      ).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe('^---!');
      expectSubscriptions(other.subscriptions).toBe('-^--!');
    }),
  );

  it(
    'passes an error of the source on once the branches have ended',
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('  -a-#');
      const subs = '         ^--!';
      const expected = '     -a-----#';
      const closing = catchError(() => cold('----|'));
      expectObservable(
        source.pipe(
          tee(
            closing,
            map(() => 0),
          ),
        ),
      ).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }),
  );

  it(
    'leaves the source and the branches when it is unsubscribed from',
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('  -a-b-c-|');
      const inner = cold('    -------|');
      const unsub = '        ----!';
      const expected = '     -a-b-';
      expectObservable(source.pipe(tee(concatMap(() => inner))), unsub).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe('^---!');
      expectSubscriptions(inner.subscriptions).toBe('-^--!');
    }),
  );

  it(
    'leaves the branches when it is left through an operator below',
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('  -a-b-c-|');
      const inner = cold('    -------|');
      expectObservable(source.pipe(tee(concatMap(() => inner)), take(1))).toBe('-(a|)');
      expectSubscriptions(source.subscriptions).toBe('^!');
      expectSubscriptions(inner.subscriptions).toBe('-(^!)');
    }),
  );

  it('ends with what a branch throws when it is applied, leaves the others, and never opens the source', () => {
    let opened = 0;
    const other = new Subject<number>();
    const seen = record(
      of(1).pipe(
        tap({ subscribe: () => opened++ }),
        tee(
          () => other,
          () => {
            throw new Error('broken');
          },
        ),
      ),
    );
    expect(seen.error).toEqual(new Error('broken'));
    expect([opened, other.observed]).toEqual([0, false]);
  });

  it('never opens the source when a branch fails at once', () => {
    let opened = 0;
    const seen = record(
      of(1).pipe(
        tap({ subscribe: () => opened++ }),
        tee(() => throwError(() => new Error('broken'))),
      ),
    );
    expect([...seen]).toEqual(['E']);
    expect(opened).toBe(0);
  });

  it('gives a branch that takes its values twice each of them twice', () => {
    const values: number[] = [];
    record(range(0, 3).pipe(tee((branch) => merge(branch, branch).pipe(into(values)))));
    expect(values).toEqual([0, 0, 1, 1, 2, 2]);
  });

  it('completes a branch that asks for values after the end', () => {
    const asks = new Subject<void>();
    const values: number[] = [];
    const seen = record(
      range(0, 3).pipe(
        tee((branch) =>
          asks.pipe(
            concatMap(() => branch),
            take(1),
            into(values),
          ),
        ),
      ),
    );
    expect(seen.at(-1)).toBe('N');
    asks.next();
    asks.complete();
    expect(values).toEqual([]);
    expect(seen.at(-1)).toBe('C');
  });

  it('starts anew for each subscription', () => {
    const values: number[] = [];
    const twice = range(0, 2).pipe(tee(into(values)));
    record(twice);
    record(twice);
    expect(values).toEqual([0, 1, 0, 1]);
  });

  it('keeps the order for all when a value brings more while it is given out', () => {
    const source = new Subject<number>();
    const seen: Record<'before' | 'after' | 'main', number[]> = { before: [], after: [], main: [] };
    const brings = tap((n: number) => {
      seen.before.push(n);
      if (n < 3) source.next(n + 1);
      else source.complete();
    });
    const main = record(source.pipe(tee(brings, into(seen.after)), into(seen.main)));
    source.next(0);
    expect(seen).toEqual({ before: upTo(4), after: upTo(4), main: upTo(4) });
    expect(main.at(-1)).toBe('C');
  });

  it('gives out 10,000 synchronous values without a recursion', () => {
    const values: number[] = [];
    const branch = mapConcurrent((n: number) => of(n), 1);
    const seen = record(range(0, 10_000).pipe(tee((source) => source.pipe(branch, into(values)))));
    expect(values).toEqual(upTo(10_000));
    expect(seen.values).toEqual(upTo(10_000));
  });
});

describe('the account of tee', () => {
  it('settles each item once, by the main stream, when branches come to another end of it', async () => {
    const runtime = fakeRuntime();
    await lastValueFrom(
      range(0, 10).pipe(
        toItems(runtime),
        tee(
          (branch) =>
            branch.pipe(
              mapItems((n): number => {
                throw new Error(String(n));
              }),
              toJsonl('-', runtime),
            ),
          (branch) => branch.pipe(batch({ size: 3 }, runtime), toJsonl('-', runtime)),
        ),
        mapItems((n) => (n % 2 === 0 ? n : undefined)),
        toJsonl('-', runtime),
      ),
    );
    expect(runtime.counts).toEqual({ read: 10, ok: 5, failed: 0, skipped: 5, inDoubt: 0, pending: 0 });
    expect(runtime.stdout.split('\n').filter((line) => line.startsWith('['))).toHaveLength(4);
  });

  it('gives branches all of an item but its origin, one copy for all of them', () => {
    const item = new Item(3, { n: 1 }, '{"n":1}', undefined, 0, { id: 'x', weight: 4, metadata: { key: 1 } });
    const one: Item[] = [];
    const two: Item[] = [];
    const main = record(of(item).pipe(tee(into<Item>(one), into<Item>(two)))).values;
    expect(main[0]).toBe(item);
    expect(one[0]).toMatchObject({ id: 'x', seq: 3, data: { n: 1 }, raw: '{"n":1}', weight: 4 });
    expect(one[0]).toBe(two[0]);
    const outcomes: Outcome[] = [];
    record(of(one[0]!).pipe(settleInto(outcomes)));
    expect(outcomes).toEqual([]);
  });

  it('gives branches copies of outcomes too', () => {
    const outcome = new Outcome(Item.of(1), 'ok');
    const copies: Outcome[] = [];
    const main = record(of(outcome).pipe(tee(into<Outcome>(copies)))).values;
    copies[0]!.settled = true;
    expect(main[0]).toBe(outcome);
    expect(outcome.settled).toBe(false);
    expect(copies[0]).toMatchObject({ id: '#1', status: 'ok' });
  });
});

describe('tee and the rooms', () => {
  const endless = (): { source: Observable<number>; read: () => number } => {
    let read = 0;
    const blocks = function* () {
      while (read < 2000) yield [read++];
    };
    return { source: pull(blocks), read: () => read };
  };

  it('holds the source back for a slow branch', () => {
    const { source, read } = endless();
    const gate = new Subject<number>();
    const out: number[] = [];
    const subscription = source.pipe(tee(mapConcurrent(() => gate.pipe(take(1)), 2))).subscribe((n) => out.push(n));
    expect(read()).toBe(2 + 64);
    expect(out).toEqual(upTo(66));
    gate.next(0);
    expect(read()).toBe(2 + 2 + 64);
    subscription.unsubscribe();
    expect(read()).toBe(2 + 2 + 64);
  });

  it('holds the source back for a slow main stream', () => {
    const { source, read } = endless();
    const subscription = source
      .pipe(
        tee(map((n) => n)),
        mapConcurrent(() => NEVER, 2),
      )
      .subscribe();
    expect(read()).toBe(2 + 64);
    subscription.unsubscribe();
  });

  it('is not held back any more by a branch that has ended', () => {
    const { source, read } = endless();
    const stop = new Subject<void>();
    const slow: OperatorFunction<number, unknown> = (branch) =>
      new Observable((subscriber) => {
        subscriber.add(stop.subscribe(() => subscriber.complete()));
        return branch.pipe(mapConcurrent(() => NEVER)).subscribe(subscriber);
      });
    const subscription = source.pipe(tee(slow), take(1000)).subscribe();
    expect(read()).toBe(4 + 64);
    stop.next();
    expect(read()).toBe(1000);
    subscription.unsubscribe();
  });

  it('lets pullers find the rooms of all branches and of the main stream, and branches none of others', () => {
    const found: Room[] = [];
    const inner: Room[] = [];
    const one = counted<number, number>(delay(0));
    const two = mapConcurrent((n: number) => of(n));
    const three = (branch: Observable<number>) => branch.pipe(watch(inner));
    record(
      range(0, 1).pipe(
        watch(found),
        tee(one, two, three),
        mapConcurrent((n) => of(n)),
      ),
    );
    expect(new Set(found).size).toBe(3);
    expect(inner).toEqual([]);
  });
});

describe('tee, whatever comes', () => {
  it('gives each value once and in order to all, holds the source back, and completes last', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 200 }),
        fc.array(fc.tuple(fc.integer({ min: 1, max: 4 }), fc.nat(7)), { maxLength: 3 }),
        fc.nat(7),
        (count, branches, ms) => {
          const given: number[][] = branches.map(() => []);
          const out: number[] = [];
          const rooms: Room[] = [];
          let read = 0;
          let finished = 0;
          let completedAfter = -1;
          inVirtualTime((scheduler) => {
            const slow = (duration: number, cap: number) =>
              mapConcurrent((n: number) => timer(duration, scheduler).pipe(map(() => n)), cap);
            const operators = branches.map(
              ([cap, duration], b): OperatorFunction<number, unknown> =>
                (branch) =>
                  branch.pipe(
                    into(given[b]!),
                    slow(duration, cap),
                    tap({ complete: () => finished++ }),
                    ignoreElements(),
                  ),
            );
            pull(() => upTo(count).map((n) => [n]))
              .pipe(
                tap(() => {
                  read++;
                  for (const room of rooms) expect(room.held).toBeLessThan(room.limit);
                }),
                watch(rooms),
                tee(...operators),
                slow(ms, 3),
              )
              .subscribe({ next: (n) => out.push(n), complete: () => (completedAfter = finished) });
          });
          expect(read).toBe(count);
          expect(rooms).toHaveLength(branches.length + 1);
          for (const values of given) expect(values).toEqual(upTo(count));
          expect(out).toEqual(upTo(count));
          expect(completedAfter).toBe(branches.length);
          expect(heldIn(rooms)).toBe(0);
        },
      ),
      { numRuns: 50 },
    );
  });
});
