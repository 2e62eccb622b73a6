import { catchError, defer, from, lastValueFrom, map, type Observable, of, type OperatorFunction, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { BatchxError } from '../../src/core/errors.js';
import { Item } from '../../src/core/item.js';
import { Backoff, type BackoffOptions } from '../../src/core/policy/backoff.js';
import { Breaker, type BreakerOptions } from '../../src/core/policy/breaker.js';
import { Deadline } from '../../src/core/policy/deadline.js';
import { Limiter } from '../../src/core/policy/limiter.js';
import { pull } from '../../src/core/pull.js';
import type { Rate } from '../../src/core/rate.js';
import { mapConcurrent } from '../../src/operators/flow/map-concurrent.js';
import { circuitBreaker } from '../../src/operators/policies/circuit-breaker.js';
import { rateLimit } from '../../src/operators/policies/rate-limit.js';
import { retryBackoff } from '../../src/operators/policies/retry-backoff.js';
import { timeLimit } from '../../src/operators/policies/time-limit.js';
import { step } from '../../src/operators/steps/step.js';
import type { FakeRuntime } from '../../src/testing/fake-runtime.js';
import { Clock } from '../core/policy/play.js';

/** A call of a server. */
interface Call {
  readonly item: number;
  readonly at: number;
  ok: boolean;
}

const unavailable = (): Error => new BatchxError('http', 'answered 503', { class: 'unprocessed' });
const reset = (): Error => Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' });

interface Setting {
  readonly items: number;
  readonly concurrency: number;
  /** How the server is while it is down. */
  readonly error?: () => Error;
  /** From when to when it is down, for a host; calls that run when it goes down are lost too. */
  readonly outages: readonly (readonly [from: number, to: number, host?: string])[];
  readonly hostOf?: (item: number) => string;
  readonly retries?: number | BackoffOptions;
  readonly rate?: Rate;
  readonly breaker?: BreakerOptions;
  readonly maxWaiting?: number;
  readonly seed?: number;
}

type Call1 = (item: number) => Promise<number>;

/** The two ways to say the same: a step, and the operators of a call by hand. */
const forms: Record<
  string,
  (call: Call1, setting: Setting, runtime: FakeRuntime) => OperatorFunction<Item<number>, Item>
> = {
  'a step': (call, { concurrency, hostOf, rate, breaker = {}, retries = 3, maxWaiting }, runtime) =>
    step(
      call,
      {
        concurrency,
        timeout: '10s',
        rate,
        breaker,
        retry: retries,
        maxWaiting,
        ...(hostOf !== undefined && { key: ({ data }: Item) => hostOf(data as number) }),
      },
      runtime,
    ),
  'operators by hand': (call, { concurrency, hostOf, rate, breaker = {}, retries = 3, maxWaiting }, runtime) => {
    const all = new Breaker(breaker, runtime);
    const inTime = new Deadline('10s', runtime);
    const limiter = rate === undefined ? undefined : new Limiter(rate, runtime);
    const backoff = new Backoff(retries, runtime);
    return mapConcurrent(
      (item, slot) => {
        const key = hostOf?.(item.data);
        const asked = defer(() => call(item.data)).pipe(timeLimit(inTime, runtime));
        const spaced =
          limiter === undefined ? asked : asked.pipe(rateLimit(limiter, { slot, ...(key !== undefined && { key }) }));
        return spaced.pipe(
          circuitBreaker(all, { slot, ...(key !== undefined && { key }) }),
          retryBackoff(backoff, { slot, breaker: key === undefined ? all : all.of(key) }, runtime),
          map((data) => item.withData(data) as Item),
          catchError((error: unknown) => {
            if (error instanceof BatchxError && error.class === 'fatal') throw error;
            return of(item.fail(BatchxError.from(error)) as Item);
          }),
        );
      },
      { concurrency, ...(maxWaiting !== undefined && { maxWaiting }) },
    );
  },
};

const each = Object.entries(forms).map(([form, operator]) => ({ form, operator }));

/** Chance that is the same each time, and another one for each seed. */
function chance(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Plays a batch, and gives the calls and what became of the items. */
async function play(operator: (typeof forms)[string], setting: Setting) {
  const { items, outages, error = unavailable, hostOf, seed = 1 } = setting;
  const clock = new Clock();
  const runtime = clock.runtime({ random: chance(seed) });
  const calls: Call[] = [];
  let running = 0;
  let most = 0;
  const call = async (item: number): Promise<number> => {
    const made: Call = { item, at: clock.now, ok: true };
    calls.push(made);
    most = Math.max(most, ++running);
    await clock.sleep(20);
    running--;
    made.ok = !outages.some(
      ([start, end, host]) => made.at < end && clock.now > start && (host === undefined || host === hostOf?.(item)),
    );
    if (!made.ok) throw error();
    return item;
  };
  const source = pull(() => [Array.from({ length: items }, (_, seq) => Item.of(seq, { seq }))]);
  const done: Item[] = [];
  let ended: unknown = 'complete';
  const out: Observable<Item> = source.pipe(operator(call, setting, runtime));
  const subscription = out.subscribe({ next: (item) => done.push(item), error: (thrown: unknown) => (ended = thrown) });
  await clock.play();
  expect(subscription.closed).toBe(true);
  expect(clock.scheduler.actions).toEqual([]);
  const failed = done.filter((item) => item.error !== undefined).map(({ seq }) => seq);
  return { calls, done, failed, most, clock, ended };
}

/** The most starts within 20 ms, from `since` on. */
function burst(calls: readonly Call[], since: number): number {
  const times = calls.filter(({ at }) => at >= since).map(({ at }) => at);
  let most = 0;
  for (let first = 0, next = 0; next < times.length; next++) {
    while ((times[next] as number) - (times[first] as number) >= 20) first++;
    most = Math.max(most, next - first + 1);
  }
  return most;
}

describe.each(each)('outages are those of the server, with $form', ({ operator }) => {
  const spans = [
    { name: '30 s', length: 30_000 },
    { name: '65 s', length: 65_000 },
  ];
  const errors = [
    { kind: '503', error: unavailable },
    { kind: 'connections reset', error: reset },
  ];
  describe.each(spans)('of $name', ({ length }) => {
    describe.each(errors)('with $kind', ({ error }) => {
      it.each([1, 2, 8])('fails none of the items at -j %i, asks little, and does not burst', async (concurrency) => {
        const start = 1_005;
        for (const seed of [1, 2, 3]) {
          const setting: Setting = {
            items: 60 * concurrency,
            concurrency,
            error,
            outages: [[start, start + length]],
            seed,
          };
          const { calls, done, failed, most } = await play(operator, setting);
          expect(failed).toEqual([]);
          expect(new Set(done.map(({ seq }) => seq)).size).toBe(setting.items);
          expect(most).toBe(concurrency);
          const probes = calls.filter(({ ok }) => !ok).length;
          expect(probes).toBeGreaterThan(0);
          expect(probes).toBeLessThan(40);
          expect(burst(calls, start + length)).toBeLessThanOrEqual(concurrency);
        }
      });
    });
  });

  it('with few retries, and soon, one at a time: others are let try before an item is given up', async () => {
    const retries = { retries: 1, initial: '10ms' } as const;
    const { failed, done } = await play(operator, { items: 200, concurrency: 1, retries, outages: [[1_005, 40_000]] });
    expect([failed, done.length]).toEqual([[], 200]);
  });

  it('of several in a row, and of some seconds that no breaker sees', async () => {
    const outages = [
      [505, 2_500],
      [40_000, 45_000],
      [46_000, 120_000],
      [125_000, 125_050],
    ] as const;
    for (const seed of [4, 5, 6]) {
      const { failed, done } = await play(operator, { items: 2_000, concurrency: 2, outages, seed });
      expect([failed, done.length]).toEqual([[], 2_000]);
    }
  });

  it('beside a rate limit, which is kept throughout', async () => {
    for (const seed of [7, 8, 9]) {
      const setting: Setting = { items: 300, concurrency: 8, outages: [[3_005, 68_000]], rate: '20/s', seed };
      const { calls, failed, done } = await play(operator, setting);
      expect([failed, done.length]).toEqual([[], 300]);
      expect(calls.filter(({ ok }) => !ok).length).toBeLessThan(40);
      calls.slice(20).forEach(({ at }, i) => expect(at - (calls[i] as Call).at).toBeGreaterThanOrEqual(1000));
    }
  });

  it('of one host of several: the others are not held up', async () => {
    const hostOf = (item: number): string => `host ${item % 4}`;
    for (const seed of [10, 11]) {
      const setting: Setting = { items: 2_000, concurrency: 4, hostOf, outages: [[1_005, 66_000, 'host 0']], seed };
      const { calls, failed, done } = await play(operator, setting);
      expect([failed, done.length]).toEqual([[], 2_000]);
      expect(calls.filter(({ ok }) => !ok).length).toBeLessThan(40);
      const others = calls.filter(({ item }) => item % 4 !== 0).map(({ at }) => at);
      // 1,500 calls of 20 ms by four at once take 7.5 s; those of the host came in between until it went down.
      expect(Math.max(...others)).toBeLessThan(9_000);
    }
  });

  it('of one host, with more items of it than may be parked: they do not wait for each other', async () => {
    const hostOf = (item: number): string => (item % 100 === 99 ? 'up' : 'down');
    const outages = [[105, 60_000, 'down']] as const;
    const setting: Setting = { items: 1_000, concurrency: 4, hostOf, outages, maxWaiting: 20 };
    const { calls, failed, done, most, clock } = await play(operator, setting);
    expect([failed, done.length]).toEqual([[], 1_000]);
    expect(most).toBe(4);
    expect(calls.filter(({ ok }) => !ok).length).toBeLessThan(40);
    expect(clock.now).toBeLessThan(60_000 + 90_000);
  });

  it('fails an item that is at fault itself, while others go well', async () => {
    for (const concurrency of [1, 4]) {
      const calls: number[] = [];
      const clock = new Clock();
      const call = async (item: number): Promise<number> => {
        calls.push(item);
        await clock.sleep(20);
        if (item === 7) throw unavailable();
        return item;
      };
      const items = from(Array.from({ length: 500 }, (_, seq) => Item.of(seq, { seq })));
      const tried = operator(call, { items: 500, concurrency, outages: [] }, clock.runtime());
      const done = await clock.until(lastValueFrom(items.pipe(tried, toArray())));
      expect(done.filter((item) => item.error !== undefined).map(({ seq }) => seq)).toEqual([7]);
      expect(calls.filter((item) => item === 7).length).toBeLessThanOrEqual(7);
    }
  });

  it('fails a single item that never goes well, and soon', async () => {
    const { failed, clock } = await play(operator, { items: 1, concurrency: 1, outages: [[0, 1e9]] });
    expect(failed).toEqual([0]);
    expect(clock.now).toBeLessThan(60_000);
  });

  it('with `onOpen: fail` fails what comes while it is open, and at once', async () => {
    const setting: Setting = { items: 200, concurrency: 2, outages: [[505, 60_000]], breaker: { onOpen: 'fail' } };
    const { calls, done, clock } = await play(operator, setting);
    const refused = done.filter(({ error }) => error?.code === 'open');
    expect(refused.length).toBeGreaterThan(100);
    expect(calls.filter(({ ok }) => !ok).length).toBeLessThan(40);
    expect(clock.now).toBeLessThan(60_000);
  });

  it('with `onOpen: halt` ends the run when it opens, and the rest stays pending', async () => {
    const setting: Setting = { items: 200, concurrency: 2, outages: [[505, 60_000]], breaker: { onOpen: 'halt' } };
    const { done, failed, ended, clock } = await play(operator, setting);
    expect(ended).toMatchObject({ code: 'halted', class: 'fatal' });
    expect([failed, done.length < 60]).toEqual([[], true]);
    expect(clock.now).toBeLessThan(60_000);
  });

  it('ends the run when it lasts longer than `maxWait`, and the rest stays pending', async () => {
    const { done, failed, ended, clock } = await play(operator, { items: 200, concurrency: 2, outages: [[505, 1e9]] });
    expect(ended).toMatchObject({ code: 'halted', message: 'the breaker has been open for 15m' });
    expect([failed, done.length < 60]).toEqual([[], true]);
    expect(clock.now).toBeLessThan(16 * 60_000);
  });
});

describe('told to wait', () => {
  it('is never called sooner than Retry-After says', async () => {
    const clock = new Clock();
    const calls: number[] = [];
    const call = async (): Promise<string> => {
      calls.push(clock.now);
      await clock.sleep(5);
      if (calls.length < 4) throw new BatchxError('http', 'answered 429', { class: 'throttled', retryAfterMs: 2_000 });
      return 'done';
    };
    const operator = step(call, { retry: { retries: 1 } }, clock.runtime());
    const [item] = await clock.until(lastValueFrom(from([Item.of(1)]).pipe(operator, toArray())));
    expect(item?.data).toBe('done');
    expect(calls).toHaveLength(4);
    for (let i = 1; i < calls.length; i++) {
      const gap = (calls[i] as number) - (calls[i - 1] as number) - 5;
      expect(gap).toBeGreaterThanOrEqual(2_000);
      expect(gap).toBeLessThanOrEqual(2_200);
    }
  });

  it('does not slow the others when a third of 3,000 items is throttled for 20 s', async () => {
    const clock = new Clock();
    const finished = new Map<number, number>();
    const call = async (item: number): Promise<number> => {
      const at = clock.now;
      await clock.sleep(10);
      if (item % 3 === 0 && at < 20_000) {
        throw new BatchxError('http', 'answered 429', { class: 'throttled', retryAfterMs: 20_000 - at });
      }
      finished.set(item, clock.now);
      return item;
    };
    const source = pull(() => [Array.from({ length: 3_000 }, (_, seq) => Item.of(seq, { seq }))]);
    const operator = step(call, { concurrency: 10, retry: 3 }, clock.runtime());
    const done = await clock.until(lastValueFrom(source.pipe(operator, toArray())));
    expect(done.filter(({ error }) => error !== undefined)).toEqual([]);
    const others = [...finished].filter(([item]) => item % 3 !== 0).map(([, at]) => at);
    // 3,000 calls of 10 ms, ten at once.
    expect(Math.max(...others)).toBeLessThanOrEqual(3_000 + 20);
  });
});
