import { describe, expect, it } from 'vitest';
import { recommend, WORTH } from '../../src/report/recommendations.js';
import type { Report, StepReport } from '../../src/report/report-schema.js';
import { accepted } from './reports.js';

const none = { count: 0, ms: 0, of: null };

/** A step that worked for 40 of the 100 seconds of its four workers. */
const step = (parts: Partial<StepReport> = {}, waits: Partial<NonNullable<StepReport['waits']>> = {}): StepReport => ({
  name: 'update',
  verb: 'http',
  in: 1000,
  ok: 1000,
  failed: 0,
  skipped: 0,
  pending: 0,
  throughput: 10,
  attempts: 1000,
  retries: 0,
  throttled: 0,
  latency: { p50: 160, p95: 200, p99: 300, max: 400 },
  busyMs: 160_000,
  ms: 160_000,
  waits: { rate: none, breaker: none, retry: none, throttled: none, slot: none, ...waits },
  retriedAfter: {},
  cache: null,
  ...parts,
});

/** A stage that all of the items went through. */
const stage = (steps: string[]): Report['stages'][number] => ({
  concurrency: 4,
  from: 'usual',
  steps,
  in: 1000,
  ok: 1000,
  failed: 0,
  skipped: 0,
  pending: 0,
});

const counts = { read: 1000, ok: 1000, failed: 0, skipped: 0, inDoubt: 0, pending: 0 };
const resources = {
  processors: 2,
  cpuSeconds: { own: 10, children: 10 },
  peakMemory: { own: 1e8, children: null },
};
const noFailures = { total: 0, causes: [], others: 0, file: null, again: null };

const report = (parts: Partial<Report> = {}): Report =>
  accepted({
    version: 1,
    batchx: 'test',
    pipeline: 'prices',
    run: '20260101-000000-0000',
    startedAt: '2026-01-01T00:00:00.000Z',
    endedAt: '2026-01-01T00:01:40.000Z',
    ms: 100_000,
    exit: 0,
    interrupted: false,
    halted: null,
    error: null,
    counts,
    skipped: {},
    throughput: 10,
    stages: [stage(['update'])],
    steps: [step()],
    bytes: { in: null, out: null },
    resources,
    apiCalls: 0,
    rateLimitHits: 0,
    breakers: [],
    folders: { count: 0, paths: [] },
    outputs: { written: [], files: 0, filesBytes: 0 },
    warnings: { count: 0, list: [] },
    failures: noFailures,
    slowest: [],
    aggregate: null,
    recommendations: [],
    ...parts,
  });

const of = (...steps: StepReport[]): string[] => recommend(report({ steps }));

describe('recommendations', () => {
  it('are none where the figures say nothing', () => {
    expect(recommend(report())).toEqual([]);
    expect(recommend(report({ steps: [], stages: [] }))).toEqual([]);
    expect(recommend(report({ ms: 0, throughput: null }))).toEqual([]);
  });

  it('tell of a rate that much of the time was spent waiting for, from a fifth on', () => {
    const waiting = (share: number, name: string | null = 'shop') =>
      of(step({}, { rate: { count: 900, ms: share * 160_000, of: name } }));
    expect(waiting(0.38)).toEqual([
      '38 % of the time of `update` was spent waiting for the rate `shop`: more workers will not help; raise the rate or accept it',
    ]);
    expect(waiting(WORTH.rate, null)).toEqual([
      expect.stringMatching(/^20 % of the time of `update` was spent waiting for its rate:/),
    ]);
    expect(waiting(WORTH.rate - 0.001)).toEqual([]);
  });

  it('say nothing of the waits of a step that takes little of the time of all, or of a short run', () => {
    const waiting = (ms: number) => step({ ms, busyMs: ms / 2 }, { rate: { count: 9, ms: ms / 2, of: null } });
    const other = step({ name: 'other', ms: 80_000, busyMs: 80_000 });
    expect(of(waiting(20_000), other)).toHaveLength(1);
    expect(of(waiting(19_999), other)).toEqual([]);
    const brief = { steps: [step({}, { rate: { count: 900, ms: 100_000, of: null } })] };
    expect(recommend(report({ ...brief, ms: WORTH.runMs }))[0]).toContain('its rate');
    expect(recommend(report({ ...brief, ms: WORTH.runMs - 1 }))).toEqual([]);
  });

  it('tell of a breaker, and how often it opened', () => {
    const change = { key: null, reason: 'failure-rate', calls: 20, failures: 20, at: '2026-01-01T00:00:10.000Z' };
    const opened = { ...change, from: 'closed', to: 'open' };
    const waiting = (share: number, name: string | null = null) =>
      recommend(
        report({
          steps: [step({}, { breaker: { count: 90, ms: share * 160_000, of: name } })],
          breakers: [
            { breaker: 'update', ...opened },
            { breaker: 'update', ...change, from: 'open', to: 'half-open' },
            { breaker: 'shop', ...opened },
            { breaker: 'shop', ...opened },
          ],
        }),
      );
    expect(waiting(0.25)).toEqual([
      '25 % of the time of `update` was spent waiting for its breaker, which opened once: the other side failed; more workers would not help it',
    ]);
    expect(waiting(WORTH.breaker, 'shop')).toEqual([
      expect.stringMatching(/for the breaker `shop`, which opened 2 times:/),
    ]);
    expect(waiting(WORTH.breaker - 0.001)).toEqual([]);
  });

  it('tell of waits that the other side asked for, and which rate would have avoided them', () => {
    const waiting = (share: number) => of(step({}, { throttled: { count: 90, ms: share * 160_000, of: null } }));
    expect(waiting(0.5)).toEqual([
      '50 % of the time of `update` was spent waiting because the other side said so: give it a `rate`; about 10/s came through',
    ]);
    expect(waiting(WORTH.throttled)).toHaveLength(1);
    expect(waiting(WORTH.throttled - 0.001)).toEqual([]);
    const throttled = { throttled: { count: 90, ms: 80_000, of: null } };
    expect(of(step({ ok: 0, failed: 1000 }, throttled))).toEqual([
      '50 % of the time of `update` was spent waiting because the other side said so: give it a `rate`',
    ]);
    expect(of(step({ ok: 20 }, throttled))).toEqual([expect.stringMatching(/; about 12\/m came through$/)]);
    expect(of(step({ ok: 1 }, throttled))).toEqual([expect.stringMatching(/; about 36\/h came through$/)]);
    const rate = { count: 9, ms: 900, of: 'shop' };
    expect(of(step({}, { rate, throttled: { count: 90, ms: 80_000, of: null } }))).toEqual([
      '50 % of the time of `update` was spent waiting because the other side said so: lower the rate `shop`; about 10/s came through',
    ]);
  });

  it('tell of retries, and what most of them came after', () => {
    const retried = (retries: number, retriedAfter: Record<string, number>) => of(step({ retries, retriedAfter }));
    expect(retried(120, { 503: 120 })).toEqual([
      '12 % of the attempts of `update` were retries after 503: each costs its time again',
    ]);
    expect(retried(120, { timeout: 20, 'exit code 1': 100 })).toEqual([
      expect.stringMatching(/retries after exit code 1 and others:/),
    ]);
    expect(retried(50, {})).toEqual([expect.stringMatching(/^5 % of the attempts of `update` were retries:/)]);
    expect(retried(49, {})).toEqual([]);
    expect(of(step({ attempts: 20, retries: 9 }))).toEqual([]);
    expect(of(step({ attempts: 20, retries: 10 }))).toHaveLength(1);
  });

  it('tell first what most failures have in common, and say how they are run again', () => {
    const cause = {
      code: 'http',
      pattern: 'answered 404',
      where: 'a.jsonl:7',
      message: 'answered 404',
      retried: false,
    };
    const failed = (total: number, count: number, again: string | null = null) =>
      recommend(
        report({
          counts: { ...counts, ok: 1000 - total, failed: total },
          failures: { total, causes: [{ ...cause, count }], others: total - count, file: null, again },
          steps: [step({}, { rate: { count: 900, ms: 80_000, of: null } })],
        }),
      );
    expect(failed(900, 900)).toEqual([
      'all 900 failures are alike: answered 404, as at a.jsonl:7; mend that first',
      expect.stringContaining('waiting for its rate'),
    ]);
    expect(failed(100, 90, 'batchx run x.yaml failed.jsonl')[0]).toBe(
      '90 % of the failures are alike: answered 404, as at a.jsonl:7; mend that first, then run just those again',
    );
    expect(failed(1000, 899)).toHaveLength(1);
    expect(failed(5, 5)).toHaveLength(2);
    expect(failed(4, 4)).toHaveLength(1);
  });

  it('tell that all was filtered out, also of a short run', () => {
    const filtered = (skipped: number, reason = 'filtered', ok = 1000 - skipped) =>
      recommend(report({ ms: 3, counts: { ...counts, ok, skipped }, skipped: { [reason]: skipped } }));
    expect(filtered(1000)).toEqual([
      'none of the 1,000 items went through: all were filtered out; see whether the filters mean what they say',
    ]);
    expect(filtered(999)).toEqual([]);
    expect(filtered(1000, 'already-done')).toEqual([]);
  });

  describe('tell of the step that the run waited for', () => {
    const convert = step({ name: 'convert', busyMs: 380_000, ms: 380_000 });
    const rest = step({ name: 'rest', busyMs: 20_000, ms: 20_000 });
    const stages = [stage(['convert']), stage(['rest'])];
    const busy = (parts: Partial<Report> = {}) => recommend(report({ steps: [rest, convert], stages, ...parts }));
    const used = (seconds: number) => ({ ...resources, cpuSeconds: { own: seconds, children: 0 } });

    it('and how many workers would take how long', () => {
      expect(busy()).toEqual([
        'step `convert` is the bottleneck: 95 % of busy time, and its 4 workers were busy 95 % of the run: -j 8 would take about 53 s instead of 100 s',
      ]);
    });

    it('by the key of the file where that says how many there are', () => {
      const [first, second] = stages.map((each) => ({ ...each, from: 'step' as const }));
      expect(busy({ stages: [first!, second!] })).toEqual([expect.stringMatching(/: `concurrency: 8` would take/)]);
    });

    it('or by what its user has at hand, where that is known', () => {
      const [first, second] = stages.map((each) => ({ ...each, from: 'step' as const }));
      const figures = (given: Report['stages']) => report({ steps: [rest, convert], stages: given });
      expect(recommend(figures([first!, second!]), { workersBy: 'flag' })).toEqual([
        expect.stringMatching(/: -j 8 would take/),
      ]);
      expect(recommend(figures(stages), { workersBy: 'key' })).toEqual([
        expect.stringMatching(/: `concurrency: 8` would take/),
      ]);
    });

    it('and no more of them than its rate lets through', () => {
      // It made 10 a second of 100 s.
      const under = (perSecond: number, others: Partial<StepReport> = {}) => {
        const limiter = { perSecond };
        const steps = [{ ...rest, ...others }, convert];
        return recommend(report({ steps, stages }), {
          limiters: new Map([
            ['convert', limiter],
            ['rest', others.attempts === undefined ? undefined : limiter],
          ]),
        });
      };
      expect(under(100)).toEqual([expect.stringMatching(/: -j 8 would take about 53 s instead/)]);
      expect(under(15)).toEqual([expect.stringMatching(/: -j 6 would take about 68 s instead/)]);
      // It is theirs together.
      expect(under(30, { attempts: 1000 })).toEqual([expect.stringMatching(/: -j 6 would take about 68 s instead/)]);
      for (const perSecond of [5, 10, 10.5]) {
        expect(under(perSecond)).toEqual([
          'step `convert` is the bottleneck: 95 % of busy time, and its 4 workers were busy 95 % of the run: more would not help much, as its rate is nearly used up',
        ]);
      }
    });

    it('and no more of them than the processors bear', () => {
      expect(busy({ resources: used(130) })).toEqual([expect.stringMatching(/: -j 6 would take/)]);
      expect(busy({ resources: used(2 * 100 * WORTH.processors) })).toEqual([
        'step `convert` is the bottleneck: 95 % of busy time, and the processors were busy 85 % of the run: more workers will not help, more processors would',
      ]);
    });

    it('and promise nothing where the system does not tell how busy they were', () => {
      expect(busy({ resources: { ...resources, cpuSeconds: { own: 10, children: null } } })).toEqual([
        'step `convert` is the bottleneck: 95 % of busy time, and its 4 workers were busy 95 % of the run',
      ]);
    });

    it('only where it has most of the time, and its workers were busy', () => {
      const share = (part: number) => [
        step({ ...convert, busyMs: part * 400_000 }),
        step({ ...rest, busyMs: (1 - part) * 400_000 }),
      ];
      const one = [stage(['convert', 'rest'])];
      expect(busy({ steps: share(WORTH.bottleneck), stages: one })).toHaveLength(1);
      expect(busy({ steps: share(WORTH.bottleneck - 0.01), stages: one })).toEqual([]);
      const for4 = (part: number) => busy({ steps: [step({ ...convert, busyMs: part * 400_000 })] });
      expect(for4(WORTH.busy)).toHaveLength(1);
      expect(for4(WORTH.busy - 0.01)).toEqual([]);
    });
  });

  it('come in the order of what they would save', () => {
    const said = of(
      step(
        { retries: 60 },
        { rate: { count: 1, ms: 40_000, of: null }, throttled: { count: 1, ms: 60_000, of: null } },
      ),
    );
    expect(said).toEqual([
      expect.stringMatching(/the other side said so/),
      expect.stringMatching(/its rate/),
      expect.stringMatching(/were retries/),
    ]);
  });

  it('cut what comes from data, and keep it in one line', () => {
    const pattern = `first\nline ${'x'.repeat(300)}`;
    const cause = { code: 'exec', pattern, where: 'a\nb', message: pattern, retried: false, count: 9 };
    const [said = ''] = recommend(report({ failures: { ...noFailures, total: 9, causes: [cause] } }));
    expect(said).not.toContain('\n');
    expect(said.length).toBeLessThan(200);
  });
});
