import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { batchx, file, folder, jsonl } from './program.js';

let pipelines = 0;

/** Writes a pipeline, and gives the name of its file. */
const pipeline = (value: object | string): string =>
  file(`pipeline-${++pipelines}.yaml`, typeof value === 'string' ? value : stringify(value));

const read = (path: string): string => readFileSync(join(folder, path), 'utf8');

interface Report {
  exit: number;
  counts: Record<string, number>;
  steps: { name: string; ok: number; failed: number; attempts: number | null; retries: number | null }[];
}

/** Runs a pipeline, and gives how it ended with its report and what it said of progress. */
function run(value: object, ...args: string[]) {
  const report = `report-${pipelines + 1}.json`;
  const done = batchx(['run', pipeline(value), '--report', report, ...args]);
  return { ...done, report: JSON.parse(read(report)) as Report };
}

const counts = (ok: number, failed = 0, skipped = 0) => ({
  read: ok + failed + skipped,
  ok,
  failed,
  skipped,
  inDoubt: 0,
  pending: 0,
});

describe('batchx run', () => {
  it('settles each item of a batch as the batch ends: six in threes, and the file of the fifth is taken', () => {
    mkdirSync(join(folder, 'taken/5.txt'), { recursive: true });
    const six = [1, 2, 3, 4, 5, 6].map((n) => ({ n }));
    const done = run({
      input: { items: six },
      steps: [
        { batch: { size: 3 } },
        { split: 'data' },
        { write: '{{ n }}.txt', content: 'file {{ n }}', root: 'taken' },
      ],
      output: [{ jsonl: 'taken.jsonl' }],
    });
    expect(readdirSync(join(folder, 'taken')).filter((name) => name !== '5.txt')).toEqual([
      '1.txt',
      '2.txt',
      '3.txt',
      '4.txt',
      '6.txt',
    ]);
    // Of a batch all are settled as its worst part is.
    expect(done.report.counts).toEqual(counts(3, 3));
    expect(done.report.steps.find(({ name }) => name === 'write')).toMatchObject({ ok: 5, failed: 1 });
    expect(done.ended).toBe(1);
    expect(done.report.exit).toBe(1);
  });

  it('five written and one failed: the same in report, summary and exit code', () => {
    mkdirSync(join(folder, 'six/5.txt'), { recursive: true });
    const done = run({
      input: { items: [1, 2, 3, 4, 5, 6] },
      concurrency: 3,
      steps: [{ write: '{{ data }}.txt', content: 'x', root: 'six' }],
      output: [{ jsonl: 'six.jsonl' }],
    });
    expect(done.report.counts).toEqual(counts(5, 1));
    expect(done.stderr).toContain('6 items read: 5 ok, 1 failed');
    expect(read('six.jsonl').trim().split('\n').map(Number).sort()).toEqual([1, 2, 3, 4, 6]);
    expect([done.ended, done.report.exit]).toEqual([1, 1]);
  });

  it('a filter of four to three', () => {
    const done = run({
      input: { items: [1, 2, 3, 4] },
      steps: [{ filter: 'data != 2' }],
      output: [{ jsonl: 'three.jsonl' }],
    });
    expect(done.report.counts).toEqual(counts(3, 0, 1));
    expect(read('three.jsonl')).toBe('1\n3\n4\n');
    expect([done.ended, done.report.exit]).toEqual([0, 0]);
  });

  it('retries are exact', () => {
    // Each fails twice: the third try finds two lines in its file.
    const command = 'echo x >> tries-$1; test $(wc -l < tries-$1) -ge 3';
    const done = run({
      input: { items: ['a', 'b'] },
      steps: [{ exec: ['sh', '-c', command, 'sh', '{}'], name: 'flaky', retry: { retries: 5, initial: '1ms' } }],
      output: [{ jsonl: 'retried.jsonl' }],
    });
    expect(done.report.counts).toEqual(counts(2));
    expect(done.report.steps[0]).toMatchObject({ name: 'flaky', ok: 2, failed: 0, attempts: 6, retries: 4 });
    expect(read('tries-a')).toBe('x\nx\nx\n');
  });

  it('two that are split into twenty, one of which is bad', () => {
    const done = run({
      input: { items: [{ from: 0 }, { from: 10 }] },
      steps: [
        { split: 'Array.from({ length: 10 }, (_, i) => data.from + i)' },
        { map: '{ if (data == 13) throw new Error("thirteen"); return data * 2; }'.replace(/^/, 'data => ') },
      ],
      output: [{ jsonl: 'twenty.jsonl' }],
    });
    expect(read('twenty.jsonl').trim().split('\n')).toHaveLength(19);
    expect(done.report.counts).toEqual(counts(1, 1));
    expect(done.report.steps.find(({ name }) => name === 'map')).toMatchObject({ ok: 19, failed: 1 });
    expect([done.ended, done.report.exit]).toEqual([1, 1]);
    expect(done.stderr).toContain('thirteen');
  });

  it('writes outcomes where the file has no output, or results alone', () => {
    const name = pipeline({ input: { items: [1, 'x'] }, steps: [{ map: 'data.toFixed(1)' }] });
    const both = batchx(['run', name]);
    expect(
      both.stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as object),
    ).toMatchObject([
      { id: '#1', success: true, result: '1.0' },
      { id: '#2', success: false, error: { code: 'expression' } },
    ]);
    expect(batchx(['run', name, '--shape', 'result']).stdout).toBe('"1.0"\n');
    expect(batchx([name, '--shape', 'result']).stdout).toBe('"1.0"\n');
  });

  it('takes other inputs in place of its own, and what failed as they are', () => {
    file('own.jsonl', jsonl({ n: 1 }));
    file('other.jsonl', jsonl({ n: 2 }, { n: 'x' }, { n: 4 }));
    const name = pipeline({
      input: { jsonl: 'own.jsonl' },
      steps: [{ map: 'data.n.toFixed() * config.by' }],
      config: { by: 10 },
      output: [{ jsonl: '-' }, { failed: 'letters.jsonl' }],
    });
    expect(batchx(['run', name]).stdout).toBe('10\n');
    expect(batchx(['run', name, 'other.jsonl', '--set', 'by=2'])).toMatchObject({ stdout: '4\n8\n', ended: 1 });
    file('again.jsonl', read('letters.jsonl').replace('"x"', '7'));
    expect(batchx(['run', name, '-', '--config', '{"by": 3}'], '{"n":5}\n').stdout).toBe('15\n');
    expect(batchx(['run', name, 'again.jsonl']).stdout).toBe('70\n');
  });

  it('starts nothing when something is wrong, and tells all of it', () => {
    const name = pipeline(
      'input: { items: [1] }\nsteps:\n  - exec: touch started\n  - exce: x\n    y: z\noutput:\n  - jsonl: 5\n',
    );
    const done = batchx(['run', name]);
    expect(done.ended).toBe(2);
    expect(done.stderr).toContain(`${name}:4:5: no step is called "exce"; did you mean "exec"?`);
    expect(done.stderr).toContain(`${name}:7:12: expected text, got 5`);
    expect(existsSync(join(folder, 'started'))).toBe(false);
    const checked = batchx(['check', name, '--json']);
    expect(checked.ended).toBe(2);
    expect(JSON.parse(checked.stdout)).toMatchObject([
      { file: name, line: 4, col: 5, path: 'steps.1.exce' },
      { file: name, line: 7, col: 12, path: 'output.0.jsonl' },
    ]);
  });

  it('only tells in a dry run, and touches nothing', () => {
    const name = pipeline({
      input: { items: ['a b', '$(touch bad)', 'c'], limit: 2 },
      steps: [
        { exec: 'touch made-{}', output: 'made' },
        { write: '{{ data }}.txt', content: '{{ made }}' },
      ],
      outputRoot: 'never',
      output: [{ jsonl: 'all.jsonl' }],
    });
    const done = batchx(['run', name, '--dry-run']);
    expect(done.stdout).toBe(
      [
        '#1',
        "  exec: touch 'made-a b'",
        '  write: never/a b.txt',
        '#2',
        "  exec: touch 'made-$(touch bad)'",
        '  write: never/$(touch bad).txt',
        '',
      ].join('\n'),
    );
    expect(done.stderr).toContain('nothing was touched; the results would go to never/all.jsonl');
    for (const path of ['never', 'made-a b', 'bad']) expect(existsSync(join(folder, path))).toBe(false);
  });

  it('writes beside the usual outputs in a test run', () => {
    const name = pipeline({
      input: { items: [1] },
      steps: [],
      outputRoot: 'usual',
      output: [{ jsonl: 'x/all.jsonl' }],
    });
    expect(batchx(['run', name, '--test'])).toMatchObject({ ended: 0, stdout: '' });
    expect(read('usual_test/x/all.jsonl')).toBe('1\n');
    expect(existsSync(join(folder, 'usual'))).toBe(false);
  });

  it('does the steps of a recipe with its own values, seen from its own folder', () => {
    mkdirSync(join(folder, 'recipes/deep'), { recursive: true });
    file(
      'recipes/greet.yaml',
      'config: { word: hello, end: "!" }\nsteps:\n  - exec: echo {{ config.word }} {}{{ config.end }}\n    output: said\n  - use: ./deep/up.mjs\n    output: said\n',
    );
    file('recipes/deep/up.mjs', 'export default (data, item) => item.outputs.said.toUpperCase();\n');
    const name = pipeline({
      input: { items: ['a'] },
      config: { top: 'good day' },
      steps: [{ pipeline: 'recipes/greet.yaml', with: { word: '{{ config.top }}' } }, { map: '`${said}?`' }],
    });
    expect(batchx(['run', name, '--shape', 'result'])).toMatchObject({ stdout: '"GOOD DAY A!?"\n', ended: 0 });
  });

  it('lets steps that only look at an item leave the result as it is', () => {
    const said = { exec: 'echo {{ n }}', output: 'said' };
    const last = (...steps: object[]): string => {
      const name = pipeline({ input: { items: [{ n: 1 }] }, steps: [said, ...steps] });
      return batchx(['run', name, '--shape', 'result']).stdout;
    };
    expect(last()).toBe('"1"\n');
    expect(last({ filter: 'data.n > 0' })).toBe('"1"\n');
    expect(last({ write: 'left.txt', content: '{{ said }}' })).toBe('"1"\n');
    expect(last({ map: 'data' })).toBe('{"n":1}\n');
    expect(last({ map: 'data', output: 'same' }, { map: 'same.n + said' })).toBe('"11"\n');
  });

  it('shows a secret nowhere, also that of a recipe, whose commands have it', () => {
    const canary = 'r3cipe-s3cret';
    file(
      'secretive.yaml',
      'secrets: [TOKEN]\nsteps:\n  - exec: [sh, -c, \'echo "$KEY" >&2; test -n "$KEY" && test -z "$TOKEN" && exit 7\']\n    env: { KEY: "{{ env.TOKEN }}" }\n',
    );
    const output = [{ failed: 'secretive-letters.jsonl' }];
    const name = pipeline({ input: { items: ['a'] }, steps: [{ pipeline: 'secretive.yaml' }], output });
    const done = batchx(['run', name], '', { env: { ...process.env, TOKEN: canary } });
    expect(done.stderr).toContain('exit code 7: ***');
    for (const text of [done.stdout, done.stderr, read('secretive-letters.jsonl')]) expect(text).not.toContain(canary);
  });

  it('shows a secret nowhere', () => {
    const canary = 'c4nary-s3cret';
    const name = pipeline({
      secrets: ['TOKEN'],
      input: { items: ['a'] },
      steps: [
        { exec: ['sh', '-c', 'echo "[$TOKEN]" > seen'], name: 'without' },
        { exec: ['sh', '-c', 'echo "denied: $KEY" >&2; exit 1'], env: { KEY: '{{ env.TOKEN }}' }, name: 'with' },
      ],
      output: [{ failed: 'secret-letters.jsonl' }, { report: 'secret-report.json' }],
    });
    const env = { ...process.env, TOKEN: canary };
    const done = batchx(['run', name, '--report-items', 'secret-items.jsonl'], '', { env });
    expect(done.ended).toBe(1);
    expect(done.stderr).toContain('denied: ***');
    expect(read('seen')).toBe('[]\n');
    for (const text of [
      done.stdout,
      done.stderr,
      ...['secret-letters.jsonl', 'secret-report.json', 'secret-items.jsonl'].map(read),
    ])
      expect(text).not.toContain(canary);
  });
});

describe('an aggregate that cannot be made', () => {
  it('is null and told once; the others are made, and the run is whole', () => {
    const done = run({
      input: { items: [1, 2, 3] },
      output: [{ jsonl: 'spoilt.jsonl' }],
      aggregate: [{ count: {} }, { stats: 'data.x.y' }, { stats: 'data', name: 'fine' }, { stats: 'oops', name: 'o' }],
    });
    expect(done.ended).toBe(1);
    expect(done.report).toMatchObject({ exit: 1, aggregate: { count: 3, stats: null, fine: { sum: 6 }, o: null } });
    const lines = done.stderr.split('\n');
    expect(lines[0]).toMatch(
      /^batchx: cannot make the aggregate `stats`: TypeError: .*'y'.*, at #1; cannot make the aggregate `o`: .*, at #1$/,
    );
    expect(lines[1]).toMatch(/^batchx: 3 items read: 3 ok in /);
    expect(done.stderr).not.toContain('early');
  });
});
