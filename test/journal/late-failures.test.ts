import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createRuntime, runPipeline } from 'batchx';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../contract/temp.js';

it('what a document refuses has failed in the job too, and is in no other output', async () => {
  const root = temporaryFolder();
  const rows = [1, 2, 3].map((n) => ({ id: `r${n}`, n }));
  writeFileSync(join(root, 'in.jsonl'), rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  const lines = (name: string): string[] => readFileSync(join(root, name), 'utf8').split('\n').slice(0, -1);
  const run = async (text: string, job: object = {}) => {
    const pipeline = {
      input: { jsonl: join(root, 'in.jsonl'), id: 'data.id' },
      steps: [{ map: `data.n == 2 ? ${text} : data` }],
      output: [{ jsonl: join(root, 'e.jsonl') }, { csv: join(root, 'e.csv') }, { failed: join(root, 'f.jsonl') }],
    };
    const options = { job: { name: 'job', durability: 'off', root: join(root, 'jobs'), ...job } } as const;
    const { ok, failed, skipped } = (await runPipeline(pipeline, options, createRuntime())).counts;
    return [ok, failed, skipped];
  };
  expect(await run('"two"')).toEqual([2, 1, 0]);
  expect([lines('e.jsonl').length, lines('f.jsonl').length, lines('e.csv').length]).toEqual([2, 1, 3]);
  expect(lines('jobs/job/failed.jsonl')).toHaveLength(1);
  expect(await run('"two"')).toEqual([0, 1, 2]);
  expect(await run('"two"', { retry: 'failed' })).toEqual([0, 1, 2]);
  expect([lines('e.jsonl').length, lines('f.jsonl').length, lines('e.csv').length]).toEqual([2, 1, 3]);
  expect(await run('{ id: "r2", n: 4 }')).toEqual([3, 0, 0]);
  expect([lines('e.jsonl').length, lines('e.csv').length]).toEqual([3, 4]);
});
