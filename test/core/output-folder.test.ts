import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { files, jsonl, toJsonl } from 'batchx';
import { type FakeRuntime, fakeRuntime } from 'batchx/testing';
import fc from 'fast-check';
import { lastValueFrom, NEVER } from 'rxjs';
import { describe, expect, it } from 'vitest';
import type { BatchxError } from '../../src/core/errors.js';
import { Item } from '../../src/core/item.js';
import { OutputFolder, type OutputFolderOptions } from '../../src/core/output-folder.js';
import { fileName } from '../../src/core/output-path.js';
import { temporaryFolder } from '../contract/temp.js';
import { hostile } from './hostile.js';

const failure = (done: Promise<unknown>): Promise<BatchxError> =>
  done.then(
    () => expect.fail('expected an error'),
    (error: unknown) => error as BatchxError,
  );
const item = (seq: number): Item => Item.of(seq, { seq, id: `id-${seq}` });

function folderIn(root: string, options: Partial<OutputFolderOptions> = {}, runtime: FakeRuntime = fakeRuntime()) {
  const folder = new OutputFolder({ root, durability: 'off', ...options }, runtime);
  const write = async (path: string, seq = 0): Promise<string | undefined> => {
    const file = await folder.prepare(path, item(seq));
    await file?.fill(Buffer.from(`${seq}`));
    return (await file?.commit()) === true ? file?.path : undefined;
  };
  return { folder, write };
}

describe('OutputFolder', () => {
  it('makes the folders that are not there, also the first one', async () => {
    const root = join(temporaryFolder(), 'not/there');
    const { write } = folderIn(root, { durability: 'power' });
    expect(
      await Promise.all([write('a/b/c.txt', 1), write('a/b/d.txt', 2), write('e.txt', 3), write('a/f/g.txt', 4)]),
    ).toEqual(['a/b/c.txt', 'a/b/d.txt', 'e.txt', 'a/f/g.txt'].map((path) => join(root, path)));
    expect(readdirSync(root, { recursive: true }).sort()).toEqual([
      'a',
      'a/b',
      'a/b/c.txt',
      'a/b/d.txt',
      'a/f',
      'a/f/g.txt',
      'e.txt',
    ]);
  });

  it('says so when it cannot be made', async () => {
    const root = join(temporaryFolder(), 'file');
    writeFileSync(root, '');
    expect(await failure(folderIn(root).write('a'))).toMatchObject({
      code: 'output',
      class: 'fatal',
      message: `cannot write to the folder ${root}: it is no folder, for the item id-0`,
    });
    expect(await failure(folderIn(join(root, 'a')).write('a'))).toMatchObject({
      message: `cannot write to the folder ${root}/a: a folder of its path is a file (ENOTDIR), for the item id-0`,
    });
  });

  it('refuses links that lead out, and makes nothing behind them', async () => {
    const [root, outside] = [temporaryFolder(), temporaryFolder()];
    symlinkSync(outside, join(root, 'out'));
    symlinkSync('/', join(root, 'slash'));
    symlinkSync(join(outside, 'gone'), join(root, 'nowhere'));
    mkdirSync(join(root, 'in'));
    symlinkSync(join(root, 'in'), join(root, 'also'));
    const { write } = folderIn(root);
    for (const path of ['out/a', 'out/new/a', `slash${outside}/a`, 'nowhere/a', 'nowhere/new/a'])
      expect(await failure(write(path))).toMatchObject({ code: 'path', class: 'permanent' });
    expect(await failure(write('out/a'))).toMatchObject({
      message: `cannot write ${root}/out/a: a symbolic link leads out of the folder, to ${outside}`,
    });
    expect(readdirSync(outside)).toEqual([]);
    expect(await write('also/a', 1)).toBe(join(root, 'also/a'));
    expect(await failure(write('in/a', 2))).toMatchObject({
      message: expect.stringContaining('an earlier item, number 2'),
    });
    symlinkSync(`${root}er`, join(root, 'er'));
    mkdirSync(`${root}er`);
    try {
      expect(await failure(write('er/a'))).toMatchObject({ code: 'path' });
    } finally {
      rmSync(`${root}er`, { recursive: true });
    }
  });

  it('says that a folder on the way is a file', async () => {
    const root = temporaryFolder();
    writeFileSync(join(root, 'file'), '');
    for (const path of ['file/a', 'file/b/a'])
      expect(await failure(folderIn(root).write(path))).toMatchObject({
        code: 'path',
        message: `cannot write ${root}/${path}: a folder of its path is a file (ENOTDIR)`,
      });
  });

  it('gives a path to one item only, however it is written', async () => {
    const root = temporaryFolder();
    const { folder, write } = folderIn(root, { onExists: 'overwrite' });
    const first = await folder.prepare('b.txt', item(0));
    for (const path of ['b.txt', './b.txt', join(root, 'b.txt')])
      expect((await failure(folder.prepare(path, item(1)))).message).toBe(
        `cannot write ${root}/b.txt: it is already the output of the item id-0; let the path tell the items apart, as \`{{ index }}\` does`,
      );
    await first!.fill(Buffer.from('x'));
    await first!.commit();
    expect((await failure(write('b.txt', 1))).message).toContain('an earlier item, number 1 of its source');
  });

  it('frees the path of a file that did not come to be', async () => {
    const root = temporaryFolder();
    const { folder, write } = folderIn(root);
    await (await folder.prepare('a', item(0)))!.discard();
    const failing = (await folder.prepare('a', item(1)))!;
    await failure(failing.commit());
    writeFileSync(join(root, 'b'), '');
    await failure(write('b', 2));
    rmSync(join(root, 'b'));
    expect([await write('a', 3), await write('b', 3)]).toEqual([join(root, 'a'), join(root, 'b')]);
  });

  it('lets only the last attempt of an item put its file in place', async () => {
    const root = temporaryFolder();
    const { folder } = folderIn(root);
    const same = item(0);
    const late = (await folder.prepare('a', same))!;
    const second = (await folder.prepare('a', same))!;
    await late.fill(Buffer.from('late'));
    await second.fill(Buffer.from('second'));
    expect(await failure(late.commit())).toMatchObject({ code: 'aborted', class: 'cancelled' });
    await second.commit();
    expect(readFileSync(join(root, 'a'), 'utf8')).toBe('second');
    expect(readdirSync(root)).toEqual(['a']);
  });

  it('keeps the path of a file that was there already', async () => {
    const root = temporaryFolder();
    writeFileSync(join(root, 'a'), 'old');
    const { write } = folderIn(root, { onExists: 'skip' });
    expect(await write('a', 0)).toBeUndefined();
    expect((await failure(write('a', 1))).message).toContain('an earlier item, number 1');
  });

  it.each(['fail', 'skip', 'overwrite'] as const)('refuses what the run reads, by any name: %s', async (onExists) => {
    const root = temporaryFolder();
    const runtime = fakeRuntime();
    writeFileSync(join(root, 'in.jsonl'), '{}\n');
    symlinkSync(root, join(root, 'self'));
    const { write } = folderIn(root, { onExists }, runtime);
    // To its end: it must not be replaced even then.
    await lastValueFrom(jsonl(join(root, 'in.jsonl'), {}, runtime));
    expect((await failure(write('in.jsonl'))).message).toBe(
      `cannot write ${root}/in.jsonl: it is what this run reads; choose another path`,
    );
    expect((await failure(write('self/in.jsonl'))).message).toBe(
      `cannot write ${root}/self/in.jsonl: it is ${root}/in.jsonl, which this run reads; choose another path`,
    );
    expect(readFileSync(join(root, 'in.jsonl'), 'utf8')).toBe('{}\n');
  });

  it('refuses the file that the item is, by any name', async () => {
    const root = temporaryFolder();
    writeFileSync(join(root, 'a.txt'), 'input');
    symlinkSync(root, join(root, 'self'));
    const found = await lastValueFrom(files(join(root, '*.txt')));
    for (const given of [found, found.withData('changed')])
      for (const onExists of ['fail', 'skip', 'overwrite'] as const)
        for (const path of ['a.txt', 'self/a.txt'])
          expect((await failure(folderIn(root, { onExists }).folder.prepare(path, given))).message).toContain(
            `this run reads; choose another path`,
          );
    expect(readFileSync(join(root, 'a.txt'), 'utf8')).toBe('input');
  });

  it('refuses what a sink of the run writes', async () => {
    const root = temporaryFolder();
    const runtime = fakeRuntime();
    const sink = NEVER.pipe(toJsonl(join(root, 'out.jsonl'), runtime)).subscribe();
    const { write } = folderIn(root, { onExists: 'overwrite' }, runtime);
    expect(await failure(write('out.jsonl'))).toMatchObject({
      code: 'path',
      message: `cannot write ${root}/out.jsonl: it is what a sink of this run writes; choose another path`,
    });
    sink.unsubscribe();
  });

  it('writes each of many hostile values to a file of its own, inside', async () => {
    const root = join(temporaryFolder(), 'root');
    const { write } = folderIn(root);
    const paths = hostile.map((value) => `${fileName(value)}.json`);
    expect(new Set(await Promise.all(paths.map(write))).size).toBe(hostile.length);
    expect(readdirSync(root)).toHaveLength(hostile.length);
    expect(readdirSync(join(root, '..'))).toEqual(['root']);
    for (const [i, name] of paths.entries())
      if (name.length < 200) expect(readFileSync(join(root, name), 'utf8')).toBe(`${i}`);
  });

  it('writes nothing outside, whatever the path', async () => {
    const parts = fc.constantFrom('..', '.', '', 'a', 'b', 'out', 'deep', 'a%2F', '~');
    await fc.assert(
      fc.asyncProperty(fc.array(parts, { maxLength: 6 }), async (names) => {
        const top = temporaryFolder();
        const root = join(top, 'root');
        mkdirSync(join(root, 'a/deep'), { recursive: true });
        mkdirSync(join(top, 'outside'));
        symlinkSync(join(top, 'outside'), join(root, 'out'));
        symlinkSync('..', join(root, 'a/deep/up'));
        const path = await folderIn(root)
          .write(names.join('/'))
          .catch(() => undefined);
        if (path !== undefined) expect(relative(root, path)).not.toMatch(/^\.\./);
        expect([readdirSync(top).sort(), readdirSync(join(top, 'outside'))]).toEqual([['outside', 'root'], []]);
        expect(path === undefined || existsSync(path)).toBe(true);
      }),
      { numRuns: 30 },
    );
  });
});
