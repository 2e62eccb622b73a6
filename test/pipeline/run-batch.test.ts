import { describe, expect, it } from 'vitest';
import { runBatch } from '../../src/run-batch.js';
import { fakeRuntime } from '../../src/testing.js';

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
