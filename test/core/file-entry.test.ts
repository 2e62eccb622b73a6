import { describe, expect, it } from 'vitest';
import { FileEntry } from '../../src/core/file-entry.js';
import { isDoubtful, readableName } from '../../src/core/walk/file-name.js';

describe('FileEntry', () => {
  it('can be read again from its JSON, and from nothing else', () => {
    const root = { cut: 3, lead: '' };
    for (const entry of [
      new FileEntry('in/a b.txt', root),
      new FileEntry('in/-x', root),
      new FileEntry('./-x', { cut: 0, lead: '' }),
      new FileEntry('x', { cut: 1, lead: 'y/x' }, { size: 3, mtimeMs: 1.5 }),
      new FileEntry('in/\ufffd', root, { pathBytes: Buffer.from([0x69, 0x6e, 0x2f, 0xff]) }),
    ]) {
      const json: unknown = JSON.parse(JSON.stringify(entry));
      const again = FileEntry.fromJSON(json);
      expect(again).toBeInstanceOf(FileEntry);
      expect(JSON.parse(JSON.stringify(again))).toEqual(json);
    }
    const json = new FileEntry('in/a.txt', root).toJSON();
    for (const other of [null, 'in/a.txt', [], { path: 'in/a.txt' }, { ...json, ext: '.png' }, { ...json, more: 1 }])
      expect(FileEntry.fromJSON(other)).toBeUndefined();
  });

  it.each([
    ['a.txt', '.', 'a.txt', 'a', '.txt'],
    ['d/a.tar.gz', 'd', 'a.tar.gz', 'a.tar', '.gz'],
    ['/a', '/', 'a', 'a', ''],
    ['/d/e/.bashrc', '/d/e', '.bashrc', '.bashrc', ''],
    ['d.e/a', 'd.e', 'a', 'a', ''],
    ['a.', '.', 'a.', 'a', '.'],
    ['..a', '.', '..a', '.', '.a'],
    ['./-a.b', '.', '-a.b', '-a', '.b'],
    ['../a/b.c', '../a', 'b.c', 'b', '.c'],
  ])('tells the parts of %s', (path, dir, filename, basename, ext) => {
    const entry = new FileEntry(path, { cut: 0, lead: '' });
    expect([entry.dir, entry.filename, entry.basename, entry.ext]).toEqual([dir, filename, basename, ext]);
  });

  it.each([
    ['a/b', 0, '', 'a/b'],
    ['a/b', 2, '', 'b'],
    ['a/b', 2, 'x/', 'x/b'],
    ['./-a', 0, '', './-a'],
    ['./-a', 0, 'x/', 'x/-a'],
    ['d/-a', 2, '', './-a'],
    ['d/-a', Infinity, 'e/f', 'e/f'],
  ])('tells the name of %s from its root on (%d, %j)', (path, cut, lead, relative) => {
    expect(new FileEntry(path, { cut, lead }).relative).toBe(relative);
  });

  it('is all there in JSON, and its own part alone is the path', () => {
    const entry = new FileEntry('d/a.b', { cut: 2, lead: '' }, { size: 3, mtimeMs: 4, pathBytes: Buffer.of(0xff) });
    expect(JSON.parse(JSON.stringify(entry))).toEqual({
      path: 'd/a.b',
      relative: 'a.b',
      dir: 'd',
      filename: 'a.b',
      basename: 'a',
      ext: '.b',
      size: 3,
      mtimeMs: 4,
      pathBytes: '/w==',
    });
    expect(Object.keys(entry)).toEqual(['path']);
  });
});

describe('readable names', () => {
  it('are different for any two names, are text, and are the name where they say so', () => {
    const alphabet = [0xef, 0xbf, 0xbd, 0x46, 0x39, 0xff, 0xc3, 0xa9, 0xf0];
    const seen = new Map<string, Buffer>();
    const check = (name: Buffer): void => {
      const { text, exact } = readableName(name);
      expect(seen.get(text)).toBeUndefined();
      seen.set(text, name);
      if (exact !== Buffer.from(text).equals(name)) expect.fail(`${name.toString('hex')} as ${JSON.stringify(text)}`);
      if (!exact && !isDoubtful(name.toString('utf8')))
        expect.fail(`${name.toString('hex')} would not be looked at again`);
    };
    let names: number[][] = [[]];
    for (let length = 1; length <= 5; length++) {
      names = names.flatMap((name) => alphabet.map((byte) => [...name, byte]));
      if (length < 5) for (const name of names) check(Buffer.from(name));
    }
    // The one character that marks, before what follows a mark.
    check(Buffer.from('\ufffdFFx'));
    check(Buffer.from([0xff, 0x78]));
    expect(seen.size).toBe(9 + 81 + 729 + 6561 + 2);
  });

  it('leave the text in them as it is', () => {
    expect(readableName(Buffer.from('日本 é'))).toEqual({ text: '日本 é', exact: true });
    const bad = Buffer.concat([Buffer.from('日'), Buffer.of(0xe6, 0x97), Buffer.from('本.txt')]);
    expect(readableName(bad)).toEqual({ text: '日\ufffdE6\ufffd97本.txt', exact: false });
  });
});
