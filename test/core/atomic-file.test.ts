import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fakeRuntime } from 'batchx/testing';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { type AtomicOptions, prepareFile, writeAtomically } from '../../src/core/atomic-file.js';
import { openFiles } from '../../src/testing/open-files.js';
import { temporaryFolder } from '../contract/temp.js';
import { fileProgram } from './file-program.js';

const isRoot = process.getuid?.() === 0;
const failure = (done: Promise<unknown>): Promise<unknown> => done.catch((error: unknown) => error);
const write = (path: string, text: string, options: AtomicOptions = {}): Promise<boolean> =>
  writeAtomically(path, Buffer.from(text), { durability: 'off', ...options }, fakeRuntime());
const prepare = async (path: string, options: AtomicOptions = {}) =>
  (await prepareFile(path, { durability: 'off', ...options }, fakeRuntime()))!;
const modeOf = (path: string): string => (lstatSync(path).mode & 0o7777).toString(8);

/** Sets the mask of the process for the test that runs. */
function withUmask(mask: number): void {
  const before = process.umask(mask);
  onTestFinished(() => void process.umask(before));
}

describe('writeAtomically', () => {
  it.each(['', 'text', 'ä'.repeat(1_000_000)])('writes a file of %#, and leaves nothing else', async (text) => {
    const folder = temporaryFolder();
    const before = await openFiles();
    expect(await write(join(folder, 'a.txt'), text)).toBe(true);
    expect(readFileSync(join(folder, 'a.txt'), 'utf8')).toBe(text);
    expect(readdirSync(folder)).toEqual(['a.txt']);
    expect(await openFiles()).toEqual(before);
  });

  it('fails where something is, and touches it not', async () => {
    const path = join(temporaryFolder(), 'a.txt');
    writeFileSync(path, 'old');
    expect(await failure(write(path, 'new'))).toMatchObject({
      code: 'path',
      class: 'permanent',
      where: path,
      message: `cannot write ${path}: it is there already; remove it, or say skip or overwrite by \`onExists\` (--on-exists)`,
    });
    expect(await write(path, 'new', { onExists: 'skip' })).toBe(false);
    expect(readFileSync(path, 'utf8')).toBe('old');
    expect(readdirSync(dirname(path))).toEqual(['a.txt']);
  });

  it.each(['fail', 'skip'] as const)('replaces nothing that comes while it is written: %s', async (onExists) => {
    const path = join(temporaryFolder(), 'a.txt');
    const file = await prepare(path, { onExists });
    await file.fill(Buffer.from('mine'));
    writeFileSync(path, 'theirs');
    const result = await failure(file.commit());
    if (onExists === 'skip') expect(result).toBe(false);
    else expect(result).toMatchObject({ code: 'path', message: expect.stringContaining('it is there already') });
    expect(readFileSync(path, 'utf8')).toBe('theirs');
    expect(readdirSync(dirname(path))).toEqual(['a.txt']);
  });

  it('does not write to a temporary file that another run has left', async () => {
    const folder = temporaryFolder();
    // A runtime for tests draws the same numbers each time.
    const { temp } = await prepare(join(folder, 'a.txt'));
    writeFileSync(temp, 'left');
    await write(join(folder, 'a.txt'), 'new');
    expect(readFileSync(temp, 'utf8')).toBe('left');
    expect(readFileSync(join(folder, 'a.txt'), 'utf8')).toBe('new');
  });

  it('replaces a file as a whole: who has it open, or has another name for it, keeps the old one', async () => {
    const folder = temporaryFolder();
    const path = join(folder, 'a.txt');
    writeFileSync(path, 'old');
    linkSync(path, join(folder, 'same'));
    await write(path, 'new', { onExists: 'overwrite' });
    expect([readFileSync(path, 'utf8'), readFileSync(join(folder, 'same'), 'utf8')]).toEqual(['new', 'old']);
  });

  it('does not follow a link: refuses it, or replaces the link itself', async () => {
    const folder = temporaryFolder();
    for (const target of ['there', 'nowhere']) {
      const [path, old] = [join(folder, 'link'), join(folder, target)];
      if (target === 'there') writeFileSync(old, 'old');
      symlinkSync(old, path);
      for (const onExists of ['fail', 'skip'] as const)
        expect(await failure(write(path, 'new', { onExists }))).toMatchObject({
          code: 'path',
          message: `cannot write ${path}: it is a symbolic link; \`onExists: overwrite\` replaces it, and not what it leads to`,
        });
      expect(readlinkSync(path)).toBe(old);
      await write(path, 'new', { onExists: 'overwrite' });
      expect(lstatSync(path).isFile()).toBe(true);
      expect(existsSync(old) && readFileSync(old, 'utf8')).toBe(target === 'there' && 'old');
      execFileSync('rm', [path]);
    }
  });

  it.each(['fail', 'skip', 'overwrite'] as const)('refuses what is no plain file: %s', async (onExists) => {
    const folder = temporaryFolder();
    mkdirSync(join(folder, 'dir'));
    execFileSync('mkfifo', [join(folder, 'pipe')]);
    expect(await failure(write(join(folder, 'dir'), '', { onExists }))).toMatchObject({
      code: 'path',
      message: expect.stringMatching(/: it is a folder$/),
    });
    expect(await failure(write(join(folder, 'pipe'), '', { onExists }))).toMatchObject({
      code: 'path',
      message: `cannot write ${folder}/pipe: it is there and no plain file`,
    });
    expect(readdirSync(folder)).toEqual(['dir', 'pipe']);
  });

  it('tells paths that cannot be from disks that cannot', async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'file'), '');
    const says = async (path: string): Promise<unknown> => failure(write(path, ''));
    expect(await says(join(folder, 'no/a'))).toMatchObject({
      code: 'path',
      message: `cannot write ${folder}/no/a: there is no such folder (ENOENT)`,
    });
    expect(await says(join(folder, 'file/a'))).toMatchObject({
      code: 'path',
      message: expect.stringContaining('a folder of its path is a file (ENOTDIR)'),
    });
    expect(await says(join(folder, 'x'.repeat(300)))).toMatchObject({
      code: 'path',
      message: expect.stringContaining('ENAMETOOLONG'),
    });
  });
});

describe('permissions', () => {
  it.each([0o022, 0o077, 0o007])('of a new file are what the system gives new files', async (mask) => {
    withUmask(mask);
    const path = join(temporaryFolder(), 'a');
    await write(path, '');
    expect(modeOf(path)).toBe((0o666 & ~mask).toString(8));
  });

  it('hide a file from others while it is written', async () => {
    withUmask(0);
    for (const options of [{}, { mode: 0o666 }, { onExists: 'overwrite' } as const]) {
      const file = await prepare(join(temporaryFolder(), 'a'), options);
      await file.fill(Buffer.from('x'));
      expect(modeOf(file.temp)).toBe('600');
      await file.commit();
      expect(modeOf(file.path)).toBe('666');
    }
  });

  it('are those of the file that is replaced, but what runs it as its owner, or those that are said', async () => {
    withUmask(0o077);
    const path = join(temporaryFolder(), 'a');
    writeFileSync(path, '');
    chmodSync(path, 0o4751);
    await write(path, '', { onExists: 'overwrite' });
    expect(modeOf(path)).toBe('751');
    await write(path, '', { onExists: 'overwrite', mode: 0o604 });
    expect(modeOf(path)).toBe('604');
  });

  it.runIf(isRoot)('keep the owner of a file that the superuser replaces', async () => {
    const path = join(temporaryFolder(), 'a');
    writeFileSync(path, '');
    chownSync(path, 1234, 4321);
    chmodSync(path, 0o640);
    await write(path, 'new', { onExists: 'overwrite' });
    expect(statSync(path)).toMatchObject({ uid: 1234, gid: 4321 });
    expect(modeOf(path)).toBe('640');
  });
});

describe('prepareFile, for what a program writes', () => {
  it('names a path in the same folder, of the same extension, where nothing is', async () => {
    const folder = temporaryFolder();
    const { temp } = await prepare(join(folder, 'photo.png'));
    expect(temp).toMatch(/\/\.batchx-[0-9a-z]{10}-photo\.png$/);
    expect(dirname(temp)).toBe(folder);
  });

  it('puts it in its place once it has passed the check', async () => {
    const path = join(temporaryFolder(), 'a.png');
    const file = await prepare(path);
    writeFileSync(file.temp, 'picture');
    const seen: unknown[] = [];
    const check = (made: unknown): void => {
      seen.push(made, existsSync(path));
    };
    expect(await file.commit(check)).toBe(true);
    expect(seen).toEqual([{ temp: file.temp, size: 7 }, false]);
    expect(readFileSync(path, 'utf8')).toBe('picture');
    expect(readdirSync(dirname(path))).toEqual(['a.png']);
  });

  it('leaves nothing behind of what has not passed, or was not wanted', async () => {
    const folder = temporaryFolder();
    const failed = await prepare(join(folder, 'a.png'));
    writeFileSync(failed.temp, '');
    const error = new Error('too small');
    const check = (): Promise<void> => Promise.reject(error);
    expect(await failure(failed.commit(check))).toMatchObject({ code: 'output', cause: error });
    const unwanted = await prepare(join(folder, 'a.png'));
    writeFileSync(unwanted.temp, '');
    await unwanted.discard();
    await unwanted.discard();
    expect(readdirSync(folder)).toEqual([]);
  });

  it.each([
    ['nothing', () => undefined, 'nothing was written to its temporary path'],
    ['a folder', (temp: string) => mkdirSync(temp), 'what was made is no plain file'],
    ['a pipe', (temp: string) => execFileSync('mkfifo', [temp]), 'what was made is no plain file'],
    [
      'a link',
      (temp: string) => symlinkSync('/etc/hostname', temp),
      'what was made is a symbolic link, expected a plain file',
    ],
  ])('fails for %s', async (_, make, says) => {
    const folder = temporaryFolder();
    const file = await prepare(join(folder, 'a.png'));
    make(file.temp);
    expect(await failure(file.commit())).toMatchObject({
      code: 'output',
      class: 'permanent',
      message: `cannot write ${file.path}: ${says}`,
    });
    expect(readdirSync(folder)).toEqual([]);
  });
});

describe('a system that fails', () => {
  let program: string;
  beforeAll(async () => {
    program = await fileProgram(
      'atomic-file',
      `import { writeAtomically } from './src/core/atomic-file.ts';
       import { createRuntime } from './src/core/runtime.ts';
       const [path, size, onExists, durability] = process.argv.slice(2);
       writeAtomically(path, Buffer.alloc(Number(size), 'x'), { onExists, durability }, createRuntime({ random: () => 0 })).then(
         (result) => console.log(JSON.stringify({ result })),
         (error) => console.log(JSON.stringify({ code: error.code, class: error.class, message: error.message })),
       );`,
    );
  });

  const run = (command: string, ...args: string[]): { said: Record<string, unknown>; rest: string } => {
    const script = command.replace('PROGRAM', `"${process.execPath}" "${program}" "$@"`);
    const { stdout, stderr } = spawnSync('bash', ['-c', script, 'bash', ...args], { encoding: 'utf8', env });
    expect(stderr).toBe('');
    const [first = '', ...rest] = stdout.split('\n');
    return { said: JSON.parse(first), rest: rest.join('\n') };
  };
  // One thread for all calls to the system: strace counts those of each thread apart.
  const env = { ...process.env, UV_THREADPOOL_SIZE: '1' };
  const strace = (what: string): string => `strace -f -qq -o /dev/null ${what} PROGRAM`;

  it('says that a file is larger than it may be, and keeps the old one', () => {
    const path = join(temporaryFolder(), 'a.bin');
    writeFileSync(path, 'old');
    // The write that crosses the limit is cut short, the next one refused.
    const { said } = run('trap "" XFSZ; ulimit -f 8; PROGRAM', path, '20000', 'overwrite');
    expect(said).toEqual({
      code: 'output',
      class: 'permanent',
      message: `cannot write ${path}: EFBIG: file too large`,
    });
    expect(readFileSync(path, 'utf8')).toBe('old');
    expect(readdirSync(dirname(path))).toEqual(['a.bin']);
  });

  const mounts = spawnSync('unshare', ['-m', 'mount', '-t', 'tmpfs', 'none', '/mnt']).status === 0;
  it.runIf(mounts)('says that the disk is full, and keeps the old file (needs to be allowed to mount)', () => {
    const folder = temporaryFolder();
    const full = `unshare -m bash -c 'mount -t tmpfs -o size=64k none "${folder}"; echo old > "$1"; PROGRAM; ls -A "${folder}"; cat "$1"' bash "$@"`;
    const { said, rest } = run(full, join(folder, 'a.bin'), '100000', 'overwrite');
    expect(said).toEqual({
      code: 'output',
      class: 'fatal',
      message: `cannot write ${folder}/a.bin: ENOSPC: no space left on device`,
    });
    expect(rest).toBe('a.bin\nold\n');
  });

  it.each(['EIO', 'ENOSPC', 'EDQUOT'])('takes a failed fsync for fatal: %s', (code) => {
    const path = join(temporaryFolder(), 'a.bin');
    const { said } = run(strace(`-e inject=fsync:error=${code}:when=1`), path, '10', 'fail');
    expect(said).toMatchObject({
      code: 'output',
      class: 'fatal',
      message: expect.stringContaining(`cannot write ${path}: ${code}: `),
    });
    expect(readdirSync(dirname(path))).toEqual([]);
  });

  it('takes a failed fsync of the folder for fatal, unless the system has none', () => {
    const path = join(temporaryFolder(), 'a.bin');
    const failing = (code: string) => run(strace(`-e inject=fsync:error=${code}:when=2`), path, '10', 'overwrite').said;
    expect(failing('EIO')).toMatchObject({ code: 'output', class: 'fatal' });
    expect(failing('EINVAL')).toEqual({ result: true });
  });

  it('notices a file that is shorter than what was written', () => {
    const path = join(temporaryFolder(), 'a.bin');
    // The system says that it has taken the bytes, and has not.
    const { said } = run(
      strace(`-P ${dirname(path)}/.batchx-0000000000-a.bin -e inject=write:retval=100000`),
      path,
      '100000',
      'fail',
    );
    expect(said).toEqual({
      code: 'output',
      class: 'fatal',
      message: `cannot write ${path}: only 0 of 100000 bytes are there`,
    });
    expect(readdirSync(dirname(path))).toEqual([]);
  });

  it('puts files in their place also where there are no hard links, and then replaces none either', () => {
    const path = join(temporaryFolder(), 'a.bin');
    const unlinked = strace('-e inject=link,linkat:error=EPERM');
    expect(run(unlinked, path, '10', 'fail').said).toEqual({ result: true });
    expect(statSync(path).size).toBe(10);
    expect(readdirSync(dirname(path))).toEqual(['a.bin']);
    // It is not seen at first: the file comes while the other one is written.
    const unseen = strace(`-P ${path} -e inject=link,linkat:error=EPERM -e inject=statx:error=ENOENT:when=1`);
    expect(run(unseen, path, '20', 'skip').said).toEqual({ result: false });
    expect(statSync(path).size).toBe(10);
  });

  it('brings the file to the disk before it has its name, and then the folder; with `off` nothing', () => {
    const folder = temporaryFolder();
    const trace = (durability: string): string[] => {
      const log = join(temporaryFolder(), 'trace');
      const command = `strace -f -qq -y -o ${log} -e trace=openat,write,fsync,fdatasync,link,linkat,rename,unlink,unlinkat,fchmod PROGRAM`;
      expect(run(command, join(folder, `${durability}.bin`), '10', 'fail', durability).said).toEqual({ result: true });
      return readFileSync(log, 'utf8')
        .split('\n')
        .filter((line) => line.includes(folder) && !line.includes('resumed'))
        .map((line) => /(\w+)\(/.exec(line)![1]! + (/O_EXCL/.test(line) ? ' new' : ''));
    };
    expect(trace('power')).toEqual([
      'openat new',
      'fchmod',
      'write',
      'fchmod',
      'fsync',
      'link',
      'unlink',
      'openat',
      'fsync',
    ]);
    expect(trace('off')).toEqual(['openat new', 'fchmod', 'write', 'fchmod', 'link', 'unlink']);
  });
});

describe('a process that is killed', () => {
  it('leaves no half file under a final name', async () => {
    const size = 300_000;
    const program = await fileProgram(
      'killed-files',
      `import { pull, Item, writeItems } from './src/index.ts';
       const content = Buffer.alloc(${size}, 'x');
       pull(function* () { for (let seq = 0; ; seq++) yield [Item.of(seq, { seq })]; })
         .pipe(writeItems({ root: process.argv[2], path: '{{ data }}.bin', content: () => content, durability: 'off' }))
         .subscribe(({ data, error }) => console.log(error?.message ?? data));`,
    );
    let temps = 0;
    // Until one was killed in the middle of a file: when that is so is chance.
    for (let round = 0; round < 3 || (temps === 0 && round < 30); round++) {
      const folder = temporaryFolder();
      const child = spawn(process.execPath, [program, folder], { stdio: ['ignore', 'pipe', 'inherit'] });
      let lines = 0;
      for await (const line of createInterface({ input: child.stdout })) {
        expect(line).toMatch(/^\d+$/);
        if (++lines === 20 + (round % 5)) child.kill('SIGKILL');
      }
      if (child.signalCode === null) await once(child, 'close');
      const names = readdirSync(folder);
      const finals = names.filter((name) => /^\d+\.bin$/.test(name));
      temps += names.length - finals.length;
      expect(finals.length).toBeGreaterThanOrEqual(20);
      expect(finals.filter((name) => statSync(join(folder, name)).size !== size)).toEqual([]);
      expect(names.filter((name) => !finals.includes(name) && !name.startsWith('.batchx-'))).toEqual([]);
    }
    expect(temps).toBeGreaterThan(0);
  });
});
