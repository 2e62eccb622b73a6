import {
  concat,
  EMPTY,
  from,
  lastValueFrom,
  NEVER,
  Observable,
  of,
  type OperatorFunction,
  throwError,
  toArray,
} from 'rxjs';
import { describe, expect, expectTypeOf, it } from 'vitest';
import { BatchxError } from '../../src/core/errors.js';
import { Item } from '../../src/core/item.js';
import { Backoff } from '../../src/core/policy/backoff.js';
import { Breaker } from '../../src/core/policy/breaker.js';
import { Deadline } from '../../src/core/policy/deadline.js';
import { Limiter } from '../../src/core/policy/limiter.js';
import { step, type StepOptions } from '../../src/operators/steps/step.js';
import { fakeRuntime } from '../../src/testing/fake-runtime.js';
import { Clock } from '../core/policy/play.js';
import { Scene } from '../core/policy/scene.js';
import { failed, record, show } from './helpers.js';

const items = <T>(...data: T[]) => from(data.map((each, seq) => Item.of(each, { seq })));

describe('step', () => {
  it('replaces the data by what the call gives: values, promises, the last value of an Observable', async () => {
    const results = [1, Promise.resolve(2), of(3, 4), null, [5]];
    const done = items(0, 1, 2, 3, 4).pipe(
      step((n) => results[n], { ordered: true }),
      toArray(),
    );
    expect((await lastValueFrom(done)).map(({ data }) => data)).toEqual([1, 2, 4, null, [5]]);
  });

  it('gives the call the data, the item and its slot', () => {
    const seen: unknown[] = [];
    const item = Item.of('a', { id: 'first' });
    of(item)
      .pipe(
        step((data, given, slot) => {
          seen.push(data, given === item, slot.signal.aborted);
        }),
      )
      .subscribe();
    expect(seen).toEqual(['a', true, false]);
  });

  it('drops the item as filtered for undefined, at once or later, and for an empty Observable', async () => {
    const results = [undefined, Promise.resolve(undefined), EMPTY];
    const done = await lastValueFrom(
      items(0, 1, 2).pipe(
        step((n) => results[n]),
        toArray(),
      ),
    );
    expect(done.map(show)).toEqual(['~filtered', '~filtered', '~filtered']);
  });

  it('fails the item with what the call throws, and lets failed and skipped ones pass by', async () => {
    const call = (data: string): unknown => {
      if (data === 'now') throw new Error('at once');
      if (data === 'later') return Promise.reject(new Error('later'));
      return throwError(() => new Error('in an Observable'));
    };
    const source = concat(items('now', 'later', 'stream'), of(failed('x'), Item.of('y').skip('duplicate')));
    const done = await lastValueFrom(source.pipe(step(call, { ordered: true }), toArray()));
    expect(done.map(show)).toEqual(['!at once', '!later', '!in an Observable', '!bad', '~duplicate']);
  });

  it('stays synchronous as long as the call is, with all policies', () => {
    const options = { timeout: '1s', deadline: '1m', rate: { limit: 9, burst: 9 }, breaker: true, retry: 3 } as const;
    expect(record(items(1, 2, 3).pipe(step((n) => n * 2, options))).values.map(show)).toEqual([2, 4, 6]);
  });

  it('runs at most `concurrency` calls at once, and gives results as they come or in the order of the source', async () => {
    const ends = async (ordered: boolean): Promise<string[]> => {
      const scene = new Scene('5 2 1', ({ name }, s) => s.ok(Number(name)), { concurrency: 2, ordered });
      await scene.play();
      expect(scene.most).toBe(2);
      return scene.log.filter((line) => line.includes('='));
    };
    expect(await ends(false)).toEqual(['2 2=ok', '3 1=ok', '5 5=ok']);
    expect(await ends(true)).toEqual(['5 5=ok', '5 2=ok', '5 1=ok']);
  });

  it('leaves an Observable when its attempt is not wanted any more', async () => {
    const clock = new Clock();
    const left: number[] = [];
    const call = (): Observable<never> =>
      new Observable(() => () => {
        left.push(clock.now);
      });
    const done = items(1).pipe(step(call, { timeout: '1s', retry: { retries: 1, initial: '0ms' } }, clock.runtime()));
    const results = lastValueFrom(done.pipe(toArray()));
    await clock.play();
    expect((await results).map(show)).toEqual(['!took longer than 1s']);
    expect(left).toEqual([1000, 2000]);
    const subscription = items(1)
      .pipe(step(() => NEVER, {}, clock.runtime()))
      .subscribe();
    subscription.unsubscribe();
    expect(clock.scheduler.actions).toEqual([]);
  });

  it('shares objects with other steps', async () => {
    const clock = new Clock();
    const runtime = clock.runtime();
    const shared = {
      timeout: new Deadline('1s', runtime),
      rate: new Limiter('2/s', runtime),
      breaker: new Breaker(true, runtime),
      retry: new Backoff({ retries: 1, initial: '0ms' }, runtime),
    };
    const calls: number[] = [];
    const call = (n: number): Promise<number> => {
      calls.push(clock.now);
      return Promise.resolve(n);
    };
    const both = items(1, 2).pipe(step(call, shared, runtime), step(call, shared, runtime), toArray());
    const done = lastValueFrom(both);
    await clock.play();
    await done;
    expect(calls).toEqual([0, 505, 1010, 1515]);
    expect(shared.breaker.counts.calls).toBe(4);
  });

  it('stops with the runtime, or with the signal that it is given', async () => {
    const stop = new AbortController();
    const runtime = fakeRuntime();
    for (const [options, end] of [
      [{}, () => runtime.stop()],
      [{ stop: stop.signal }, () => stop.abort()],
    ] as const) {
      const finish: (() => void)[] = [];
      const seen = record(
        items(1, 2, 3).pipe(
          step(() => new Promise<void>((resolve) => finish.push(resolve)), { ...options, concurrency: 1 }, runtime),
        ),
      );
      end();
      finish[0]?.();
      await new Promise(setImmediate);
      expect([finish.length, [...seen]]).toEqual([1, ['N', 'C']]);
    }
  });

  it('knows the type of what comes out', () => {
    const numbers = items('a').pipe(step(async (text) => text.length));
    expectTypeOf(numbers).toEqualTypeOf<Observable<Item<number>>>();
    const some = items('a').pipe(step((text) => (text === '' ? undefined : of(text))));
    expectTypeOf(some).toEqualTypeOf<Observable<Item<string>>>();
  });

  it('knows the type of the data in `key` and `weight`, which say nothing of it', () => {
    const call = async ({ url }: { url: string; size: number }): Promise<number> => url.length;
    const operator = step(call, {
      concurrency: 1,
      rate: '1000/s',
      key: ({ data }) => (expectTypeOf(data).toEqualTypeOf<{ url: string; size: number }>(), new URL(data.url).host),
      weight: ({ data: { size } }) => (expectTypeOf(size).toEqualTypeOf<number>(), size),
    });
    expectTypeOf(operator).toEqualTypeOf<OperatorFunction<Item<{ url: string; size: number }>, Item<number>>>();
    const hostOf = (item: Item): string => item.id;
    step(call, { key: hostOf });
    // @ts-expect-error: there is no such field
    step(call, { key: ({ data }) => data.host as string });
    const options: StepOptions = { key: hostOf, concurrency: 2 };
    step(call, options);
  });

  it('tries again without end when it is told so, as a Backoff does', async () => {
    const still = fakeRuntime({ random: () => 0 });
    for (const retry of [Infinity, { retries: Infinity }, new Backoff(Infinity, still)]) {
      const scene = new Scene('a', ({ attempt }, s) => (attempt < 50 ? s.fail(1, new Error('no')) : s.ok(1)), {
        retry,
      });
      expect((await scene.play()).at(-2)).toBe('50 a=ok');
    }
  });
});

describe('step, with wrong options, says what was expected', () => {
  const retry = 'how often to try again, such as 3, or { retries, initial, factor, max, ... }, or a Backoff';
  const rate = 'a rate such as "2/s", { limit, per, burst }, { requests, tokens }, or a Limiter';
  const breaker = 'true, false, { window, failureRate, open, ... }, or a Breaker';
  const timeout = 'a time such as "10s", a percentage above 100 such as "300%", or a Deadline';
  it.each<[unknown, string]>([
    [{ retry: 'x' }, `\`retry\`: expected ${retry}, got "x"`],
    [{ retry: -1 }, `\`retry\`: expected ${retry}, got -1 (number)`],
    [{ retry: 1.5 }, `\`retry\`: expected ${retry}, got 1.5 (number)`],
    [{ retry: true }, `\`retry\`: expected ${retry}, got true (boolean)`],
    [{ retry: null }, `\`retry\`: expected ${retry}, got null`],
    [{ retry: { tries: 3 } }, '`retry`: Unrecognized key: "tries"'],
    [
      { retry: { retries: -1 } },
      '`retry.retries`: expected a whole number of at least 0, or Infinity, got -1 (number)',
    ],
    [{ retry: { initial: 5 } }, '`retry.initial`: expected a time such as "500ms", "2s" or "1.5m", got 5 (number)'],
    [
      { retry: { max: '5', jitter: 'some' } },
      '`retry.max`: expected a time such as "500ms", "2s" or "1.5m", got "5"; `retry.jitter`: Invalid option: expected one of "full"|"none"',
    ],
    [{ rate: 5 }, `\`rate\`: expected ${rate}, got 5 (number)`],
    [{ rate: '5' }, '`rate`: expected a rate such as "2/s", "500/m", "200k/m" or "10/5s", got "5"'],
    [{ rate: { limit: 1, per: '1x' } }, '`rate.per`: expected a time such as "500ms", "2s" or "1.5m", got "1x"'],
    [{ breaker: 'yes' }, `\`breaker\`: expected ${breaker}, got "yes"`],
    [{ breaker: 1 }, `\`breaker\`: expected ${breaker}, got 1 (number)`],
    [{ breaker: { windows: 1 } }, '`breaker`: Unrecognized key: "windows"'],
    [{ timeout: 10 }, `\`timeout\`: expected ${timeout}, got 10 (number)`],
    [{ timeout: {} }, `\`timeout\`: expected ${timeout}, got a mapping without keys`],
    [
      { timeout: '50%' },
      '`timeout`: expected a time such as "10s", or a percentage above 100 such as "300%", got "50%"',
    ],
    [{ deadline: 10 }, '`deadline`: expected a time such as "500ms", "2s" or "1.5m", got 10 (number)'],
    [{ deadline: '0s' }, '`deadline`: expected a time longer than 0, got "0s"'],
    [{ effect: 'twice' }, '`effect`: Invalid option: expected one of "writes"|"once"'],
    [{ key: 'host' }, '`key`: expected a function of the item, got "host"'],
    [{ weight: 2 }, '`weight`: expected a function of the item, got 2 (number)'],
    [{ tries: 3 }, 'Unrecognized key: "tries"'],
  ])('%j', (options, message) => {
    const make = (): unknown => step(() => 1, options as StepOptions);
    expect(make).toThrow(new BatchxError('usage', `step: ${message}`));
    expect(make).toThrow(expect.objectContaining({ code: 'usage' }));
  });

  it('needs a function', () => {
    expect(() => step('call' as never)).toThrow('step: expected a function, got "call"');
  });

  it('takes all that is right', () => {
    const runtime = fakeRuntime();
    const right: StepOptions[] = [
      { retry: 0 },
      { retry: { retries: Infinity } },
      { retry: new Backoff(3, runtime) },
      { rate: '2/s' },
      { rate: { limit: 2 } },
      { rate: new Limiter('2/s', runtime) },
      { breaker: false },
      { breaker: true },
      { breaker: {} },
      { breaker: new Breaker(true, runtime) },
      { timeout: '300%' },
      { timeout: new Deadline('1s', runtime) },
      { deadline: '1s', effect: 'once' },
    ];
    for (const options of right) expect(() => step(() => 1, options, runtime)).not.toThrow();
  });
});
