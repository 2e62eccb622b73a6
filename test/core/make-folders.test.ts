import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makeFolders, makeFoldersNow, syncMade } from '../../src/core/make-folders.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'batchx-make-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

// As a promise, whichever it is.
const ways: Record<string, (path: string, mode?: number) => Promise<string | undefined>> = {
  makeFolders,
  makeFoldersNow: (path, mode) => Promise.resolve().then(() => makeFoldersNow(path, mode)),
};

describe.each(Object.entries(ways))('%s', (_, make) => {
  it('makes a folder with those that it lies in, and gives the first', async () => {
    expect(await make(join(folder, 'a/b/c'))).toBe(join(folder, 'a'));
    expect(statSync(join(folder, 'a/b/c')).isDirectory()).toBe(true);
    expect(await make(join(folder, 'a/b/d'))).toBe(join(folder, 'a/b/d'));
  });

  it('gives nothing when it is there', async () => {
    expect(await make(folder)).toBeUndefined();
  });

  it('gives each the mode', async () => {
    await make(join(folder, 'a/b'), 0o700);
    for (const name of ['a', 'a/b']) expect(statSync(join(folder, name)).mode & 0o777).toBe(0o700);
  });

  it('tells of a file in the way', async () => {
    writeFileSync(join(folder, 'file'), '');
    await expect(make(join(folder, 'file'))).rejects.toMatchObject({ code: 'EEXIST' });
    await expect(make(join(folder, 'file/a'))).rejects.toMatchObject({ code: 'ENOTDIR' });
  });

  it('takes the folders that others make meanwhile', async () => {
    const made = await Promise.all(['a/b/c/d', 'a/b/c/d', 'a/b/e', 'a/b/c/f'].map((name) => make(join(folder, name))));
    expect(made).toHaveLength(4);
  });

  it.skipIf(!existsSync('/proc/self'))('ends where the system takes none', async () => {
    await expect(make('/proc/batchx/a')).rejects.toMatchObject({ code: 'ENOENT' });
  });
});

describe('syncMade', () => {
  it('brings the name of each to the disk, in the folder that it lies in', async () => {
    const synced: string[] = [];
    const sync = (path: string): Promise<void> => Promise.resolve(void synced.push(path));
    await syncMade(join(folder, 'a/b/c'), join(folder, 'a'), { sync });
    expect(synced).toEqual([join(folder, 'a/b'), join(folder, 'a'), folder]);
  });
});
