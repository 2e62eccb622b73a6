import { counted, pull } from 'batchx';
import { marbles } from 'batchx/testing';
import fc from 'fast-check';
import {
  concatMap,
  delay,
  EMPTY,
  identity,
  map,
  mergeMap,
  NEVER,
  type Observable,
  of,
  type OperatorFunction,
  range,
  Subject,
  take,
  throwError,
  timer,
} from 'rxjs';
import { describe, expect, it } from 'vitest';
import { Item } from '../../src/core/item.js';
import type { Room } from '../../src/core/rooms.js';
import { heldIn, inVirtualTime, record, turns, upTo, watch } from './helpers.js';

describe('counted', () => {
  it(
    'emits what the operator emits, when it does',
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('  -a-b-c---|');
      const subs = '         ^--------!';
      const expected = '     -----a-b-(c|)';
      expectObservable(source.pipe(counted(delay(4)))).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }),
  );

  it(
    'passes an empty source, a silent one and an error',
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const silent = cold('-');
      expectObservable(cold('--|').pipe(counted(delay(4)))).toBe('--|');
      expectObservable(silent.pipe(counted(delay(4)))).toBe('-');
      expectObservable(cold('-a-#').pipe(counted(delay(4)))).toBe('---#');
      expectSubscriptions(silent.subscriptions).toBe('^');
    }),
  );

  it(
    'ends with an error of the operator, and leaves the source',
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('  -a--b----|');
      const inner = cold('    --#');
      expectObservable(source.pipe(counted(concatMap(() => inner)))).toBe('---#');
      expectSubscriptions(source.subscriptions).toBe('^--!');
      expectSubscriptions(inner.subscriptions).toBe('-^-!');
    }),
  );

  it(
    'leaves the operator and the source when it is unsubscribed from',
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('  -a-b-c---|');
      const unsub = '        ------!';
      const expected = '     -----a-';
      expectObservable(source.pipe(counted(delay(4))), unsub).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe('^-----!');
    }),
  );

  it(
    'does not complete while the operator goes on',
    marbles(({ cold, expectObservable }) => {
      const inner = cold('   --x-');
      const source = cold('  a|');
      expectObservable(source.pipe(counted(mergeMap(() => inner)))).toBe('--x-');
    }),
  );

  it.each([1, 3, undefined])('lets %s values in before sources stop reading', (limit) => {
    let read = 0;
    const gate = new Subject<number>();
    const blocks = function* () {
      while (read < 1000) yield [read++];
    };
    const out: number[] = [];
    const subscription = pull(blocks)
      .pipe(
        counted(
          mergeMap((n) =>
            gate.pipe(
              take(1),
              map(() => n),
            ),
          ),
          limit === undefined ? {} : { limit },
        ),
      )
      .subscribe((n) => out.push(n));
    expect(read).toBe(limit ?? 64);
    gate.next(0);
    expect(read).toBe(2 * (limit ?? 64));
    expect(out).toEqual(upTo(limit ?? 64));
    subscription.unsubscribe();
  });

  it('counts an item as many as it weighs', () => {
    const rooms: Room[] = [];
    const source = new Subject<Item>();
    const gate = new Subject<void>();
    source
      .pipe(
        watch(rooms),
        counted(
          concatMap((item) =>
            gate.pipe(
              take(1),
              map(() => item),
            ),
          ),
        ),
      )
      .subscribe();
    for (const weight of [2, 30, 400]) source.next(Item.of(0, { weight }));
    expect(heldIn(rooms)).toBe(432);
    gate.next();
    expect(heldIn(rooms)).toBe(430);
    gate.next();
    expect(heldIn(rooms)).toBe(400);
  });

  it('lets more in only after a result has gone on', () => {
    const order: string[] = [];
    let read = 0;
    const blocks = function* () {
      while (read < 3) yield [read++];
    };
    const gate = new Subject<void>();
    const hold: OperatorFunction<number, number> = mergeMap((n) => {
      order.push(`in ${n}`);
      return gate.pipe(
        take(1),
        map(() => n),
      );
    });
    pull(blocks)
      .pipe(counted(hold, { limit: 1 }))
      .subscribe((n) => order.push(`out ${n}`));
    for (let n = 0; n < 3; n++) gate.next();
    expect(order).toEqual(['in 0', 'out 0', 'in 1', 'out 1', 'in 2', 'out 2']);
  });

  it.each([
    ['complete', identity],
    ['complete early', take(1)],
    ['error', concatMap(() => throwError(() => new Error('broken')))],
  ] as [string, OperatorFunction<number, number>][])('leaves its room empty after %s', (_end, then) => {
    const rooms: Room[] = [];
    const source = new Subject<number>();
    const gate = new Subject<void>();
    const seen = record(
      source.pipe(
        watch(rooms),
        counted(
          concatMap((n) =>
            gate.pipe(
              take(1),
              map(() => n),
            ),
          ),
        ),
        then,
      ),
    );
    for (const n of upTo(3)) source.next(n);
    source.complete();
    expect(heldIn(rooms)).toBe(3);
    for (let n = 0; n < 3; n++) gate.next();
    expect(seen.at(-1)).not.toBe('N');
    expect(heldIn(rooms)).toBe(0);
  });

  it.each(['error', 'unsubscribe'])('leaves its room empty after %s while it holds values', (end) => {
    const rooms: Room[] = [];
    const source = new Subject<number>();
    const subscription = source
      .pipe(watch(rooms), counted(mergeMap(() => NEVER)))
      .subscribe({ error: () => undefined });
    source.next(1);
    expect(heldIn(rooms)).toBe(1);
    if (end === 'error') source.error(new Error('broken'));
    else subscription.unsubscribe();
    expect(heldIn(rooms)).toBe(0);
  });

  it('does not hold back pipelines inside the operator, which have to go on for it to become free', async () => {
    const seen = record(
      range(0, 100).pipe(
        counted(
          concatMap((n) =>
            pull(async function* () {
              yield await Promise.resolve([n]);
            }),
          ),
          { limit: 1 },
        ),
      ),
    );
    await turns(2000);
    expect(seen.values).toEqual(upTo(100));
    expect(seen.at(-1)).toBe('C');
  });

  it('lets pullers find its room and those below, once each', () => {
    const rooms: Room[] = [];
    record(of(1).pipe(watch(rooms), counted(delay(0)), counted(mergeMap(() => EMPTY)), take(1)));
    expect(new Set(rooms).size).toBe(2);
    expect(rooms).toHaveLength(2);
  });

  it('passes 10,000 values of a synchronous operator without a recursion', () => {
    let read = 0;
    const blocks = function* () {
      while (read < 10_000) yield [read++];
    };
    const seen = record(
      pull(blocks).pipe(
        counted(
          map((n) => n),
          { limit: 1 },
        ),
      ),
    );
    expect(seen.values).toEqual(upTo(10_000));
  });

  it('takes values that a result brings while it is emitted', () => {
    const source = new Subject<number>();
    const out: number[] = [];
    const rooms: Room[] = [];
    source.pipe(watch(rooms), counted(map((n) => n))).subscribe((n) => {
      out.push(n);
      if (n < 3) source.next(n + 1);
    });
    source.next(0);
    expect(out).toEqual([0, 1, 2, 3]);
    expect(heldIn(rooms)).toBe(0);
  });

  it('ends with what the operator throws when it is applied', () => {
    const broken = (): Observable<number> => {
      throw new Error('broken');
    };
    const seen = record(of(1).pipe(counted(broken)));
    expect(seen.error).toEqual(new Error('broken'));
  });

  it.each([0, -1, 1.5, NaN])('refuses a limit of %s when it is built', (limit) => {
    expect(() => counted(delay(1), { limit })).toThrow('counted: `limit`');
  });

  it('holds no more than its limit, gives each value once, and leaves its room empty', () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(9), { maxLength: 60 }),
        fc.integer({ min: 1, max: 5 }),
        fc.boolean(),
        (delays, limit, ordered) => {
          const rooms: Room[] = [];
          const out: number[] = [];
          let most = 0;
          inVirtualTime((scheduler) => {
            const flatten = ordered ? concatMap : mergeMap;
            pull(() => delays.map((_ms, n) => [n]))
              .pipe(
                watch(rooms),
                map((n) => {
                  most = Math.max(most, heldIn(rooms) + 1);
                  return n;
                }),
                counted(
                  flatten((n: number) => (delays[n] === 0 ? of(n) : timer(delays[n]!, scheduler).pipe(map(() => n)))),
                  { limit },
                ),
              )
              .subscribe((n) => out.push(n));
          });
          expect(ordered ? out : out.toSorted((a, b) => a - b)).toEqual(upTo(delays.length));
          expect(most).toBeLessThanOrEqual(limit);
          expect(heldIn(rooms)).toBe(0);
        },
      ),
    );
  });
});
