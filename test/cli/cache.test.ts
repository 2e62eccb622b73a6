import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { batchx, file, folder, start } from './program.js';

it('two runs at the same time share a cache, and a third one finds it whole', async () => {
  const items = Array.from({ length: 60 }, (_, n) => `item-${n % 12}`);
  const pipeline = (output: string): string =>
    file(
      `${output}.json`,
      JSON.stringify({
        input: { items },
        concurrency: 4,
        steps: [{ exec: ['sh', '-c', `echo "$1" >> log; echo "made of $1"`, 'sh', '{}'], cache: true }],
        output: [{ jsonl: `${output}.jsonl` }],
      }),
    );
  const rows = (output: string): unknown[] =>
    readFileSync(join(folder, `${output}.jsonl`), 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown)
      .sort();
  const expected = items.map((item) => `made of ${item}`).sort();
  const running = ['one', 'two'].map((output) => start(['run', pipeline(output)]));
  const done = await Promise.all(running.map(({ ended }) => ended));
  expect(done.map(({ ended, stderr }) => [ended, /damaged|cannot/.test(stderr)])).toEqual([
    [0, false],
    [0, false],
  ]);
  expect([rows('one'), rows('two')]).toEqual([expected, expected]);
  const calls = (): number => readFileSync(join(folder, 'log'), 'utf8').trimEnd().split('\n').length;
  const before = calls();
  expect(before).toBeLessThanOrEqual(24);
  expect(batchx(['run', pipeline('three')]).ended).toBe(0);
  expect(rows('three')).toEqual(expected);
  expect(calls()).toBe(before);
  const left = readdirSync(join(folder, '.batchx/cache'), { recursive: true, withFileTypes: true }).filter((each) =>
    each.isFile(),
  );
  expect(left).toHaveLength(12);
});
