import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createRuntime, runPipeline } from 'batchx';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../contract/temp.js';

/** A job that writes files for rows or for parts of them. */
function work(steps: (root: string) => readonly object[], output: (root: string) => readonly object[] = () => []) {
  const root = temporaryFolder();
  const run = async (rows: readonly object[], job: object = {}) => {
    writeFileSync(join(root, 'in.jsonl'), rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
    const pipeline = {
      input: { jsonl: join(root, 'in.jsonl'), id: 'data.id' },
      steps: steps(root),
      output: output(root),
    };
    const { counts } = await runPipeline(
      pipeline,
      { job: { name: 'job', durability: 'off', root: join(root, 'jobs'), ...job } },
      createRuntime(),
    );
    const { ok, failed, skipped } = counts;
    return [ok, failed, skipped];
  };
  const read = (name: string): string => readFileSync(join(root, name), 'utf8');
  return { root, run, read };
}

const writing = (root: string) => [{ write: '{{ p }}', content: '{{ id }}', root }];
const splitting = (root: string) => [{ split: 'data.parts' }, { write: '{{ p }}', content: '{{ v }}', root }];

it('items that have changed take over the files of each other, and of items that are gone', async () => {
  const { run, read } = work(writing);
  expect(
    await run([
      { id: 'a', p: 'x' },
      { id: 'b', p: 'y' },
    ]),
  ).toEqual([2, 0, 0]);
  expect(
    await run([
      { id: 'a', p: 'y' },
      { id: 'b', p: 'x' },
    ]),
  ).toEqual([2, 0, 0]);
  expect([read('x'), read('y')]).toEqual(['b', 'a']);
  expect(
    await run([
      { id: 'a', p: 'y' },
      { id: 'b', p: 'x' },
    ]),
  ).toEqual([0, 0, 2]);
  expect(
    await run([
      { id: 'a', p: 'y' },
      { id: 'c', p: 'x' },
    ]),
  ).toEqual([1, 0, 1]);
  expect([read('x'), read('y')]).toEqual(['c', 'a']);
});
it('no item gets what another one has, in this run or by one that is done, nor the file of somebody else', async () => {
  const { root, run, read } = work(writing);
  await run([
    { id: 'a', p: 'x' },
    { id: 'b', p: 'y' },
  ]);
  expect(
    await run([
      { id: 'a', p: 'x' },
      { id: 'b', p: 'y' },
      { id: 'c', p: 'x' },
    ]),
  ).toEqual([0, 1, 2]);
  expect(
    await run(
      [
        { id: 'c', p: 'x' },
        { id: 'a', p: 'x' },
        { id: 'b', p: 'y' },
      ],
      { retry: 'failed' },
    ),
  ).toEqual([0, 1, 2]);
  expect(
    await run([
      { id: 'a', p: 'z' },
      { id: 'b', p: 'z' },
    ]),
  ).toEqual([1, 1, 0]);
  writeFileSync(join(root, 'w'), 'foreign');
  expect(
    await run([
      { id: 'a', p: 'w' },
      { id: 'b', p: 'y' },
    ]),
  ).toEqual([1, 1, 0]);
  expect(read('w')).toBe('foreign');
});
it.each([
  ['without an output', () => []],
  ['with one of lines', (root: string) => [{ jsonl: join(root, 'o.jsonl') }]],
])('parts of an item that has changed take over the files of each other, %s', async (_, output) => {
  const { run, read } = work(splitting, output);
  const p = (p: string, v: string) => ({ p, v });
  expect(
    await run([
      { id: 'a', parts: [p('x', '1'), p('y', '2')] },
      { id: 'b', parts: [p('w', 'b')] },
    ]),
  ).toEqual([2, 0, 0]);
  expect(
    await run([
      { id: 'a', parts: [p('x', '1'), p('y', '2')] },
      { id: 'b', parts: [p('w', 'b')] },
    ]),
  ).toEqual([0, 0, 2]);
  expect(
    await run([
      { id: 'a', parts: [p('y', '2'), p('x', '1')] },
      { id: 'b', parts: [p('w', 'b')] },
    ]),
  ).toEqual([1, 0, 1]);
  expect(
    await run([
      { id: 'a', parts: [p('x', '3')] },
      { id: 'b', parts: [p('w', 'b')] },
    ]),
  ).toEqual([1, 0, 1]);
  expect(read('x')).toBe('3');
  expect(
    await run([
      { id: 'a', parts: [p('n', '0'), p('x', '3')] },
      { id: 'b', parts: [p('w', 'b')] },
    ]),
  ).toEqual([1, 0, 1]);
  expect(
    await run([
      { id: 'a2', parts: [p('n', '0'), p('x', '3')] },
      { id: 'b', parts: [p('w', 'b')] },
    ]),
  ).toEqual([1, 0, 1]);
  expect(
    await run([
      { id: 'c', parts: [p('w', 'c')] },
      { id: 'b', parts: [p('w', 'b')] },
    ]),
  ).toEqual([0, 1, 1]);
  expect(read('w')).toBe('b');
});
