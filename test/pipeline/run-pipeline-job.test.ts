import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { runPipeline } from 'batchx';

it('runPipeline goes on where the job has ended, and keeps nothing without one', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'batchx-job-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const out = join(folder, 'out.jsonl');
  const pipeline = (...items: unknown[]) => ({
    input: { items },
    steps: [{ map: 'data * 2' }],
    output: [{ jsonl: out }],
  });
  const job = { name: 'doubles', root: join(folder, 'jobs') };
  expect((await runPipeline(pipeline(1, 2), { job })).counts).toMatchObject({ ok: 2, skipped: 0 });
  expect((await runPipeline(pipeline(1, 2, 3), { job })).counts).toMatchObject({ ok: 1, skipped: 2 });
  expect(readFileSync(out, 'utf8')).toBe('2\n4\n6\n');
  expect((await runPipeline(pipeline(1), { job: { ...job, fresh: true } })).counts).toMatchObject({ ok: 1 });
  expect((await runPipeline(pipeline(1))).counts).toMatchObject({ ok: 1, skipped: 0 });
  await expect(runPipeline(pipeline(1), { job: { name: '' } })).rejects.toMatchObject({ code: 'usage' });
});
