import { dedupe, dedupeFlow, type DedupeOptions, toItems } from 'batchx';
import { fakeRuntime, marbles } from 'batchx/testing';
import fc from 'fast-check';
import { concat, from, map, of, type OperatorFunction, range, Subject } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { Item } from '../../src/core/item.js';
import { failed, inVirtualTime, record, show } from './helpers.js';

const deduped =
  (options?: DedupeOptions<string>): OperatorFunction<string, unknown> =>
  (source) => {
    const runtime = fakeRuntime();
    return source.pipe(toItems(runtime), dedupe(options, runtime), map(show));
  };

const letters = { a: 'a', b: 'b', c: 'c', s: '~duplicate' };
const run = <T>(options: DedupeOptions<T>, ...data: T[]): unknown[] =>
  record(
    from(data).pipe(
      map((value) => Item.of(value)),
      dedupe(options),
    ),
  ).values.map(show);

describe('dedupe', () => {
  it(
    'lets each key go on once, as it comes, and skips it from then on',
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('  -a-b-a-a-c-b-|');
      const subs = '         ^------------!';
      const expected = '     -a-b-s-s-c-s-|';
      expectObservable(source.pipe(deduped())).toBe(expected, letters);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }),
  );

  it(
    'passes an empty source, a silent one and an error, and is left early',
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      expectObservable(cold('--|').pipe(deduped())).toBe('--|');
      expectObservable(cold('-').pipe(deduped())).toBe('-');
      expectObservable(cold('-a-#').pipe(deduped())).toBe('-a-#');
      const source = cold('-a-a-a|');
      expectObservable(source.pipe(deduped()), '----!').toBe('-a-s-', letters);
      expectSubscriptions(source.subscriptions).toBe('^---!');
    }),
  );

  it('forgets the key seen longest ago once there are more than `last`', () => {
    expect(run({ last: 2 }, 'a', 'b', 'c', 'a')).toEqual(['a', 'b', 'c', 'a']);
    expect(run({ last: 2 }, 'a', 'b', 'b', 'a')).toEqual(['a', 'b', '~duplicate', '~duplicate']);
    expect(run({ last: 1 }, 'a', 'a', 'b', 'a', 'a')).toEqual(['a', '~duplicate', 'b', 'a', '~duplicate']);
  });

  it('takes a key that is seen again for the latest one', () => {
    expect(run({ last: 2 }, 'a', 'b', 'a', 'c', 'a', 'b')).toEqual(['a', 'b', '~duplicate', 'c', '~duplicate', 'b']);
  });

  it('remembers 100,000 keys unless told', () => {
    const again = (key: number): unknown =>
      show(record(concat(range(0, 100_000), of(key)).pipe(toItems(), dedupe())).values.at(-1)!);
    expect(again(0)).toBe('~duplicate');
    const oneMore = record(concat(range(0, 100_001), of(0)).pipe(toItems(), dedupe())).values;
    expect(show(oneMore.at(-1)!)).toBe(0);
  });

  it(
    'forgets a key `within` a time from the item that went on, seen again or not',
    marbles(({ cold, expectObservable }) => {
      const source = cold('  a--a-ba---a-b|');
      const expected = '     a--s-ba---s-b|';
      expectObservable(source.pipe(deduped({ within: '6ms' }))).toBe(expected, letters);
    }),
  );

  it('takes the text of the row for its key, or the JSON of the data', () => {
    const row = (raw: string): Item => new Item(0, JSON.parse(raw), raw, undefined, 0);
    const items = [row('{"a":1}'), row('{"a": 1}'), row('{"a":1}'), Item.of({ a: 1 }), Item.of(1), Item.of('1')];
    const seen = record(from(items).pipe(dedupe())).values;
    expect(seen.map(({ skipped }) => skipped !== undefined)).toEqual([false, false, true, true, false, false]);
  });

  it('takes what `by` gives for the key, compared as JSON', () => {
    expect(run({ by: 'data.id' }, { id: 1, v: 1 }, { id: '1' }, { id: 1, v: 2 }, {}, {})).toEqual([
      { id: 1, v: 1 },
      { id: '1' },
      '~duplicate',
      {},
      '~duplicate',
    ]);
    expect(run({ by: ([a, b]: number[]) => ({ a, b }) }, [1, 2, 3], [1, 2, 4], [2, 1])).toEqual([
      [1, 2, 3],
      '~duplicate',
      [2, 1],
    ]);
  });

  it('tells long keys apart that begin alike, short ones from digests, and broken characters', () => {
    const long = 'x'.repeat(5000);
    const digest = '#0000000000000000000000000000000000000000000000000000000000000000';
    expect(run({ by: 'data' }, `${long}a`, `${long}b`, `${long}a`)).toEqual([`${long}a`, `${long}b`, '~duplicate']);
    expect(run({ by: 'data' }, digest, digest.slice(1), digest)).toEqual([digest, digest.slice(1), '~duplicate']);
    expect(run({ by: 'data' }, '\ud800', '\ud801', '\ud800')).toEqual(['\ud800', '\ud801', '~duplicate']);
  });

  it('fails an item whose key cannot be had, and remembers nothing of it', () => {
    const by = (n: number): unknown => {
      if (n === 1) throw new Error('no key');
      return n === 2 ? Promise.resolve('key') : 'key';
    };
    expect(run({ by }, 1, 2, 3)).toEqual(['!no key', '!expected `by` to give a key at once, got a promise', 3]);
    expect(record(from([Item.of(1n)]).pipe(dedupe())).values[0]!.error).toMatchObject({ code: 'expression' });
  });

  it('lets items pass by that failed or were skipped, and remembers nothing of them', () => {
    const given = [failed('a'), Item.of('a').skip('filtered'), Item.of('a')];
    expect(record(from(given).pipe(dedupe())).values).toEqual(given);
  });

  it('gives the very items that came', () => {
    const item = Item.of('a');
    expect(record(from([item]).pipe(dedupe())).values[0]).toBe(item);
  });

  it('starts anew for each subscription', () => {
    const twice = from(['a', 'a']).pipe(deduped());
    expect(record(twice).values).toEqual(['a', '~duplicate']);
    expect(record(twice).values).toEqual(['a', '~duplicate']);
  });

  it('takes items that one brings while it is emitted', () => {
    const source = new Subject<Item<string>>();
    const out: unknown[] = [];
    source.pipe(dedupe()).subscribe((item) => {
      out.push(show(item));
      if (item.live) source.next(Item.of(item.data));
    });
    source.next(Item.of('a'));
    expect(out).toEqual(['a', '~duplicate']);
  });

  it.each([
    [{ last: 0 }, 'last'],
    [{ last: 1.5 }, 'last'],
    [{ last: 1e9 }, 'last'],
    [{ within: '5' }, 'expected a time such as'],
    [{ by: 'data.' }, 'the expression does not parse'],
  ])('refuses %j when it is built', (options, message) => {
    expect(() => dedupe(options)).toThrow(message);
  });
});

describe('dedupe, whatever comes', () => {
  it('skips what a list of the last keys holds, and nothing else', () => {
    const input = fc.array(fc.record({ gap: fc.nat(6), key: fc.nat(6), live: fc.nat(9) }), { maxLength: 80 });
    const times = fc.option(fc.nat(20), { nil: undefined });
    fc.assert(
      fc.property(input, fc.integer({ min: 1, max: 7 }), times, (rows, last, within) => {
        const seen: Item<number>[] = [];
        const expected: string[] = [];
        /** The keys, the one seen last first, with the time at which they went on. */
        let list: { key: number; at: number }[] = [];
        inVirtualTime((scheduler) => {
          const source = new Subject<Item<number>>();
          const options = { last, ...(within !== undefined && { within: `${within}ms` }) };
          source.pipe(dedupe(options, fakeRuntime({ scheduler }))).subscribe((item) => seen.push(item));
          let at = 0;
          for (const [seq, { gap, key, live }] of rows.entries()) {
            at += gap;
            const now = at;
            scheduler.schedule(() => {
              const item = Item.of(key, { seq });
              source.next(live === 0 ? item.skip('filtered') : item);
            }, now);
            if (live === 0) {
              expected.push(`${seq} filtered`);
              continue;
            }
            const found = list.find((entry) => entry.key === key);
            const duplicate = found !== undefined && now - found.at < (within ?? Infinity);
            list = [duplicate ? found : { key, at: now }, ...list.filter((entry) => entry.key !== key)].slice(0, last);
            expected.push(`${seq} ${duplicate ? 'duplicate' : 'ok'}`);
          }
        });
        expect(seen.map(({ seq, skipped }) => `${seq} ${skipped ?? 'ok'}`)).toEqual(expected);
      }),
    );
  });
});

describe('the step `dedupe`', () => {
  it('is the operator', () => {
    const options = dedupeFlow.options.parse({ by: 'data % 2' });
    const items = [1, 2, 3].map((data) => Item.of(data));
    const seen = record(from(items).pipe(dedupeFlow.create(options, fakeRuntime())));
    expect(seen.values.map(show)).toEqual([1, 2, '~duplicate']);
  });
});
