import { spawnSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { toCommandFiles, toCommandOutput } from 'batchx';
import { fakeRuntime, sinkContract } from 'batchx/testing';
import { asyncScheduler, from, lastValueFrom, map, type SchedulerLike, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../contract/temp.js';
import { hostile } from '../core/hostile.js';
import { captured, itemsOf, type Ran, resultOf } from './commands.js';

async function kept(root: string, commands: readonly Ran[], scheduler: SchedulerLike = asyncScheduler) {
  const runtime = fakeRuntime({ scheduler });
  const sinks = from(itemsOf(...commands)).pipe(toCommandFiles(root, runtime), toCommandOutput({}, runtime), toArray());
  const outcomes = await lastValueFrom(sinks);
  return { stdout: runtime.stdout, said: outcomes.map(({ status, error }) => error?.message ?? status) };
}

/** The files below a folder, with what is in them. */
const treeOf = (root: string): Record<string, string> =>
  Object.fromEntries(
    readdirSync(root, { recursive: true, encoding: 'utf8' })
      .filter((path) => statSync(join(root, path)).isFile())
      .map((path) => [path, readFileSync(join(root, path), 'latin1')]),
  );

describe('toCommandFiles', () => {
  it('keeps the contract of sinks', async () => {
    const root = temporaryFolder();
    // Of thousands of items most have no output: files take their time.
    await sinkContract(
      (runtime) => (items) =>
        items.pipe(
          map((item) =>
            item.live && item.seq < 30 ? item.withData(resultOf({ values: [String(item.seq % 20)] })) : item,
          ),
          toCommandFiles(root, runtime),
        ),
    );
  });

  it('writes three files for each, by number and value, or by name and value', async () => {
    const root = join(temporaryFolder(), 'new');
    const { said } = await kept(root, [
      { values: ['a', 'x y'], stdout: 'out', stderr: 'err' },
      { values: ['b'], names: ['size'], stdout: captured('0123456789', 3), exitCode: 2 },
      { values: ['c', 'd'], names: ['', 'n/m'] },
    ]);
    expect(said).toEqual(['ok', 'exit code 2', 'ok']);
    expect(treeOf(root)).toEqual({
      '1/a/2/x y/seq': '1',
      '1/a/2/x y/stdout': 'out',
      '1/a/2/x y/stderr': 'err',
      'size/b/seq': '2',
      'size/b/stdout': '0123456789',
      'size/b/stderr': '',
      '1/c/n%2Fm/d/seq': '3',
      '1/c/n%2Fm/d/stdout': '',
      '1/c/n%2Fm/d/stderr': '',
    });
  });

  it('gives each value a place of its own, and none outside', async () => {
    const root = join(temporaryFolder(), 'in/here');
    const bytes = [[0xff], [0xfe], [0x61, 0xff, 0x2f], [0xc3], [0xff, 0xc3, 0xa9], [0xff, 0x25], [0xff, 0x2e, 0x2e]];
    // An empty value must not make its files where another one has its folder.
    const values = [...new Set(hostile), 'stdout', ...bytes.map((each) => Buffer.from(each))];
    const { said } = await kept(
      root,
      values.map((value, i) => ({ values: [value], stdout: String(i) })),
    );
    expect(said.filter((each) => each !== 'ok')).toEqual([]);
    const tree = treeOf(root);
    expect(Object.keys(tree)).toHaveLength(3 * values.length);
    expect(new Set(Object.entries(tree).flatMap(([path, text]) => (path.endsWith('stdout') ? [text] : []))).size).toBe(
      values.length,
    );
    expect(Object.keys(treeOf(join(root, '../..'))).every((path) => path.startsWith('in/here/1/'))).toBe(true);
    const at = values.findIndex((value) => value instanceof Uint8Array && value.length === 3 && value[0] === 0x61);
    expect(readFileSync(join(root, '1/a%FF%2F/stdout'), 'utf8')).toBe(String(at));
  });

  it('keeps what several with the same values wrote, each but the first below its number', async () => {
    const root = temporaryFolder();
    const long = 'x'.repeat(300);
    const values = [['v'], ['v'], ['v%#2'], ['v'], [''], [''], [long], [long], ['v', 'w'], ['v', 'w']];
    const { said } = await kept(
      root,
      values.map((each, i) => ({ values: each, stdout: String(i) })),
    );
    expect(said.filter((each) => each !== 'ok')).toEqual([]);
    const tree = treeOf(root);
    const stdout = Object.entries(tree).filter(([path]) => path.endsWith('/stdout'));
    expect(stdout.map(([, text]) => Number(text)).toSorted((a, b) => a - b)).toEqual(values.map((_, i) => i));
    expect([tree['1/v/stdout'], tree['1/v%#2/stdout'], tree['1/v%25#2/stdout'], tree['1/v%#4/seq']]).toEqual([
      ...['0', '1', '2'],
      '4',
    ]);
    expect([tree['1/v/2/w/stdout'], tree['1/v/2/w%#10/stdout'], tree['1/%%#6/stdout']]).toEqual(['8', '9', '5']);
  });

  it('replaces what is there, unless it cannot', async () => {
    const root = temporaryFolder();
    mkdirSync(join(root, '1/v/stderr'), { recursive: true });
    writeFileSync(join(root, '1/v/stdout'), 'old');
    mkdirSync(join(root, '1/w'));
    writeFileSync(join(root, '1/w/stdout'), 'old');
    const { said } = await kept(root, [{ stdout: 'a' }, { values: ['w'], stdout: 'b' }]);
    expect(said).toEqual([expect.stringContaining('1/v/stderr: it is a folder'), 'ok']);
    expect(readFileSync(join(root, '1/w/stdout'), 'utf8')).toBe('b');
  });

  it.runIf(spawnSync('prlimit', ['--version']).status === 0)('waits when all descriptors are in use', async () => {
    const [, soft = '', hard = ''] =
      /^Max open files\s+(\d+)\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? [];
    const limitTo = (limit: string | number) =>
      spawnSync('prlimit', ['--pid', `${process.pid}`, `--nofile=${limit}:${hard}`]);
    const root = temporaryFolder();
    const open: number[] = [];
    limitTo(Math.max(...readdirSync('/proc/self/fd').map(Number)) + 30);
    try {
      for (;;) open.push(openSync('/dev/null', 'r'));
    } catch (error) {
      expect(error).toMatchObject({ code: 'EMFILE' });
    }
    // They are let go of as soon as the sink waits for them.
    const freeing = Object.create(asyncScheduler, {
      schedule: {
        value: (...args: Parameters<SchedulerLike['schedule']>) => {
          open.splice(0).forEach((fd) => closeSync(fd));
          return asyncScheduler.schedule(...args);
        },
      },
    }) as SchedulerLike;
    try {
      const { said } = await kept(root, [{ stdout: 'a' }, { values: ['w'] }], freeing);
      expect(said).toEqual(['ok', 'ok']);
      expect(open).toEqual([]);
    } finally {
      open.forEach((fd) => closeSync(fd));
      limitTo(soft);
    }
  });
});
