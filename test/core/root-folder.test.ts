import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { FolderSync } from '../../src/core/folder-sync.js';
import { prepareRoot, RootFolder } from '../../src/core/root-folder.js';
import { temporaryFolder } from '../contract/temp.js';

const turns = async (): Promise<void> => {
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
};

describe('FolderSync', () => {
  it('syncs once for all who ask meanwhile, and again for those who ask later', async () => {
    const folders = new FolderSync();
    const folder = temporaryFolder();
    const first = folders.sync(folder);
    const second = folders.sync(folder);
    expect(second).not.toBe(first);
    expect(folders.sync(folder)).toBe(second);
    expect(folders.sync(join(folder, '..'))).not.toBe(second);
    await first;
    // By now the second one has begun, and may have missed what was put there since.
    expect(folders.sync(folder)).not.toBe(second);
    await second;
  });

  it('has nothing to say of a folder that is gone', async () => {
    await new FolderSync().sync(join(temporaryFolder(), 'no'));
  });
});

describe('RootFolder', () => {
  it('is made with those that it lies in, and fails at once where there can be none', async () => {
    const path = temporaryFolder();
    const root = new RootFolder(join(path, 'a/b/c'), undefined);
    expect(await root.folder(['d'], '')).toBe(join(path, 'a/b/c/d'));
    expect(await new RootFolder(join(path, 'a/b/c/'), undefined).folder([], '')).toBe(join(path, 'a/b/c'));
    writeFileSync(join(path, 'file'), '');
    symlinkSync('gone', join(path, 'link'));
    for (const [bad, why] of [
      ['file', 'it is no folder'],
      ['link', 'it is no folder'],
      ['file/x', 'ENOTDIR'],
      ...(process.platform === 'linux' ? [['/proc/no/such', 'no folder can be made there'] as const] : []),
    ] as const) {
      await expect(new RootFolder(resolve(path, bad), undefined).folder([], '')).rejects.toMatchObject({
        code: 'output',
        message: expect.stringContaining(why) as string,
      });
      await expect(prepareRoot(resolve(path, bad))).rejects.toThrow(why);
    }
    await prepareRoot(join(path, 'a/b/c'));
    await prepareRoot(join(path, 'new/one'));
    expect(readdirSync(join(path, 'new'))).toEqual(['one']);
  });

  it('is whole once the folders that it made are on the disk', async () => {
    const synced: string[] = [];
    let end!: () => void;
    const ended = new Promise<void>((resolve) => (end = resolve));
    class Slow extends FolderSync {
      override async sync(folder: string): Promise<void> {
        synced.push(folder);
        await ended;
      }
    }
    const path = temporaryFolder();
    mkdirSync(join(path, 'there'));
    const root = new RootFolder(path, new Slow());
    expect(await root.folder(['there'], '')).toBe(join(path, 'there'));
    await root.whole();
    expect(synced).toEqual([]);
    const made = root.folder(['there', 'new'], '');
    while (synced.length === 0) await turns();
    expect([synced, readdirSync(join(path, 'there'))]).toEqual([[join(path, 'there')], ['new']]);
    // For another file the folder is there, but it may be gone again after a loss of power.
    expect(await root.folder(['there', 'new'], '')).toBe(join(path, 'there/new'));
    let whole = false;
    void root.whole().then(() => (whole = true));
    await turns();
    expect(whole).toBe(false);
    end();
    await made;
    await turns();
    expect(whole).toBe(true);
  });
});
