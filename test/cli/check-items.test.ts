import { existsSync, mkdirSync, readdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { batchxHere } from './in-process.js';
import { bash, batchx, file, folder, jsonl, start } from './program.js';

let pipelines = 0;
const pipeline = (value: object): string => file(`items-${++pipelines}.yaml`, stringify(value));

/** What is said of the items of a pipeline, a line each. */
async function check(value: object, ...args: string[]) {
  const name = pipeline(value);
  const { stdout, stderr, ended } = await batchxHere(['check', name, '--items', ...args]);
  return { lines: stdout.replaceAll(name, 'p.yaml').split('\n').slice(0, -1), stderr, ended };
}

describe('batchx check --items', () => {
  it('tells how many items there are, and writes nothing', async () => {
    file('rows.jsonl', jsonl({ sku: 'a', n: 1 }, { sku: 'b', n: 0 }, { sku: 'c', n: 2 }));
    const done = await check({
      input: { jsonl: 'rows.jsonl', filter: 'data.n > 0' },
      steps: [{ exec: 'touch ran-{{ sku }}' }, { write: '{{ sku }}.txt', content: 'x' }],
      outputRoot: 'never',
    });
    expect(done).toMatchObject({ lines: [], ended: 0 });
    expect(done.stderr).toContain('3 items, 1 of them left out, 2 files to write; nothing is wrong with it');
    expect(readdirSync(folder).filter((name) => /^(ran-|never)/.test(name))).toEqual([]);
  });

  it('names both of two items with one id, and both of two with one file', async () => {
    file(
      'twice.jsonl',
      jsonl({ id: 'a', sku: 'x/1' }, { id: 'b', sku: 'y' }, { id: 'a', sku: 'z' }, { id: 'c', sku: 'x/1' }),
    );
    const done = await check({
      input: { jsonl: 'twice.jsonl', id: '{{ id }}' },
      steps: [{ write: '{{ sku }}.txt', content: 'x', root: 'twice' }],
    });
    expect(done.lines).toEqual([
      'twice.jsonl:3: its id "a" is that of "a" (twice.jsonl:1), too',
      'twice.jsonl:4: "c" would write twice/x%2F1.txt, as "a" (twice.jsonl:1) would; let `write` tell them apart, as `{{ index }}` does',
    ]);
    expect(done.ended).toBe(2);
  });

  it('sees that two paths are one file, by whatever folder and step, and that one is taken', async () => {
    mkdirSync(join(folder, 'real'), { recursive: true });
    symlinkSync('real', join(folder, 'link'));
    file('real/c.txt', 'there');
    const input = { items: [{ to: 'a' }, { to: 'b' }, { to: 'c' }] };
    const write = (root: string, path: string, more: object = {}) => ({ write: path, content: 'x', root, ...more });
    const both = await check({
      input,
      steps: [
        write('real', '{{ to }}.txt', { onExists: 'overwrite' }),
        write('link', 'b.txt', { when: 'data.to == "a"' }),
      ],
    });
    expect(both.lines).toEqual([expect.stringContaining('#2: would write real/b.txt, as #1 would')]);
    const taken = await check({ input, steps: [write('link', '{{ to }}.txt')] });
    expect(taken.lines).toEqual([expect.stringContaining('#3: cannot write link/c.txt: it is there already')]);
  });

  it('refuses what a run would: paths that lead out, what it reads, and what an output is written to', async () => {
    mkdirSync(join(folder, 'inner'), { recursive: true });
    symlinkSync('/', join(folder, 'inner/out'));
    file(
      'read.jsonl',
      jsonl({ path: 'a.txt' }, { path: '../b.txt' }, { path: 'out/c.txt' }, { path: 'results.jsonl' }, { path: '' }),
    );
    const steps = [{ write: '{{ path }}', content: 'x', root: 'inner', onExists: 'overwrite' }];
    const done = await check({ input: { jsonl: 'read.jsonl' }, steps, output: [{ jsonl: 'inner/results.jsonl' }] });
    expect(done.lines).toEqual([
      expect.stringMatching(/^read.jsonl:2: cannot write ".*": it leads out of inner/),
      'read.jsonl:3: cannot write inner/out/c.txt: a symbolic link leads out of the folder, to /',
      'read.jsonl:4: cannot write inner/results.jsonl: the output `jsonl` is written there',
      expect.stringMatching(/^read.jsonl:5: .*folder/),
    ]);
    const itself = await check({
      input: { jsonl: 'read.jsonl', limit: 1 },
      steps: [{ write: 'read.jsonl', content: 'x', onExists: 'overwrite' }],
    });
    expect(itself.lines).toEqual(['read.jsonl:1: cannot write read.jsonl: this run reads it']);
  });

  it('tells rows that cannot be read, and templates and steps that fail', async () => {
    file('bad.jsonl', '{"n":1,"to":"a"}\n{"n"\n{"n":2}\n{"to":"c"}\n');
    const done = await check({
      input: { jsonl: 'bad.jsonl' },
      steps: [{ map: '({ ...data, n: data.n.toFixed() })' }, { write: '{{ to }}', content: 'x', root: 'bad' }],
    });
    expect(done.lines).toEqual([
      expect.stringMatching(/^bad.jsonl:2: not JSON/),
      expect.stringMatching(/^bad.jsonl:3: path: `to` is not known/),
      expect.stringMatching(/^bad.jsonl:4: TypeError: Cannot read properties of undefined/),
    ]);
    expect(JSON.parse(batchx(['check', `items-${pipelines}.yaml`, '--items', '--json']).stdout)).toMatchObject([
      { file: 'bad.jsonl', line: 2, path: 'input' },
      { file: 'bad.jsonl', line: 3, path: 'steps.1.write' },
      { file: 'bad.jsonl', line: 4, path: 'steps.0.map' },
    ]);
  });

  it('leaves what depends on results to the run, and looks at all else', async () => {
    const input = { items: [{ sku: 'a' }, { sku: 'a' }] };
    const done = await check({
      input,
      steps: [
        { exec: 'echo {{ sku }}', output: 'said' },
        { write: '{{ said }}.txt', content: 'x' },
        { exec: 'cp x {{ outputPath }}', creates: '{{ index }}.bin' },
      ],
      output: [
        { files: 'all', name: '{{ sku }}.txt' },
        { files: 'more', name: '{{ version }}.txt' },
      ],
    });
    expect(done.lines).toEqual([
      'p.yaml:14:11: #2: would write all/a.txt, as #1 would; let `name` tell them apart, as `{{ index }}` does',
    ]);
    expect(done.stderr).toContain('steps.1.write: known only once items come there');
    // Which items come that far is not known either.
    const filtered = await check({
      input,
      steps: [{ exec: 'true {}' }, { filter: 'result == 1' }, { write: '{{ sku }}', content: 'x' }],
    });
    expect(filtered).toMatchObject({ lines: [], ended: 0 });
    expect(filtered.stderr).toContain('steps.2.write: known only once items come there');
    // What a step replaces is known, as long as it needs nothing else.
    const mapped = await check({
      input,
      steps: [{ exec: 'true {}' }, { map: '({ to: data.sku })' }, { write: '{{ to }}', content: 'x' }],
    });
    expect(mapped.lines).toHaveLength(1);
    const depends = await check({
      input,
      steps: [{ exec: 'true {}', output: 'v' }, { map: '({ to: v.sku })' }, { write: '{{ to }}', content: 'x' }],
    });
    expect(depends).toMatchObject({ lines: [], ended: 0 });
  });

  it('looks at the parts of items, and counts what it does not tell', async () => {
    const input = { items: [Array.from({ length: 1300 }, (_, i) => ({ n: i % 10 }))] };
    const done = await check({ input, steps: [{ split: 'data' }, { write: '{{ n }}', content: 'x', root: 'parts' }] });
    expect(done.lines).toHaveLength(21);
    expect(done.lines[0]).toContain('#1/11: would write parts/0, as #1/1 would');
    expect(done.lines[20]).toContain('and 1,270 more files that two items would be written to');
    expect(done.ended).toBe(2);
  });

  it('tells an input that is not there, or empty, and reads another one', async () => {
    const value = { input: { jsonl: 'none.jsonl' }, steps: [{ map: 'data' }] };
    expect(await check(value)).toMatchObject({
      ended: 2,
      lines: ['p.yaml:2:3: cannot read none.jsonl: there is no such file'],
    });
    file('none.jsonl', '\n');
    expect(await check(value)).toMatchObject({ ended: 2, lines: ['p.yaml:2:3: there are no items in it'] });
    file('some.jsonl', '1\n2\n');
    expect((await check(value, 'some.jsonl')).stderr).toContain('2 items; nothing is wrong with it');
    const piped = batchx(['check', pipeline({ input: { jsonl: '-', id: 'data' }, steps: [] }), '--items'], '7\n7\n');
    expect(piped.stdout).toBe('stdin:2: its id "7" is that of item number 1, too\n');
  });

  it('waits for the pipeline to be right', async () => {
    const done = await check({ input: { items: [1] }, steps: [{ exce: 'x' }] });
    expect(done).toMatchObject({ ended: 2, lines: [expect.stringContaining('no step is called "exce"')] });
    expect(done.stderr).toContain('the items are looked at once this is mended');
  });

  it('ends by the signal', async () => {
    const id = '(console.error("a row is there"), data)';
    const running = start(['check', pipeline({ input: { jsonl: '-', id }, steps: [] }), '--items']);
    running.write('1\n');
    await running.until(({ stderr }) => stderr.includes('a row is there'));
    running.kill('SIGINT');
    expect((await running.ended).ended).toBe('SIGINT');
  });

  it('holds some 32 bytes for each id and each path', { timeout: 60_000 }, () => {
    const rows = 'for (let i = 0; i < 300000; i++) console.log(i)';
    const name = pipeline({
      input: { jsonl: '-', id: 'data' },
      steps: [{ write: 'a-long-folder-of-its-own/{{ data }}.json', content: 'x', root: 'large' }],
    });
    const { stderr, ended } = bash(
      `node -e '${rows}' | (ulimit -v unlimited; node --max-old-space-size=48 .program/batchx.js check ${name} --items)`,
    );
    expect(stderr).toContain('300,000 items, 300,000 files to write');
    expect(ended).toBe(0);
    expect(existsSync(join(folder, 'large'))).toBe(false);
  });
});
