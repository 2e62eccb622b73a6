import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { createRuntime, runPipeline } from 'batchx';

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
  // What cannot be told from others is taken for none of them.
  const sizes = (...sets: ReadonlySet<number>[]) => ({ input: { items: sets }, steps: [{ map: 'data.size' }] });
  expect((await runPipeline(sizes(new Set([1])), { job: { ...job, name: 'sizes' } })).counts).toMatchObject({ ok: 1 });
  const others = sizes(new Set([1, 2]), new Set([1]));
  expect((await runPipeline(others, { job: { ...job, name: 'sizes' } })).counts).toMatchObject({ ok: 2, skipped: 0 });
  expect((await runPipeline(pipeline(1))).counts).toMatchObject({ ok: 1, skipped: 0 });
  await expect(runPipeline(pipeline(1), { job: { name: '' } })).rejects.toMatchObject({ code: 'usage' });
});

it('what a run writes is no input of it, nor of those after it', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'batchx-job-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  for (const name of ['a', 'b', 'c']) writeFileSync(join(folder, `${name}.txt`), name);
  const named = (path: string) => ({
    input: { files: path, hidden: true },
    steps: [{ write: `${folder}/of-{{ basename }}.md`, content: '{{ basename }}', root: folder }],
    output: [
      { jsonl: join(folder, 'out.jsonl') },
      { json: join(folder, 'out.json') },
      { failed: join(folder, 'failed.jsonl') },
      { report: join(folder, 'report.json') },
    ],
  });
  const pipeline = named(`${folder}/**`);
  const job = { name: 'own', root: join(folder, 'jobs') };
  expect(await runPipeline(pipeline, { job })).toMatchObject({ counts: { read: 3, ok: 3 } });
  expect(await runPipeline(pipeline, { job })).toMatchObject({ counts: { read: 3, skipped: 3 } });
  writeFileSync(join(folder, 'd.txt'), 'd');
  expect(await runPipeline(pipeline, { job })).toMatchObject({ counts: { read: 4, ok: 1, skipped: 3 } });
  await expect(runPipeline(named(join(folder, 'out.jsonl')))).rejects.toThrow('read by this run');
});

it('a record that was being written when a run died is cut off, and told', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'batchx-job-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const report = join(folder, 'report.json');
  const pipeline = { input: { items: [1] }, steps: [{ map: 'data' }], output: [{ report }] };
  const job = { name: 'torn', root: join(folder, 'jobs') };
  const warnings = async (): Promise<unknown> => {
    await runPipeline(pipeline, { job });
    return (JSON.parse(readFileSync(report, 'utf8')) as { warnings: { list: unknown } }).warnings.list;
  };
  expect(await warnings()).toEqual([]);
  const journal = join(folder, 'jobs/torn/journal.jsonl');
  writeFileSync(journal, `${readFileSync(journal, 'utf8')}{"t":"run"`);
  const message = 'the journal of the job torn ended in 10 bytes of an unfinished record, which were cut off';
  expect(await warnings()).toEqual([expect.objectContaining({ message })]);
  expect(await warnings()).toEqual([]);
});

it('a file that a command has made is made again when it is gone or altered, and what comes behind is not done again', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'batchx-job-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const [made, log] = [join(folder, 'made'), join(folder, 'log')];
  const pipeline = (creates: object) => ({
    input: { items: [1] },
    steps: [
      { exec: ['sh', '-c', 'echo make >> "$1"; echo x > "$2"', '-', log, '{outputPath}'], ...creates },
      { exec: ['sh', '-c', 'echo use >> "$1"', '-', log] },
    ],
  });
  const job = { name: 'made', root: join(folder, 'jobs') };
  const ran = async (verify: boolean, more: object = {}): Promise<string> => {
    await runPipeline(pipeline({ creates: made, ...more }), { job: { ...job, verify } }, createRuntime());
    const text = existsSync(log) ? readFileSync(log, 'utf8') : '';
    rmSync(log, { force: true });
    return text;
  };
  expect(await ran(false)).toBe('make\nuse\n');
  rmSync(made);
  expect(await ran(false)).toBe('make\n');
  writeFileSync(made, 'y\n');
  expect(await ran(false)).toBe('');
  expect(await ran(true)).toBe('make\n');
  expect(readFileSync(made, 'utf8')).toBe('x\n');
  // What must not be done twice is not done for a file, either.
  expect(await ran(true, { effect: 'once' })).toBe('');
  rmSync(made);
  expect(await ran(true, { effect: 'once' })).toBe('');
});

it('what an input takes and when a step is done are a part of the job', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'batchx-job-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const out = join(folder, 'out.jsonl');
  const run = async (filter: string, when: string): Promise<string> => {
    const input = { items: [1, 2, 3], filter };
    const steps = [{ map: 'data * 10', when }];
    await runPipeline({ input, steps, output: [{ jsonl: out }] }, { job: { name: 'job', root: join(folder, 'jobs') } });
    return readFileSync(out, 'utf8');
  };
  expect(await run('data > 1', 'data > 2')).toBe('2\n30\n');
  expect(await run('data > 0', 'data > 2')).toBe('1\n2\n30\n');
  expect(await run('data > 0', 'data > 1')).toBe('1\n20\n30\n');
  expect(await run('data > 2', 'data > 1')).toBe('30\n');
});

it('a result that is the same as the data has its name beside them, also when it is kept', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'batchx-job-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const seen: unknown[] = [];
  const run = (say: string) =>
    runPipeline(
      {
        input: { items: ['x'] },
        steps: [{ exec: 'echo {{ data }}', output: 'said' }, { map: say }],
        output: [{ jsonl: join(folder, 'out.jsonl') }],
      },
      { job: { name: 'job', root: join(folder, 'jobs') } },
    );
  for (const say of ['({ said })', '({ again: said })']) {
    await run(say);
    seen.push(JSON.parse(readFileSync(join(folder, 'out.jsonl'), 'utf8')));
  }
  expect(seen).toEqual([{ said: 'x' }, { again: 'x' }]);
});
