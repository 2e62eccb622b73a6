import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { bash, batchx, type Done, env, file, folder, itNeeds, jsonl, type Running, start } from './program.js';

let made = 0;

/** A folder of its own, with what a pipeline writes into a log each time that its command is run. */
class Work {
  readonly name = `work-${++made}`;

  constructor() {
    mkdirSync(join(folder, this.name));
  }

  write(name: string, text: string): void {
    file(join(this.name, name), text);
  }

  rows(...rows: unknown[]): void {
    this.write('in.jsonl', jsonl(...rows));
  }

  read(name: string): string {
    return readFileSync(join(folder, this.name, name), 'utf8');
  }

  lines(name: string): unknown[] {
    return this.read(name)
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as unknown);
  }

  pipeline(value: object): void {
    this.write('p.yaml', stringify(value));
  }

  run(...args: string[]): Done {
    return batchx(['run', 'p.yaml', ...args], '', { cwd: join(folder, this.name) });
  }

  /** Waits until a program has made a file. */
  async there(name: string, { process }: Running): Promise<void> {
    while (!existsSync(join(folder, this.name, name))) {
      if (process.exitCode !== null) throw new Error(`ended with ${process.exitCode} without ${name}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** What the command was run for since the last time, in order. */
  ran(): string[] {
    const log = join(folder, this.name, 'ran.log');
    const lines = existsSync(log) ? readFileSync(log, 'utf8').split('\n').filter(Boolean) : [];
    rmSync(log, { force: true });
    return lines.sort();
  }
}

const says = 'sh -c \'echo "$1" >> ran.log; echo "said $1"\' - {{ id }}';
const steps = [{ exec: says, output: 'said' }, { map: '({ id: data.id, v: data.v, said })' }];
const usual = { input: { jsonl: 'in.jsonl', id: '{{ id }}' }, steps, output: [{ jsonl: 'out.jsonl' }] };
const done = (...ids: number[]) => ids.map((id) => ({ id, said: `said ${id}` }));

describe('a run that is started again', () => {
  it('does what is new or has changed, and leaves out of its output what is gone', () => {
    const work = new Work();
    work.pipeline(usual);
    work.rows({ id: 1 }, { id: 2 }, { id: 3 }, { id: 4 });
    expect(work.run()).toMatchObject({ ended: 0 });
    expect(work.ran()).toEqual(['1', '2', '3', '4']);
    // Inserted in front, edited, deleted, and in another order.
    work.rows({ id: 5 }, { id: 4 }, { id: 3, v: 'new' }, { id: 1 });
    expect(work.run()).toMatchObject({ ended: 0 });
    expect(work.ran()).toEqual(['3', '5']);
    expect(work.lines('out.jsonl')).toHaveLength(4);
    expect(work.lines('out.jsonl')).toEqual(
      expect.arrayContaining([...done(5, 4, 1), { id: 3, v: 'new', said: 'said 3' }]),
    );
    const third = work.run();
    expect(third.stderr).toContain('nothing to do: all of it was done by earlier runs');
    expect(third.ended).toBe(0);
    expect(work.ran()).toEqual([]);
  });

  it('keeps the order of the input where that was asked for, whatever was done when', () => {
    const work = new Work();
    work.pipeline(usual);
    work.rows({ id: 1 }, { id: 3 });
    work.run('-k');
    work.rows({ id: 0 }, { id: 1 }, { id: 2 }, { id: 3 });
    work.run('-k');
    expect(work.lines('out.jsonl')).toEqual(done(0, 1, 2, 3));
    work.rows({ id: 3 }, { id: 2 }, { id: 1 }, { id: 0 });
    work.run('-k');
    expect(work.lines('out.jsonl')).toEqual(done(3, 2, 1, 0));
    expect(work.ran()).toEqual(['0', '1', '2', '3']);
  });

  it('does a step again that is another one, with what came of those before it', () => {
    const work = new Work();
    work.pipeline(usual);
    work.rows({ id: 1 }, { id: 2 });
    work.run();
    work.ran();
    work.pipeline({ ...usual, steps: [steps[0], { map: '({ only: said })' }] });
    expect(work.run()).toMatchObject({ ended: 0 });
    expect(work.ran()).toEqual([]);
    expect(work.lines('out.jsonl')).toEqual(expect.arrayContaining([{ only: 'said 1' }, { only: 'said 2' }]));
    expect(work.lines('out.jsonl')).toHaveLength(2);
    // How it is tried is no part of what it does.
    work.pipeline({ ...usual, steps: [{ ...steps[0], timeout: '5s', retry: 2 }, { map: '({ only: said })' }] });
    work.run();
    work.pipeline({ ...usual, steps: [{ exec: `${says} `, output: 'said' }, { map: '({ only: said })' }] });
    work.run();
    expect(work.ran()).toEqual(['1', '2']);
  });

  it('makes outputs again that were altered or are gone, and does nothing twice for that', () => {
    const work = new Work();
    work.pipeline(usual);
    work.rows({ id: 1 }, { id: 2 });
    work.run();
    work.ran();
    rmSync(join(folder, work.name, 'out.jsonl'));
    work.run();
    expect(work.lines('out.jsonl')).toHaveLength(2);
    writeFileSync(join(folder, work.name, 'out.jsonl'), '{"id":1,"said":"sai');
    work.run();
    expect(work.lines('out.jsonl')).toEqual(expect.arrayContaining(done(1, 2)));
    writeFileSync(join(folder, work.name, 'out.jsonl'), `${work.read('out.jsonl')}{"more":1}\n`);
    work.run();
    expect(work.lines('out.jsonl')).toHaveLength(2);
    expect(work.ran()).toEqual([]);
  });

  it('makes files again that are gone or have another size, and those alone', () => {
    const work = new Work();
    work.pipeline({ ...usual, steps: [steps[0], { write: 'files/{{ id }}.txt', content: '{{ said }}' }], output: [] });
    work.rows({ id: 1 }, { id: 2 }, { id: 3 });
    work.run();
    work.ran();
    rmSync(join(folder, work.name, 'files/1.txt'));
    work.write('files/2.txt', 'other');
    expect(work.run()).toMatchObject({ ended: 0 });
    expect(work.read('files/1.txt')).toBe('said 1');
    expect(work.read('files/2.txt')).toBe('said 2');
    expect(work.ran()).toEqual([]);
    expect(readdirSync(join(folder, work.name, 'files'))).toHaveLength(3);
    // The same size at the same time: only who reads it can tell.
    const path = join(folder, work.name, 'files/3.txt');
    const { atime, mtime } = statSync(path);
    work.write('files/3.txt', 'said X');
    utimesSync(path, atime, mtime);
    work.run();
    expect(work.read('files/3.txt')).toBe('said X');
    const plan = batchx(['plan', 'p.yaml', '--verify', '--json'], '', { cwd: join(folder, work.name) });
    expect(JSON.parse(plan.stdout)).toMatchObject({ changed: 1, done: 2, runs: 1 });
    expect(work.run('--verify')).toMatchObject({ ended: 0, stderr: expect.stringContaining('1 ok, 2 skipped') });
    expect([work.read('files/3.txt'), work.ran()]).toEqual(['said 3', []]);
  });

  it('knows files by what is in them: touched, moved with their folder, and edited', () => {
    const work = new Work();
    mkdirSync(join(folder, work.name, 'src'));
    for (const name of ['a', 'b', 'c']) work.write(`src/${name}.txt`, name);
    work.pipeline({
      input: { files: 'src/*.txt' },
      steps: [{ exec: 'sh -c \'basename "$1" >> ran.log; cat "$1"\' - {{ path }}', output: 'said' }],
      output: [{ jsonl: 'out.jsonl' }],
    });
    work.run();
    expect(work.ran()).toEqual(['a.txt', 'b.txt', 'c.txt']);
    utimesSync(join(folder, work.name, 'src/a.txt'), 1, 1);
    work.run();
    expect(work.ran()).toEqual([]);
    // The same size, and within the same second.
    work.write('src/b.txt', 'B');
    work.run();
    expect(work.ran()).toEqual(['b.txt']);
    bash(`cp -r ${work.name} copied && cd copied && batchx run p.yaml`);
    expect(existsSync(join(folder, 'copied/ran.log'))).toBe(false);
  });

  it('leaves what failed until it is told to try that again', () => {
    const work = new Work();
    const fails = 'sh -c \'echo "$1" >> ran.log; test -e "ok-$1"\' - {{ id }}';
    work.pipeline({ ...usual, steps: [{ exec: fails }, { map: '({ id: data.id })' }] });
    work.rows({ id: 1 }, { id: 2 });
    work.write('ok-1', '');
    expect(work.run()).toMatchObject({ ended: 1 });
    work.write('ok-2', '');
    work.ran();
    const again = work.run();
    expect(again.ended).toBe(1);
    expect(again.stderr).toContain('1 failed, 1 skipped');
    expect(work.ran()).toEqual([]);
    expect(work.run('--retry', 'failed')).toMatchObject({ ended: 0 });
    expect(work.ran()).toEqual(['2']);
    expect(work.lines('out.jsonl')).toEqual([{ id: 1 }, { id: 2 }]);
    expect(work.run()).toMatchObject({ ended: 0 });
  });

  it('goes on behind what has halted the one before', () => {
    const work = new Work();
    const fails = 'sh -c \'echo "$1" >> ran.log; test "$1" != 1\' - {{ id }}';
    work.pipeline({ ...usual, steps: [{ exec: fails, concurrency: 1 }] });
    work.rows({ id: 1 }, { id: 2 }, { id: 3 });
    expect(work.run('--halt', 'soon,fail=1')).toMatchObject({ ended: 3 });
    expect(work.ran()).toEqual(['1']);
    expect(work.run('--halt', 'soon,fail=1')).toMatchObject({ ended: 1 });
    expect(work.ran()).toEqual(['2', '3']);
  });

  it('begins anew, goes on, and keeps nothing, as it is told', () => {
    const work = new Work();
    work.pipeline(usual);
    work.rows({ id: 1 });
    const none = work.run('--resume');
    expect([none.ended, none.stderr]).toEqual([2, expect.stringContaining('there is nothing to resume')]);
    work.run('--no-journal');
    expect(existsSync(join(folder, work.name, '.batchx'))).toBe(false);
    work.run();
    expect(work.ran()).toEqual(['1', '1']);
    expect(work.run('--fresh')).toMatchObject({ ended: 0 });
    expect(work.ran()).toEqual(['1']);
    expect(work.run('--fresh', '--resume').ended).toBe(2);
    expect(work.run('--no-journal', '--job', 'x').stderr).toContain('expected --job without --no-journal');
    work.run('--job', 'other');
    expect(readdirSync(join(folder, work.name, '.batchx')).sort()).toEqual(['.gitignore', 'other', 'p']);
  });

  it('shows on standard output all that was done, or only what is new', () => {
    const work = new Work();
    work.pipeline({ ...usual, output: [{ jsonl: '-' }] });
    work.rows({ id: 1 });
    expect(work.run('-k').stdout).toBe(jsonl(...done(1)));
    work.rows({ id: 1 }, { id: 2 });
    expect(work.run('-k').stdout).toBe(jsonl(...done(1, 2)));
    expect(work.run('-k').stdout).toBe(jsonl(...done(1, 2)));
    work.rows({ id: 1 }, { id: 2 }, { id: 3 });
    expect(work.run('-k', '--only-new').stdout).toBe(jsonl(...done(3)));
    expect(work.ran()).toEqual(['1', '2', '3']);
  });

  it('takes rows that are the same for several, and ids that are the same for one', () => {
    const work = new Work();
    work.pipeline({ ...usual, input: { jsonl: 'in.jsonl' } });
    work.rows({ id: 1 }, { id: 1 }, { id: 1 });
    expect(work.run().stderr).toContain('3 ok');
    work.rows({ id: 1 }, { id: 1 }, { id: 1 }, { id: 1 });
    expect(work.run().stderr).toContain('1 ok, 3 skipped');
    expect(work.ran()).toHaveLength(4);
    work.pipeline(usual);
    work.rows({ id: 1 }, { id: 1 }, { id: 1, v: 2 });
    const twice = work.run('--fresh');
    expect(twice.stderr).toContain('another item before it has the id 1, but not the same content');
    expect(twice.stderr).toContain('1 ok, 1 failed, 1 skipped');
    expect(work.run('--fresh', '--on-duplicate', 'first').ended).toBe(0);
  });
});

describe('an output', () => {
  it('is no input of later runs, and takes no place of a file that a glob finds', () => {
    const work = new Work();
    work.write('in.txt', 'one');
    work.write('out.txt', 'of somebody else');
    work.pipeline({ input: { files: '*.txt' }, steps: [{ map: 'data.path' }], output: [{ jsonl: 'out.txt' }] });
    for (let turn = 0; turn < 2; turn++) {
      const { ended, stderr } = work.run();
      expect([ended, stderr]).toEqual([2, expect.stringContaining('cannot write out.txt: it is read by this run')]);
    }
    expect(work.read('out.txt')).toBe('of somebody else');
    rmSync(join(folder, work.name, 'out.txt'));
    for (const flags of [[], [], ['--fresh'], ['--fresh']]) {
      expect(work.run(...flags).ended).toBe(0);
      expect(work.read('out.txt')).toBe('"in.txt"\n');
    }
  });

  it('that is a document, a device or a link is whole, and stays what it is', () => {
    const work = new Work();
    const cwd = join(folder, work.name);
    bash('mkdir there && ln -s there/real.jsonl link.jsonl && ln -s /dev/null nowhere', { cwd });
    const output = [{ json: 'all.json' }, { csv: 'all.csv' }, { jsonl: 'link.jsonl' }, { lines: 'nowhere' }];
    work.pipeline({ ...usual, output });
    for (const rows of [
      [1, 2],
      [1, 2, 3],
      [3, 1],
    ]) {
      work.rows(...rows.map((id) => ({ id })));
      expect(work.run('-k')).toMatchObject({ ended: 0 });
      expect(JSON.parse(work.read('all.json'))).toEqual(done(...rows));
      expect(work.read('all.csv').split('\n').slice(1, -1)).toHaveLength(rows.length);
      expect(work.lines('there/real.jsonl')).toEqual(done(...rows));
    }
    expect(lstatSync('/dev/null').isCharacterDevice()).toBe(true);
    expect(lstatSync(join(cwd, 'link.jsonl')).isSymbolicLink()).toBe(true);
  });
});

describe('a run that dies', () => {
  it('leaves in doubt what must not be done twice and may have been', async () => {
    const work = new Work();
    work.pipeline({
      ...usual,
      steps: [{ exec: 'sh -c \'echo "$1" >> ran.log; sleep 100\' - {{ id }}', effect: 'once' }],
    });
    work.rows({ id: 1 });
    const run = start(['run', 'p.yaml'], { cwd: join(folder, work.name) });
    await work.there('ran.log', run);
    run.kill('SIGKILL');
    await run.ended;
    const again = work.run();
    expect(again.ended).toBe(1);
    expect(again.stderr).toContain('1 in doubt');
    expect(work.ran()).toEqual(['1']);
    // Nothing of the one before is left, either.
    expect(bash("pgrep -f 'sleep 10[0]' || true").stdout).toBe('');
  });

  it('because of one item finds out which, and sets it aside', () => {
    const work = new Work();
    work.write(
      'ends.mjs',
      "export default (data) => { if (data.id === 3) process.kill(process.pid, 'SIGKILL'); return data; };",
    );
    work.pipeline({ ...usual, steps: [{ use: './ends.mjs' }] });
    work.rows(...[1, 2, 3, 4, 5].map((id) => ({ id })));
    const ends = Array.from({ length: 6 }, () => work.run().ended);
    expect(ends).toEqual([...Array<string>(5).fill('SIGKILL'), 1]);
    expect(work.run().stderr).toContain('crashes-the-runner');
    expect(work.lines('out.jsonl')).toEqual(expect.arrayContaining([1, 2, 4, 5].map((id) => ({ id }))));
    expect(work.lines('out.jsonl')).toHaveLength(4);
  });
});

it('a run that a part of an item ends finds out which, also in a batch', () => {
  const work = new Work();
  const kill = "if (data.includes('x')) process.kill(process.pid, 'SIGKILL')";
  work.write('ends.mjs', `export default (data) => { ${kill}; return data; };`);
  work.pipeline({
    ...usual,
    steps: [{ split: 'data.of' }, { batch: { size: 2 } }, { map: 'data.join("")' }, { use: './ends.mjs' }],
  });
  work.rows({ id: 1, of: ['a', 'b', 'c'] }, { id: 2, of: ['d', 'x', 'e'] }, { id: 3, of: ['f'] });
  const ended = Array.from({ length: 6 }, () => work.run().ended);
  expect(ended).toEqual([...Array<string>(5).fill('SIGKILL'), 1]);
  expect(work.read('out.jsonl').match(/[a-f]/g)?.sort()).toEqual(['a', 'b', 'c', 'd', 'e', 'f']);
  expect(work.read('.batchx/p/failed.jsonl')).toContain('crashes-the-runner');
});

describe('commands of a line', () => {
  it('go on after they were interrupted, and begin anew once all was done', async () => {
    const work = new Work();
    const cwd = join(folder, work.name);
    const line = [
      'exec',
      '-k',
      '-j1',
      'sh -c \'echo "$1" >> ran.log; test "$1" != 3 || test -e go || sleep 100; echo "out $1"\' - {}',
      ':::',
      '1',
      '2',
      '3',
      '4',
    ];
    const run = start(line, { cwd });
    await run.until(({ stdout }) => stdout.includes('out 2'));
    run.kill('SIGKILL');
    await run.ended;
    work.write('go', '');
    const second = batchx(line, '', { cwd });
    expect(second.stdout).toBe('out 1\nout 2\nout 3\nout 4\n');
    expect(second.stderr).toContain('resuming .batchx/exec-');
    expect(work.ran()).toEqual(['1', '2', '3', '3', '4']);
    expect(batchx(line, '', { cwd })).toEqual({ stdout: 'out 1\nout 2\nout 3\nout 4\n', stderr: '', ended: 0 });
    expect(work.ran()).toEqual(['1', '2', '3', '4']);
  });

  it('know their arguments wherever they stand', () => {
    const work = new Work();
    const run = (...values: string[]): Done =>
      batchx(
        [
          'exec',
          '--shell',
          '--job',
          'known',
          '-j1',
          '--halt',
          'now,fail=1',
          'echo {} | tee -a ran.log; test {1} != 3 || test -e go',
        ],
        values.join('\n'),
        { cwd: join(folder, work.name) },
      );
    expect(run('1', '2', '3', '4').ended).toBe(3);
    work.write('go', '');
    const second = run('0', '4', '2', '5', '1');
    expect(second.stdout).toBe('0\n4\n2\n5\n1\n');
    expect(second.stderr).toContain('2 done, 1 failed');
    expect(work.ran()).toEqual(['0', '1', '2', '3', '4', '5']);
  });

  it('show again all that was said, however much it was, and by those that failed too', async () => {
    const work = new Work();
    const cwd = join(folder, work.name);
    const script =
      'head -c 3000000 /dev/zero | tr "\\0" x; echo "end of $1"; test "$1" = 1 || { test -e go || sleep 100; false; }';
    const line = ['exec', '-k', '-j1', `sh -c '${script}' - {}`, ':::', '1', '2'];
    const run = start(line, { cwd });
    await run.until(({ stdout }) => stdout.includes('end of 1'));
    run.kill('SIGKILL');
    await run.ended;
    work.write('go', '');
    const second = batchx(line, '', { cwd, maxBuffer: 1e8 });
    expect(second.stdout.length).toBe(2 * (3_000_000 + 'end of 1\n'.length));
    expect(second.ended).toBe(1);
  });

  it('keep no job within another run, and none where nothing can be written', () => {
    const work = new Work();
    const cwd = join(folder, work.name);
    expect(batchx(['exec', 'batchx exec echo ::: {}', ':::', 'a', 'b'], '', { cwd, env }).ended).toBe(0);
    expect(readdirSync(join(cwd, '.batchx')).filter((name) => name.startsWith('exec-'))).toHaveLength(1);
    const { stdout, stderr, ended } = batchx(['exec', 'echo', ':::', 'a'], '', { cwd: '/proc' });
    expect({ stdout, ended }).toEqual({ stdout: 'a\n', ended: 0 });
    expect(stderr).toContain('nothing is kept of this run');
  });

  it('may be the same several times at once', async () => {
    const work = new Work();
    const both = bash(`cd ${work.name}; for i in 1 2; do batchx exec 'sleep 0.5; echo {}' --shell ::: a & done; wait`);
    expect(both.stdout).toBe('a\na\n');
    work.pipeline({ ...usual, steps: [{ exec: 'sh -c "sleep 1"' }] });
    work.rows({ id: 1 });
    const first = start(['run', 'p.yaml'], { cwd: join(folder, work.name) });
    await work.there('.batchx/p/journal.jsonl', first);
    const second = work.run();
    expect([second.ended, second.stderr]).toEqual([6, expect.stringContaining('is being run by process')]);
    expect((await first.ended).ended).toBe(0);
  });
});

describe('what is kept', () => {
  it('has no secret in it', () => {
    const work = new Work();
    work.pipeline({
      ...usual,
      secrets: ['KEY'],
      steps: [
        { exec: 'sh -c \'echo "key $KEY"\'', env: { KEY: '{{ env.KEY }}' }, output: 'said' },
        { map: '({ said })' },
      ],
      config: { as: '' },
      output: [{ jsonl: 'out.jsonl' }],
    });
    work.rows({ id: 1 });
    const options = { cwd: join(folder, work.name), env: { ...env, KEY: 'sk-very-secret-4711' } };
    batchx(['run', 'p.yaml'], '', options);
    expect(bash(`cd ${work.name}; grep -rl sk-very-secret .batchx || true`).stdout).toBe('');
    // On the command line, too: what is not kept cannot be given again.
    work.rows({ id: 1 }, { id: 2 });
    work.write('bad.jsonl', 'not JSON\n');
    const again = batchx(['run', 'p.yaml', '--set', 'as=sk-very-secret-4711', 'bad.jsonl', '--job', 'p'], '', options);
    expect(again).toMatchObject({ ended: 1, stderr: expect.not.stringContaining('batchx retry') });
    expect(bash(`cd ${work.name}; grep -rl sk-very-secret .batchx || true`).stdout).toBe('');
    expect(bash(`cd ${work.name}; grep -c 'as=\\*\\*\\*' .batchx/p/journal.jsonl`).stdout).toBe('1\n');
  });

  itNeeds('strace', 'is left to the system with --durability off, with all outputs and the report', () => {
    const work = new Work();
    work.pipeline({
      input: { items: [1, 2] },
      steps: [
        { exec: "sh -c 'head -c 100000 /dev/zero'", output: 'said' },
        { write: 'files/{{ data }}.txt', content: 'x' },
      ],
      output: [{ jsonl: 'out.jsonl' }, { json: 'out.json' }, { failed: 'failed.jsonl' }, { report: 'report.json' }],
    });
    const trace = 'strace -f -y -qq -e trace=fsync,fdatasync,sync,syncfs -o trace';
    const synced = (flag: string): string[] => {
      expect(bash(`cd ${work.name} && rm -rf .batchx files && ${trace} batchx run p.yaml -q ${flag}`).ended).toBe(0);
      const paths = [...work.read('trace').matchAll(/sync\(\d+<([^>]*)>/g)].map(([, path]) => path as string);
      // A job begins once, and so does each run of it.
      return paths.filter((path) => !path.includes('.lock-') && !/work-\d+(\/\.batchx(\/p)?)?$/.test(path));
    };
    expect(synced('--durability off')).toEqual([]);
    expect(synced('--durability power').length).toBeGreaterThan(9);
  });
});

describe('what fails in a job', () => {
  it('is run again by `retry`, as the end of the run and its report say', () => {
    const work = new Work();
    work.pipeline({ ...usual, steps: [{ exec: 'false' }], output: [{ failed: 'failed.jsonl' }, { report: 'r.json' }] });
    work.rows({ id: 1 });
    expect(work.run().stderr).toContain('to run the one that failed again: batchx retry p\n');
    expect(JSON.parse(work.read('r.json'))).toMatchObject({
      failures: { file: 'failed.jsonl', again: 'batchx retry p' },
    });
    expect(work.run('--no-journal').stderr).toContain('again: batchx run --no-journal');
    const exec = bash(`cd ${work.name}; batchx exec --job e false ::: 1`);
    expect(exec.stderr).toContain('again: batchx retry e\n');
  });
});
