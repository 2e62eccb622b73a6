import { from, lastValueFrom, Subject } from 'rxjs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { aggregate, count, groupBy, jsonl, mapItems, reduce, type Shape, stats, toJsonl } from 'batchx';
import { fakeRuntime, marbles } from 'batchx/testing';
import { shapeOf } from '../../src/core/aggregate-spec.js';
import { BatchxError } from '../../src/core/errors.js';
import { Item } from '../../src/core/item.js';
import { SplitOrigin } from '../../src/core/origin.js';
import { Outcome } from '../../src/core/outcome.js';
import { createRegistry } from '../../src/core/registry.js';
import { countAggregator } from '../../src/sinks/count.js';
import { groupByAggregator } from '../../src/sinks/group-by.js';
import { reduceAggregator } from '../../src/sinks/reduce.js';
import { statsAggregator } from '../../src/sinks/stats.js';

const items = <T>(...data: T[]): Item<T>[] => data.map((value, seq) => Item.of(value, { seq }));
const failed = Item.of<unknown>('bad').fail(new BatchxError('expression', 'bad'));
const skipped = Item.of<unknown>('no').skip('filtered');
const lines = (...rows: unknown[]): string[] => [rows.map((row) => JSON.stringify(row) + '\n').join('')];
/** The one value that comes out for these data. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- each test knows what it asked for
const resultOf = async (data: readonly unknown[], shape: Shape): Promise<any> =>
  lastValueFrom(from(items(...data)).pipe(aggregate(shape as never, fakeRuntime())));

describe('aggregate', () => {
  it(
    'emits once, when the source is complete',
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold<Item>('   -a-b-x-s-c--|', {
        a: Item.of(1),
        b: Item.of(2),
        c: Item.of(3),
        x: failed,
        s: skipped,
      });
      const subs = '                ^-----------!';
      const expected = '            ------------(n|)';
      expectObservable(source.pipe(aggregate(count(), fakeRuntime()))).toBe(expected, { n: 3 });
      expectSubscriptions(source.subscriptions).toBe(subs);
    }),
  );

  it(
    'emits the value of no items for an empty source',
    marbles(({ cold, expectObservable }) => {
      expectObservable(cold<Item>('--|').pipe(aggregate({ n: count() }, fakeRuntime()))).toBe('--(n|)', {
        n: { n: 0 },
      });
    }),
  );

  it(
    'emits nothing for a source that never ends',
    marbles(({ cold, expectObservable }) => {
      expectObservable(cold<Item>('-a-', { a: Item.of(1) }).pipe(aggregate(count(), fakeRuntime()))).toBe('---');
    }),
  );

  it(
    'passes an error of the source at once, without a value',
    marbles(({ cold, expectObservable }) => {
      expectObservable(cold<Item>('-a-#', { a: Item.of(1) }).pipe(aggregate(count(), fakeRuntime()))).toBe('---#');
    }),
  );

  it(
    'ends the source when it is not wanted any more',
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold<Item>('-a-a-a-|', { a: Item.of(1) });
      expectObservable(source.pipe(aggregate(count(), fakeRuntime())), '  ---!').toBe('----');
      expectSubscriptions(source.subscriptions).toBe('                    ^--!');
    }),
  );

  it('starts anew for each subscription', async () => {
    const total = from(items(1, 2)).pipe(
      aggregate({ n: count(), all: reduce((all: number[], n: number) => (all.push(n), all), []) }, fakeRuntime()),
    );
    const first = await lastValueFrom(total);
    expect(await lastValueFrom(total)).toEqual(first);
    expect(first).toEqual({ n: 2, all: [1, 2] });
  });

  it('gives an object of results for aggregators by name, nested too', async () => {
    expect(await resultOf([1, 2], { n: count(), of: { them: { count: count() } } })).toEqual({
      n: 2,
      of: { them: { count: 2 } },
    });
  });

  it('takes a name for what it is', async () => {
    const shape = JSON.parse('{"__proto__":1}') as Record<string, unknown>;
    expect(Object.keys(shape)).toEqual(['__proto__']);
    Object.defineProperty(shape, '__proto__', { value: count(), enumerable: true });
    expect(Object.entries((await resultOf([1], shape as Shape)) as object)).toEqual([['__proto__', 1]]);
  });

  it('throws when built for what is not an aggregator', () => {
    expect(() => aggregate({ n: 1 } as never)).toThrow('for `n`, got 1');
    expect(() => aggregate({ a: { b: null } } as never)).toThrow('for `a.b`, got null');
    expect(() => aggregate(undefined as never)).toThrow(expect.objectContaining({ code: 'usage' }));
  });

  describe('the account', () => {
    const input = () => ['{"n":1}\n{"n":2}\noops\n{"n":3}\n{"n":4}\n'];
    const twoFiltered = mapItems(({ n }: { n: number }) => (n > 2 ? undefined : { n }));

    it('is exact when it is the last in a chain of items', async () => {
      const runtime = fakeRuntime({ stdin: input() });
      const n = await lastValueFrom(
        jsonl<{ n: number }>('-', {}, runtime).pipe(twoFiltered, aggregate(count(), runtime)),
      );
      expect(n).toBe(2);
      expect(runtime.counts).toEqual({ read: 5, ok: 2, failed: 1, skipped: 2, inDoubt: 0, pending: 0 });
    });

    it('is exact behind a sink, which has settled the items', async () => {
      const runtime = fakeRuntime({ stdin: input() });
      const n = await lastValueFrom(
        jsonl<{ n: number }>('-', {}, runtime).pipe(twoFiltered, toJsonl('-', runtime), aggregate(count(), runtime)),
      );
      expect(n).toBe(2);
      expect(runtime.counts).toEqual({ read: 5, ok: 2, failed: 1, skipped: 2, inDoubt: 0, pending: 0 });
    });

    it('is exact for what items were split into', () => {
      const runtime = fakeRuntime();
      const parent = Item.of('all');
      const origin = new SplitOrigin(parent);
      const parts = [Item.of('a', { origin }), Item.of('b', { origin })];
      parts.forEach(() => origin.add());
      origin.close();
      runtime.events.emit('batch:item:start', parent);
      from(parts).pipe(aggregate(count(), runtime)).subscribe();
      expect(runtime.counts).toMatchObject({ read: 1, ok: 1, pending: 0 });
    });

    it('settles each item as it comes', () => {
      const runtime = fakeRuntime();
      const source = new Subject<Item>();
      source.pipe(aggregate(count(), runtime)).subscribe();
      source.next(Item.of(1));
      expect(runtime.counts.ok).toBe(1);
    });
  });

  it('settles an outcome once, whoever else sees it', () => {
    const runtime = fakeRuntime();
    const outcome = Outcome.of(Item.of(1));
    from([outcome, outcome]).pipe(aggregate(count(), runtime)).subscribe();
    from([outcome]).pipe(aggregate(count(), runtime)).subscribe();
    expect(runtime.counts.ok).toBe(1);
  });

  it('counts outcomes that are ok', async () => {
    const outcomes = [Outcome.of(Item.of(1)), new Outcome(failed, 'in-doubt'), Outcome.of(failed), Outcome.of(skipped)];
    expect(await lastValueFrom(from(outcomes).pipe(aggregate(count(), fakeRuntime())))).toBe(1);
  });

  describe('when an aggregator throws', () => {
    const rows = lines({ order: { total: 1 } }, {}, { order: { total: 3 } });
    const run = (runtime = fakeRuntime({ stdin: rows })) => {
      const warnings: unknown[] = [];
      runtime.events.on('batch:warning', (warning) => warnings.push([warning, runtime.counts.read]));
      const result = lastValueFrom(
        jsonl<{ order: { total: number } }>('-', {}, runtime).pipe(
          aggregate({ t: stats((row) => row.order.total) }, runtime),
        ),
      );
      return { runtime, warnings, result };
    };

    it('fails at the end, naming the item, after all items are settled', async () => {
      const { runtime, result } = run();
      await expect(result).rejects.toMatchObject({
        code: 'expression',
        where: 'stdin:2',
        message: expect.stringMatching(/^cannot aggregate: .*'total'.*, at stdin:2$/),
      });
      expect(runtime.counts).toMatchObject({ read: 3, ok: 3, pending: 0 });
    });

    it('warns at once, and once', async () => {
      const { warnings, result } = run();
      await result.catch(() => undefined);
      expect(warnings).toEqual([[{ message: expect.stringContaining('cannot aggregate'), where: 'stdin:2' }, 2]]);
    });

    it.each([
      ['stats', stats(async () => 1)],
      ['groupBy', groupBy(async () => 1, { n: count() })],
      ['reduce', reduce((): unknown => Promise.resolve(1), 0)],
    ])('%s does not wait for promises', async (_, aggregator) => {
      await expect(resultOf([1], aggregator)).rejects.toThrow('got a promise');
    });
  });
});

describe('stats', () => {
  const byValue = stats((value) => value);

  it('describes numbers', async () => {
    expect(await resultOf([4, 1, 3, 2], byValue)).toEqual({
      count: 4,
      ignored: 0,
      sum: 10,
      min: 1,
      max: 4,
      mean: 2.5,
      stddev: Math.sqrt(1.25),
      p50: 2,
      p90: 4,
      p95: 4,
      p99: 4,
    });
  });

  it('has no figures for no numbers', async () => {
    expect(await resultOf([], byValue)).toEqual({
      count: 0,
      ignored: 0,
      sum: 0,
      min: null,
      max: null,
      mean: null,
      stddev: null,
      p50: null,
      p90: null,
      p95: null,
      p99: null,
    });
  });

  it('counts what is not a finite number as ignored, and mixes it in nowhere', async () => {
    const odd = [undefined, null, '12', '', true, NaN, Infinity, -Infinity, {}, [], 7n];
    expect(await resultOf([1, ...odd, 3], byValue)).toEqual({
      ...((await resultOf([1, 3], byValue)) as object),
      ignored: odd.length,
    });
  });

  it('does not lose small numbers among large ones', async () => {
    expect(await resultOf([1, 1e100, 1, -1e100], byValue)).toMatchObject({ sum: 2, mean: 0.5 });
    expect(
      await resultOf(
        Array.from({ length: 10_000 }, () => 0.1),
        byValue,
      ),
    ).toMatchObject({ sum: 1000, mean: 0.1 });
  });

  it('keeps the deviation of large numbers that lie close together', async () => {
    const { stddev } = (await resultOf([1e9 + 4, 1e9 + 7, 1e9 + 13, 1e9 + 16], byValue)) as { stddev: number };
    expect(stddev).toBeCloseTo(Math.sqrt(22.5), 9);
  });

  it('has no NaN, however large the numbers are', () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.oneof(
            fc.double({ noNaN: true, noDefaultInfinity: true }),
            fc.constantFrom(Number.MAX_VALUE, -Number.MAX_VALUE, 0),
          ),
          { minLength: 1 },
        ),
        async (values) => {
          const { sum, mean, stddev, p50, min, max } = await resultOf(values, byValue);
          for (const figure of [sum, mean, stddev, p50, min, max]) expect(figure).not.toBeNaN();
        },
      ),
    ));

  it('agrees with two passes over the numbers', () =>
    fc.assert(
      fc.asyncProperty(fc.array(fc.double({ min: -1e6, max: 1e6, noNaN: true }), { minLength: 1 }), async (values) => {
        const { mean, stddev, min, max, count: n } = await resultOf(values, byValue);
        const average = values.reduce((a, b) => a + b, 0) / values.length;
        const variance = values.reduce((a, b) => a + (b - average) ** 2, 0) / values.length;
        expect(n).toBe(values.length);
        expect(mean).toBeCloseTo(average, 6);
        expect(stddev).toBeCloseTo(Math.sqrt(variance), 5);
        expect([min, max]).toEqual([values.reduce((a, b) => Math.min(a, b)), values.reduce((a, b) => Math.max(a, b))]);
      }),
    ));

  it('is given the item as well', async () => {
    expect(
      await resultOf(
        ['a', 'b'],
        stats((_, item) => item.seq),
      ),
    ).toMatchObject({ sum: 1 });
  });
});

describe('groupBy', () => {
  it('gives one entry for each key, in the order in which they appeared', async () => {
    const rows = [
      { c: 'FR', t: 1 },
      { c: 'DE', t: 2 },
      { c: 'FR', t: 3 },
      { c: 'AT', t: 4 },
    ];
    const shape = groupBy((row: { c: string; t: number }) => row.c, {
      n: count(),
      total: reduce((sum, row: { t: number }) => sum + row.t, 0),
    });
    expect(await resultOf(rows, shape as never)).toEqual([
      { key: 'FR', n: 2, total: 4 },
      { key: 'DE', n: 1, total: 2 },
      { key: 'AT', n: 1, total: 4 },
    ]);
  });

  it('tells keys apart as JSON does', async () => {
    const keys = [1, '1', true, 'true', null, 'null', undefined, { a: 1 }, { a: 1 }, [1], '__proto__'];
    expect(
      await resultOf(
        keys,
        groupBy((key) => key, { n: count() }),
      ),
    ).toEqual([
      { key: 1, n: 1 },
      { key: '1', n: 1 },
      { key: true, n: 1 },
      { key: 'true', n: 1 },
      { key: null, n: 2 },
      { key: 'null', n: 1 },
      { key: { a: 1 }, n: 2 },
      { key: [1], n: 1 },
      { key: '__proto__', n: 1 },
    ]);
  });

  it('gives each group a total of its own', async () => {
    const collectAll = reduce((all: number[], n: number) => (all.push(n), all), []);
    expect(
      await resultOf(
        [1, 2, 3],
        groupBy((n) => (n as number) % 2, { all: collectAll } as never),
      ),
    ).toEqual([
      { key: 1, all: [1, 3] },
      { key: 0, all: [2] },
    ]);
  });

  it('groups within groups', async () => {
    const shape = groupBy((n: number) => n > 2, { parts: groupBy((n: number) => n % 2, { n: count() }) });
    expect(await resultOf([1, 2, 3], shape as never)).toEqual([
      {
        key: false,
        parts: [
          { key: 1, n: 1 },
          { key: 0, n: 1 },
        ],
      },
      { key: true, parts: [{ key: 1, n: 1 }] },
    ]);
  });

  it('is no groups for no items', async () => {
    expect(
      await resultOf(
        [],
        groupBy((key) => key, { n: count() }),
      ),
    ).toEqual([]);
  });

  it('refuses more groups than it may have, and says which came', async () => {
    const shape = groupBy((key) => key, { n: count() }, { maxGroups: 2 });
    expect(await resultOf([1, 2, 1, 2], shape)).toHaveLength(2);
    await expect(resultOf([1, 2, 'x'.repeat(200), 1], shape)).rejects.toMatchObject({
      code: 'usage',
      message: expect.stringMatching(
        /expected at most 2 groups, got one more with the key "x{59}\.\.\.; raise `maxGroups`.*at #3$/,
      ),
    });
  });

  it('has 100,000 groups at most unless told otherwise', async () => {
    const keys = Array.from({ length: 100_001 }, (_, i) => i);
    await expect(
      resultOf(
        keys,
        groupBy((key) => key, { n: count() }),
      ),
    ).rejects.toThrow('at most 100000 groups');
  });

  it('throws when built for wrong options', () => {
    expect(() => groupBy((key) => key, { n: count() }, { maxGroups: 0 })).toThrow('maxGroups');
    expect(() => groupBy((key) => key, { key: count() })).toThrow('expected a name other than `key`');
    expect(() => groupBy((key) => key, { n: 1 } as never)).toThrow('for `n`, got 1');
  });
});

describe('reduce', () => {
  it('folds from the seed', async () => {
    expect(
      await resultOf(
        [3, 9, 4],
        reduce((highest: number, n) => Math.max(highest, n as number), 5),
      ),
    ).toBe(9);
    expect(
      await resultOf(
        [],
        reduce((highest: number) => highest, 5),
      ),
    ).toBe(5);
  });

  it('calls a seed that is a function', async () => {
    class Bag {
      readonly all: unknown[] = [];
    }
    const bag = reduce(
      (total: Bag, n) => (total.all.push(n), total),
      () => new Bag(),
    );
    expect(await resultOf([1, 2], bag)).toEqual(Object.assign(new Bag(), { all: [1, 2] }));
  });

  it('copies a seed as data: maps and dates stay what they are, an object of a class does not', async () => {
    class Bag {
      readonly all = new Map([[1, new Date(0)]]);
    }
    const seed = new Bag();
    const total = (await resultOf(
      [1],
      reduce((bag: Bag) => bag, seed),
    )) as Bag;
    expect(total).not.toBeInstanceOf(Bag);
    expect(total).toEqual({ all: new Map([[1, new Date(0)]]) });
  });

  it('throws when built for a seed that cannot be copied', () => {
    expect(() => aggregate(reduce((total) => total, { f: () => 1 }))).toThrow('expected a seed that can be copied');
  });
});

describe('aggregates in config', () => {
  const registry = createRegistry([countAggregator, statsAggregator, groupByAggregator, reduceAggregator]);

  it.each(
    registry.all.flatMap(({ name, examples }) => examples.map(({ title, options }) => [name, title, options] as const)),
  )('%s: its example "%s" works', async (name, _, options) => {
    const rows = [
      { country: 'DE', total: 2, price: 7, tags: ['a'] },
      { country: 'DE', total: 3, price: 5, tags: ['b', 'a'] },
    ];
    const { it } = await resultOf(rows, shapeOf({ it: { [name]: options } }, registry));
    expect(it).toMatchSnapshot();
  });

  it('reduces by an expression and by a function', async () => {
    const one = { reduce: { expression: 'total + data', seed: 0 } };
    const other = { reduce: { expression: '(all, n, { seq }) => [...all, n * seq]', seed: [] } };
    expect(await resultOf([3, 4], shapeOf({ one, other }, registry))).toEqual({ one: 7, other: [0, 4] });
  });

  it('refuses what it does not know', () => {
    expect(() => shapeOf({ n: { cuont: {} } }, registry)).toThrow(
      'no aggregator is called "cuont"; did you mean "count"?',
    );
    expect(() => shapeOf({ n: {} }, registry)).toThrow('expected one aggregator for `n`, got none');
    expect(() => shapeOf({ n: { count: {}, stats: {} } }, registry)).toThrow(
      'expected one aggregator for `n`, got count, stats',
    );
    expect(() => shapeOf({ n: { stats: { expresion: 'data' } } }, registry)).toThrow('expresion');
    expect(() => shapeOf({ n: { stats: { expression: 'data.' } } }, registry)).toThrow('does not parse');
  });
});
