import { describe, expect, it } from 'vitest';
import { runPipeline } from '../../src/run-pipeline.js';
import { fakeRuntime } from '../../src/testing.js';

describe('runPipeline', () => {
  it('counts items that no output takes as ok, and prints nothing', async () => {
    const runtime = fakeRuntime();
    const steps = [{ filter: 'data > 1' }, { map: 'data === 3 ? x : data' }];
    const { counts } = await runPipeline({ input: { items: [1, 2, 3] }, steps }, {}, runtime);
    expect(counts).toEqual({ read: 3, ok: 1, failed: 1, skipped: 1, inDoubt: 0, pending: 0 });
    expect(runtime.stdout).toBe('');
  });

  it.each([
    [{ config: { fator: 2 } }, 'pipeline has no `fator` in its config; did you mean "factor"?'],
    [{ cofnig: {} }, 'runPipeline: `cofnig` is not known; did you mean "config"?'],
    [{ config: 5 }, 'runPipeline: `config`: expected an object with values, got 5 (number)'],
  ])('refuses what it does not know: %j', async (options, message) => {
    const pipeline = { config: { factor: 1 }, input: { items: [1] }, steps: [{ map: 'data * config.factor' }] };
    await expect(runPipeline(pipeline, options as never, fakeRuntime())).rejects.toThrow(message);
    const known = { config: { factor: 3, given: 1 } };
    const speaking = { ...pipeline, steps: [{ map: 'data * config.factor + config.given' }] };
    expect((await runPipeline(speaking, known, fakeRuntime())).counts.ok).toBe(1);
  });
});
