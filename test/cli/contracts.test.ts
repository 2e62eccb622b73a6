import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { batchx, file, folder } from './program.js';

interface Report {
  exit: number;
  counts: Record<string, number>;
  halted: { rule: string | null; words: string } | null;
  failures: { total: number; causes: { code: string; message: string }[] };
  warnings: { count: number; list: { message: string; where: string | null }[] };
  steps: { name: string; ok: number; failed: number }[];
}

let runs = 0;

/** Runs a step over rows of which the third and the fifth do not fit what it accepts or returns. */
function run(mode: string | undefined, step: object, args: readonly string[] = []) {
  const name = `contract-${++runs}`;
  const pipeline = {
    ...(mode !== undefined && { mode }),
    input: { items: [{ n: 1 }, { n: 2 }, { n: 'three' }, { n: 4 }, { n: 'five' }, { n: 6 }] },
    concurrency: 1,
    steps: [step, { map: 'data', name: 'last' }],
    output: [{ jsonl: `${name}.jsonl` }, { report: `${name}.json` }],
  };
  const done = batchx(['run', file(`${name}.yaml`, stringify(pipeline)), ...args]);
  const report = JSON.parse(readFileSync(join(folder, `${name}.json`), 'utf8')) as Report;
  const out = existsSync(join(folder, `${name}.jsonl`)) ? readFileSync(join(folder, `${name}.jsonl`), 'utf8') : '';
  expect(report.exit).toBe(done.ended);
  const { read, ok, failed, skipped, inDoubt, pending } = report.counts as Record<string, number> & { read: number };
  expect(read).toBe((ok ?? 0) + (failed ?? 0) + (skipped ?? 0) + (inDoubt ?? 0) + (pending ?? 0));
  return { ...done, report, rows: out.split('\n').length - 1 };
}

const number = { type: 'object', properties: { n: { type: 'number' } } };
const contracts: [string, object, string][] = [
  [
    'accepts',
    { map: 'data', name: 'update', accepts: number },
    'not what update accepts: `n`: must be number, got "three"',
  ],
  [
    'returns',
    { exec: 'echo {{ n }}', name: 'update', stdout: 'text', returns: { type: 'string', pattern: '^\\d$' } },
    'not what update returns: ',
  ],
];

describe.each(contracts)('what a step %s', (which, step, message) => {
  it.each([undefined, 'flexible'])('fails the items that do not fit it, with mode %s', (mode) => {
    const { ended, report, rows, stderr } = run(mode, step);
    expect([ended, rows]).toEqual([1, 4]);
    expect(report.counts).toMatchObject({ ok: 4, failed: 2, pending: 0 });
    expect(report.failures.causes[0]?.code).toBe('validation');
    expect(report.failures.causes[0]?.message).toContain(message);
    expect(stderr).toContain(`#3: ${message}`);
    expect(report.steps.find(({ name }) => name === 'update')).toMatchObject({ ok: 4, failed: 2 });
    expect([report.halted, report.warnings.count]).toEqual([null, 0]);
  });

  it.each([
    ['mode: strict', 'strict', []],
    ['--strict', undefined, ['--strict']],
  ])('halts the run with %s', (said, mode, args) => {
    const { ended, report, rows, stderr } = run(mode, step, args);
    expect([ended, rows]).toEqual([3, 2]);
    expect(report.counts).toMatchObject({ ok: 2, failed: 1 });
    expect(report.halted?.words).toContain(`halted at the first failure (${said})`);
    expect(stderr).toContain(message);
  });

  it('warns of it once, with their number, in mode best-effort', () => {
    const { ended, report, rows, stderr } = run('best-effort', step);
    expect([ended, rows]).toEqual([0, 6]);
    expect(report.counts).toMatchObject({ ok: 6, failed: 0 });
    const warned = `2 items went on that did not fit what update ${which}; the first: `;
    expect(report.warnings).toMatchObject({
      count: 1,
      list: [{ where: '#3', message: expect.stringContaining(warned) as string }],
    });
    expect(stderr.split(warned)).toHaveLength(2);
  });
});

describe('a step that is optional', () => {
  const step = { exec: ['sh', '-c', 'test {{ n }} -gt 0 2> /dev/null'], name: 'update', optional: true };

  it('may fail in mode best-effort, which is warned of once', () => {
    const { ended, report, rows, stderr } = run('best-effort', step);
    expect([ended, rows]).toEqual([0, 6]);
    expect(report.counts).toMatchObject({ ok: 6, failed: 0 });
    expect(report.steps.find(({ name }) => name === 'update')).toMatchObject({ ok: 4, failed: 2 });
    expect(stderr).toContain(
      'batchx: warning: #3: update failed for 2 items, which went on without it; the first: exit code 2',
    );
  });

  it.each([
    ['flexible', 1, 4],
    ['strict', 3, 2],
  ])('fails its items in mode %s', (mode, code, rows) => {
    const done = run(mode, step);
    expect([done.ended, done.rows]).toEqual([code, rows]);
  });

  it('one that is not fails its items in mode best-effort as well', () => {
    const { ended, report } = run('best-effort', { ...step, optional: false });
    expect([ended, report.counts.failed]).toEqual([1, 2]);
  });
});
