import { describe, expect, it } from 'vitest';
import { runBatch, runPipeline } from '../../src/run-pipeline.js';
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

describe('runBatch', () => {
  const inputs = [1, 2, 3].map((data) => ({ data }));
  const resultsOf = async (given: readonly { data: unknown }[], steps: readonly unknown[]) =>
    (await runBatch(given, { steps }, {}, fakeRuntime())).outputs.map(({ result, success }) =>
      success ? result : 'failed',
    );

  it('gives each input the result of its batch', async () => {
    const sum = { map: 'data.reduce((sum, n) => sum + n, 0)' };
    expect(await resultsOf(inputs, [{ batch: { size: 2 } }, sum])).toEqual([3, 3, 3]);
    expect(await resultsOf(inputs, [{ batch: { size: 2 } }])).toEqual([[1, 2], [1, 2], [3]]);
  });

  it('gives an input that was split the results of its parts', async () => {
    const lists = [{ data: [1, 2] }, { data: [3] }, { data: [4, 'x'] }];
    const steps = [{ split: 'data' }, { map: 'data.toFixed(1)' }];
    expect(await resultsOf(lists, steps)).toEqual([['1.0', '2.0'], ['3.0'], 'failed']);
  });

  it('gives the result of the last step, be it null', async () => {
    expect(await resultsOf(inputs, [{ map: 'null', output: 'none' }])).toEqual([null, null, null]);
    expect(await resultsOf(inputs, [{ map: 'data * 2', output: 'twice' }])).toEqual([2, 4, 6]);
    expect(await resultsOf(inputs, [])).toEqual([1, 2, 3]);
  });

  it.each([
    [[{ data: 1 }, 2], 'inputs[1]: expected { data } with an id or metadata if wanted, got 2 (number)'],
    [[undefined], 'inputs[0]: expected { data } with an id or metadata if wanted, got undefined'],
    [
      [{ id: 'a', dta: 1 }],
      'inputs[0]: expected { data } with an id or metadata if wanted, got an object with id, dta',
    ],
    [[[1]], 'inputs[0]: expected { data } with an id or metadata if wanted, got an array'],
    [new Set(['a']), 'inputs[0]: expected { data } with an id or metadata if wanted, got "a"'],
    [7, 'expected a list, or another iterable, of inputs, got 7 (number)'],
    [undefined, 'expected a list, or another iterable, of inputs, got undefined'],
    [Promise.resolve([]), 'expected a list, or another iterable, of inputs, got a promise; await it'],
  ])('refuses what is no input: %j', async (wrong, message) => {
    const done = runBatch(wrong as never, { steps: [] }, {}, fakeRuntime());
    await expect(done).rejects.toMatchObject({ code: 'usage', message });
  });
});
