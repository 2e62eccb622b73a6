import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { progressLines, progressText } from '../../src/cli/progress-lines.js';
import { showSpan } from '../../src/cli/show-span.js';
import { cutToWidth, widthOf } from '../../src/cli/text-width.js';
import { Account } from '../../src/core/account.js';
import { BatchxError } from '../../src/core/errors.js';
import type { Item } from '../../src/core/item.js';
import { Breaker } from '../../src/core/policy/breaker.js';
import { Limiter } from '../../src/core/policy/limiter.js';
import type { PolicyOptions } from '../../src/core/policy/policy-options.js';
import type { Plan } from '../../src/pipeline/plan.js';
import { Estimate } from '../../src/report/estimate.js';
import { type ProgressFigures, RunProgress } from '../../src/report/run-progress.js';
import type { FakeRuntime } from '../../src/testing.js';
import type { Clock } from '../core/policy/play.js';
import { type Behave, call, filter, map, play, sleeping, split } from '../report/reports.js';

interface Screen {
  readonly columns?: number;
  readonly rows?: number;
  /** Called before the run. */
  readonly begin?: (runtime: FakeRuntime) => unknown;
}

/** What is shown at instants of a run, in milliseconds from its beginning, as on a screen of so many columns. */
async function shown(
  values: readonly unknown[],
  parts: Partial<Plan>,
  behave: (clock: Clock) => Behave,
  instants: readonly number[],
  { columns = 120, rows = 20, begin = () => undefined }: Screen = {},
): Promise<string[][]> {
  const screens: string[][] = [];
  await play(values, parts, behave, (runtime, clock) => {
    begin(runtime);
    const progress = new RunProgress(runtime, new Account(runtime.events));
    const look = () => ({ stages: true, redact: (text: string) => text, now: runtime.wallNow() });
    for (let at = 1000; at <= Math.max(...instants); at += 1000) clock.scheduler.schedule(() => progress.look(), at);
    for (const at of instants)
      clock.scheduler.schedule(
        () => screens.push(progressLines(progress.figures, look(), { columns, rows })),
        // Behind what is due at the same time.
        at + 0.5,
      );
  });
  return screens;
}

/** The time of day, so many milliseconds after the beginning of a run that is played. */
const after = (ms: number): string => {
  const date = new Date(1_767_225_600_000 + ms);
  return [date.getHours(), date.getMinutes(), date.getSeconds()].map((part) => String(part).padStart(2, '0')).join(':');
};

/** Fails the first call for a value, as long as it is asked to. */
const flaky =
  (ms: (data: unknown) => number, fails: (data: unknown) => boolean) =>
  (clock: Clock): Behave => {
    const seen = new Set<unknown>();
    return async ({ data }: Item) => {
      await clock.sleep(ms(data));
      if (fails(data) && !seen.has(data)) {
        seen.add(data);
        throw new BatchxError('http', 'answered 503', { class: 'transient' });
      }
      return data;
    };
  };

describe('what is shown of a run', () => {
  it('is a line for it, with a total and how long it will take once that is known, and one for each stage', async () => {
    const [first, half, late] = await shown(
      Array.from({ length: 20 }, (_, n) => n),
      {
        steps: [
          map((n: number) => {
            if (n === 3) throw new Error('three');
            return n;
          }),
          call({ label: 'convert', concurrency: 2 }),
        ],
      },
      sleeping(1000),
      [500, 5000, 9000],
    );
    expect(first).toEqual([
      // What has failed goes past the others, but not faster than they do.
      '0/20 done · 0/s · 20 in flight',
      '  map      0 in flight · 19 ok · 1 failed',
      '  convert  2 in flight · 0 ok',
    ]);
    expect(half).toEqual([
      '11/20 done · 1 failed · 2.2/s · 5s left · 9 in flight',
      '  map      0 in flight · 19 ok · 1 failed',
      '  convert  2 in flight · 10 ok',
    ]);
    expect(late?.[0]).toBe('19/20 done · 1 failed · 2.1/s · 1s left · 1 in flight');
  });

  it('has no total, and no time left, as long as nobody knows how many items there are', () => {
    const figures: ProgressFigures = { ...stood, total: undefined, remaining: undefined };
    expect(progressText(figures, plainLook)).toMatch(/^12,003\/\? done · 3 failed · 1,205\/s · 300 in flight/);
  });

  it('does not count what was skipped as done, nor as to be done', async () => {
    const [screen, end] = await shown(
      Array.from({ length: 10 }, (_, n) => n),
      { steps: [filter((n: number) => n >= 4), call({ concurrency: 1 })] },
      sleeping(1000),
      [2000, 5000],
    );
    expect(screen?.[0]).toMatch(/^2\/6 done · 3\/s .* · 4 skipped$/);
    expect(end?.[0]).toMatch(/^5\/6 done/);
  });

  it('does not move by retries, which are counted apart', async () => {
    const policies: PolicyOptions = { retry: { retries: 3, initial: '5s', jitter: 'none' } };
    const [before, waiting, done] = await shown(
      [1, 2, 3, 9],
      { steps: [call({ label: 'update', concurrency: 4, policies })] },
      flaky(
        (n) => (n === 9 ? 9000 : 1000),
        (n) => n === 2 || n === 3,
      ),
      [500, 3000, 7000],
    );
    expect(before?.[0]).toBe('0/4 done · 0/s · 4 in flight');
    expect(waiting).toEqual([
      '1/4 done · 0.3/s · 10s left · 3 in flight',
      '  update  3 in flight · 1 ok',
      `  2 wait to try \`update\` again until ${after(6000)}`,
    ]);
    expect(done?.[0]).toBe('3/4 done · 0.4/s · 3s left · 1 in flight · 2 retries');
  });

  it('tells how many wait for which rate, and until when the last of them does', async () => {
    const policies: PolicyOptions = {};
    const [screen] = await shown(
      Array.from({ length: 20 }, (_, n) => n),
      { steps: [call({ label: 'update', concurrency: 18, policies })] },
      sleeping(10),
      [1500],
      {
        begin: (runtime) =>
          Object.assign(policies, { rate: Object.assign(new Limiter('1/s', runtime), { name: 'shop' }) }),
      },
    );
    expect(screen?.at(-1)).toMatch(/^ {2}18 wait for the rate `shop` until \d\d:\d\d:\d\d$/);
    const [, until] = /until (.*)$/.exec(screen?.at(-1) ?? '') ?? [];
    // 18 wait behind 2 that have started; starts are a hundredth further apart than asked.
    expect([after(19_000), after(20_000)]).toContain(until);
  });

  it('tells of a breaker that is open, for whom, and who waits for it', async () => {
    const policies: PolicyOptions = {};
    const [open, trying, closed] = await shown(
      [1, 2, 3, 4],
      { steps: [call({ label: 'update', concurrency: 2, policies })] },
      flaky(
        () => 100,
        (n) => n === 1 || n === 2,
      ),
      [2000, 10_150, 10_250],
      {
        begin: (runtime) => {
          const options = { window: 2, minCalls: 2, open: '10s', halfOpen: 1 } as const;
          policies.breaker = Object.assign(new Breaker(options, runtime), { name: 'api' });
          policies.retry = { retries: 2, initial: '50ms', jitter: 'none' };
        },
      },
    );
    expect(open?.slice(2)).toEqual([
      '  the breaker `api` is open: 2 of 2 calls failed',
      expect.stringMatching(/^ {2}2 wait for the breaker `api` until \d\d:\d\d:\d\d$/),
    ]);
    expect(trying?.[2]).toBe('  the breaker `api` is half open: a few calls show whether it goes well again');
    expect(closed?.[0]).toMatch(/^\d\/4 done/);
    expect(closed?.join('\n')).not.toContain('breaker');
  });

  it('counts in each stage what comes to it, also where items are split', async () => {
    const [screen] = await shown(
      [5, 5],
      {
        steps: [
          call({ label: 'fetch' }),
          split((n: number) => Array.from({ length: n }, (_, i) => i)),
          call({ label: 'write', concurrency: 3 }),
        ],
      },
      sleeping(1000),
      [2500],
    );
    expect(screen).toEqual([
      '0/2 done · 0/s · 2 in flight',
      '  fetch  0 in flight · 2 ok',
      '  write  3 in flight · 3 ok',
    ]);
  });
});

const stood: ProgressFigures = {
  ms: 10_000,
  counts: { read: 12_345, ok: 12_000, failed: 3, skipped: 42, inDoubt: 0, pending: 300 },
  total: 20_042,
  rate: 1204.5,
  remaining: { least: 6_400, most: 8_100 },
  retries: 17,
  stages: [
    { steps: ['read', 'convert'], concurrency: 8, inFlight: 8, ok: 12_200, failed: 1, skipped: 42, retries: 0 },
    { steps: ['upload'], concurrency: 4, inFlight: 4, ok: 12_000, failed: 2, skipped: 0, retries: 17 },
  ],
  waits: [{ reason: 'rate', of: 'shop', steps: ['upload'], count: 1, until: undefined, ms: 5000 }],
  breakers: [{ name: 'api', key: 'a\u001b[31m', state: 'half-open', calls: 10, failures: 5 }],
};
const plainLook = { stages: true, redact: (text: string) => text, now: 0 };

describe('the texts', () => {
  it('have all of it in one line', () => {
    expect(progressText(stood, plainLook)).toBe(
      '12,003/20,000 done · 3 failed · 1,205/s · 6s to 9s left · 300 in flight · 42 skipped · 17 retries · ' +
        'read, convert: 8 in flight, 12,200 ok, 1 failed, 42 skipped · upload: 4 in flight, 12,000 ok, 2 failed, 17 retries · ' +
        'the breaker `api` for a\\u001b[31m is half open: a few calls show whether it goes well again · ' +
        '1 waits for the rate `shop`',
    );
  });

  it('have no secrets in them, and nothing that moves a cursor', () => {
    const redact = (text: string) => text.replaceAll('convert', '***');
    const lines = progressLines(stood, { ...plainLook, redact }, { columns: 200, rows: 20 });
    expect(lines[1]).toMatch(/^ {2}read, \*\*\* {2}8 in flight/);
    // eslint-disable-next-line no-control-regex
    expect(lines.join('')).not.toMatch(/[\u0000-\u001f]/);
  });

  it('say so when nothing was done lately, and tell of no wait that is short', () => {
    const short = [{ ...stood.waits[0]!, ms: 999, until: 999 }];
    const still = { ...stood, remaining: { least: 90_000, most: undefined }, waits: short, breakers: [] };
    const text = progressText(still, plainLook);
    expect(text).toContain(' · more than 1m 30s left · ');
    expect(text).not.toContain('wait');
    expect(progressText({ ...still, waits: [{ ...short[0]!, until: 1000 }] }, plainLook)).toContain('1 waits for');
  });

  it('are never wider than the screen, nor more than it has lines, and the first is always there', () => {
    const many = {
      ...stood,
      stages: Array.from({ length: 30 }, (_, n) => ({ ...stood.stages[0]!, steps: [`übung ${n} 漢字`] })),
    };
    fc.assert(
      fc.property(fc.integer({ min: 10, max: 150 }), fc.integer({ min: 1, max: 40 }), (columns, rows) => {
        const lines = progressLines(many, plainLook, { columns, rows });
        expect(lines.length).toBeLessThanOrEqual(rows);
        for (const line of lines) expect(widthOf(line)).toBeLessThanOrEqual(columns);
        expect(lines[0]).toBe(progressLines(stood, plainLook, { columns, rows: 1 })[0]);
      }),
    );
    const lines = progressLines(many, plainLook, { columns: 100, rows: 10 });
    expect(lines).toContain('  and 24 more stages');
  });

  it('are cut with a mark, wide characters too', () => {
    expect(cutToWidth('abcdef', 6)).toBe('abcdef');
    expect(cutToWidth('abcdefg', 6)).toBe('abcde…');
    expect(cutToWidth('漢字漢字', 6)).toBe('漢字…');
  });
});

describe('how long the rest takes', () => {
  it('is in few steps, rounded to the side that is asked for', () => {
    const spans = [400, 9_400, 12_000, 61_000, 600_000, 3_599_000, 5_000_000, 90_000_000, 400_000_000];
    expect(spans.map((ms) => showSpan(ms, 'up'))).toEqual([
      '1s',
      '10s',
      '15s',
      '1m 30s',
      '10m',
      '1h',
      '1h 25m',
      '1d 1h',
      '4d 16h',
    ]);
    expect(spans.map((ms) => showSpan(ms, 'down'))).toEqual([
      '1s',
      '9s',
      '10s',
      '1m',
      '10m',
      '59m',
      '1h 20m',
      '1d 1h',
      '4d 15h',
    ]);
  });

  it('lies between what the last seconds and what the whole run foretell', () => {
    const estimate = new Estimate(0);
    // Ten a second for a minute, then one a second.
    for (let s = 1; s <= 60; s++) estimate.look(s * 1000, s * 10);
    for (let s = 61; s <= 100; s++) estimate.look(s * 1000, 600 + (s - 60));
    const { least, most } = estimate.remaining(100_000, 640, 1640) ?? {};
    expect(least).toBe((1000 * 100_000) / 640);
    expect(most).toBe(1_000_000);
  });

  it('is not known before anything is done, nor when nothing is left, and open when nothing was done lately', () => {
    const estimate = new Estimate(0);
    expect(estimate.remaining(5000, 0, 10)).toBeUndefined();
    expect(estimate.remaining(900, 5, 10)).toBeUndefined();
    expect(estimate.remaining(5000, 10, 10)).toBeUndefined();
    for (let s = 1; s <= 40; s++) estimate.look(s * 1000, Math.min(s, 5));
    expect(estimate.remaining(40_000, 5, 10)).toEqual({ least: 40_000, most: undefined });
  });
});
