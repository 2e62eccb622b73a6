import {
  BatchxError,
  Item,
  Limiter,
  mapConcurrent,
  pull,
  type Rate,
  rateLimit,
  rateLimitFlow,
  type RateLimitOptions,
  type Slot,
} from 'batchx';
import { fakeRuntime, marbles } from 'batchx/testing';
import fc from 'fast-check';
import {
  concat,
  defer,
  EMPTY,
  from,
  map,
  merge,
  NEVER,
  type Observable,
  of,
  Subject,
  take,
  tap,
  throwError,
  timer,
} from 'rxjs';
import { describe, expect, it } from 'vitest';
import type { Room } from '../../src/core/rooms.js';
import { TestSlot, Timeline } from '../core/timeline.js';
import { failed, heldIn, record, show, upTo, watch } from './helpers.js';

/** With a runtime in virtual time. */
const limited = <T>(limit: Limiter | Rate, options: RateLimitOptions<T> = {}) =>
  rateLimit<T>(limit, { runtime: fakeRuntime(), ...options });

const numbers = function* (count: number): Generator<number[]> {
  for (let n = 0; n < count; n++) yield [n];
};

describe('rateLimit of the values of a stream', () => {
  it(
    'does what its picture shows',
    marbles(({ cold, expectObservable }) => {
      const source = cold('  (abc)-d|');
      const spaced = '       a 504ms b 504ms c 504ms (d|)';
      const bursting = '     (ab) 1006ms (cd|)';
      expectObservable(source.pipe(limited('2/s'))).toBe(spaced);
      expectObservable(source.pipe(limited({ limit: 2, per: '1s', burst: 2 }))).toBe(bursting);
    }),
  );

  it(
    'holds back what comes too soon, and nothing else',
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('  a-b 200ms c 200ms d--|');
      const subs = '         ^ 406ms           !';
      const expected = '     a 100ms b 101ms c 200ms d--|';
      expectObservable(source.pipe(limited('10/s'))).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }),
  );

  it(
    'completes after the last value',
    marbles(({ cold, expectObservable }) => {
      const source = cold('  (ab|)');
      const expected = '     a 100ms (b|)';
      expectObservable(source.pipe(limited('10/s'))).toBe(expected);
    }),
  );

  it(
    'passes an empty source, and a silent one',
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const silent = cold('-');
      expectObservable(cold('---|').pipe(limited('1/s'))).toBe('---|');
      expectObservable(cold('|').pipe(limited('1/s'))).toBe('|');
      expectObservable(silent.pipe(limited('1/s'))).toBe('-');
      expectSubscriptions(silent.subscriptions).toBe('^');
    }),
  );

  it(
    'passes an error at once, and drops what waits',
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('  (abc)---#');
      const expected = '     a-------#';
      expectObservable(source.pipe(limited('10/s'))).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe('^-------!');
      expectObservable(cold('#').pipe(limited('10/s'))).toBe('#');
    }),
  );

  it(
    'is over when it is unsubscribed from, with its timer',
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('  (abc)-----|');
      const unsub = '        ------!';
      const expected = '     a------';
      expectObservable(source.pipe(limited('10/s')), unsub).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe('^-----!');
    }),
  );

  it(
    'is left through an operator below',
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('  (abc)-----');
      const expected = '     a 100ms (b|)';
      expectObservable(source.pipe(limited('10/s'), take(2))).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe('^ 100ms !');
    }),
  );

  it(
    'has a limit of its own for each subscription',
    marbles(({ cold, expectObservable }) => {
      const source = cold('  (ab|)').pipe(limited('10/s'));
      const expected = '     a 100ms (b|)';
      expectObservable(source).toBe(expected);
      expectObservable(source, '--^').toBe('--a 100ms (b|)');
    }),
  );

  it(
    'spaces several streams together by one Limiter',
    marbles(({ cold, expectObservable }) => {
      const limiter = new Limiter('10/s', fakeRuntime());
      const one = cold('     (ab|)').pipe(rateLimit(limiter, { of: 'values' }));
      const two = cold('     -(cd|)').pipe(rateLimit(limiter, { of: 'values' }));
      expectObservable(merge(one, two)).toBe('a 100ms b 100ms c 100ms (d|)');
    }),
  );

  it(
    'keeps the order, whatever the keys',
    marbles(({ cold, expectObservable }) => {
      const source = cold('  (abAB|)');
      const expected = '     (ab) 97ms (AB|)';
      const key = (value: string): string => value.toLowerCase();
      expectObservable(source.pipe(limited('10/s', { key }))).toBe(expected);
    }),
  );

  it(
    'counts weights',
    marbles(({ cold, expectObservable }) => {
      const source = cold('  (abc|)', { a: 5, b: 1, c: 2 });
      const expected = '     a 504ms b 100ms (c|)';
      expectObservable(source.pipe(limited('10/s', { weight: (n) => n }))).toBe(expected, { a: 5, b: 1, c: 2 });
      expectObservable(source.pipe(limited('10/s', { weight: 10 }))).toBe('a 1009ms b 1009ms (c|)', {
        a: 5,
        b: 1,
        c: 2,
      });
    }),
  );

  it.each<[string, RateLimitOptions<number>, object]>([
    ['a weight that is too much', { weight: () => 3 }, { code: 'limit' }],
    [
      'a weight that is none',
      { weight: () => NaN },
      { message: 'expected `weight` to give a number above 0, got NaN (number)' },
    ],
    ['a weight that has no end', { weight: () => Infinity }, { code: 'expression' }],
    ['a key that is no text', { key: () => 5 as never }, { message: 'expected `key` to give text, got 5 (number)' }],
    [
      'a function that throws',
      {
        key: () => {
          throw new Error('no key');
        },
      },
      { message: 'no key' },
    ],
  ])('ends with an error at %s', (_, options, error) => {
    const seen = record(concat(of(1), NEVER).pipe(limited('2/s', options)));
    expect([...seen]).toEqual(['E']);
    expect(seen.error).toMatchObject(error);
  });

  it('fails an item instead, in its turn, and lets the others go on', () => {
    const play = new Timeline();
    const seen: string[] = [];
    const items = [1, 9, 2, 3].map((data) => Item.of(data));
    from(items)
      .pipe(limited('5/s', { weight: ({ data }) => data, runtime: play.runtime }))
      .subscribe((item) => seen.push(`${String(show(item))}@${play.now}`));
    play.end();
    expect([...seen]).toEqual([
      '1@0',
      '!weighs 9, more than the 5 that the limit lets through in 1s@0',
      '2@202',
      '3@1010',
    ]);
  });

  it('takes no permit for items that failed or were skipped, which wait for their turn', () => {
    const play = new Timeline();
    const seen: string[] = [];
    const items = [Item.of('a'), failed('b'), Item.of('c'), Item.of('d').skip('filtered'), failed('e'), Item.of('f')];
    from(items)
      .pipe(limited('10/s', { runtime: play.runtime }))
      .subscribe((item) => seen.push(`${String(show(item))}@${play.now}`));
    play.end();
    expect([...seen]).toEqual(['a@0', '!bad@0', 'c@101', '~filtered@101', '!bad@101', 'f@202']);
  });

  it('fails an item that the limit, lowered meanwhile, can never let through', () => {
    const play = new Timeline();
    const limiter = new Limiter('10/s', play.runtime);
    const seen: unknown[] = [];
    from([1, 8, 2].map((data) => Item.of(data)))
      .pipe(rateLimit(limiter, { of: 'values', weight: ({ data }) => data }))
      .subscribe((item) => seen.push(item.error?.code ?? item.data));
    limiter.retune('5/s');
    play.end();
    expect([...seen]).toEqual([1, 'limit', 2]);
  });

  it('loses no rate to late timers', () => {
    const play = new Timeline(() => 25);
    const times: number[] = [];
    from(upTo(100))
      .pipe(limited({ limit: 200, per: '2s' }, { runtime: play.runtime }))
      .subscribe(() => times.push(play.now));
    play.end();
    for (const [n, time] of times.entries()) expect(time - n * 10.1).toBeLessThan(25.01);
  });

  it('lets sources read no more than 64 ahead', () => {
    const play = new Timeline();
    let read = 0;
    const out: number[] = [];
    pull(() => numbers(1000))
      .pipe(
        tap(() => read++),
        limited('10/s', { runtime: play.runtime }),
      )
      .subscribe((n) => out.push(n));
    expect(read).toBe(65);
    play.to(505);
    expect([out, read]).toEqual([upTo(6), 70]);
    play.end();
    expect(out).toEqual(upTo(1000));
    expect(play.now).toBe(999 * 101);
  });

  it('counts an item as many as it weighs, and gives the room back', () => {
    const play = new Timeline();
    const rooms: Room[] = [];
    const source = new Subject<Item>();
    const subscription = source.pipe(watch(rooms), limited('10/s', { runtime: play.runtime })).subscribe();
    for (const weight of [1, 30, 400]) source.next(Item.of(0, { weight }));
    expect(heldIn(rooms)).toBe(430);
    play.to(101);
    expect(heldIn(rooms)).toBe(400);
    subscription.unsubscribe();
    expect(heldIn(rooms)).toBe(0);
    expect(play.timers).toBe(0);
  });

  it('lets more in only after a value has gone on', () => {
    const play = new Timeline();
    const order: string[] = [];
    let count = 0;
    const blocks = function* () {
      while (count < 67) {
        order.push(`read ${count}`);
        yield [count++];
      }
    };
    pull(blocks)
      .pipe(limited('10/s', { runtime: play.runtime }))
      .subscribe((n) => order.push(`out ${n}`));
    play.to(101);
    expect(order.slice(-2)).toEqual(['out 1', 'read 65']);
  });

  it('lets values through that are brought by others, without a deeper stack', () => {
    const source = new Subject<number>();
    const out: number[] = [];
    source.pipe(limited({ limit: 1e6, burst: 1e6 })).subscribe((n) => {
      out.push(n);
      if (n < 50_000) source.next(n + 1);
    });
    source.next(0);
    expect(out).toEqual(upTo(50_001));
  });

  it('drops what waits when the run is stopping, and takes nothing more', () => {
    const play = new Timeline();
    const rooms: Room[] = [];
    const source = new Subject<number>();
    const seen = record(source.pipe(watch(rooms), limited('1/m', { runtime: play.runtime })));
    for (const n of upTo(5)) source.next(n);
    play.runtime.stop();
    expect(heldIn(rooms)).toBe(0);
    expect(play.timers).toBe(0);
    source.next(5);
    expect(heldIn(rooms)).toBe(0);
    expect([...seen]).toEqual(['N']);
    source.complete();
    expect([...seen]).toEqual(['N', 'C']);
  });

  it('takes nothing when the run is stopping already', () => {
    const play = new Timeline();
    play.runtime.stop();
    expect([...record(of(1, 2).pipe(limited('1/s', { runtime: play.runtime })))]).toEqual(['C']);
  });

  it('holds nothing any more when it is left with a value', () => {
    const rooms: Room[] = [];
    const source = new Subject<number>();
    const seen = record(source.pipe(watch(rooms), limited('1/s'), take(1)));
    source.next(1);
    expect([...seen]).toEqual(['N', 'C']);
    expect(heldIn(rooms)).toBe(0);
  });

  it('completes when the run is stopping and the source was complete', () => {
    const play = new Timeline();
    const seen = record(of(1, 2, 3).pipe(limited('1/m', { runtime: play.runtime })));
    expect([...seen]).toEqual(['N']);
    play.runtime.stop();
    expect([...seen]).toEqual(['N', 'C']);
  });

  it('reads a pulled source to its end when the run is stopping', () => {
    const play = new Timeline();
    const seen = record(pull(() => numbers(1000)).pipe(limited('1/m', { runtime: play.runtime })));
    play.runtime.stop();
    expect([...seen]).toEqual(['N', 'C']);
  });

  it('forgets the signal of the run when it is over', () => {
    const runtime = fakeRuntime();
    let listeners = 0;
    const stopping = Object.assign(new EventTarget(), { aborted: false }) as unknown as AbortSignal;
    stopping.addEventListener = () => listeners++;
    stopping.removeEventListener = () => listeners--;
    record(of(1).pipe(rateLimit('1/s', { runtime: { ...runtime, stopping } })));
    expect(listeners).toBe(0);
  });

  it('never lets more than the limit into any window, keeps the order and drops nothing', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(200), fc.nat(2)), { maxLength: 60 }),
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 1, max: 500 }),
        fc.boolean(),
        fc.boolean(),
        (gaps, limit, per, bursting, keyed) => {
          const play = new Timeline();
          const source = new Subject<number>();
          const out: { n: number; at: number }[] = [];
          const rooms: Room[] = [];
          source
            .pipe(
              watch(rooms),
              limited(
                { limit, per: `${per}ms`, ...(bursting && { burst: limit }) },
                { runtime: play.runtime, ...(keyed && { key: (n: number) => String(gaps[n]![1]) }) },
              ),
            )
            .subscribe((n) => out.push({ n, at: play.scheduler.now() }));
          for (const [n, [gap]] of gaps.entries()) {
            play.to(play.scheduler.now() + gap);
            source.next(n);
          }
          source.complete();
          play.end();
          expect(out.map(({ n }) => n)).toEqual(upTo(gaps.length));
          expect(heldIn(rooms)).toBe(0);
          for (const lane of keyed ? [0, 1, 2] : [undefined]) {
            const times = out.filter(({ n }) => lane === undefined || gaps[n]![1] === lane).map(({ at }) => at);
            times.slice(limit).forEach((time, i) => expect(time - times[i]!).toBeGreaterThan(per));
          }
        },
      ),
    );
  });
});

describe('rateLimit of a call', () => {
  const setUp = (rate: Rate) => {
    const play = new Timeline();
    const limiter = new Limiter(rate, play.runtime);
    const log: string[] = [];
    const call = (name: string, inner: Observable<unknown> = EMPTY): Observable<unknown> =>
      defer(() => {
        log.push(`${name}@${play.now}`);
        return inner;
      });
    return { play, limiter, log, call };
  };

  it(
    'subscribes once there is a permit, and emits what the call emits',
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const limiter = new Limiter('10/s', fakeRuntime());
      const call = cold('    -a-b-|');
      expectObservable(call.pipe(rateLimit(limiter))).toBe('-a-b-|');
      expectObservable(call.pipe(rateLimit(limiter))).toBe('101ms -a-b-|');
      expectSubscriptions(call.subscriptions).toBe(['^----!', '101ms ^----!']);
    }),
  );

  it(
    'passes a call that is empty, silent or fails',
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const limiter = new Limiter({ limit: 9, burst: 9 }, fakeRuntime());
      const silent = cold('-');
      expectObservable(cold('--|').pipe(rateLimit(limiter))).toBe('--|');
      expectObservable(cold('-a-#').pipe(rateLimit(limiter))).toBe('-a-#');
      expectObservable(silent.pipe(rateLimit(limiter)), '---!').toBe('-');
      expectSubscriptions(silent.subscriptions).toBe('^--!');
    }),
  );

  it(
    'gives up the wait when it is left',
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const limiter = new Limiter('10/s', fakeRuntime());
      const [first, second, third] = [cold('a|'), cold('b|'), cold('c|')];
      expectObservable(first.pipe(rateLimit(limiter))).toBe('a|');
      expectObservable(second.pipe(rateLimit(limiter)), '-----!').toBe('-');
      expectObservable(third.pipe(rateLimit(limiter))).toBe('101ms c|');
      expectSubscriptions(second.subscriptions).toBe([]);
    }),
  );

  it('counts each subscription anew', () => {
    const { play, limiter, log, call } = setUp('2/s');
    const limited = call('a').pipe(rateLimit(limiter));
    for (let n = 0; n < 3; n++) limited.subscribe();
    play.end();
    expect(log).toEqual(['a@0', 'a@505', 'a@1010']);
  });

  it('pauses the limiter for all when an error says for how long, and passes it on', () => {
    const { play, limiter, log, call } = setUp('2/s');
    const error = new BatchxError('http', 'slow down', { class: 'throttled', retryAfterMs: 5000 });
    const seen = record(
      call(
        'a',
        throwError(() => error),
      ).pipe(rateLimit(limiter)),
    );
    expect(seen.error).toBe(error);
    for (const name of 'bc') call(name).pipe(rateLimit(limiter)).subscribe();
    play.end();
    expect(log).toEqual(['a@0', 'b@5000', 'c@5505']);
  });

  it('does not make all wait for a time that no call is to wait out', () => {
    const { play, limiter, log, call } = setUp('2/s');
    const error = new BatchxError('http', 'come back tomorrow', { class: 'throttled', retryAfterMs: 86_400_000 });
    record(
      call(
        'a',
        throwError(() => error),
      ).pipe(rateLimit(limiter)),
    );
    call('b').pipe(rateLimit(limiter)).subscribe();
    play.end();
    expect(log).toEqual(['a@0', 'b@505']);
  });

  it('pauses only the key that it is about', () => {
    const { play, limiter, log, call } = setUp('2/s');
    const error = new BatchxError('http', 'slow down', { retryAfterMs: 5000 });
    record(
      call(
        'a',
        throwError(() => error),
      ).pipe(rateLimit(limiter, { key: 'a' })),
    );
    for (const name of 'ab')
      call(name)
        .pipe(rateLimit(limiter, { key: name }))
        .subscribe();
    call('-').pipe(rateLimit(limiter)).subscribe();
    play.end();
    expect(log).toEqual(['a@0', 'b@0', '-@0', 'a@5000']);
  });

  it('does not pause at any other error', () => {
    const { limiter, log, call } = setUp({ limit: 2, burst: 2 });
    record(
      call(
        'a',
        throwError(() => new BatchxError('http', 'broken')),
      ).pipe(rateLimit(limiter)),
    );
    record(
      call(
        'b',
        throwError(() => ({ retryAfterMs: 5000 })),
      ).pipe(rateLimit(limiter)),
    );
    expect(log).toEqual(['a@0', 'b@0']);
  });

  it('takes as many permits as it weighs, and fails when that is too much', () => {
    const { play, limiter, log, call } = setUp('10/s');
    for (const name of 'ab')
      call(name)
        .pipe(rateLimit(limiter, { weight: 5 }))
        .subscribe();
    const seen = record(call('c').pipe(rateLimit(limiter, { weight: 11 })));
    expect(seen.error).toMatchObject({ code: 'limit', class: 'permanent' });
    const lowered = record(call('d').pipe(rateLimit(limiter, { weight: 5 })));
    play.to(505);
    limiter.retune('4/s');
    play.end();
    expect(lowered.error).toMatchObject({ code: 'limit' });
    expect(log).toEqual(['a@0', 'b@505']);
  });

  it('hands its slot to others while one key of many has to wait for long', () => {
    const { play, limiter, log, call } = setUp('1/m');
    const slot = new TestSlot();
    call('a')
      .pipe(rateLimit(limiter, { key: 'a', slot }))
      .subscribe();
    call('a')
      .pipe(rateLimit(limiter, { key: 'a', slot }))
      .subscribe();
    expect(slot.log).toEqual(['park']);
    play.end();
    expect(slot.log).toEqual(['park', 'unpark']);
    expect(log).toEqual(['a@0', 'a@60600']);
  });

  it('leaves its place in a stage to other keys while it waits', () => {
    const { play, limiter, log, call } = setUp('30/m');
    const ask = (host: string, slot: Slot): Observable<unknown> =>
      call(host, timer(100, play.scheduler)).pipe(rateLimit(limiter, { key: host, slot }));
    from('aaabbc').pipe(mapConcurrent(ask, 2)).subscribe();
    play.end();
    expect(log).toEqual(['a@0', 'b@0', 'c@100', 'a@2020', 'b@2020', 'a@4040']);
  });

  it('leaves no waiting call behind when the stage is left', () => {
    const { play, limiter, call } = setUp('30/m');
    const ask = (host: string, slot: Slot): Observable<unknown> =>
      call(host, NEVER).pipe(rateLimit(limiter, { key: host, slot }));
    const subscription = from('aaabbc').pipe(mapConcurrent(ask, 4)).subscribe();
    play.to(3000);
    expect(limiter.waiting).toBeGreaterThan(0);
    subscription.unsubscribe();
    expect(limiter.waiting).toBe(0);
    expect(play.timers).toBe(0);
  });

  it('lets a pulled source in the call find the rooms below it', () => {
    const { play, limiter } = setUp('2/s');
    const below: Room[] = [];
    const found: Room[][] = [[], []];
    for (const rooms of found) {
      of(0)
        .pipe(
          mapConcurrent(() => of(1).pipe(watch(rooms), rateLimit(limiter)), { ordered: true }),
          watch(below),
        )
        .subscribe();
    }
    play.end();
    expect(found[1]).toHaveLength(found[0]!.length);
  });

  it.each<[Limiter | Rate, object, string]>([
    ['2/s', { of: 'calls' }, 'rateLimit: a limit of calls is what they share: make one `new Limiter(...)` of the rate'],
    ['2 a second', {}, 'rateLimit: expected a rate such as "2/s", "500/m", "200k/m" or "10/5s", got "2 a second"'],
    [{ limit: 1, burst: 2 }, {}, 'rateLimit: `burst`: expected no more than the limit'],
    ['2/s', { slot: new TestSlot() }, 'rateLimit: expected `slot` only for calls'],
    ['2/s', { weight: 0 }, 'rateLimit: `weight`: expected a number above 0 or a function, got 0 (number)'],
    ['2/s', { of: 'items' }, 'rateLimit: `of`'],
    ['2/s', { keys: 'a' }, 'rateLimit: Unrecognized key: "keys"'],
    [new Limiter('2/s'), { key: () => 'a' }, 'rateLimit: expected `key` and `weight` of a call to be plain values'],
    [new Limiter('2/s'), { weight: () => 1 }, 'rateLimit: expected `key` and `weight` of a call to be plain values'],
    [new Limiter('2/s'), { key: 5 }, 'rateLimit: `key`: expected text or a function, got 5 (number)'],
  ])('refuses what cannot be: %j, %j', (limit, options, message) => {
    expect(() => rateLimit(limit, options)).toThrow(
      expect.objectContaining({ code: 'usage', message: expect.stringContaining(message) as string }),
    );
  });
});

describe('rate-limit', () => {
  it(
    'spaces items',
    marbles(({ cold, expectObservable }) => {
      const options = rateLimitFlow.options.parse({ limit: 10 });
      const items = cold('   (abc|)').pipe(map((data) => Item.of<unknown>(data)));
      const expected = '     a 100ms b 100ms (c|)';
      const spaced = items.pipe(rateLimitFlow.create(options, fakeRuntime()));
      expectObservable(spaced.pipe(map(({ data }) => data))).toBe(expected);
    }),
  );
});
