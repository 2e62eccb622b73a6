import { expect, it } from 'vitest';
import { builtin } from '../../src/builtin.js';
import type { Plan, Use } from '../../src/pipeline/plan.js';
import { run } from '../../src/pipeline/run.js';
import { fakeRuntime } from '../../src/testing.js';

const values = (count: number): Use => ({ name: 'literals', options: { values: Array.from({ length: count }) } });
const lines: Use = { name: 'lines', options: { path: '-' } };

/** How many items there are, as it is told at the start and when all have been read. */
async function told(parts: Partial<Plan>, stdin: string[] = [], stopAt = Infinity) {
  const runtime = fakeRuntime({ stdin });
  const seen: (number | undefined)[] = [];
  runtime.events.on('batch:start', ({ total }) => seen.push(total));
  runtime.events.on('batch:read', ({ items }) => seen.push(items));
  runtime.events.on('batch:item:start', ({ seq }) => {
    if (seq === stopAt) runtime.stop();
  });
  const sinks = [{ name: 'jsonl', options: { path: '-' } }];
  await run(
    { name: 'test', sources: [], steps: [], ordered: true, halt: [], sinks, ...parts },
    { registry: builtin, runtime },
  );
  return seen;
}

it('tells how many items there are before they are read, where the source knows', async () => {
  expect(await told({ sources: [values(3)] })).toEqual([3, 3]);
  expect(await told({ sources: [values(3), values(2)] })).toEqual([5, 5]);
  expect(await told({ sources: [values(3)], limit: 2 })).toEqual([2, 2]);
  expect(await told({ sources: [values(3)], limit: 0 })).toEqual([0, 0]);
});

it('and otherwise once the last one has been read, or as many as may be', async () => {
  expect(await told({ sources: [lines] }, ['a\nb\n', 'c\n'])).toEqual([undefined, 3]);
  expect(await told({ sources: [lines, values(2)] }, ['a\n'])).toEqual([undefined, 3]);
  expect(await told({ sources: [lines], limit: 2 }, ['a\nb\n', 'c\n'])).toEqual([undefined, 2]);
});

it('but not when nobody knows, as the run was told to stop', async () => {
  expect(await told({ sources: [lines] }, ['a\nb\n', 'c\n'], 1)).toEqual([undefined]);
});
