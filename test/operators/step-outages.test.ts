import { from, lastValueFrom, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { BatchxError } from '../../src/core/errors.js';
import { Item } from '../../src/core/item.js';
import { pull } from '../../src/core/pull.js';
import { step, type StepOptions } from '../../src/operators/steps/step.js';
import { Clock } from '../core/policy/play.js';

/** A call of a server that is down for some spans of time. */
interface Call {
  readonly item: number;
  readonly at: number;
  readonly ok: boolean;
}

const unavailable = (): Error => new BatchxError('http', 'answered 503', { class: 'unprocessed' });
const reset = (): Error => Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' });

/** Plays a batch against a server that is down for the spans `outages`, and gives its calls and what became of items. */
async function batch(
  items: number,
  outages: readonly (readonly [number, number])[],
  error: () => Error,
  options: StepOptions,
) {
  const clock = new Clock();
  const runtime = clock.runtime();
  const calls: Call[] = [];
  const call = async (item: number): Promise<number> => {
    const at = clock.now;
    const down = outages.some(([start, end]) => at >= start && at < end);
    calls.push({ item, at, ok: !down });
    await clock.sleep(20);
    if (down) throw error();
    return item;
  };
  const source = pull(() => [Array.from({ length: items }, (_, seq) => Item.of(seq, { seq }))]);
  const done = await clock.until(lastValueFrom(source.pipe(step(call, options, runtime), toArray())));
  return { calls, done, clock };
}

describe('outages are those of the server', () => {
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
      it.each([1, 2, 8])('fails none of 5,000 items at -j %i, asks little, and does not burst', async (concurrency) => {
        const start = 5_000;
        const outages = [[start, start + length]] as const;
        const { calls, done } = await batch(5_000, outages, error, { concurrency, breaker: true, retry: 3 });
        expect(done.filter((item) => item.error !== undefined)).toEqual([]);
        expect(new Set(done.map(({ seq }) => seq)).size).toBe(5_000);
        const probes = calls.filter(({ ok }) => !ok);
        expect(probes.length).toBeGreaterThan(0);
        expect(probes.length).toBeLessThan(40);
        const after = calls.filter(({ at, ok }) => ok && at >= start + length);
        const starts = new Map<number, number>();
        for (const { at } of after) starts.set(at, (starts.get(at) ?? 0) + 1);
        expect(Math.max(...starts.values())).toBeLessThanOrEqual(concurrency);
      });
    });
  });

  it('fails an item that is at fault itself, while others go well', async () => {
    const clock = new Clock();
    const calls: number[] = [];
    const call = async (item: number): Promise<number> => {
      calls.push(item);
      await clock.sleep(20);
      if (item === 7) throw unavailable();
      return item;
    };
    const items = from(Array.from({ length: 500 }, (_, seq) => Item.of(seq, { seq })));
    for (const concurrency of [1, 4]) {
      calls.length = 0;
      const options = { concurrency, breaker: true, retry: 3 };
      const done = await clock.until(lastValueFrom(items.pipe(step(call, options, clock.runtime()), toArray())));
      expect(done.filter((item) => item.error !== undefined).map(({ seq }) => seq)).toEqual([7]);
      expect(calls.filter((item) => item === 7).length).toBeLessThanOrEqual(7);
    }
  });

  it('fails a single item that never goes well, and soon', async () => {
    const clock = new Clock();
    const call = async (): Promise<number> => {
      await clock.sleep(20);
      throw unavailable();
    };
    const operator = step(call, { breaker: true, retry: 3 }, clock.runtime());
    const [item] = await clock.until(lastValueFrom(from([Item.of(1)]).pipe(operator, toArray())));
    expect(item?.error?.message).toBe('answered 503');
    expect(clock.now).toBeLessThan(60_000);
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
