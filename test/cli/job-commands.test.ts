import { mkdtempSync, readdirSync, readFileSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { reportSchema } from '../../src/report/report-schema.js';
import { batchx, type Done, folder, jsonl, program, Running } from './program.js';

interface Row {
  readonly id: string;
  readonly n: number;
}

/** A step that tells in `log` what it does, and fails for what is named in `bad`. */
const SAY = 'echo "$1" >> log; ! grep -qx "$1" bad || exit 3';
const PIPELINE = `name: shop
input: { jsonl: in.jsonl, id: data.id }
steps:
  - exec: sh -c '${SAY}; echo "$1 $2"' sh {{ id }} {{ n }}
output:
  - jsonl: out.jsonl
`;
const SLOW = PIPELINE.replace("sh -c '", `sh -c 'while test -e wait; do sleep 0.02; done; `);
const FILES = `name: shop
input: { files: '*.txt' }
steps:
  - exec: sh -c '${SAY}; cat "$1"' sh {{ relative }}
  - write: out/{{ relative }}
    content: '{{ result }}'
`;
const ROWS = ['a', 'b', 'c', 'd'].map((id, n) => ({ id, n }));

/** So many changes are planned and run; `BATCHX_PLANS=100` for more of them. */
const PLANS = Number(process.env.BATCHX_PLANS ?? 3);

/** A folder of its own. */
class Work {
  readonly cwd = mkdtempSync(join(folder, 'job-'));

  constructor(pipeline = PIPELINE) {
    this.rows(ROWS);
    this.write('p.yaml', pipeline);
    this.write('bad', '');
    this.write('log', '');
  }

  write(name: string, text: string): void {
    writeFileSync(join(this.cwd, name), text);
  }

  read(name: string): string {
    return readFileSync(join(this.cwd, name), 'utf8');
  }

  remove(name: string): void {
    unlinkSync(join(this.cwd, name));
  }

  rows(rows: readonly Row[]): void {
    this.write('in.jsonl', jsonl(...rows));
  }

  run(...args: string[]): Done {
    return batchx(args, '', { cwd: this.cwd });
  }

  start(...args: string[]): Running {
    return new Running(process.execPath, [program, ...args], { cwd: this.cwd });
  }

  json(...args: string[]): unknown {
    return JSON.parse(this.run(...args).stdout);
  }

  /** What has been done since the last time, in the order of names. */
  done(): string[] {
    const lines = this.read('log').split('\n').slice(0, -1).sort();
    this.write('log', '');
    return lines;
  }

  /** The names of the runs that have left a report. */
  kept(job = 'shop'): string[] {
    return readdirSync(join(this.cwd, '.batchx', job, 'runs')).sort();
  }

  /** All that is in the folder of jobs, and when it was changed. */
  state(): unknown {
    const root = join(this.cwd, '.batchx');
    const names = readdirSync(root, { recursive: true, encoding: 'utf8' }).sort();
    return names.map((name) => [name, statSync(join(root, name)).mtimeMs, statSync(join(root, name)).size]);
  }

  /** Waits until a run of the job goes on, and has noted something. */
  async running(noted = ''): Promise<void> {
    for (let left = 50; ; left--) {
      if (this.run('runs').stdout.includes('running now') && this.read('.batchx/shop/journal.jsonl').includes(noted))
        return;
      if (left === 0) throw new Error('no run goes on');
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

describe('each run of a job leaves its report, however it ends', () => {
  it('with the command line that started it', () => {
    const work = new Work();
    work.write('bad', 'b\n');
    expect(work.run('run', '-q', 'p.yaml').ended).toBe(1);
    const [run = ''] = work.kept();
    const text = work.read(`.batchx/shop/runs/${run}/report.json`);
    expect(reportSchema.parse(JSON.parse(text))).toMatchObject({
      exit: 1,
      counts: { read: 4, ok: 3, failed: 1 },
      failures: { file: '.batchx/shop/failed.jsonl', again: 'batchx retry shop' },
      job: { name: 'shop', run, how: 'complete', part: false, args: ['run', '-q', 'p.yaml'], cwd: work.cwd },
    });
    expect(work.run('report', '--json').stdout).toBe(text);
    expect(work.run('report', `shop/${run}`).stdout).toContain('4 items read: 3 ok, 1 failed');
    expect(work.run('report', run.slice(0, 9)).stdout).toContain('1. 1 exec: exit code 3 - e.g. in.jsonl:2');
  });

  it('also when it is interrupted', async () => {
    const work = new Work(SLOW);
    work.write('wait', '');
    const running = work.start('run', 'p.yaml', '-j1');
    await work.running('"t":"start"');
    running.kill('SIGINT');
    await running.until(({ stderr }) => stderr.includes('stopping'));
    work.remove('wait');
    expect((await running.ended).ended).toBe('SIGINT');
    expect(work.json('runs', 'shop', '--json')).toMatchObject([{ how: 'interrupted', exit: 130 }]);
  });

  it('also of commands and of a halt', () => {
    const work = new Work();
    expect(work.run('exec', '-q', '--job', 'few', '--halt', 'now,fail=1', 'false', ':::', 'a', 'b').ended).toBe(3);
    expect(reportSchema.parse(work.json('report', 'few', '--json'))).toMatchObject({ exit: 3, job: { how: 'halted' } });
  });

  it('for as many runs as are to be kept, the newest ones', () => {
    const work = new Work();
    const all: string[] = [];
    for (let i = 0; i < 4; i++) {
      work.run('run', '-q', 'p.yaml', '--keep-runs', '2');
      all.push(work.kept().at(-1) as string);
    }
    expect(work.kept()).toEqual(all.slice(2));
    expect(work.run('run', '-q', 'p.yaml', '--keep-runs', '0').ended).toBe(0);
    expect(work.kept()).toEqual([]);
  });
});

it('a run that goes on is listed with its process, and one that died with what it had done', async () => {
  const work = new Work(SLOW);
  work.write('wait', '');
  const running = work.start('run', '-q', 'p.yaml');
  await work.running();
  expect(work.json('runs', '--json')).toMatchObject([{ how: 'running', pid: running.process.pid }]);
  const before = work.state();
  expect(work.run('plan', 'p.yaml').ended).toBe(0);
  expect(work.state()).toEqual(before);
  for (const args of [['retry'], ['defer', 'shop', 'a'], ['clean'], ['clean', '--all']]) {
    const { stderr, ended } = work.run(...args);
    expect({ args, ended }).toEqual({ args, ended: 6 });
    expect(stderr).toContain(`process ${running.process.pid}`);
  }
  running.kill('SIGKILL');
  await running.ended;
  work.remove('wait');
  expect(work.json('runs', '--json')).toMatchObject([{ how: 'died', pid: null, counts: { ok: 0 } }]);
});

it('all of them tell which jobs there are when none has that name', () => {
  const work = new Work();
  work.run('run', '-q', 'p.yaml');
  const said = 'is called "shpo"; did you mean "shop"? there are shop';
  for (const command of ['runs', 'report', 'retry', 'sample', 'clean', 'defer']) {
    const done = work.run(command, 'shpo', ...(command === 'defer' ? ['x'] : []));
    expect([command, done]).toMatchObject([command, { ended: 2, stderr: expect.stringContaining(said) as string }]);
  }
});

describe('`retry` runs just what failed', () => {
  it('to the same outputs, and the next run has nothing to do', () => {
    const work = new Work();
    work.write('bad', 'b\nd\n');
    expect(work.run('run', '-q', 'p.yaml').ended).toBe(1);
    work.done();
    work.write('bad', 'd\n');
    expect(work.run('retry', '-q').ended).toBe(1);
    expect(work.done()).toEqual(['b', 'd']);
    work.write('bad', '');
    expect(work.run('retry', '-q', 'shop').ended).toBe(0);
    expect(work.done()).toEqual(['d']);
    expect(work.read('out.jsonl').split('\n').sort()).toEqual(['', '"a 0"', '"b 1"', '"c 2"', '"d 3"']);
    expect(work.run('retry')).toMatchObject({
      ended: 0,
      stderr: expect.stringContaining('nothing has failed') as string,
    });
    expect(work.run('run', '-q', 'p.yaml').ended).toBe(0);
    expect(work.done()).toEqual([]);
    expect(work.run('plan', 'p.yaml').stdout).toBe('shop: 4 items: 4 done\na run would do nothing\n');
  });

  it('and leaves all lines of an output in the order of the input, where that is kept', () => {
    const work = new Work();
    work.write('bad', 'b\n');
    work.run('run', '-qk', 'p.yaml');
    work.write('bad', '');
    expect(work.run('retry', '-q').ended).toBe(0);
    expect(work.read('out.jsonl')).toBe('"a 0"\n"b 1"\n"c 2"\n"d 3"\n');
  });

  it('of what came from standard input, which is gone', () => {
    const work = new Work(PIPELINE.replace('in.jsonl', '"-"'));
    const fed = (): Done => batchx(['run', '-q', 'p.yaml'], jsonl(...ROWS), { cwd: work.cwd });
    work.write('bad', 'b\n');
    expect(fed().ended).toBe(1);
    work.write('bad', '');
    work.done();
    expect(work.run('retry', '-q').ended).toBe(0);
    expect(work.done()).toEqual(['b']);
    expect(fed().ended).toBe(0);
    expect(work.done()).toEqual([]);
  });

  it.each([
    ['values', ['sh', '-c', SAY, 'sh', '{1}', '{2}', ':::', 'a', 'b', ':::', '1'], ['b']],
    ['several at a time', ['--max-args', '2', 'sh', '-c', SAY, 'sh', '{1}', ':::', 'a', 'x', 'b', 'y', 'c'], ['b']],
    ['rows', ['--in', 'jsonl', `sh -c '${SAY}' sh {{ id }}`, 'in.jsonl'], ['b']],
  ])('of commands: %s', (_, args, again) => {
    const work = new Work();
    work.write('bad', 'b\n');
    expect(work.run('exec', '-q', '--job', 'x', ...args).ended).toBe(1);
    work.done();
    work.write('bad', '');
    expect(work.run('retry', '-q', 'x').ended).toBe(0);
    expect(work.done()).toEqual(again);
  });

  it('of files, and for one cause', () => {
    const work = new Work(FILES.replace('exit 3', 'exit $(wc -c < "$1")'));
    for (const name of ['a', 'b', 'c', 'd']) work.write(`${name}.txt`, name === 'b' ? 'xyz' : 'x');
    work.write('bad', 'b.txt\nc.txt\nd.txt\n');
    expect(work.run('run', '-q', 'p.yaml').ended).toBe(1);
    work.done();
    work.write('bad', '');
    expect(work.run('retry', '-q', '--group', '9').ended).toBe(2);
    expect(work.run('retry', '-q', '--group', '2').ended).toBe(0);
    expect(work.done()).toEqual(['b.txt']);
    expect(work.run('retry', '-q').ended).toBe(0);
    expect(work.done()).toEqual(['c.txt', 'd.txt']);
    expect(work.run('plan', 'p.yaml').stdout).toBe('shop: 4 items: 4 done\na run would do nothing\n');
    work.write('a.txt', 'other');
    work.remove('out/c.txt');
    expect(work.run('plan', 'p.yaml', '--items').stdout.split('\n').slice(0, 3)).toEqual([
      'changed   a.txt  its content has changed',
      'done      b.txt',
      'changed   c.txt  its files are not there as they were written',
    ]);
  });
});

it('`plan` tells just what the run then does, whatever has changed, and touches nothing', () => {
  const some = fc.subarray(['a', 'b', 'c', 'd']);
  const flags = { retry: fc.boolean(), step: fc.boolean(), lost: fc.boolean() };
  const changes = fc.record({ drop: some, edit: some, bad: some, add: fc.subarray(['e', 'f']), ...flags });
  fc.assert(
    fc.property(changes, ({ drop, edit, add, bad, retry, step, lost }) => {
      const work = new Work();
      work.write('bad', 'a\n');
      work.run('run', '-q', 'p.yaml');
      work.done();
      const rows = [...ROWS, ...add.map((id) => ({ id, n: 0 }))].filter(({ id }) => !drop.includes(id));
      work.rows(rows.map(({ id, n }) => ({ id, n: edit.includes(id) ? n + 10 : n })));
      work.write('bad', bad.map((id) => `${id}\n`).join(''));
      if (step) work.write('p.yaml', PIPELINE.replace('echo "$1 $2"', 'echo "$2 $1"'));
      if (lost) work.remove('out.jsonl');
      const also = retry ? ['--retry', 'failed'] : [];
      const before = work.state();
      const lines = work
        .run('plan', 'p.yaml', '--items', '--json', ...also)
        .stdout.split('\n')
        .slice(0, -1);
      expect(work.state()).toEqual(before);
      const planned = lines.map((line) => JSON.parse(line) as { id: string; runs: boolean; state: string });
      work.run('run', '-q', 'p.yaml', '--allow-empty', ...also);
      expect(work.done()).toEqual(planned.flatMap(({ id, runs }) => (runs ? [id] : [])).sort());
      const gone = planned.filter(({ state }) => state === 'gone').map(({ id }) => id);
      expect(gone.sort()).toEqual([...drop].sort());
    }),
    { numRuns: PLANS },
  );
});

it('`defer` has runs pass items over until that is undone: then each is as it was', () => {
  const work = new Work();
  work.write('bad', 'b\n');
  work.run('run', '-q', 'p.yaml');
  work.done();
  work.rows([...ROWS, { id: 'e', n: 4 }]);
  expect(work.run('defer', 'shop', 'a', 'b', 'e').ended).toBe(0);
  for (let i = 0; i < 2; i++) {
    expect(work.run('run', '-q', 'p.yaml', '--retry', 'all').ended).toBe(0);
    expect(work.done()).toEqual([]);
    expect(work.json('report', '--json')).toMatchObject({ skipped: { deferred: 3 } });
  }
  expect(work.run('defer', 'shop', 'a', 'b', 'e', 'c', '--undo').stderr).toContain('c was not deferred');
  expect(work.json('plan', 'p.yaml', '--json')).toMatchObject({ done: 3, failed: 1, new: 1, deferred: 0 });
  work.run('run', '-q', 'p.yaml');
  expect(work.done()).toEqual(['e']);
});

it('`sample` shows the same for the same seed, and `clean` removes what is kept and nothing else', () => {
  const work = new Work(FILES);
  for (const name of ['a', 'b', 'c']) work.write(`${name}.txt`, name);
  for (let i = 0; i < 3; i++) work.run('run', '-q', 'p.yaml');
  const few = (): string => work.run('sample', '-n', '2', '--seed', '1').stdout;
  expect(few()).toBe(few());
  work.remove('out/b.txt');
  const rows = work.run('sample', '-n9', '--json').stdout.split('\n').slice(0, -1);
  const states = rows.map((row) => (JSON.parse(row) as { files: { state: string }[] }).files[0]?.state);
  expect(states).toEqual(['as written', 'missing', 'as written']);
  const before = work.state();
  expect(work.run('clean', '--dry-run').stdout).toContain('would remove .batchx/shop, which knew of 3 done');
  expect(work.state()).toEqual(before);
  expect(work.run('clean', '--keep-runs', '1').stdout).toBe('shop: removed 2 reports of older runs\n');
  expect(work.kept()).toHaveLength(1);
  expect(work.run('clean', 'shop').ended).toBe(0);
  expect(readdirSync(join(work.cwd, '.batchx'))).toEqual(['.gitignore']);
  expect(readdirSync(join(work.cwd, 'out'))).toEqual(['a.txt', 'c.txt']);
});
