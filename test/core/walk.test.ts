import { writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { walk } from '../../src/core/walk.js';
import { PatternSet, type PatternState } from '../../src/core/walk/pattern-state.js';
import { readLargeFolder } from '../../src/core/walk/read-folder.js';
import { segmentOf } from '../../src/core/walk/segment.js';
import { closesFiles, openFiles } from '../../src/testing/open-files.js';
import { turns } from '../../src/testing/turns.js';
import { plant, tree } from './tree.js';

const LARGE = 2 ** 30;
const never = new AbortController().signal;

/** The paths below a folder that a pattern finds, block by block. */
async function* found(folder: string, pattern: string, bytes = 0, signal = never): AsyncGenerator<string[]> {
  const prefix = `${folder}/`;
  const include = new PatternSet(false).start([pattern.split('/').map(segmentOf)]) as PatternState;
  const root = { cut: prefix.length, lead: '' };
  const wanted = { prefix, include, exclude: undefined, root, given: new Set<string>(), bytes };
  for await (const block of walk(wanted, { follow: false, stats: false, signal })) {
    yield block.map((each) => ('relative' in each ? each.relative : `${each.entry.relative}: ${each.error.code}`));
  }
}

async function all<T>(blocks: AsyncIterable<readonly T[]>): Promise<T[]> {
  const values: T[] = [];
  for await (const block of blocks) values.push(...block);
  return values;
}

const many = (count: number, ending: string): string[] => Array.from({ length: count }, (_, i) => `${i}${ending}`);

describe('a large folder', () => {
  it('is read in parts, each name once', async () => {
    const names = many(3000, '.txt');
    const folder = tree(...names, 'folder/a.txt');
    const parts: string[][] = [];
    for await (const part of readLargeFolder(folder, 'text')) parts.push(part.map(({ name }) => name));
    expect(parts.map(({ length }) => length)).toEqual([1024, 1024, 953]);
    expect(parts.flat().sort()).toEqual([...names, 'folder'].sort());
    expect((await all(found(folder, '**', LARGE))).sort()).toEqual([...names, 'folder/a.txt'].sort());
    expect((await all(found(folder, '**'))).sort()).toEqual([...names, 'folder/a.txt'].sort());
    expect(await all(readLargeFolder(tree(), 'text'))).toEqual([]);
    expect(await all(readLargeFolder(tree(...many(1024, '')), 'text'))).toHaveLength(1024);
  });

  it('gives what it has found before the next part is read', async () => {
    const folder = tree(...many(3000, '.txt'));
    const before = await openFiles();
    const blocks = found(folder, '9*.txt', LARGE);
    const { value: first = [] } = (await blocks.next()) as IteratorResult<string[], undefined>;
    expect((await openFiles()).length).toBe(before.length + 1);
    expect(first.length + (await all(blocks)).length).toBe(111);
  });

  it.runIf(process.platform === 'linux')('has names that are not UTF-8 found, in a second look', async () => {
    const folder = tree('a', '\ufffd');
    writeFileSync(Buffer.concat([Buffer.from(`${folder}/`), Buffer.of(0xff)]), '');
    expect((await all(found(folder, '*', LARGE))).sort()).toEqual(['a', '\ufffd', '\ufffdFF']);
  });

  it('is closed when the walk is left, when it is ended, and at its end', async () => {
    const folder = tree(...many(3000, '.txt'));
    const before = await openFiles();
    const left = found(folder, '*', LARGE);
    await left.next();
    expect((await openFiles()).length).toBe(before.length + 1);
    await left.return(undefined);
    await closesFiles(before);

    const stop = new AbortController();
    const ended = found(folder, '*', LARGE, stop.signal);
    expect((await ended.next()).value).toHaveLength(512);
    stop.abort();
    expect((await all(ended)).length).toBeLessThanOrEqual(1024);
    await closesFiles(before);
    await all(found(folder, '*', LARGE));
    await closesFiles(before);
  });

  it('that cannot be read fails like any other', async () => {
    await expect(all(found('/nowhere', '*', LARGE))).rejects.toMatchObject({ code: 'input', where: '/nowhere' });
  });
});

describe('a walk', () => {
  it('reads twelve folders ahead, and no more; at first one, so that the first file is not held up', async () => {
    for (const [enough, ahead] of [
      [0, 1],
      [4, 2],
      [50, 12],
    ] as const) {
      const folder = tree('a', ...many(80, '/x'));
      const blocks = found(folder, '**');
      expect((await blocks.next()).value).toEqual(['a']);
      let seen = 0;
      while (seen < enough) seen += ((await blocks.next()).value as string[]).length;
      await turns(20);
      for (let i = 0; i < 80; i++) plant(folder, `${i}/late`);
      const rest = await all(blocks);
      expect(rest.filter((name) => name.endsWith('/x'))).toHaveLength(80 - seen);
      expect(rest.filter((name) => name.endsWith('/late'))).toHaveLength(80 - seen - ahead);
    }
  });

  it('ends at once when it is told to, while a folder is being read', async () => {
    const folder = tree(...many(50, '/x'));
    const stop = new AbortController();
    const blocks = found(folder, '**', 0, stop.signal);
    const next = blocks.next();
    stop.abort();
    expect((await next).done).toBe(true);
    const ended = new AbortController();
    ended.abort();
    expect(await all(found(folder, '**', 0, ended.signal))).toEqual([]);
  });

  it('keeps few folders waiting, however many there are', async () => {
    const names = Array.from(
      { length: 1000 },
      (_, i) => `${i % 10}/${Math.floor(i / 10) % 10}/${Math.floor(i / 100)}/x`,
    );
    const blocks = found(tree(...names), '**');
    const order = await all(blocks);
    expect(order).toHaveLength(1000);
    // What is begun is ended before much else is begun: the files of a first folder come near each other.
    const of = (first: string): number[] => order.flatMap((name, i) => (name.startsWith(`${first}/`) ? [i] : []));
    const spans = many(10, '').map((first) => [Math.min(...of(first)), Math.max(...of(first))] as const);
    for (const at of order.keys()) {
      expect(spans.filter(([from, to]) => from <= at && at <= to).length).toBeLessThanOrEqual(8);
    }
    expect(Math.min(...spans.map(([, to]) => to))).toBeLessThan(Math.max(...spans.map(([from]) => from)));
  });
});
