import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Account, type Counts } from '../../src/core/account.js';
import { progressSchema, type ProgressEvent } from '../../src/report/progress-schema.js';
import { type Report, reportSchema } from '../../src/report/report-schema.js';
import { batchx, file, folder } from '../cli/program.js';
import { progressText } from '../../src/cli/progress-lines.js';
import { RunProgress } from '../../src/report/run-progress.js';
import { createRuntime } from '../../src/core/runtime.js';
import { runPipeline } from '../../src/run-pipeline.js';

type Standing = Extract<ProgressEvent, { event: 'batch:progress' }>;

interface Told {
  readonly ended: number | NodeJS.Signals;
  readonly report: Report;
  readonly events: readonly ProgressEvent[];
  /** How the run stood just before its end. */
  readonly last: Standing;
  readonly summary: string;
  /** A row for each item. */
  readonly items: readonly { readonly status: string; readonly attempts: number }[];
}

const rows = <T>(path: string): T[] =>
  readFileSync(join(folder, path), 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as T);

/** Runs a pipeline, and gives what each of those says who tell of it. */
function run(name: string, pipeline: object, ...more: string[]): Told {
  const path = file(`${name}.json`, JSON.stringify({ name, ...pipeline }));
  const flags = ['--report', `${name}-report.json`, '--report-items', `${name}-items.jsonl`, '--progress', 'json'];
  const { stderr, ended } = batchx(['run', path, ...flags, ...more]);
  const lines = stderr.trimEnd().split('\n');
  const events = lines.filter((line) => line.startsWith('{')).map((line) => progressSchema.parse(JSON.parse(line)));
  return {
    ended,
    report: reportSchema.parse(JSON.parse(readFileSync(join(folder, `${name}-report.json`), 'utf8'))),
    events,
    last: events.findLast((event): event is Standing => event.event === 'batch:progress')!,
    summary: lines.find((line) => /^batchx: .*items? read/.test(line)) ?? '',
    items: rows(`${name}-items.jsonl`),
  };
}

/** Expects report, progress, events, rows, summary and exit code to say the same of the items. */
function expectSame({ ended, report, events, last, summary, items }: Told, counts: Omit<Counts, 'read'>): void {
  const read = Object.values(counts).reduce((sum, count) => sum + count);
  expect(report.counts).toEqual({ read, ...counts });
  const { failed, inDoubt } = counts;
  expect(ended).toBe(failed + inDoubt > 0 ? 1 : 0);
  expect(report.exit).toBe(ended);
  // As it stood at the end.
  expect(last).toMatchObject({ read, ...counts });
  expect(last.total).toBe(read);
  // The events of each item.
  expect(events.filter(({ event }) => event === 'batch:item:start')).toHaveLength(read);
  const settled = events.filter((event) => event.event === 'batch:item:end');
  const by = (status: string): number => settled.filter((each) => each.status === status).length;
  expect({ ok: by('ok'), failed: by('failed'), skipped: by('skipped'), inDoubt: by('in-doubt'), pending: 0 }).toEqual(
    counts,
  );
  expect(items.map(({ status }) => status).sort()).toEqual(settled.map(({ status }) => status).sort());
  expect(summary).toContain(`${read} item${read === 1 ? '' : 's'} read: `);
  for (const [word, count] of [
    ['ok', counts.ok],
    ['failed', failed],
    ['skipped', counts.skipped],
  ] as const)
    if (count > 0) expect(summary).toContain(`${count} ${word}`);
  // Each stage says the same in both, and each attempt was told.
  expect(last.stages.map(({ ok, failed, skipped, inFlight }) => [ok, failed, skipped, inFlight])).toEqual(
    report.stages.map(({ ok, failed, skipped, pending }) => [ok, failed, skipped, pending]),
  );
  const attempts = events.filter((event) => event.event === 'batch:attempt:end');
  const timed = report.steps.filter((step) => step.attempts !== null);
  for (const step of timed) {
    const own = attempts.filter((attempt) => attempt.step === step.name);
    expect(own).toHaveLength(step.attempts ?? 0);
    expect(own.filter(({ attempt }) => attempt > 1)).toHaveLength(step.retries ?? 0);
  }
  const sum = (of: (step: Report['steps'][number]) => number | null): number =>
    report.steps.reduce((total, step) => total + (of(step) ?? 0), 0);
  expect(last.retries).toBe(sum(({ retries }) => retries));
  expect(items.reduce((total, each) => total + each.attempts, 0)).toBe(sum((step) => step.attempts));
}

const step = ({ report }: Told, name: string) => report.steps.find((each) => each.name === name);
const none = { ok: 0, failed: 0, skipped: 0, inDoubt: 0, pending: 0 };

describe('report, progress, events, rows, summary and exit code say the same', () => {
  it('of six items that are batched in threes, the fifth of which cannot be written', () => {
    mkdirSync(join(folder, 'six/5.txt'), { recursive: true });
    const told = run('six', {
      input: { items: [1, 2, 3, 4, 5, 6] },
      steps: [
        { write: '{{ data }}.txt', content: 'x', root: 'six', concurrency: 1 },
        { batch: { size: 3 } },
        { map: 'data', name: 'chunk' },
      ],
      output: [{ jsonl: 'six.jsonl' }],
    });
    expectSame(told, { ...none, ok: 5, failed: 1 });
    expect(step(told, 'write')).toMatchObject({ in: 6, ok: 5, failed: 1, attempts: 6 });
    expect(step(told, 'batch')).toMatchObject({ in: 5, ok: 2 });
    expect(step(told, 'chunk')).toMatchObject({ in: 2, ok: 2 });
    expect(rows<unknown[]>('six.jsonl').map((chunk) => chunk.length)).toEqual([3, 2]);
    expect(readdirSync(join(folder, 'six'))).toEqual(['1.txt', '2.txt', '3.txt', '4.txt', '5.txt', '6.txt']);
    expect(told.report.outputs.files).toBe(5);
    expect(told.events.filter((event) => event.event === 'batch:output' && event.id !== null)).toHaveLength(5);
  });

  it('of six in chunks of three that share what becomes of their chunk', () => {
    mkdirSync(join(folder, 'chunks/5.txt'), { recursive: true });
    const told = run('chunks', {
      input: { items: [1, 2, 3, 4, 5, 6] },
      steps: [{ batch: { size: 3 } }, { split: 'data' }, { write: '{{ data }}.txt', content: 'x', root: 'chunks' }],
      output: [{ jsonl: 'chunks.jsonl' }],
    });
    // Five files are written; what was batched together settles together.
    expectSame(told, { ...none, ok: 3, failed: 3 });
    expect(step(told, 'write')).toMatchObject({ in: 6, ok: 5, failed: 1 });
    expect(told.last.stages).toMatchObject([{ steps: ['write'], ok: 5, failed: 1 }]);
  });

  it('of four that are filtered to three', () => {
    const told = run('four', {
      input: { items: [1, 2, 3, 4] },
      steps: [{ filter: 'data != 2' }, { exec: 'true {}' }],
      output: [{ jsonl: 'four.jsonl' }],
    });
    expectSame(told, { ...none, ok: 3, skipped: 1 });
    expect(told.report.skipped).toEqual({ filtered: 1 });
    expect(step(told, 'exec')).toMatchObject({ in: 3, ok: 3, attempts: 3 });
  });

  it('of calls that are tried again', () => {
    // Each fails as often as its number says, and the last one for good.
    const command = 'echo x >> tries-$1; test $(wc -l < tries-$1) -gt $1';
    const retry = { retries: 3, initial: '1ms' };
    const told = run('retried', {
      input: { items: [0, 1, 2, 3, 4] },
      steps: [{ name: 'flaky', exec: ['sh', '-c', command, 'sh', '{}'], retry, concurrency: 2 }],
      output: [{ jsonl: 'retried.jsonl' }],
    });
    expectSame(told, { ...none, ok: 4, failed: 1 });
    const calls = [0, 1, 2, 3, 4].map((n) => readFileSync(join(folder, `tries-${n}`), 'utf8').length / 2);
    expect(calls).toEqual([1, 2, 3, 4, 4]);
    expect(step(told, 'flaky')).toMatchObject({ attempts: 14, retries: 9, retriedAfter: { 'exit code 1': 9 } });
    expect(told.events.filter(({ event }) => event === 'batch:attempt')).toHaveLength(9);
  });

  it('of two that are split into twenty, one of which is bad', () => {
    const told = run('twenty', {
      input: { items: [0, 10] },
      steps: [
        { split: 'Array.from({ length: 10 }, (_, i) => data + i)' },
        { exec: ['sh', '-c', 'test $1 != 13', 'sh', '{}'], concurrency: 3 },
      ],
      output: [{ jsonl: 'twenty.jsonl' }],
    });
    expectSame(told, { ...none, ok: 1, failed: 1 });
    expect(rows('twenty.jsonl')).toHaveLength(19);
    expect(step(told, 'split')).toMatchObject({ in: 2, ok: 20 });
    expect(step(told, 'exec')).toMatchObject({ in: 20, ok: 19, failed: 1, attempts: 20 });
    expect(told.last.stages).toMatchObject([{ steps: ['exec'], ok: 19, failed: 1, inFlight: 0 }]);
  });

  it('of a second run that finds all it needs in its cache', () => {
    const pipeline = {
      input: { items: ['a', 'b', 'a'] },
      steps: [{ exec: 'echo {}', cache: true, concurrency: 1 }],
      output: [{ jsonl: 'cached.jsonl' }],
    };
    const first = run('cached', pipeline);
    expectSame(first, { ...none, ok: 3 });
    expect(step(first, 'exec')).toMatchObject({ attempts: 2, cache: { hits: 1, misses: 2 } });
    const second = run('cached', pipeline, '--fresh');
    expectSame(second, { ...none, ok: 3 });
    expect(step(second, 'exec')).toMatchObject({ attempts: 0, cache: { hits: 3, misses: 0 } });
    expect(second.events.filter((event) => event.event === 'batch:cache' && event.hit)).toHaveLength(3);
  });
});

describe('the plain line says the same', () => {
  /** The line as it is just before the end, and the report. */
  async function ended(pipeline: { readonly input: object; readonly steps: readonly object[] }) {
    const runtime = createRuntime();
    const progress = new RunProgress(runtime, new Account(runtime.events));
    let line = '';
    runtime.events.on('batch:end', () => {
      line = progressText(progress.figures, { stages: true, redact: (text) => text, now: runtime.wallNow() });
    });
    const path = join(folder, 'plain-report.json');
    const { counts } = await runPipeline(
      { ...pipeline, output: [{ jsonl: join(folder, 'plain.jsonl') }, { report: path }] },
      {},
      runtime,
    );
    const report = reportSchema.parse(JSON.parse(readFileSync(path, 'utf8')));
    expect(report.counts).toEqual(counts);
    return line.replace(/ · [\d.,]+\/s/, '');
  }

  it('of six of which one cannot be written', async () => {
    mkdirSync(join(folder, 'plain/5.txt'), { recursive: true });
    const write = { write: '{{ data }}.txt', content: 'x', root: join(folder, 'plain') };
    expect(
      await ended({ input: { items: [1, 2, 3, 4, 5, 6] }, steps: [write, { batch: { size: 3 } }, { map: 'data' }] }),
    ).toBe('6/6 done · 1 failed · 0 in flight · write: 0 in flight, 5 ok, 1 failed · map: 0 in flight, 2 ok');
  });

  it('of four that are filtered to three', async () => {
    expect(await ended({ input: { items: [1, 2, 3, 4] }, steps: [{ filter: 'data != 2' }] })).toBe(
      '3/3 done · 0 in flight · 1 skipped · filter: 0 in flight, 3 ok, 1 skipped',
    );
  });

  it('of calls that are tried again, and of two that are split', async () => {
    const command = 'test $1 != 13 || { echo x >> thirteen; test $(wc -l < thirteen) -ge 3; }';
    const steps = [
      { split: 'Array.from({ length: 10 }, (_, i) => data + i)' },
      {
        exec: ['sh', '-c', command, 'sh', '{}'],
        cwd: folder,
        retry: { retries: 1, initial: '1ms' },
        name: 'call',
      },
    ];
    expect(await ended({ input: { items: [0, 10] }, steps })).toBe(
      '2/2 done · 1 failed · 0 in flight · 1 retry · call: 0 in flight, 19 ok, 1 failed, 1 retry',
    );
  });
});
