import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { starters } from '../../src/cli/starters.js';
import { startFakeApi } from '../fixtures/fake-api/fake-api.mjs';
import { batchx, file, folder, Running, env } from './program.js';

const tasks = starters.map(({ task }) => task);
const read = (path: string): string => readFileSync(join(folder, path), 'utf8');

/** A folder of its own, with the pipeline of a task in it. */
function started(task: string): { cwd: string; path: (name: string) => string } {
  const cwd = join(folder, `of-${task}`);
  mkdirSync(cwd);
  expect(batchx(['init', task], '', { cwd })).toMatchObject({ stdout: '', ended: 0 });
  return { cwd, path: (name) => join(`of-${task}`, name) };
}

const rowsIn = (path: string): unknown[] =>
  read(path)
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as unknown);

describe('batchx init', () => {
  it('lists the tasks', () => {
    const { stdout, ended } = batchx(['init']);
    expect(stdout.split('\n').map((line) => line.split(' ')[0])).toEqual([...tasks, '']);
    expect(ended).toBe(0);
  });

  it.each(tasks)('of %s writes what passes the check as it is, explains its keys, and says what is next', (task) => {
    const name = `${task}.yaml`;
    const { stderr } = batchx(['init', task, '--output', name]);
    expect(stderr).toContain(`batchx check ${name}`);
    expect(batchx(['check', name])).toEqual({
      stdout: '',
      stderr: `batchx: ${name}: nothing is wrong with it\n`,
      ended: 0,
    });
    const text = read(name);
    expect(text).toMatch(/^# yaml-language-server: \$schema=batchx.schema.json\n/);
    expect(text.match(/#/g)?.length).toBeGreaterThan(12);
    expect(batchx(['init', task, '--output', '-']).stdout).toBe(text);
  });

  it('never replaces what is there unless it is told to', () => {
    file('mine.yaml', 'mine');
    const { stderr, ended } = batchx(['init', 'api', '--output', 'mine.yaml']);
    expect(stderr).toContain('mine.yaml is there already: --force replaces it, --output FILE writes another one');
    expect({ ended, text: read('mine.yaml') }).toEqual({ ended: 2, text: 'mine' });
    expect(batchx(['init', 'api', '--output', 'mine.yaml', '--force']).ended).toBe(0);
    expect(read('mine.yaml')).toContain('name: api');
  });

  it.each<[string[], string, number]>([
    [['ap'], 'there is no task "ap"; did you mean "api"?', 2],
    [['xyz'], `there is no task "xyz"; there are ${tasks.join(', ')}`, 2],
    [['api', 'csv'], 'expected one task, got also csv', 2],
    [['api', '--outptu', 'x'], 'did you mean --output?', 2],
    [['api', '--output', 'no/x.yaml'], 'cannot write no/x.yaml: there is no such folder', 5],
    [['api', '--output', '/dev/full', '--force'], 'cannot write /dev/full', 5],
  ])('%j', (args, message, code) => {
    const { stderr, ended } = batchx(['init', ...args]);
    expect(stderr).toContain(message);
    expect(ended).toBe(code);
    expect(existsSync(join(folder, 'pipeline.yaml'))).toBe(false);
  });
});

describe('each of the pipelines runs', () => {
  it('files', () => {
    const { cwd, path } = started('files');
    mkdirSync(join(cwd, 'docs/a'), { recursive: true });
    mkdirSync(join(cwd, 'docs/node_modules'));
    file(path('docs/a/one.md'), '# One\ntext\n## Two\n');
    file(path('docs/empty.md'), '\n');
    file(path('docs/node_modules/x.md'), '# No\n');
    expect(batchx(['run', 'pipeline.yaml'], '', { cwd })).toMatchObject({ stdout: '', ended: 0 });
    expect(read(path('out/a/one.md.txt'))).toBe('one.md\n# One\n## Two\n');
    expect(rowsIn(path('out/files.jsonl'))).toEqual([{ file: 'a/one.md', lines: 4 }]);
    expect(existsSync(join(cwd, 'out/report.json'))).toBe(true);
  });

  it('commands', () => {
    const { cwd, path } = started('commands');
    file(path('a b.log'), 'x\n');
    expect(batchx(['run', 'pipeline.yaml'], '', { cwd })).toMatchObject({ stdout: '', ended: 0 });
    expect(rowsIn(path('out/commands.jsonl'))).toEqual([{ file: 'a b.log', packed: 'a b.log.tgz' }]);
    expect(existsSync(join(cwd, 'out/a b.log.tgz'))).toBe(true);
    // What is there is not done again.
    expect(batchx(['run', 'pipeline.yaml'], '', { cwd }).stderr).toContain('1 skipped');
  });

  it('csv', () => {
    const { cwd, path } = started('csv');
    file(path('people.csv'), 'name,age,team\n Ann ,30,x\n,1,y\nBob,old,x\nCy,41,\n');
    const { stderr, ended } = batchx(['run', 'pipeline.yaml'], '', { cwd });
    expect(ended).toBe(1);
    expect(stderr).toContain('4 items read: 2 ok, 1 failed, 1 skipped');
    expect(read(path('out/people.csv'))).toBe('name,age,team\nAnn,30,x\nCy,41,\n');
    expect(JSON.parse(read(path('out/report.json')))).toMatchObject({ aggregate: { count: 2, age: { sum: 71 } } });
    expect(rowsIn(path('out/failed.jsonl'))).toMatchObject([{ data: { name: 'Bob' } }]);
  });

  it('api', async () => {
    const { cwd, path } = started('api');
    const api = await startFakeApi({ limits: [{ path: '/products', limit: 5 }] });
    api.route('PUT', /^\/products\/(.*)/, ({ arrival }, [, sku]) => ({
      body: { sku, ...(JSON.parse(arrival.body) as object) },
    }));
    const running = new Running('batchx', ['run', 'pipeline.yaml', '--set', `api=${api.url}`], {
      cwd,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const { stderr, ended } = await running.ended;
    await api.close();
    expect(ended, stderr).toBe(0);
    expect(rowsIn(path('out/updated.jsonl'))).toEqual([
      { sku: 'a-1', answer: { sku: 'a-1', price: 10 } },
      { sku: 'a-2', answer: { sku: 'a-2', price: 12.5 } },
    ]);
  });
});
