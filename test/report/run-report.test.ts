import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BatchxError } from '../../src/core/errors.js';
import type { EventMap } from '../../src/core/events.js';
import { Breaker } from '../../src/core/policy/breaker.js';
import { Limiter } from '../../src/core/policy/limiter.js';
import { Item } from '../../src/core/item.js';
import { Outcome } from '../../src/core/outcome.js';
import { toHaltRules } from '../../src/pipeline/halt-rule.js';
import type { StepUse } from '../../src/pipeline/plan.js';
import { ItemTimes } from '../../src/report/item-times.js';
import type { Report, StepReport } from '../../src/report/report-schema.js';
import type { Clock } from '../core/policy/play.js';
import { batch, call, filter, map, play, sleeping, split } from './reports.js';

const none = { count: 0, ms: 0, of: null };
const noWaits = { rate: none, breaker: none, retry: none, throttled: none, slot: none };

function stepIn({ steps }: Report, name: string): StepReport {
  const step = steps.find((each) => each.name === name);
  if (step === undefined) throw new Error(`no step ${name}`);
  return step;
}

/** Fails as often as said for each value, then is done. */
const failing =
  (error: () => unknown, times: number, ms = 10) =>
  (clock: Clock) => {
    const seen = new Map<unknown, number>();
    return async ({ data }: Item) => {
      const before = seen.get(data) ?? 0;
      seen.set(data, before + 1);
      await clock.sleep(ms);
      if (before < times) throw error();
      return data;
    };
  };

const retry = { retries: 3, initial: '500ms', factor: 2, jitter: 'none' } as const;

describe('the counts of a run', () => {
  it('are those of the account, with what was skipped by its reason', async () => {
    const { report, result } = await play([1, 2, 3, 4, 5], {
      steps: [filter(({ n }: { n?: number }) => n === undefined), map((n: number) => (n === 3 ? undefined : n))],
    });
    expect(report.counts).toEqual(result.counts);
    expect(report.counts).toMatchObject({ read: 5, ok: 4, skipped: 1 });
    expect(report.skipped).toEqual({ filtered: 1 });
  });

  it('are there for each step, in a name of its own', async () => {
    const { report } = await play([1, 2, 3, 4], {
      steps: [
        filter((n: number) => n > 1),
        map((n: number) => {
          if (n === 4) throw new Error('four');
          return n;
        }),
        map((n: number) => n, { label: 'map' }),
        map((n: number) => n, { label: 'last' }),
      ],
    });
    expect(
      report.steps.map(({ name, verb, in: came, ok, failed, skipped }) => [name, verb, came, ok, failed, skipped]),
    ).toEqual([
      ['filter', 'filter', 4, 3, 0, 1],
      ['map', 'map', 3, 2, 1, 0],
      ['map-2', 'map', 2, 2, 0, 0],
      ['last', 'map', 2, 2, 0, 0],
    ]);
    // What works in memory is not timed: that is not known, and no 0.
    expect(report.steps[1]).toMatchObject({ attempts: null, latency: null, ms: null, waits: null, pending: 0 });
    expect(report.stages).toEqual([
      {
        concurrency: 4,
        from: 'usual',
        steps: ['filter', 'map', 'map-2', 'last'],
        in: 4,
        ok: 2,
        failed: 1,
        skipped: 1,
        pending: 0,
      },
    ]);
  });

  it('tell of steps that change how many there are how many came out', async () => {
    const { report } = await play([3, 0, 2, 7], {
      steps: [
        map((n: number) => {
          if (n === 7) throw new Error('seven');
          return n;
        }),
        split((n: number) => Array.from({ length: n }, (_, i) => i)),
        map((n: number) => n),
        batch(2),
      ],
    });
    expect(stepIn(report, 'split')).toMatchObject({ in: 3, ok: 5, skipped: 1, failed: 0, pending: null });
    expect(stepIn(report, 'map-2')).toMatchObject({ in: 5, ok: 5 });
    expect(stepIn(report, 'batch')).toMatchObject({ in: 5, ok: 3, skipped: 0, failed: 0 });
    expect(report.counts).toMatchObject({ read: 4, ok: 2, skipped: 1, failed: 1 });
  });

  it('leave out of a step what it is not for', async () => {
    const { report } = await play([1, 2, 3], { steps: [map((n: number) => n, { when: (n) => (n as number) > 1 })] });
    expect(report.steps[0]).toMatchObject({ in: 2, ok: 2 });
    expect(report.counts.ok).toBe(3);
  });

  it('count what fails in a step that may fail', async () => {
    const { report } = await play([1, 2], {
      steps: [
        map(
          () => {
            throw new Error('no');
          },
          { optional: true },
        ),
      ],
    });
    expect(report.steps[0]).toMatchObject({ in: 2, failed: 2, ok: 0 });
    expect(report.counts.ok).toBe(2);
  });
});

describe('the times of a step', () => {
  it('are those of its attempts, and of its items in it', async () => {
    const { report } = await play(
      [10, 20, 30, 40],
      { concurrency: 2, steps: [call()] },
      (clock) =>
        async ({ data }) => {
          await clock.sleep(data as number);
          return data;
        },
    );
    const step = stepIn(report, 'call');
    expect(step).toMatchObject({ attempts: 4, retries: 0, throttled: 0, busyMs: 100, ms: 100, waits: noWaits });
    expect(step.latency).toEqual({ p50: 20, p95: 40, p99: 40, max: 40 });
    expect(report.ms).toBe(60);
    expect(step.throughput).toBeCloseTo(4000 / 60, 2);
    expect(report.throughput).toBeCloseTo(4000 / 60, 2);
    expect(report.startedAt).toBe('2026-01-01T00:00:00.000Z');
    expect(report.endedAt).toBe('2026-01-01T00:00:00.060Z');
    expect(report.stages).toMatchObject([{ concurrency: 2, from: 'run', steps: ['call'], in: 4, ok: 4, pending: 0 }]);
  });

  it('are those of calls that give their result at once, too, whether they go well or not', async () => {
    const { report } = await play([1, 2, 3], { steps: [call()] }, (clock) => ({ data }) => {
      clock.jump(7);
      if (data === 2) throw new Error('no');
      return data;
    });
    expect(stepIn(report, 'call')).toMatchObject({ attempts: 3, ok: 2, failed: 1, busyMs: 21, ms: 21 });
    expect(stepIn(report, 'call').latency?.max).toBe(7);
  });

  it('tell retries apart from first attempts, and what they came after', async () => {
    const error = () => new BatchxError('http', 'GET https://shop.example/ answered 503', { class: 'transient' });
    const { report } = await play(
      ['a', 'b'],
      { concurrency: 2, steps: [call({ label: 'update', policies: { retry } })] },
      failing(error, 2),
    );
    const step = stepIn(report, 'update');
    expect(step).toMatchObject({ attempts: 6, retries: 4, busyMs: 60, retriedAfter: { 503: 4 } });
    // 500 and 1,000 ms, for two items.
    expect(step.waits).toEqual({ ...noWaits, retry: { count: 4, ms: 3000, of: null } });
    expect(step.ms).toBe(3060);
    expect(report.slowest).toEqual([
      { id: '#1', status: 'ok', ms: 1530, attempts: 3, steps: { update: 1530 } },
      { id: '#2', status: 'ok', ms: 1530, attempts: 3, steps: { update: 1530 } },
    ]);
  });

  it('tell waits for a rate by its name', async () => {
    const { report } = await play([1, 2, 3], { concurrency: 3, steps: [call({ label: 'update' })] }, sleeping(10));
    expect(stepIn(report, 'update').waits).toEqual(noWaits);
    const limited = await played([1, 2, 3], (runtime) => Object.assign(new Limiter('1/s', runtime), { name: 'shop' }));
    const { waits } = stepIn(limited, 'update');
    expect(waits?.rate).toMatchObject({ count: 2, of: 'shop' });
    expect(waits?.rate.ms).toBeGreaterThanOrEqual(3000);
    expect(waits?.rate.ms).toBeLessThan(3100);
    expect(waits).toMatchObject({ breaker: none, retry: none, throttled: none });
  });

  it('tell waits that the other side has asked for, and count them as hits of its limit', async () => {
    const error = () => new BatchxError('http', 'answered 429', { class: 'throttled', retryAfterMs: 2000 });
    const { report } = await play(['a'], { steps: [call({ policies: { retry } })] }, failing(error, 1));
    const step = stepIn(report, 'call');
    expect(step).toMatchObject({ attempts: 2, retries: 1, throttled: 1 });
    expect(step.waits).toMatchObject({ retry: none, throttled: { count: 1, ms: 2000 } });
    expect(report.rateLimitHits).toBe(1);
  });

  it('tell waits for a breaker, and each change of it', async () => {
    const error = () => new BatchxError('http', 'answered 500', { class: 'transient' });
    let down = true;
    const { report } = await play(
      ['a', 'b', 'c'],
      {
        concurrency: 1,
        steps: [
          call({ label: 'update', policies: { retry, breaker: { window: 2, minCalls: 2, open: '5s', halfOpen: 1 } } }),
        ],
      },
      (clock) => {
        clock.scheduler.schedule(() => (down = false), 3000);
        return async ({ data }) => {
          await clock.sleep(10);
          if (down) throw error();
          return data;
        };
      },
    );
    const step = stepIn(report, 'update');
    expect(report.counts).toMatchObject({ read: 3, ok: 3 });
    expect(step.waits?.breaker.count).toBeGreaterThan(0);
    expect(step.waits?.breaker.ms).toBeGreaterThan(1000);
    expect(report.breakers.map(({ breaker, from, to }) => [breaker, from, to])).toEqual([
      ['update', 'closed', 'open'],
      ['update', 'open', 'half-open'],
      ['update', 'half-open', 'closed'],
    ]);
    expect(report.breakers[0]).toMatchObject({ reason: 'failure-rate', calls: 2, failures: 2, key: null });
    const inAll = Object.values(step.waits ?? {}).reduce((sum, { ms }) => sum + ms, step.busyMs ?? 0);
    expect(inAll).toBeCloseTo(step.ms ?? 0, 1);
  });

  it('are for the other side until the pause that it asked for is over, and then for the rate', async () => {
    const told: unknown[] = [];
    const policies: { rate?: Limiter } = {};
    const { report } = await play(
      ['a', 'b', 'c'],
      { concurrency: 3, steps: [call({ label: 'update', policies })] },
      sleeping(10),
      (runtime, { scheduler }) => {
        const limiter = (policies.rate = Object.assign(new Limiter('1/s', runtime), { name: 'shop' }));
        limiter.pauseFor(5000);
        // It becomes longer while they wait.
        scheduler.schedule(() => limiter.pauseFor(3000), 3000);
        const start = runtime.wallNow();
        runtime.events.on('batch:wait', ({ item, reason, of, until = NaN }) =>
          told.push([item.data, reason, of, Math.round((until - start) / 1000)]),
        );
      },
    );
    expect(stepIn(report, 'update').waits).toMatchObject({
      throttled: { count: 3, ms: 18_000, of: 'shop' },
      rate: { count: 2, ms: 3030, of: 'shop' },
    });
    expect(told.slice(0, 3)).toEqual(['a', 'b', 'c'].map((name) => [name, 'throttled', 'shop', 5]));
    expect(told.slice(3)).toEqual([
      ['b', 'rate', 'shop', 7],
      ['c', 'rate', 'shop', 8],
    ]);
  });

  it('are part of the time of the step, also those of items that were given up', async () => {
    const error = () => new BatchxError('http', 'answered 500', { class: 'transient' });
    const breaker = { window: 2, minCalls: 2, open: '5s', maxWait: '20s' } as const;
    const { report } = await play(
      ['a', 'b', 'c', 'd', 'e', 'f'],
      { concurrency: 6, steps: [call({ label: 'update', policies: { retry, breaker } })] },
      (clock) => async () => {
        await clock.sleep(10);
        throw error();
      },
    );
    const step = stepIn(report, 'update');
    expect(report.counts.pending).toBeGreaterThan(0);
    expect(step.waits?.breaker.ms).toBeGreaterThan(20_000);
    const inAll = Object.values(step.waits ?? {}).reduce((sum, { ms }) => sum + ms, step.busyMs ?? 0);
    expect(inAll).toBeLessThanOrEqual((step.ms ?? 0) + 1);
  });

  it('tell of a breaker that two steps share once', async () => {
    const shared = Object.assign(new Breaker({ window: 2, minCalls: 2, open: '5s', onOpen: 'fail' }), { name: 'shop' });
    const policies = { breaker: shared };
    const { report } = await play(
      [1, 2],
      { concurrency: 1, steps: [call({ policies, label: 'one' }), call({ policies, label: 'two' })] },
      failing(() => new BatchxError('http', 'answered 500', { class: 'transient' }), 9),
    );
    expect(report.breakers).toMatchObject([{ breaker: 'shop', from: 'closed', to: 'open' }]);
  });

  it('tell how long an attempt was that took too long', async () => {
    const { report } = await play(
      [1],
      { steps: [call({ policies: { timeout: '2s' } })] },
      () => () => new Promise(() => undefined),
    );
    expect(stepIn(report, 'call')).toMatchObject({ attempts: 1, failed: 1, latency: { max: 2000 } });
    expect(report.failures.causes).toMatchObject([{ code: 'timeout', count: 1 }]);
  });
});

/** The report of a step under a limit, with ten milliseconds for each call. */
async function played(values: readonly unknown[], limiter: (runtime: never) => Limiter): Promise<Report> {
  const policies: { rate?: Limiter } = {};
  const step: StepUse = call({ label: 'update', policies });
  const { report } = await play(values, { concurrency: 3, steps: [step] }, sleeping(10), (runtime) => {
    policies.rate = limiter(runtime as never);
  });
  return report;
}

describe('what is told while it goes on', () => {
  it('says what a call waits for, and until when', async () => {
    const told: unknown[] = [];
    const policies: { rate?: Limiter } = {};
    await play(
      ['a', 'b', 'c'],
      { concurrency: 3, steps: [call({ label: 'update', policies })] },
      sleeping(10),
      (runtime) => {
        policies.rate = Object.assign(new Limiter({ limit: 1, per: '10s' }, runtime), { name: 'shop' });
        const start = runtime.wallNow();
        runtime.events.on('batch:wait', ({ item, step, reason, of, until = NaN }) =>
          told.push([item.data, step, reason, of, Math.round((until - start) / 1000)]),
        );
      },
    );
    expect(told).toEqual([
      ['b', 'update', 'rate', 'shop', 10],
      ['c', 'update', 'rate', 'shop', 20],
    ]);
  });

  it('tells the end of each wait that it has told the beginning of, also of those that are dropped', async () => {
    const open = new Set<string>();
    let most = 0;
    const key = ({ item, reason }: EventMap['batch:wait' | 'batch:wait:end']): string => `${item.seq} ${reason}`;
    const { report } = await play(
      ['a', 'b', 'c', 'd'],
      { concurrency: 4, steps: [call({ policies: { retry: { ...retry, initial: '1h', max: '2h' }, rate: '10/s' } })] },
      failing(() => new BatchxError('http', 'no', { class: 'transient' }), 9),
      (runtime, clock) => {
        runtime.events.on('batch:wait', (wait) => {
          open.add(key(wait));
          most = Math.max(most, open.size);
        });
        runtime.events.on('batch:wait:end', (wait) => expect(open.delete(key(wait))).toBe(true));
        clock.scheduler.schedule(() => runtime.stop(), 5000);
      },
    );
    expect(most).toBeGreaterThan(2);
    expect(open).toEqual(new Set());
    expect(report).toMatchObject({ interrupted: true, counts: { read: 4, pending: 4 } });
    expect(stepIn(report, 'call')).toMatchObject({ in: 4, pending: 4, attempts: 4, waits: { retry: { count: 4 } } });
  });

  it('names the step of an attempt', async () => {
    const told: unknown[] = [];
    const error = () => new BatchxError('http', 'no', { class: 'transient' });
    await play(
      ['a'],
      { steps: [call({ label: 'one', policies: { retry } }), call({ label: 'two' })] },
      failing(error, 1),
      (runtime) => {
        runtime.events.on('batch:attempt', ({ step, attempt, waitMs }) => told.push([step, attempt, waitMs]));
        runtime.events.on('batch:attempt:end', ({ step, attempt, ms, error }) =>
          told.push([step, attempt, ms, (error as Error | undefined)?.message]),
        );
      },
    );
    expect(told).toEqual([
      ['one', 1, 10, 'no'],
      ['one', 1, 500],
      ['one', 2, 10, undefined],
      ['two', 1, 10, undefined],
    ]);
  });
});

describe('the end of a run', () => {
  it('says that a rule has halted it', async () => {
    const { report } = await play([1, 2, 3], {
      concurrency: 1,
      ordered: true,
      halt: toHaltRules('now,fail=1'),
      steps: [
        map(() => {
          throw new Error('no');
        }),
      ],
    });
    expect(report.halted).toEqual({ rule: 'now,fail=1', words: 'halted at the first failure (now,fail=1)' });
    expect(report.error).toBeNull();
  });

  it('says why it could not go on', async () => {
    const { report } = await play([1, 2], { steps: [call()] }, () => () => {
      throw new BatchxError('halted', 'enough');
    });
    expect(report.error).toEqual({ code: 'halted', message: 'enough' });
    expect(stepIn(report, 'call')).toMatchObject({ in: 1, ok: 0, pending: 1 });
  });

  it('groups failures by their cause, with an example of each', async () => {
    const { report } = await play(
      Array.from({ length: 12 }, (_, i) => i),
      {
        steps: [
          map((n: number) => {
            throw new BatchxError('validation', n < 9 ? `row ${n} is wrong` : 'too old');
          }),
        ],
      },
    );
    expect(report.failures).toMatchObject({ total: 12, others: 0, file: null, again: null });
    expect(report.failures.causes.map(({ code, pattern, count }) => [code, pattern, count])).toEqual([
      ['validation', 'row … is wrong', 9],
      ['validation', 'too old', 3],
    ]);
  });

  it('tells the ten slowest items, with all that they were split into', async () => {
    const { report } = await play(
      Array.from({ length: 30 }, (_, i) => i),
      { concurrency: 8, steps: [call({ label: 'one' }), split((n: number) => [n, n]), call({ label: 'two' })] },
      (clock) =>
        async ({ data }) => {
          await clock.sleep((data as number) * 10);
          return data;
        },
    );
    expect(report.slowest).toHaveLength(10);
    expect(report.slowest[0]).toEqual({ id: '#30', status: 'ok', ms: 870, attempts: 3, steps: { one: 290, two: 580 } });
    expect(report.slowest.map(({ id }) => id)).toEqual(Array.from({ length: 10 }, (_, i) => `#${30 - i}`));
  });
});

describe('the times of items', () => {
  it('are forgotten when these are settled', () => {
    const times = new ItemTimes();
    for (let seq = 0; seq < 100; seq++) {
      const item = Item.of(seq, { seq });
      times.add(item, 'one', seq);
      times.attempted(item);
      expect(times.open).toBe(1);
      expect(times.settled(new Outcome(item, 'ok'))).toEqual({ ms: seq, attempts: 1, steps: { one: seq } });
      expect(times.settled(new Outcome(item, 'ok'))).toBeUndefined();
    }
    expect(times.open).toBe(0);
    expect(times.slowest.map(({ ms }) => ms)).toEqual([99, 98, 97, 96, 95, 94, 93, 92, 91, 90]);
  });
});

/** A step of a random pipeline. */
const anyStep = fc.oneof(
  fc.constant(call()),
  fc.integer({ min: 2, max: 5 }).map((k) => filter((n: number) => n % k !== 0)),
  fc.integer({ min: 2, max: 9 }).map((k) =>
    map((n: number) => {
      if (n % k === 1) throw new Error('no');
      return n;
    }),
  ),
  fc.integer({ min: 0, max: 2 }).map((k) => split((n: number) => Array.from({ length: (n + k) % 3 }, (_, i) => i))),
  fc.constant(call({ policies: { retry: 1, rate: '50/s', effect: 'once' } })),
);

describe('the report of any pipeline', () => {
  it('has an account that adds up, for the run and for each step, however it ends', async () => {
    const scenes = fc.record({
      steps: fc.array(anyStep, { minLength: 1, maxLength: 5 }),
      size: fc.integer({ min: 0, max: 40 }),
      concurrency: fc.integer({ min: 1, max: 6 }),
      end: fc.constantFrom('all', 'stop', 'abort', 'halt', 'limit'),
    });
    await fc.assert(
      fc.asyncProperty(scenes, async ({ steps, size, concurrency, end }) => {
        const { report, runtime } = await play(
          Array.from({ length: size }, (_, i) => i),
          {
            concurrency,
            steps,
            ...(end === 'halt' && { halt: toHaltRules('now,fail=2') }),
            ...(end === 'limit' && { limit: 7 }),
          },
          (clock) =>
            async ({ data }) => {
              await clock.sleep(10 + (Number(data) % 3) * 7);
              if (Number(data) % 7 === 3) throw new BatchxError('http', 'answered 500', { class: 'ambiguous' });
              return data;
            },
          (playing, clock) => {
            if (end === 'stop') clock.scheduler.schedule(() => playing.stop(), 50);
            if (end === 'abort') clock.scheduler.schedule(() => playing.abort(), 50);
          },
        );
        const { counts } = report;
        expect(counts).toEqual(runtime.counts);
        expect(counts.read).toBe(counts.ok + counts.failed + counts.skipped + counts.inDoubt + counts.pending);
        expect(Object.values(report.skipped).reduce((sum, n) => sum + n, 0)).toBe(counts.skipped);
        expect(report.failures.total).toBe(counts.failed + counts.inDoubt);
        const names = report.steps.map(({ name }) => name);
        expect(new Set(names).size).toBe(names.length);
        for (const step of report.steps) {
          if (step.pending === null) continue;
          expect(step.in).toBe(step.ok + step.failed + step.skipped + step.pending);
          if (step.attempts !== null) expect(step.attempts - (step.retries ?? 0)).toBeLessThanOrEqual(step.in);
        }
        // What went on from a step came to the next one of its stage.
        for (const { steps: stage } of report.stages) {
          for (const [i, name] of stage.slice(1).entries()) {
            expect(stepIn(report, name).in).toBeLessThanOrEqual(stepIn(report, stage[i] as string).ok);
          }
        }
        if (end === 'all') expect(report.steps.every(({ pending }) => (pending ?? 0) === 0)).toBe(true);
      }),
      { numRuns: 150 },
    );
  });
});
