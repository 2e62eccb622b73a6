import { batch, batchFlow, type BatchOptions, pull, toItems } from 'batchx';
import { fakeRuntime, marbles } from 'batchx/testing';
import fc from 'fast-check';
import {
  from,
  map,
  type Observable,
  of,
  type OperatorFunction,
  range,
  Subject,
  take,
  VirtualTimeScheduler,
} from 'rxjs';
import { describe, expect, it } from 'vitest';
import { Item } from '../../src/core/item.js';
import type { Outcome } from '../../src/core/outcome.js';
import type { Room } from '../../src/core/rooms.js';
import { failed, heldIn, inVirtualTime, record, settleInto, show, upTo, watch } from './helpers.js';

/** Text in, text out: each batch as the letters of its items. */
const batched =
  (options: BatchOptions<string>): OperatorFunction<string, unknown> =>
  (source) => {
    const runtime = fakeRuntime();
    return source.pipe(
      toItems(runtime),
      batch(options, runtime),
      map(({ data }) => data.join('')),
    );
  };

const values = { A: 'ab', B: 'cd', C: 'abc', D: 'd', E: 'e', X: 'a', Y: 'b', Z: 'c' };
const dataOf = (items: readonly Item[]): unknown[] => items.map(show);
const numbers = (count: number): Observable<Item<number>> => range(0, count).pipe(map((seq) => Item.of(seq, { seq })));

describe('batch', () => {
  it(
    'does what its picture shows',
    marbles(({ cold, expectObservable }) => {
      const source = cold('  -a-b-c-------d-|');
      const expected = '     ---x------y----(z|)';
      expectObservable(source.pipe(batched({ size: 2, within: '5ms' }))).toBe(expected, { x: 'ab', y: 'c', z: 'd' });
    }),
  );

  it(
    'emits a batch with its last item',
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('  -a-b-c---d-|');
      const subs = '         ^----------!';
      const expected = '     ---A-----B-|';
      expectObservable(source.pipe(batched({ size: 2 }))).toBe(expected, values);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }),
  );

  it(
    'emits what is open when the source completes',
    marbles(({ cold, expectObservable }) => {
      const source = cold('  -a-b-c---|');
      const expected = '     ---------(C|)';
      expectObservable(source.pipe(batched({ size: 5 }))).toBe(expected, values);
    }),
  );

  it(
    'passes an empty source, and a silent one',
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const silent = cold('-');
      expectObservable(cold('---|').pipe(batched({ size: 2, within: '1ms' }))).toBe('---|');
      expectObservable(silent.pipe(batched({ size: 2, within: '1ms' }))).toBe('-');
      expectSubscriptions(silent.subscriptions).toBe('^');
    }),
  );

  it(
    'passes an error at once, and drops what is open',
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('  -a-b-c-#');
      const expected = '     ---A---#';
      expectObservable(source.pipe(batched({ size: 2, within: '3ms' }))).toBe(expected, values);
      expectSubscriptions(source.subscriptions).toBe('^------!');
    }),
  );

  it(
    'is over when it is unsubscribed from, with its timer',
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('  -a-b-c-------|');
      const unsub = '        ------!';
      const expected = '     ---A---';
      expectObservable(source.pipe(batched({ size: 2, within: '3ms' })), unsub).toBe(expected, values);
      expectSubscriptions(source.subscriptions).toBe('^-----!');
    }),
  );

  it(
    'is left through an operator below while it emits what is open',
    marbles(({ cold, expectObservable }) => {
      const source = cold('  -a-b-|');
      const expected = '     -----(X|)';
      expectObservable(source.pipe(batched({ size: 9, by: (text) => text }), take(1))).toBe(expected, values);
    }),
  );

  it(
    'emits a batch `within` its first item, full or not',
    marbles(({ cold, expectObservable }) => {
      const source = cold('  -a-b-------c-|');
      const expected = '     ------A------(Z|)';
      expectObservable(source.pipe(batched({ within: '5ms' }))).toBe(expected, values);
    }),
  );

  it(
    'counts the time anew for each batch',
    marbles(({ cold, expectObservable }) => {
      const source = cold('  -ab-cd---e------|');
      const expected = '     --A--B--------E-|';
      expectObservable(source.pipe(batched({ size: 2, within: '5ms' }))).toBe(expected, values);
    }),
  );

  it(
    'keeps the time of each key',
    marbles(({ cold, expectObservable }) => {
      const source = cold('  -a--b----------|');
      const expected = '     ------X--Y-----|';
      expectObservable(source.pipe(batched({ within: '5ms', by: 'data' }))).toBe(expected, values);
    }),
  );

  it(
    'waits longer than a timer of Node can',
    marbles(({ cold, expectObservable }) => {
      const source = cold('  d 50000m |');
      const expected = '     36000m D 14000m |';
      expectObservable(source.pipe(batched({ within: '25d' }))).toBe(expected, values);
    }),
  );

  it.each(['complete', 'error', 'unsubscribe'])('leaves no timer behind after %s', (end) => {
    const scheduler = new VirtualTimeScheduler();
    const source = new Subject<Item>();
    const subscription = source
      .pipe(batch({ within: '1h' }, fakeRuntime({ scheduler })))
      .subscribe({ error: () => undefined });
    source.next(Item.of(1));
    expect(scheduler.actions).toHaveLength(1);
    if (end === 'complete') source.complete();
    else if (end === 'error') source.error(new Error('broken'));
    else subscription.unsubscribe();
    expect(scheduler.actions).toHaveLength(0);
  });

  it.each([
    [{}, 'batch: expected at least one of `size`, `bytes` and `within`, got none'],
    [{ by: 'data' }, 'batch: expected at least one of `size`, `bytes` and `within`, got none'],
    [{ size: 0 }, 'size'],
    [{ size: 1.5 }, 'size'],
    [{ bytes: '1 apple' }, 'expected a size such as "64KB" or "1.5MB", got "1 apple"'],
    [{ within: '5' }, 'expected a time such as "500ms", "2s" or "1.5m", got "5"'],
    [{ size: 1, by: 'data.' }, 'the expression does not parse'],
    [{ size: 1, sise: 2 }, 'sise'],
  ])('refuses %j when it is built', (options, message) => {
    expect(() => batch(options)).toThrow(message);
  });

  it('has at most 10,000 items in a batch when only the time bounds it', () => {
    const seen = record(numbers(25_000).pipe(batch({ within: '1h' }, fakeRuntime())));
    expect(seen.values.map(({ data }) => data.length)).toEqual([10_000, 10_000, 5000]);
  });

  it('lets items pass by at once that failed or were skipped', () => {
    const given = [Item.of(1), failed(2), Item.of(3).skip('duplicate'), Item.of(4)];
    const seen = record(from(given).pipe(batch({ size: 2 })));
    expect(dataOf(seen.values)).toEqual(['!bad', '~duplicate', [1, 4]]);
  });

  it('stands for its items: id, place, number and weight', () => {
    const place = { source: 'in', locate: (at: number) => ({ line: at }) };
    const rows = upTo(3).map((n) => new Item(n, n, String(n), place, n + 1));
    const [pair, single] = record(from(rows).pipe(batch({ size: 2 }))).values;
    expect(pair).toMatchObject({ id: 'in:1..in:2', where: 'in:1', seq: 0, weight: 2, raw: undefined, live: true });
    expect(single).toMatchObject({ id: 'in:3', where: 'in:3', seq: 2, weight: 1 });
  });

  it('weighs what its items weigh', () => {
    const seen = record(
      of(3, 4).pipe(
        map((weight) => Item.of(0, { weight })),
        batch({ size: 2 }),
      ),
    );
    expect(seen.values[0]!.weight).toBe(7);
  });

  it('keeps the id when something else of the item is replaced', () => {
    const [item] = record(numbers(2).pipe(batch({ size: 2 }))).values;
    expect(item!.withExtra({ weight: 1 }).id).toBe('#1..#2');
  });

  it('settles each of its items as the batch is settled', () => {
    const outcomes: Outcome[] = [];
    record(
      numbers(5).pipe(
        batch({ size: 2 }),
        map((item) => (item.data.includes(2) ? item.skip('filtered') : item)),
        settleInto(outcomes),
      ),
    );
    expect(outcomes.map(({ id, status }) => `${id} ${status}`)).toEqual([
      '#1 ok',
      '#2 ok',
      '#3 skipped',
      '#4 skipped',
      '#5 ok',
    ]);
  });

  it('starts anew for each subscription', () => {
    const twice = numbers(3).pipe(batch({ size: 2 }));
    expect(dataOf(record(twice).values)).toEqual([[0, 1], [2]]);
    expect(dataOf(record(twice).values)).toEqual([[0, 1], [2]]);
  });

  it('keeps the order when a batch brings more items while it is emitted', () => {
    const source = new Subject<Item<number>>();
    const out: unknown[] = [];
    source.pipe(batch({ size: 2 })).subscribe(({ data }) => {
      out.push(data);
      if (data[1]! < 6) for (const n of [2, 3]) source.next(Item.of(data[0]! + n));
    });
    source.next(Item.of(0));
    source.next(Item.of(1));
    expect(out).toEqual([
      [0, 1],
      [2, 3],
      [4, 5],
      [6, 7],
    ]);
  });

  it('does not keep sources from reading, however large a batch is', () => {
    const blocks = function* () {
      for (const n of upTo(5000)) yield [Item.of(n)];
    };
    const seen = record(pull(blocks).pipe(batch({ size: 5000 })));
    expect(seen.values[0]!.data).toHaveLength(5000);
  });

  it('lets pullers find the rooms below it', () => {
    const rooms: Room[] = [];
    const below: Room[] = [];
    record(numbers(3).pipe(watch(rooms), batch({ size: 2 }), watch(below)));
    expect(rooms).toEqual(below);
  });
});

describe('batch by bytes', () => {
  const row = (raw: string): Item => new Item(0, raw, raw, undefined, 0);
  const sizes = (bytes: string, rows: readonly Item[]): number[] =>
    record(from(rows).pipe(batch({ bytes }))).values.map(({ data }) => data.length);

  it('never brings a batch over the limit', () => {
    expect(sizes('10B', ['1234', '1234', '1234', '1234567', '12'].map(row))).toEqual([2, 1, 2]);
  });

  it('emits a batch at once that has just the limit', () => {
    const source = new Subject<Item>();
    const seen = record(source.pipe(batch({ bytes: '4B' })));
    source.next(row('12'));
    source.next(row('34'));
    expect(dataOf(seen.values)).toEqual([['12', '34']]);
  });

  it('gives a larger row a batch of its own, after what came before it', () => {
    expect(sizes('4B', ['12', '123456', '12'].map(row))).toEqual([1, 1, 1]);
    const seen = record(from(['a', 'bbbbbb', 'c'].map(row)).pipe(batch({ bytes: '4B' })));
    expect(dataOf(seen.values)).toEqual([['a'], ['bbbbbb'], ['c']]);
  });

  it('counts bytes of UTF-8, not characters', () => {
    expect(sizes('6B', ['äö', 'a', 'bc'].map(row))).toEqual([2, 1]);
  });

  it('counts the JSON of data that is not a row', () => {
    const items = [Item.of({ n: 1 }), Item.of('ab'), Item.of(undefined), Item.of(1)];
    expect(sizes('11B', items)).toEqual([2, 2]);
  });

  it('fails an item whose size cannot be had', () => {
    const seen = record(from([1n, 1].map((data) => Item.of<unknown>(data))).pipe(batch({ bytes: '9B' })));
    expect(seen.values[0]!.error).toMatchObject({ code: 'encode' });
    expect(dataOf(seen.values.slice(1))).toEqual([[1]]);
  });
});

describe('batch by key', () => {
  it('has one open batch for each key, and says which it is', () => {
    const seen = record(numbers(7).pipe(batch({ size: 2, by: (n) => n % 2 })));
    expect(seen.values.map(({ data, metadata }) => [metadata['key'], data])).toEqual([
      [0, [0, 2]],
      [1, [1, 3]],
      [0, [4, 6]],
      [1, [5]],
    ]);
  });

  it('emits the open ones in the order in which they were opened', () => {
    const source = from(['b', 'a', 'b', 'c', 'a', 'b']).pipe(map((data) => Item.of(data)));
    const seen = record(source.pipe(batch({ size: 3, by: 'data' })));
    expect(dataOf(seen.values).map(String)).toEqual(['b,b,b', 'a,a', 'c']);
  });

  it('compares keys as JSON', () => {
    const keys = [{ a: 1 }, '{"a":1}', { a: 1 }, 1, '1', undefined, 1];
    const source = from(keys).pipe(map((data) => Item.of(data)));
    expect(record(source.pipe(batch({ size: 9, by: (key) => key }))).values.map(({ data }) => data)).toEqual([
      [{ a: 1 }, { a: 1 }],
      ['{"a":1}'],
      [1, 1],
      ['1'],
      [undefined],
    ]);
  });

  it('fails an item whose key cannot be had', () => {
    const by = (n: number): unknown => {
      if (n === 1) throw new Error('no key');
      return n === 2 ? Promise.reject(new Error('never seen')) : 'key';
    };
    expect(dataOf(record(numbers(4).pipe(batch({ size: 9, by }))).values)).toEqual([
      '!no key',
      '!expected `by` to give a key at once, got a promise',
      [0, 3],
    ]);
  });

  it('has at most 1,000 open: one more, and the one opened first goes on', () => {
    const source = new Subject<Item<number>>();
    const seen = record(source.pipe(batch({ size: 2, by: (n) => n })));
    for (const n of upTo(1000)) source.next(Item.of(n));
    expect(seen.values).toEqual([]);
    source.next(Item.of(1000));
    expect(dataOf(seen.values)).toEqual([[0]]);
    source.next(Item.of(1));
    source.next(Item.of(1001));
    source.next(Item.of(1002));
    expect(dataOf(seen.values)).toEqual([[0], [1, 1], [2]]);
  });
});

describe('batch, whatever comes', () => {
  const input = fc.record({
    rows: fc.array(
      fc.record({ gap: fc.nat(8), key: fc.nat(2), bytes: fc.integer({ min: 1, max: 12 }), live: fc.nat(9) }),
      { maxLength: 60 },
    ),
    size: fc.option(fc.integer({ min: 1, max: 5 }), { nil: undefined }),
    bytes: fc.option(fc.integer({ min: 1, max: 20 }), { nil: undefined }),
    within: fc.integer({ min: 0, max: 15 }),
    keyed: fc.boolean(),
  });

  it('keeps each item once and in order, and every bound, and settles each item once', () => {
    fc.assert(
      fc.property(input, ({ rows, size, bytes, within, keyed }) => {
        const given = rows.map(({ key, bytes: length, live }, seq) => {
          const item = new Item(seq, { seq, key }, 'x'.repeat(length), undefined, 0);
          return live === 0 ? item.skip('filtered') : item;
        });
        const came: number[] = [];
        const out: { at: number; item: Item<{ seq: number; key: number }[]> }[] = [];
        const outcomes: Outcome[] = [];
        const rooms: Room[] = [];
        inVirtualTime((scheduler) => {
          const source = new Subject<Item<{ seq: number; key: number }>>();
          const options: BatchOptions<{ seq: number; key: number }> = {
            ...(size !== undefined && { size }),
            ...(bytes !== undefined && { bytes: `${bytes}B` }),
            within: `${within}ms`,
            ...(keyed && { by: ({ key }) => key }),
          };
          source.pipe(watch(rooms), batch(options, fakeRuntime({ scheduler }))).subscribe((item) => {
            out.push({ at: scheduler.now(), item });
            settleInto(outcomes)(of(item)).subscribe();
          });
          let at = 0;
          for (const [n, item] of given.entries()) {
            at += rows[n]!.gap;
            scheduler.schedule(() => {
              came[n] = scheduler.now();
              source.next(item);
            }, at);
          }
          scheduler.schedule(() => source.complete(), at + 1);
        });
        const batches = out.filter(({ item }) => item.live);
        for (const { at, item } of batches) {
          const members = item.data;
          const lengths = members.map(({ seq }) => rows[seq]!.bytes);
          expect(item.weight).toBe(members.length);
          expect(members.length).toBeLessThanOrEqual(size ?? Infinity);
          if (members.length > 1) expect(lengths.reduce((a, b) => a + b)).toBeLessThanOrEqual(bytes ?? Infinity);
          expect(at - came[members[0]!.seq]!).toBeLessThanOrEqual(within);
          if (keyed) expect(new Set(members.map(({ key }) => key)).size).toBe(1);
        }
        for (const key of keyed ? [0, 1, 2] : [undefined]) {
          const order = batches
            .flatMap(({ item }) => item.data)
            .filter((member) => (keyed ? member.key === key : true));
          expect(order.map(({ seq }) => seq)).toEqual(
            given.filter(({ live, data }) => live && (keyed ? data.key === key : true)).map(({ seq }) => seq),
          );
        }
        expect(outcomes.map(({ item }) => item.seq).sort((a, b) => a - b)).toEqual(upTo(rows.length));
        expect(heldIn(rooms)).toBe(0);
      }),
    );
  });
});

describe('the step `batch`', () => {
  it('is the operator', () => {
    const options = batchFlow.options.parse({ size: 2, by: 'data % 2' });
    const seen = record(numbers(5).pipe(batchFlow.create(options, fakeRuntime())));
    expect(dataOf(seen.values)).toEqual([[0, 2], [1, 3], [4]]);
  });
});
