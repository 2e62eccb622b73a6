import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { basename, join, relative } from 'node:path';
import { lastValueFrom, take, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { type BatchxError, type FileEntry, files, type FilesOptions, type Item, mapConcurrent } from 'batchx';
import { fakeRuntime, sourceContract } from 'batchx/testing';
import { turns } from '../../src/testing/turns.js';
import { plant, tree } from '../core/tree.js';

const read = (pattern: string | string[], options: FilesOptions = {}): Promise<Item<FileEntry>[]> =>
  lastValueFrom(files(pattern, options, fakeRuntime()).pipe(toArray()));
/** The ids of what is found from a folder, in the order of their names. */
const ids = async (cwd: string, pattern: string | string[], options: FilesOptions = {}): Promise<string[]> =>
  (await read(pattern, { cwd, ...options })).map(({ id }) => id).sort();
const failure = (pattern: string | string[], options: FilesOptions = {}): Promise<BatchxError> =>
  read(pattern, options).then(
    () => expect.fail('expected a failure'),
    (error: unknown) => error as BatchxError,
  );

describe('items', () => {
  it('are one for each file, called by its path below the root of the glob', async () => {
    const folder = tree('photos/2024/sea.avif', 'photos/2024/sea.png', 'photos/hut.avif', 'other/x.avif');
    const items = await read(`${folder}/photos/**/*.avif`);
    expect(items.map(({ id, seq, data }) => [id, seq, data.path])).toEqual([
      ['hut.avif', 0, `${folder}/photos/hut.avif`],
      ['2024/sea.avif', 1, `${folder}/photos/2024/sea.avif`],
    ]);
    expect(items[0]?.metadata).toEqual({ source: `${folder}/photos/**/*.avif` });
  });

  it('have paths as they are to be opened, from a folder that is given too', async () => {
    const folder = tree('a/b.txt');
    const cwd = relative(process.cwd(), folder);
    const [item] = await read('*/b.txt', { cwd: `${cwd}/` });
    expect(item?.data.path).toBe(`${cwd}/a/b.txt`);
    expect(readFileSync(item?.data.path ?? '', 'utf8')).toBe('a/b.txt');
    expect(item?.id).toBe('a/b.txt');
    expect((await read(`${folder}/a/*`, { cwd: '/nowhere' }))[0]?.data.path).toBe(`${folder}/a/b.txt`);
    expect((await read('test/sources/files.test.t?'))[0]?.data.path).toBe('test/sources/files.test.ts');
    expect((await read('./test//sources/./files.test.t?'))[0]?.data.path).toBe('test/sources/files.test.ts');
    expect((await read('packag[e].json', { cwd: './.' }))[0]?.data.path).toBe('package.json');
    expect(await ids('/', 'etc/host[s]')).toEqual(['hosts']);
  });

  it('have the parts of their paths', async () => {
    const [item] = await read(`${tree('src/a.test.ts')}/**/*.ts`);
    const { dir, filename, basename: base, ext, relative: name, size, mtimeMs, pathBytes } = item?.data as FileEntry;
    expect({ dir: basename(dir), filename, base, ext, name, size, mtimeMs, pathBytes }).toEqual({
      dir: 'src',
      filename: 'a.test.ts',
      base: 'a.test',
      ext: '.ts',
      name: 'src/a.test.ts',
      size: undefined,
      mtimeMs: undefined,
      pathBytes: undefined,
    });
  });
});

describe('patterns', () => {
  const names = ['a.txt', 'd/a.txt', 'd/b.md', 'd/e/a.txt', 'd/e/f/a.txt', 'g/a.txt'];

  it('may be a folder: all files in it, at any depth', async () => {
    const folder = tree(...names);
    expect(await ids(folder, 'd')).toEqual(['a.txt', 'b.md', 'e/a.txt', 'e/f/a.txt']);
    expect(await ids(folder, 'd/')).toEqual(['a.txt', 'b.md', 'e/a.txt', 'e/f/a.txt']);
    expect(await ids(folder, '.')).toEqual(names);
    expect(await ids(folder, 'd/e/..')).toEqual(['a.txt', 'b.md', 'e/a.txt', 'e/f/a.txt']);
    expect(await ids(`${folder}/d`, '..')).toEqual(names);
    expect(await ids(folder, '*/')).toEqual(names.slice(1));
  });

  it('may be a path, which is called by its name', async () => {
    const folder = tree(...names);
    expect(await ids(folder, 'd/e/a.txt')).toEqual(['a.txt']);
    expect(await ids(folder, `${folder}/d/e/../a.txt`)).toEqual(['a.txt']);
  });

  it('may be several: their names are relative to the folder that they have in common', async () => {
    const folder = tree(...names);
    expect(await ids(folder, ['d/e/*.txt', 'g/*.txt'])).toEqual(['d/e/a.txt', 'g/a.txt']);
    expect(await ids(folder, ['d/e/*.txt', 'd/*.md'])).toEqual(['b.md', 'e/a.txt']);
    expect(await ids(folder, ['d/e/a.txt', 'd/b.md', 'd/e/f'])).toEqual(['b.md', 'e/a.txt', 'e/f/a.txt']);
    expect(await ids(folder, ['d/e/*', `${folder}/g/*`])).toEqual(['d/e/a.txt', 'g/a.txt']);
    expect(await ids(`${folder}/d`, ['*.md', '../g/*'])).toEqual(['d/b.md', 'g/a.txt']);
  });

  it('are walked in the order in which they are given, paths before', async () => {
    const folder = tree(...names);
    const found = await read(['g/*', 'd/*', 'a.txt'], { cwd: folder });
    expect(found.map(({ id }) => id)).toEqual(['a.txt', 'g/a.txt', 'd/a.txt', 'd/b.md']);
  });

  it('give a file once that several of them match', async () => {
    const folder = tree(...names, 'de/a.txt');
    const several = [
      ['**/*.txt', '**/a.*'],
      ['d/e/**', 'd/**', 'd'],
      ['d', 'd/e', 'd/e/f'],
      ['d/e/a.txt', 'd/e/a.txt', './d/e/a.txt', 'd/e'],
      ['**/e/**', 'd/{e,e/f}/*.txt', 'd/e/a.txt'],
      ['d/**', 'de/**', `${folder}/d/e/**`, 'd/e/../e/f/*'],
    ];
    for (const patterns of several) {
      const found = (await read(patterns, { cwd: folder })).map(({ data }) => join(data.path));
      expect(found).toEqual([...new Set(found)]);
      const alone = await Promise.all(patterns.map((pattern) => read(pattern, { cwd: folder })));
      const all = alone.flat().map(({ data }) => data.path);
      expect(found.sort()).toEqual([...new Set(all.map((path) => join(folder, relative(folder, path))))].sort());
    }
  });

  it('go up as the system does, not as their text does', async () => {
    const folder = tree('a/x', 'elsewhere/a/y', 'elsewhere/b/c/');
    symlinkSync('elsewhere/b/c', join(folder, 'link'));
    const found = await read(['**', 'link/../../a/*', 'a/../a/x'], { cwd: folder });
    expect(found.map(({ id }) => id).sort()).toEqual(['a/x', 'elsewhere/a/y']);
    expect(await ids(folder, ['a/*', 'link/../../a/*'])).toEqual(['a/x', 'elsewhere/a/y']);
    expect(await ids(folder, ['a/*', 'a/../a/x'])).toEqual(['x']);
  });

  it('mean a file that exists by that very name, whatever else they could mean', async () => {
    const folder = tree('a[1].txt', 'a1.txt', '*', '{a,b}', '!x', '[d]/x', 'd/x', 'a\\b', '**/y', '$(id)', 'q"?"');
    expect(await ids(folder, 'a[1].txt')).toEqual(['a[1].txt']);
    expect(await ids(folder, '*')).toEqual(['*']);
    expect(await ids(folder, '{a,b}')).toEqual(['{a,b}']);
    expect(await ids(folder, '!x')).toEqual(['!x']);
    expect(await ids(folder, '[d]')).toEqual(['x']);
    expect(await ids(folder, 'a\\b')).toEqual(['a\\b']);
    expect(await ids(folder, '**')).toEqual(['y']);
    expect(await ids(folder, 'q"?"')).toEqual(['q"?"']);
    expect(await ids(folder, ['a[1].txt', '[d]/x', 'a1.tx?'])).toEqual(['[d]/x', 'a1.txt', 'a[1].txt']);
    expect(await ids(folder, '\\$\\(id\\)')).toEqual(['$(id)']);
    expect(await ids(folder, '\\[d\\]/?')).toEqual(['x']);
  });

  it('have braces that stand for several, with the root before them', async () => {
    const folder = tree(...names);
    expect(await ids(folder, 'd/{b.md,e/*.txt}')).toEqual(['b.md', 'e/a.txt']);
    expect(await ids(folder, '{d,g}/a.txt')).toEqual(['d/a.txt', 'g/a.txt']);
    expect(await ids(folder, 'd/{e,e/f}/a.txt')).toEqual(['e/a.txt', 'e/f/a.txt']);
    expect(await ids(folder, `{${folder}/d,g}/*.md`)).toEqual([]);
  });

  it('do not match in folders that no part of them leads to', async () => {
    const folder = tree('a/x/b.txt', 'a/x/y/b.txt', 'a/b.txt', 'b/x/b.txt');
    // Could it be looked into, it would be a failed item.
    mkdirSync(join(folder, 'deep'));
    const closed = deep(join(folder, 'deep'));
    expect(await ids(folder, 'a/*/b.txt')).toEqual(['x/b.txt']);
    expect(await ids(folder, '{a,b}/*/b.txt')).toEqual(['a/x/b.txt', 'b/x/b.txt']);
    expect(await ids(folder, '*/*.txt')).toEqual(['a/b.txt']);
    expect((await ids(folder, '**/b.txt')).some((id) => id.startsWith('deep/'))).toBe(true);
    closed();
  });

  it('say what is not there', async () => {
    const folder = tree('a.txt');
    expect(await failure('b.txt', { cwd: folder })).toMatchObject({
      code: 'input',
      message: `cannot read ${folder}/b.txt: there is no such file or folder`,
      where: `${folder}/b.txt`,
    });
    expect(await failure(`${folder}/nowhere/**/*.txt`)).toMatchObject({
      code: 'input',
      message: `cannot read ${folder}/nowhere: there is no such folder`,
      where: `${folder}/nowhere`,
    });
    expect(await failure('*', { cwd: '/nowhere' })).toMatchObject({ message: expect.stringMatching(/ \/nowhere:/) });
    expect(await failure(`${folder}/a.txt/*`)).toMatchObject({ code: 'input', where: `${folder}/a.txt` });
    expect(await failure(['a.txt', 'b.txt'], { cwd: folder })).toMatchObject({ code: 'input' });
    expect(await failure(`${folder}/${'x'.repeat(300)}`)).toMatchObject({ code: 'input' });
  });

  it('may match nothing', async () => {
    const folder = tree('a.txt', 'empty/');
    expect(await ids(folder, '*.md')).toEqual([]);
    expect(await ids(folder, 'empty')).toEqual([]);
    expect(await ids(folder, `${'x'.repeat(300)}*`)).toEqual([]);
  });

  it('are refused when they mean nothing', async () => {
    const folder = tree('a.txt');
    for (const pattern of ['*/../a', '!(a/b)', '[z-a]*', '{1..2000}', '{a,b}'.repeat(12)]) {
      expect(await failure(pattern, { cwd: folder })).toMatchObject({ code: 'usage' });
    }
    expect(() => files('')).toThrow('files: `pattern`: expected a pattern, got empty text');
    expect(() => files([])).toThrow('files: `pattern`: expected at least one pattern');
    expect(() => files(['a', ''])).toThrow('expected a pattern, got empty text');
    expect(() => files('a\0b')).toThrow('expected a pattern without NUL');
    expect(() => files('*', { order: 'random' as never })).toThrow('order');
  });
});

describe('exclude', () => {
  const names = ['a.js', 'a.test.js', 'node_modules/p/a.js', 'src/a.js', 'src/node_modules/a.js', 'src/gen/b/a.js'];

  it('leaves out files and what is in folders, from the folder that patterns are meant from', async () => {
    const folder = tree(...names);
    const left = (exclude: string | string[], pattern = '**/*.js'): Promise<string[]> =>
      ids(folder, pattern, { exclude });
    expect(await left('**/node_modules/**')).toEqual(['a.js', 'a.test.js', 'src/a.js', 'src/gen/b/a.js']);
    expect(await left(['**/node_modules', '**/*.test.js'])).toEqual(['a.js', 'src/a.js', 'src/gen/b/a.js']);
    expect(await left('node_modules/')).toEqual(names.filter((name) => !name.startsWith('node_')).sort());
    expect(await left('src/gen', 'src')).toEqual(['a.js', 'node_modules/a.js']);
    expect(await left('src/*', 'src')).toEqual([]);
    expect(await left('src', 'src/gen/**')).toEqual([]);
    expect(await left(['gen', '*.js'], 'src')).toEqual(['a.js', 'gen/b/a.js', 'node_modules/a.js']);
    expect(await left(`${folder}/src/**/b`)).not.toContain('src/gen/b/a.js');
    expect(await left('src/{gen,node_modules}', 'src')).toEqual(['a.js']);
    expect(await left('**', '*.js')).toEqual([]);
    expect(await left('nowhere')).toHaveLength(6);
  });

  it('holds for paths that are named, for hidden files and elsewhere', async () => {
    const folder = tree('a.log', 'b.txt', '.c.log', 'd/.git/e', 'd/f');
    expect(await ids(folder, ['a.log', 'b.txt'], { exclude: '*.log' })).toEqual(['b.txt']);
    expect(await ids(folder, '*', { exclude: '*.log', hidden: true })).toEqual(['b.txt']);
    expect(await ids(`${folder}/d`, '..', { exclude: '*', hidden: true })).toEqual(['.c.log', 'a.log', 'b.txt']);
    expect(await ids(`${folder}/d`, '..', { exclude: '**/.*', hidden: true })).toEqual(['a.log', 'b.txt', 'd/f']);
    expect(await ids('/', `${folder}/**`, { exclude: '**/d' })).toEqual(['a.log', 'b.txt']);
    expect(await ids('/usr', folder, { exclude: '**/d' })).toEqual(['a.log', 'b.txt']);
  });

  it('does not look into folders of which nothing is wanted', async () => {
    const folder = tree('a.js', 'node_modules/p/a.js');
    const closed = deep(join(folder, 'node_modules'));
    const found = await read('**/*.js', { cwd: folder, exclude: ['**/node_modules/**'] });
    expect(found.map(({ id, error }) => error ?? id)).toEqual(['a.js']);
    closed();
  });

  it('means a file that exists by that very name', async () => {
    const folder = tree('a[1]', 'a1', 'b');
    expect(await ids(folder, '*', { exclude: 'a[1]' })).toEqual(['a1', 'b']);
  });
});

describe('hidden files', () => {
  it('are found by a dot that is written, or when they are wanted', async () => {
    const folder = tree('.a', 'b', '.d/e', '.d/.f', 'g/.h');
    expect(await ids(folder, '**')).toEqual(['b']);
    expect(await ids(folder, '.')).toEqual(['b']);
    expect(await ids(folder, '.*')).toEqual(['.a']);
    expect(await ids(folder, '**/.*')).toEqual(['.a', 'g/.h']);
    expect(await ids(folder, '.d/*')).toEqual(['e']);
    expect(await ids(folder, '.d')).toEqual(['e']);
    expect(await ids(folder, '.', { hidden: true })).toEqual(['.a', '.d/.f', '.d/e', 'b', 'g/.h']);
    expect(await ids(folder, '*/*', { hidden: true })).toEqual(['.d/.f', '.d/e', 'g/.h']);
  });
});

describe('links and other things', () => {
  it('gives links to files, and passes over those that lead nowhere', async () => {
    const folder = tree('a', 'd/b');
    symlinkSync('a', join(folder, 'to-a'));
    symlinkSync('nowhere', join(folder, 'dangling'));
    symlinkSync('self', join(folder, 'self'));
    linkSync(join(folder, 'a'), join(folder, 'hard'));
    expect(await ids(folder, '**')).toEqual(['a', 'd/b', 'hard', 'to-a']);
    expect(await ids(folder, ['to-a', 'a'])).toEqual(['a', 'to-a']);
    expect(await failure('dangling', { cwd: folder })).toMatchObject({ code: 'input' });
  });

  it('looks into folders behind links only when told to, or when a pattern says their name', async () => {
    const folder = tree('real/a', 'real/b/c');
    symlinkSync('real', join(folder, 'link'));
    mkdirSync(join(folder, 'x'));
    symlinkSync('../real/b', join(folder, 'x/current'));
    expect(await ids(folder, '**')).toEqual(['real/a', 'real/b/c']);
    expect(await ids(folder, '*/a')).toEqual(['real/a']);
    expect(await ids(folder, 'link')).toEqual(['a', 'b/c']);
    expect(await ids(folder, 'link/*')).toEqual(['a']);
    expect(await ids(folder, ['link/*', '*/c', 'real/a'])).toEqual(['link/a', 'real/a']);
    expect(await ids(folder, '*/current/*')).toEqual(['x/current/c']);
    expect(await ids(folder, 'l*/a', { follow: true })).toEqual(['link/a']);
    expect(await ids(folder, '*/a', { follow: true })).toEqual(['real/a']);
    expect(await ids(folder, 'x/*/c', { follow: true })).toEqual(['current/c']);
  });

  it('walks a folder once that can be reached by several ways, and by its own name if it has one', async () => {
    const folder = tree('m/a', 'm/n/b', 'out/c', 'out/d/e');
    symlinkSync('..', join(folder, 'm/n/up'));
    symlinkSync('.', join(folder, 'm/here'));
    symlinkSync('n', join(folder, 'm/aa'));
    symlinkSync('../out', join(folder, 'm/one'));
    symlinkSync('../out/d', join(folder, 'm/two'));
    for (let i = 0; i < 3; i++) {
      expect(await ids(folder, 'm', { follow: true })).toEqual(['a', 'n/b', 'one/c', 'one/d/e']);
    }
    expect(await ids(folder, 'm')).toEqual(['a', 'n/b']);
    // By another part of the pattern it is another walk.
    expect(await ids(folder, 'm/**/aa/b', { follow: true })).toEqual(['aa/b']);
  });

  it('passes over sockets and named pipes, and gives what is named whatever it is', async () => {
    const folder = tree('a');
    execFileSync('mkfifo', [join(folder, 'pipe')]);
    const server = createServer().listen(join(folder, 'socket'));
    await new Promise((resolve) => server.once('listening', resolve));
    expect(await ids(folder, '*')).toEqual(['a']);
    expect(await ids(folder, 'pipe')).toEqual(['pipe']);
    await new Promise((resolve) => server.close(resolve));
  });
});

describe('names', () => {
  const hostile = [
    ...[
      '-rf',
      '--',
      '-',
      ' ',
      'a b',
      ' a',
      'a ',
      "'",
      '"',
      '\\',
      'a\\nb',
      '\n',
      'a\nb',
      '\t',
      '\r',
      '$(touch x)',
      '`id`',
    ],
    ...[
      '$HOME',
      ';',
      '&',
      '|',
      '>',
      '*',
      '?',
      '[',
      ']',
      '[a]',
      '{a,b}',
      '!',
      '#',
      '~',
      '%',
      '%00',
      '%FF',
      '=',
      ',',
      '@',
    ],
    ...[
      '\u0001',
      '\u001b[31m',
      '\u007f',
      '\u0085',
      '\u2028',
      '\u202e',
      '\ufeff',
      '\ufffd',
      'é',
      'e\u0301',
      '日本',
      '🎈',
      'x'.repeat(255),
    ],
    ...['...', '..a', 'a.', 'a..b', 'con', '(', ')', '(a)', '+', '^', '-\n'],
  ];

  it('are found whatever they are, in folders that are called so too', async () => {
    const folder = tree(...hostile.map((name) => `${name}/${name}`));
    const found = await read(folder, { hidden: true });
    expect(found.map(({ data }) => data.path).sort()).toEqual(
      hostile.map((name) => `${folder}/${name}/${name}`).sort(),
    );
    for (const { data } of found) expect(readFileSync(data.path, 'utf8')).toBe(data.relative.replace(/^\.\/(?=-)/, ''));
    for (const name of hostile) {
      const [item, ...others] = await read(join(folder, name, name));
      expect([item?.data.path, others]).toEqual([join(folder, name, name), []]);
      expect(item?.data.filename).toBe(name);
    }
  });

  it('are no flags: what begins with `-` is given as `./-...`', async () => {
    const folder = tree('-rf', '-d/-e', 'd/-f');
    const before = process.cwd();
    process.chdir(folder);
    try {
      const paths = async (pattern: string): Promise<string[]> =>
        (await read(pattern)).map(({ data: { path, relative: name } }) => `${path} ${name}`).sort();
      expect(await paths('**')).toEqual(['./-d/-e ./-d/-e', './-rf ./-rf', 'd/-f d/-f']);
      expect(await paths('-d/*')).toEqual(['./-d/-e ./-e']);
      expect(await paths('-d')).toEqual(['./-d/-e ./-e']);
      expect(await paths('-rf')).toEqual(['./-rf ./-rf']);
      expect(await paths('./-rf')).toEqual(['./-rf ./-rf']);
      expect(await paths('d/*')).toEqual(['d/-f ./-f']);
      const [item] = await read('-r?');
      expect(item?.data.filename).toBe('-rf');
      expect(item?.data.dir).toBe('.');
      expect(await ids('.', ['*f', `../${basename(folder)}/d/*`])).toEqual(['./-rf', 'd/-f']);
      expect(await paths('**/-*')).toHaveLength(3);
    } finally {
      process.chdir(before);
    }
  });

  // Elsewhere than on Linux the file system refuses them.
  describe.runIf(process.platform === 'linux')('that are not UTF-8', () => {
    const bytes = (...parts: (string | number)[]): Buffer =>
      Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : Buffer.of(part))));

    it('are found, walked into and opened', async () => {
      const folder = tree('good/a.txt');
      const bad = bytes(`${folder}/caf`, 0xe9);
      mkdirSync(bad);
      writeFileSync(Buffer.concat([bad, bytes('/a.txt')]), 'in a bad folder');
      writeFileSync(Buffer.concat([bad, bytes('/', 0xff, '.txt')]), 'twice bad');
      writeFileSync(bytes(`${folder}/good/`, 0xc3, '(.txt'), 'bad');
      symlinkSync('a.txt', bytes(`${folder}/good/l`, 0xe9, '.txt'));
      const found = await read('**/*.txt', { cwd: folder });
      expect(found.map(({ id }) => id).sort()).toEqual([
        'caf\ufffdE9/a.txt',
        'caf\ufffdE9/\ufffdFF.txt',
        'good/a.txt',
        'good/l\ufffdE9.txt',
        'good/\ufffdC3(.txt',
      ]);
      const contents = found.map(({ data }) =>
        readFileSync(data.pathBytes ? Buffer.from(data.pathBytes) : data.path, 'utf8'),
      );
      expect(contents.sort()).toEqual(['bad', 'good/a.txt', 'good/a.txt', 'in a bad folder', 'twice bad']);
      expect(found.find(({ id }) => id === 'good/a.txt')?.data.pathBytes).toBeUndefined();
      const shown = JSON.parse(JSON.stringify(found[0]?.data)) as { pathBytes?: string };
      const known = found[0]?.data.pathBytes;
      expect(shown.pathBytes).toBe(known && Buffer.from(known).toString('base64'));
    });

    it('are found from the current folder, also behind a dash', async () => {
      const folder = tree();
      writeFileSync(bytes(`${folder}/-`, 0xff), 'x');
      mkdirSync(bytes(`${folder}/-d`, 0xff));
      writeFileSync(bytes(`${folder}/-d`, 0xff, '/x'), 'y');
      const before = process.cwd();
      process.chdir(folder);
      try {
        const found = await read('**');
        expect(found.map(({ data }) => data.path)).toEqual(['./-\ufffdFF', './-d\ufffdFF/x']);
        expect(found.map(({ data }) => readFileSync(Buffer.from(data.pathBytes ?? []), 'utf8'))).toEqual(['x', 'y']);
      } finally {
        process.chdir(before);
      }
    });

    it('stay different when they are made readable', async () => {
      const folder = tree();
      const names = [
        bytes('a\ufffd'),
        bytes('a', 0xff),
        bytes('a', 0xfe),
        bytes('a\ufffdFF'),
        bytes('a\ufffd', 0xff),
        bytes('a', 0xef, 0xbf),
        bytes('a%FF'),
        bytes('a', 0xed, 0xa0, 0x80),
        bytes('é', 0xa9),
        bytes(0xc3),
        bytes('🎈', 0xf0, 0x9f),
      ];
      for (const name of names) writeFileSync(Buffer.concat([bytes(`${folder}/`), name]), name);
      const found = await read(folder);
      expect(new Set(found.map(({ id }) => id)).size).toBe(names.length);
      for (const { data } of found) {
        const content = readFileSync(data.pathBytes ? Buffer.from(data.pathBytes) : data.path);
        expect(names.some((name) => name.equals(content))).toBe(true);
        expect(data.path).toBe(Buffer.from(data.path).toString());
      }
      // What is text stays as it is, so that it can be opened by it.
      expect(
        found
          .filter(({ data }) => data.pathBytes === undefined)
          .map(({ id }) => id)
          .sort(),
      ).toEqual(['a%FF', 'a\ufffd']);
    });

    it('can be left out, be links to folders, and be those of many files', async () => {
      const folder = tree('real/a');
      symlinkSync('real', bytes(`${folder}/l`, 0xff));
      mkdirSync(bytes(`${folder}/no`, 0xff));
      writeFileSync(bytes(`${folder}/no`, 0xff, '/b'), '');
      expect(await ids(folder, '**/?', { exclude: 'no*' })).toEqual(['real/a']);
      expect(await ids(folder, 'l*/?', { follow: true })).toEqual(['l\ufffdFF/a']);
      for (let i = 0; i < 1200; i++) writeFileSync(bytes(`${folder}/real/`, 0xf0 + (i % 5), String(i)), '');
      expect(new Set(await ids(folder, 'real')).size).toBe(1201);
    });
  });
});

describe('faults', () => {
  it('of a folder that may not be read fail an item of its name, and the rest goes on', async () => {
    const folder = tree('a/x', 'b/c/x', 'd/x');
    const user = process.geteuid?.();
    chmodSync(folder, 0o755);
    chmodSync(join(folder, 'b/c'), 0);
    // Who may do everything has to be somebody else for a while.
    if (user === 0) process.seteuid?.(65534);
    let found: Item[];
    let whole: unknown;
    try {
      found = await read('**', { cwd: folder });
      whole = await failure('b/c/**', { cwd: folder });
    } finally {
      if (user === 0) process.seteuid?.(0);
      chmodSync(join(folder, 'b/c'), 0o755);
    }
    expect(found.map(({ id, error, data }) => [id, error?.code, data === undefined]).sort()).toEqual([
      ['a/x', undefined, false],
      ['b/c', 'input', true],
      ['d/x', undefined, false],
    ]);
    expect(found.find(({ id }) => id === 'b/c')?.error).toMatchObject({
      message: expect.stringMatching(/^cannot read .*b\/c: EACCES/),
      where: join(folder, 'b/c'),
    });
    expect(whole).toMatchObject({ code: 'input', where: join(folder, 'b/c') });
  });

  it('of a folder whose path is too long fail an item', async () => {
    const folder = tree('a', 'b/c', 'z/x');
    const closed = deep(join(folder, 'b'));
    const found = await read('**', { cwd: folder });
    closed();
    expect(found.filter(({ error }) => error === undefined).map(({ id }) => id)).toEqual(['a', 'b/c', 'z/x']);
    expect(found.filter(({ error }) => error !== undefined)).toMatchObject([
      {
        id: expect.stringMatching(/^b\/x+\//),
        error: { code: 'input', message: expect.stringContaining('ENAMETOOLONG') },
      },
    ]);
  });

  it('are none when a folder or a link has gone meanwhile', async () => {
    const folder = tree('a', ...Array.from({ length: 20 }, (_, i) => `d${i}/x`));
    const found: string[] = [];
    await lastValueFrom(
      files('**', { cwd: folder }, fakeRuntime()).pipe(
        mapConcurrent(({ id }) => {
          if (found.push(id) === 1) {
            rmSync(join(folder, 'd9'), { recursive: true });
            renameSync(join(folder, 'd8'), join(folder, 'e8'));
          }
          return Promise.resolve();
        }, 1),
      ),
    );
    expect(found).toHaveLength(19);
    expect(found).not.toContain('d9/x');
  });
});

describe('order', () => {
  it('by name is that of the bytes of the paths', async () => {
    const names = ['b', 'a/b', 'a.b', 'a-b', 'B', 'é', '\uff5e', '🎈', 'a', '\ue000x'].map((name) =>
      name === 'a' ? 'a0' : name,
    );
    const folder = tree(...names);
    const sorted = [...names].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    expect((await read('**', { cwd: folder, order: 'name' })).map(({ id }) => id)).toEqual(sorted);
    const [first, ...others] = sorted.filter((name) => name !== '🎈');
    rmSync(join(folder, '🎈'));
    expect((await read('**', { cwd: folder, order: 'name' })).map(({ id }) => id)).toEqual([first, ...others]);
  });

  it('by size or time has these known, and goes by path among equals', async () => {
    const folder = tree('d/b', 'a', 'c', 'z');
    const sizes = { 'd/b': 3, a: 5, c: 3, z: 4 };
    for (const [i, [name, size]] of Object.entries(sizes).entries()) {
      writeFileSync(join(folder, name), 'x'.repeat(size));
      utimesSync(join(folder, name), 1_700_000_000, name === 'z' ? 1_700_000_000 : 1_700_000_000 + (i % 2) + 0.5);
    }
    symlinkSync('z', join(folder, 'link'));
    const by = async (order: FilesOptions['order']): Promise<string[]> =>
      (await read(['**', 'a'], { cwd: folder, order })).map(({ id }) => id);
    expect(await by('smallest')).toEqual(['c', 'd/b', 'link', 'z', 'a']);
    expect(await by('largest')).toEqual(['a', 'link', 'z', 'c', 'd/b']);
    expect(await by('oldest')).toEqual(['link', 'z', 'c', 'd/b', 'a']);
    expect(await by('newest')).toEqual(['a', 'c', 'd/b', 'link', 'z']);
    const [item] = await read('**', { cwd: folder, order: 'largest' });
    expect([item?.seq, item?.data.size, item?.data.mtimeMs]).toEqual([0, 5, 1_700_000_001_500]);
    expect(JSON.parse(JSON.stringify(item?.data))).toMatchObject({ size: 5, relative: 'a' });
  });

  it('is the same each time without one', async () => {
    const folder = tree(...Array.from({ length: 300 }, (_, i) => `${i % 7}/${i % 31}/${i % 3}/${i}`));
    const first = await read(folder);
    expect(first).toHaveLength(300);
    expect(first.map(({ seq }) => seq)).toEqual(first.map((_, i) => i));
    for (let i = 0; i < 3; i++) expect((await read(folder)).map(({ id }) => id)).toEqual(first.map(({ id }) => id));
  });
});

describe('flow', () => {
  it('gives the first file before folders that come later are read, and reads none that nobody asks for', async () => {
    const folder = tree('a', 'b', 'c', ...Array.from({ length: 30 }, (_, i) => `d${i}/x`));
    const found: string[] = [];
    let go: () => void = () => undefined;
    const hold = new Promise<void>((resolve) => (go = resolve));
    const all = lastValueFrom(
      files('**', { cwd: folder }, fakeRuntime()).pipe(
        mapConcurrent(async ({ id, seq }) => {
          found.push(id);
          if (seq === 2) await hold;
        }, 1),
      ),
    );
    while (found.length < 3) await turns(1);
    await turns(20);
    // The cap is 1, so the room below takes 64: what has not been read by then is what has not been asked for.
    const last = readdirSync(folder).sort().at(-1) as string;
    plant(folder, `${last}/late`);
    go();
    await all;
    expect(found).toContain(`${last}/x`);
  });

  it('ends at once when it is left, and when the run is stopping', async () => {
    const folder = tree(...Array.from({ length: 100 }, (_, i) => `${i}/x`));
    expect(await lastValueFrom(files(folder, {}, fakeRuntime()).pipe(take(1), toArray()))).toHaveLength(1);
    const runtime = fakeRuntime();
    const found: Item[] = [];
    await new Promise<void>((complete) => {
      files(folder, {}, runtime).subscribe({
        next: (item) => {
          if (found.push(item) === 3) runtime.stop();
        },
        complete,
      });
    });
    expect(found).toHaveLength(3);
  });

  it.each(['none', 'name', 'newest'] as const)('keeps what every source does, with the order %s', async (order) => {
    const folder = tree('a', 'b/c', 'b/d/e', 'f/g', 'f/h');
    await sourceContract((runtime) => files('**', { cwd: folder, order }, runtime));
  });
});

/** Makes a folder whose path is longer than the system takes, within another; call what comes back to remove it. */
function deep(folder: string): () => void {
  const script =
    'cd "$1"; name=$(printf %0200d | tr 0 x); for i in $(seq 25); do mkdir $name; cd -P $name; done; echo > b.txt';
  execFileSync('sh', ['-c', script, 'sh', folder]);
  return () => {
    execFileSync('rm', ['-rf', folder]);
  };
}
