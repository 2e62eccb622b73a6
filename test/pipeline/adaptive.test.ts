import { runPipeline } from 'batchx';
import { describe, expect, it } from 'vitest';
import type { Item } from '../../src/core/item.js';
import type { Clock } from '../core/policy/play.js';
import type { Plan } from '../../src/pipeline/plan.js';
import { call, map, play } from '../report/reports.js';

/** Works on some calls at once, each for 50 ms; the others wait. */
const server = (workers: number) => (clock: Clock) => {
  const free = Array.from({ length: workers }, () => 0);
  return async ({ data }: Item) => {
    free.sort((a, b) => a - b);
    const end = Math.max(clock.now, free[0] as number) + 50;
    free[0] = end;
    await clock.sleep(end - clock.now);
    return data;
  };
};

const values = Array.from({ length: 500 }, (_, n) => n);

/** Runs a plan against a server, and gives the caps that its steps have had. */
async function caps(parts: Partial<Plan>, workers: number) {
  const seen: { step: string; cap: number }[] = [];
  const { report, result } = await play(values, parts, server(workers), (runtime) => {
    runtime.events.on('batch:concurrency', (told) => seen.push(told));
  });
  expect(result.counts.ok).toBe(values.length);
  return { seen, report };
}

describe('a concurrency that is found out', () => {
  it('is that of the step that says so: as many calls as are of use', async () => {
    const { seen, report } = await caps({ steps: [call({ concurrency: { max: 40 } })] }, 6);
    expect(seen[0]).toEqual({ step: 'call', cap: 4 });
    expect(seen.at(-1)?.cap).toBeGreaterThanOrEqual(5);
    expect(seen.at(-1)?.cap).toBeLessThanOrEqual(10);
    expect(report.ms).toBeLessThan((values.length / 6) * 50 * 1.1);
    expect(report.stages).toMatchObject([{ concurrency: seen.at(-1)?.cap, from: 'step', steps: ['call'] }]);
  });

  it('is one for each step that reaches outside where the top says so; the other stages have its maximum', async () => {
    const steps = [map('data'), call({ label: 'first' }), map('data'), call({ label: 'second' })];
    const { seen, report } = await caps({ steps, concurrency: { max: 12, min: 2 } }, 1000);
    expect(new Set(seen.map(({ step }) => step))).toEqual(new Set(['first', 'second']));
    expect(Math.max(...seen.map(({ cap }) => cap))).toBe(12);
    expect(report.stages).toMatchObject([
      { concurrency: 12, from: 'run', steps: ['map'] },
      { concurrency: 12, from: 'run', steps: ['first', 'map-2'] },
      { concurrency: 12, from: 'run', steps: ['second'] },
    ]);
  });

  it('gives way to a number on the step, or one for the run', async () => {
    const { seen } = await caps({ steps: [call({ concurrency: 3 })], concurrency: { max: 12 } }, 9);
    expect(seen).toEqual([]);
  });

  it('can be said in a file', async () => {
    const steps = [{ exec: 'echo {}', concurrency: { max: 3, adaptive: true } }];
    const input = { items: ['a', 'b'] };
    const { counts } = await runPipeline({ input, steps, output: [{ jsonl: '/dev/null' }] });
    expect(counts.ok).toBe(2);
    const wrong = (concurrency: unknown) => runPipeline({ input, steps: [{ exec: 'echo {}', concurrency }] });
    await expect(wrong({ max: 2, min: 3, adaptive: true })).rejects.toThrow('expected `min` to be at most `max`');
    await expect(wrong({ min: 3, adaptive: true })).rejects.toThrow('`max` is missing');
    await expect(wrong({ max: 2, adaptive: 'yes' })).rejects.toThrow('expected `adaptive: true`');
    await expect(wrong({ max: 2, most: 3, adaptive: true })).rejects.toThrow('`most` is not known here');
    await expect(wrong({ max: 2 })).rejects.toThrow('expected `adaptive: true`');
  });
});
