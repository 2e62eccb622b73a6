import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runPipeline } from '../../src/run-pipeline.js';
import { type Report, reportSchema } from '../../src/report/report-schema.js';
import { batchxHere } from '../cli/in-process.js';
import { bash, batchx, type Done, env, file, folder, itNeeds, jsonl, onLinux, start } from '../cli/program.js';

const read = (name: string): string => readFileSync(join(folder, name), 'utf8');
const reportIn = (name: string): Report => reportSchema.parse(JSON.parse(read(name)));

let count = 0;
/** A pipeline file, as JSON is YAML too. */
const pipeline = (keys: object): string => file(`p${count++}.yaml`, JSON.stringify(keys));

const items = (size: number): { items: { id: number }[] } => ({
  items: Array.from({ length: size }, (_, id) => ({ id })),
});
const failSome = { map: '(data) => { if (data.id % 2 === 1) throw new Error(`no ${data.id}`); return data; }' };

/** Runs a pipeline, and gives its report beside what it did. */
function reported(keys: object, ...flags: string[]): Done & { readonly report: Report } {
  const done = batchx(['run', pipeline(keys), '--report', 'report.json', ...flags]);
  return { ...done, report: reportIn('report.json') };
}

describe('--report', () => {
  it('writes what the run did, and says where', () => {
    const { report, stdout, stderr, ended } = reported({
      name: 'demo',
      input: items(4),
      steps: [{ map: '({ n: data.id })' }, { filter: 'data.n > 0' }],
      aggregate: [{ count: {} }],
    });
    expect(ended).toBe(0);
    expect(stdout.trim().split('\n')).toHaveLength(3);
    expect(stderr.replace(/in \S+, \S+/, 'in TIME, RATE')).toBe(
      'batchx: 4 items read: 3 ok, 1 skipped in TIME, RATE\nbatchx: {"count":3}\nbatchx: the report is in report.json\n',
    );
    expect(report).toMatchObject({
      version: 1,
      pipeline: 'demo',
      exit: 0,
      interrupted: false,
      halted: null,
      error: null,
      counts: { read: 4, ok: 3, failed: 0, skipped: 1, inDoubt: 0, pending: 0 },
      skipped: { filtered: 1 },
      aggregate: { count: 3 },
      bytes: { in: null, out: Buffer.byteLength(stdout) },
      outputs: { written: [{ path: '-', bytes: Buffer.byteLength(stdout) }] },
    });
    expect(report.run).toMatch(/^\d{8}-\d{6}-\w{4}$/);
    expect(report.batchx).toBe((JSON.parse(readFileSync('package.json', 'utf8')) as { version: string }).version);
  });

  it('tells what was read, written and made', () => {
    file('in.jsonl', jsonl({ id: 1 }, { id: 2 }));
    const { report } = reported({
      input: { jsonl: 'in.jsonl' },
      steps: [{ write: '{{ id }}/x.txt', content: '{{ id }}!' }],
      outputRoot: 'made/here',
      output: [{ jsonl: 'all.jsonl' }],
    });
    const bytes = read('made/here/all.jsonl').length;
    expect(report.bytes).toEqual({ in: 18, out: bytes + 4 });
    expect(report.outputs).toEqual({ written: [{ path: 'made/here/all.jsonl', bytes }], files: 2, filesBytes: 4 });
    expect(report.folders.paths).toHaveLength(3);
    expect(report.folders.count).toBe(3);
  });

  it('is what `output` in the file says too, below the root of the outputs', () => {
    const own = pipeline({
      input: items(1),
      outputRoot: 'rooted',
      output: [{ jsonl: 'a.jsonl' }, { report: 'sub/r.json' }],
    });
    expect(batchx(['run', own, '--report', 'both.json', '-q'])).toEqual({ stdout: '', stderr: '', ended: 0 });
    expect(read('rooted/sub/r.json')).toBe(read('both.json'));
  });

  it('is written by code that runs the pipeline, too', async () => {
    const root = join(folder, 'from-code');
    const keys = {
      input: items(3),
      steps: [failSome],
      outputRoot: root,
      output: [{ jsonl: 'a.jsonl' }, { report: 'r.json' }],
    };
    const { error, counts } = await runPipeline(keys);
    expect(error).toBeUndefined();
    const unknown = { processors: null, cpuSeconds: { own: null, children: null } };
    expect(reportIn('from-code/r.json')).toMatchObject({ exit: null, batchx: null, counts, resources: unknown });
    const same = { ...keys, output: [{ jsonl: 'a.jsonl' }, { report: 'a.jsonl' }] };
    await expect(runPipeline(same)).rejects.toThrow('a.jsonl is what `jsonl` (output.0.jsonl) writes already');
  });

  onLinux('tells what was used, and null where the system does not', () => {
    const { report } = reported({
      input: items(1),
      steps: [{ exec: ['sh', '-c', 'i=0; while [ $i -lt 60000 ]; do i=$((i+1)); done; true', 'x', '{{ id }}'] }],
    });
    const { cpuSeconds, peakMemory, processors } = report.resources;
    expect(processors).toBeGreaterThan(0);
    expect(cpuSeconds.own).toBeGreaterThan(0.02);
    expect(cpuSeconds.children).toBeGreaterThan(0.01);
    expect(peakMemory.own).toBeGreaterThan(20e6);
    expect(peakMemory.children).toBeNull();
    expect(report.steps).toMatchObject([{ name: 'exec', attempts: 1, in: 1, ok: 1 }]);
  });

  it('counts requests, and those that were refused for their rate', async () => {
    let asked = 0;
    const server = createServer((_, answer) => {
      asked++;
      if (asked === 2) answer.writeHead(429, { 'retry-after': '0' }).end();
      else answer.end('{"ok":true}');
    });
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    const own = pipeline({
      input: items(3),
      steps: [{ http: `GET ${url}`, retry: 2, name: 'ask', concurrency: 1, allowPrivate: true }],
    });
    const done = await start(['run', own, '--report', 'http.json', '-q']).ended;
    server.close();
    expect(done).toMatchObject({ ended: 0, stderr: '' });
    const report = reportIn('http.json');
    expect(report).toMatchObject({ apiCalls: 4, rateLimitHits: 1, counts: { ok: 3 } });
    expect(report.steps).toMatchObject([{ name: 'ask', verb: 'http', attempts: 4, retries: 1, throttled: 1 }]);
  });

  it('hides secrets', () => {
    file('tokens.jsonl', jsonl({ token: 'tiger-4711' }));
    const own = pipeline({
      secrets: ['TOKEN'],
      requires: { env: ['TOKEN'] },
      input: { jsonl: 'tokens.jsonl', id: 'data.token' },
      steps: [{ exec: ['true', '{{ index }}'] }, { map: '() => { throw new Error(`denied for ${env.TOKEN}`) }' }],
      output: [{ jsonl: 'none.jsonl' }],
    });
    const flags = ['--report', 'secret.json', '--report-items', 'secret.jsonl', '--json'];
    const { ended, stdout, stderr } = batchx(['run', own, ...flags], '', { env: { ...env, TOKEN: 'tiger-4711' } });
    expect(ended).toBe(1);
    const report = reportIn('secret.json');
    expect([report.failures.causes[0]?.message, report.slowest[0]?.id]).toEqual(['denied for ***', '***']);
    expect(read('secret.jsonl')).toContain('"id":"***"');
    expect([stdout, stderr, read('secret.json'), read('secret.jsonl')].join('')).not.toContain('tiger');
  });

  it('tells how what failed is run again, elsewhere if that would replace what others wrote', () => {
    file('rows.jsonl', jsonl({ id: 0 }, { id: 1 }, { id: 2 }, { id: 3 }));
    const keys = { input: { jsonl: 'rows.jsonl' }, steps: [failSome] };
    const { report, stderr } = reported(keys, '--failed', 'failed.jsonl', '--limit', '4', '--no-journal');
    expect(report.failures).toMatchObject({ total: 2, file: 'failed.jsonl' });
    expect(report.failures.again).toMatch(
      /^batchx run --report report.json --failed failed.jsonl --no-journal p\d+.yaml failed.jsonl$/,
    );
    expect(stderr).toContain(`to run just the 2 that failed again: ${report.failures.again ?? ''}`);
    const again = bash((report.failures.again ?? '').replace('batchx run', 'batchx run -q'));
    expect(again.ended).toBe(1);
    expect(reportIn('report.json').counts).toMatchObject({ read: 2, failed: 2 });
    const output = [{ jsonl: 'kept.jsonl' }, { failed: 'other.jsonl' }];
    const whole = reported({ ...keys, output }, '--no-journal');
    const kept = read('kept.jsonl');
    const command = whole.report.failures.again ?? '';
    expect(command).toMatch(/^batchx run --report report.json --no-journal --output again p\d+.yaml other.jsonl$/);
    expect(whole.stderr).toContain(`to run just the 2 that failed again: ${command}`);
    expect(bash(command).stderr).toContain('--output again-again ');
    expect(read('kept.jsonl')).toBe(kept);
    expect(read('again/other.jsonl').trim().split('\n')).toHaveLength(2);
    const inside = reported({ ...keys, outputRoot: 'out/', output }, '--no-journal');
    expect(inside.report.failures.again).toContain('--output out-again p');
    const fixed = reported(
      { ...keys, output: [{ jsonl: '../kept.jsonl' }, { failed: 'other.jsonl' }] },
      '--no-journal',
    );
    expect(fixed.report.failures).toMatchObject({ file: 'other.jsonl', again: null });
    expect(fixed.stderr).toContain(
      'what failed is in other.jsonl: give it as input, with other outputs, and just the 2',
    );
  });
});

describe('the exit code in the report is that of the process', () => {
  const broken = { map: '() => { throw new Error("no") }' };

  it.each([
    ['all is well', { input: items(2) }, [], 0],
    ['some failed', { input: items(2), steps: [failSome] }, [], 1],
    ['a rule halted it', { input: items(9), steps: [broken] }, ['--halt', 'now,fail=1'], 3],
    ['there is nothing to do', { input: { items: [] } }, [], 4],
    ['an input cannot be read', { input: { jsonl: 'not-there.jsonl' } }, [], 4],
  ])('when %s', (_, keys, flags, exit) => {
    const { report, ended } = reported(keys, ...flags);
    expect([ended, report.exit]).toEqual([exit, exit]);
    const { read: all, ok, failed, skipped, inDoubt, pending } = report.counts;
    expect(all).toBe(ok + failed + skipped + inDoubt + pending);
  });

  it('when a rule halted it, with the rule and the words that the console has', () => {
    const { report, stderr } = reported({ input: items(9), steps: [broken] }, '--halt', 'now,fail=1');
    expect(report.halted).toEqual({
      rule: '--halt now,fail=1',
      words: 'halted at the first failure (--halt now,fail=1)',
    });
    expect(stderr).toContain(report.halted?.words);
  });

  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('when %s ended it: the report is there, and says that it was interrupted', async (signal, exit) => {
    const own = pipeline({
      input: { lines: '-' },
      steps: [
        { exec: ['sh', '-c', 'echo "$1" >&2; echo "$1"', 'sh', '{{ data }}'], name: 'say' },
        { map: '(data) => data' },
      ],
    });
    const running = start(['run', own, '--report', 'cut.json', '--report-items', 'cut.jsonl']);
    running.write('one\ntwo\n');
    await running.until(({ stdout }) => stdout.split('\n').length > 2);
    running.kill(signal);
    const done = await running.ended;
    expect(done.ended).toBe(signal);
    const report = reportIn('cut.json');
    expect(report).toMatchObject({ exit, interrupted: true, counts: { read: 2, ok: 2, pending: 0 } });
    expect(report.steps[0]).toMatchObject({ name: 'say', attempts: 2, ok: 2 });
    expect(read('cut.jsonl').trim().split('\n')).toHaveLength(2);
    expect(done.stderr).toMatch(
      new RegExp(`interrupted by ${signal}: 2 items read: 2 ok in [^]*the report is in cut.json`),
    );
  });

  itNeeds('head', 'when nobody reads standard output any more', () => {
    const own = pipeline({ input: items(20_000), steps: [{ map: '({ text: "x".repeat(500) })' }] });
    const { stdout } = bash(`batchx run ${own} --report pipe.json | head -1 >/dev/null; echo \${PIPESTATUS[0]}`);
    expect(stdout.trim()).toBe('141');
    expect(reportIn('pipe.json').exit).toBe(141);
  });
});

describe('a report that cannot be written', () => {
  const two = { input: items(2) };

  it('is told before anything is done, where that is known, and ends with 5', async () => {
    for (const flag of ['--report', '--report-items']) {
      const { ended, stdout, stderr } = await batchxHere(['run', pipeline(two), flag, 'no/such/r.json']);
      expect([ended, stdout, stderr]).toEqual([
        5,
        '',
        'batchx: cannot write no/such/r.json: there is no such folder\n',
      ]);
    }
    mkdirSync(join(folder, 'taken'), { recursive: true });
    expect(batchx(['run', pipeline(two), '--report', 'taken'])).toMatchObject({
      ended: 5,
      stderr: 'batchx: cannot write taken: it is a directory\n',
    });
  });

  it('ends with 5 also when that is found out at the end, and the other report says so', () => {
    mkdirSync(join(folder, 'gone'), { recursive: true });
    const own = pipeline({
      ...two,
      steps: [{ exec: ['rm', '-rf', 'gone', '{{ id }}'] }],
      output: [{ jsonl: '-' }, { report: 'gone/r.json' }],
    });
    const { ended, stderr } = batchx(['run', own, '--report', 'kept.json']);
    expect(ended).toBe(5);
    expect(stderr).toContain('cannot write gone/r.json: there is no such folder');
    const report = reportIn('kept.json');
    expect(report).toMatchObject({ exit: 5, error: { code: 'output' }, counts: { ok: 2 } });
    expect(existsSync(join(folder, 'gone'))).toBe(false);
  });

  it('leaves inputs and outputs of the run alone', () => {
    const rows = jsonl({ id: 1 });
    file('mine.jsonl', rows);
    const own = pipeline({ input: { jsonl: 'mine.jsonl' }, output: [{ jsonl: 'theirs.jsonl' }] });
    for (const [flag, path] of [
      ['--report', 'mine.jsonl'],
      ['--report', 'theirs.jsonl'],
      ['--report-items', 'mine.jsonl'],
    ] as const) {
      const { ended, stderr } = batchx(['run', own, flag, path]);
      expect([flag, path, ended]).toEqual([flag, path, 5]);
      expect(stderr).toContain(`cannot write ${path}: it is`);
      expect([read('mine.jsonl'), read('theirs.jsonl')]).toEqual([rows, rows]);
    }
  });

  onLinux('ends with 5 when the disk is full', () => {
    const { ended, stderr } = batchx(['run', pipeline(two), '--report-items', '/dev/full', '-q']);
    expect(ended).toBe(5);
    expect(stderr).toMatch(/cannot write \/dev\/full: .*ENOSPC/);
  });

  onLinux('is written to what is no file as it is', () => {
    const { stderr } = bash(`batchx run ${pipeline(two)} -q --report >(cat >&2)`);
    expect(reportSchema.parse(JSON.parse(stderr)).counts.ok).toBe(2);
  });
});

describe('--json', () => {
  it('prints the report on standard output, alone where results go to files', () => {
    const own = pipeline({ input: items(2), output: [{ jsonl: 'alone.jsonl' }] });
    const { stdout } = batchx(['run', own, '--json']);
    expect(reportSchema.parse(JSON.parse(stdout))).toMatchObject({ exit: 0, counts: { ok: 2 } });
    expect(stdout.split('\n').length).toBeGreaterThan(50);
  });

  it('prints it as the last line behind results', () => {
    const { stdout } = batchx(['run', pipeline({ input: items(2) }), '--json']);
    const lines = stdout.trimEnd().split('\n');
    expect(lines).toHaveLength(3);
    expect(reportSchema.parse(JSON.parse(lines[2] as string)).counts.ok).toBe(2);
  });
});

describe('--report-items', () => {
  it('writes a row for each item of the source', () => {
    const own = pipeline({
      input: { items: [{ id: 0 }, { id: 1 }, { id: 2 }] },
      steps: [
        { filter: 'data.id !== 2' },
        failSome,
        { split: '[1, 2]' },
        { exec: ['true', '{{ data }}'], name: 'run', output: 'said' },
      ],
      output: [{ jsonl: 'parts.jsonl' }],
    });
    expect(batchx(['run', own, '--report-items', 'items.jsonl', '-q']).ended).toBe(1);
    const rows = read('items.jsonl')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>)
      .sort((a, b) => String(a.id).localeCompare(String(b.id)));
    expect(rows).toEqual([
      { id: '#1', status: 'ok', ms: expect.any(Number), attempts: 2, steps: { run: expect.any(Number) } },
      { id: '#2', status: 'failed', error: 'expression', ms: 0, attempts: 0, steps: {} },
      { id: '#3', status: 'skipped', reason: 'filtered', ms: 0, attempts: 0, steps: {} },
    ]);
    expect(rows[0]?.ms).toBeGreaterThan(0);
  });

  it('has those too that are pending at the end', () => {
    const own = pipeline({
      input: { items: [{ n: 0 }, { n: 1 }] },
      concurrency: 1,
      steps: [{ exec: 'false' }],
      halt: 'now,fail=1',
    });
    expect(batchx(['run', own, '--report-items', 'halted.jsonl', '-q']).ended).toBe(3);
    const rows = read('halted.jsonl')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as object);
    expect(rows).toHaveLength(2);
    expect(rows[0]).toMatchObject({ id: '#1', status: 'failed' });
    expect(rows[1]).toEqual({ id: '#2', status: 'pending' });
  });

  it('has all of many', () => {
    expect(batchx(['run', pipeline(items(5000)), '-q']).ended).not.toBe(0);
    const own = pipeline({ input: items(5000), output: [{ jsonl: 'many-out.jsonl' }] });
    expect(batchx(['run', own, '-q', '--report-items', 'many.jsonl']).ended).toBe(0);
    expect(read('many.jsonl').trim().split('\n')).toHaveLength(5000);
    rmSync(join(folder, 'many.jsonl'));
  });
});

describe('the summary of a run', () => {
  it('has two recommendations at most, and is silent with -q', () => {
    const own = pipeline({ input: items(10), steps: [{ map: '() => { throw new Error("no") }' }] });
    const { stderr } = batchx(['run', own]);
    expect(stderr).toMatch(/\nbatchx: 10 items read: 10 failed in \S+, \S+\/s\n/);
    expect(stderr).toContain(
      '\nbatchx: all 10 failures are alike: no, as at #1; mend that first, then run just those again\n',
    );
    expect(batchx(['run', own, '-q']).stderr).toBe('');
  });

  it('tells values of an aggregate that are long only where they are nowhere else', () => {
    const keys = { input: items(100), output: [{ jsonl: 'agg.jsonl' }], aggregate: [{ groupBy: 'data.id' }] };
    expect(batchx(['run', pipeline(keys)]).stderr).toContain('{"groupBy":');
    expect(reported(keys).stderr).not.toContain('groupBy');
  });

  it('says nothing of what was never begun', () => {
    const { stderr } = batchx(['run', pipeline({ input: { jsonl: 'not-there.jsonl' } })]);
    expect(stderr).toBe('batchx: cannot read not-there.jsonl: there is no such file\n');
  });
});

describe('batchx schema', () => {
  it('prints the JSON Schema of reports, and of pipelines', async () => {
    const schema = JSON.parse(batchx(['schema', 'report']).stdout) as { properties: object; required: string[] };
    expect(schema).toMatchObject({ title: 'batchx report', type: 'object', additionalProperties: false });
    const always = Object.keys(reportSchema.shape).filter((key) => key !== 'job');
    expect(schema.required.sort()).toEqual(always.sort());
    expect((await batchxHere(['schema'])).stdout).toBe(batchx(['schema', 'pipeline']).stdout);
    expect(await batchxHere(['schema', 'reprot'])).toMatchObject({
      ended: 2,
      stderr: expect.stringContaining('did you mean "report"'),
    });
  });
});
