import { execFileSync } from 'node:child_process';
import {
  closeSync,
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmdirSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Captured, ProcessEnd, ProcessSpec } from '../../../src/core/process/process.js';
import { BatchxError } from '../../../src/core/errors.js';
import { turns } from '../../../src/testing/turns.js';
import { temporaryFolder } from '../../contract/temp.js';
import { all, alive, canLaunch, kept, Lines, run, runIn, sh, starterOf, text, untilLaunched } from './running.js';

const linux = process.platform === 'linux';
/** What the descriptors of this process are. */
const links = (): string[] =>
  readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      return [readlinkSync(`/proc/self/fd/${fd}`)];
    } catch {
      return [];
    }
  });
/** How many there are, when the pipes of earlier programs are closed. */
async function descriptors(): Promise<number> {
  await until(() => !links().some((link) => /\/batchx-\w+\/\d+ \(deleted\)$/.test(link)));
  return links().length;
}
/** Until there are no more than before; if there always were, this would not end. */
const closed = (before: number): Promise<void> => until(() => links().length <= before);
const has = (program: string): boolean => {
  try {
    execFileSync('sh', ['-c', `command -v ${program}`], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
};
const mountable = linux && process.getuid?.() === 0 && has('mount');
const children = (): string[] =>
  execFileSync('ps', ['-o', 'pid=,stat=,comm=', '--ppid', String(process.pid)], { encoding: 'utf8' })
    .split('\n')
    .filter((line) => /\S/.test(line) && !/ ps$|batchx launcher/.test(line));

/** Waits for something that comes about by itself. */
async function until(true_: () => boolean): Promise<void> {
  while (!true_()) await turns(1);
}

// All ways to start programs and to read what they write: by pipes of the system, of a launcher too, and by what Node
// makes where it has none.
const noPipes = runIn({ PATH: '/nowhere' });
const launched = runIn({ PATH: process.env.PATH });

describe.each([
  ['pipes', run],
  ['sockets', noPipes],
  ...(canLaunch ? [['pipes of a launcher', launched] as const] : []),
] as const)('a program that writes to %s', (kind, run) => {
  if (run === launched)
    beforeEach(async () => {
      await untilLaunched(launched);
    });

  const sh = (script: string, options: Parameters<typeof run>[1] = {}): ReturnType<typeof run> =>
    run(['sh', '-c', script, 'sh'], options);

  it('ends with an exit code, and with what it wrote', async () => {
    const before = Date.now();
    const end = await sh('echo out; echo err >&2; exit 3');
    expect(end).toMatchObject({ exitCode: 3, signal: undefined });
    expect([text(end.stdout), end.stdout.size, text(end.stderr), end.stderr.size]).toEqual(['out\n', 4, 'err\n', 4]);
    expect(end.startedAt).toBeGreaterThanOrEqual(before);
    expect(end.startedAt).toBeLessThanOrEqual(Date.now());
    expect(end.ms).toBeGreaterThan(0);
  });

  it('ends by a signal', async () => {
    expect(await sh('kill -9 $$')).toMatchObject({ exitCode: undefined, signal: 'SIGKILL' });
  });

  it('may write nothing, or without an end of line', async () => {
    const end = await sh('printf x >&2');
    expect([text(end.stdout), text(end.stderr)]).toEqual(['', 'x']);
    expect(await all(end.stdout)).toEqual(Buffer.alloc(0));
  });

  it('may flood both outputs at once: they are spooled whole', async () => {
    const env = { PATH: process.env.PATH };
    const wanted = { keep: 1000, spool: true };
    const flood = 'head -c 10000000 /dev/zero | tr "\\0" e >&2 & head -c 10000000 /dev/zero | tr "\\0" o; wait';
    const { stdout, stderr } = await sh(flood, { env, stdout: wanted, stderr: wanted });
    for (const [captured, letter] of [
      [stdout, 'o'],
      [stderr, 'e'],
    ] as const) {
      expect([captured.size, text(captured)]).toEqual([10_000_000, letter.repeat(1000)]);
      // As often as one asks.
      for (let time = 0; time < 2; time++)
        expect((await all(captured)).equals(Buffer.alloc(10_000_000, letter))).toBe(true);
      captured.dispose();
      captured.dispose();
    }
  });

  it('is counted beyond what is kept', async () => {
    const { stdout } = await sh('seq 100000', { stdout: { keep: 10, spool: false } });
    expect([stdout.size, text(stdout)]).toEqual([588_895, '1\n2\n3\n4\n5\n']);
    expect((await all(stdout)).toString()).toBe('1\n2\n3\n4\n5\n');
  });

  it('keeps what comes in many small writes', async () => {
    const script = 'i=0; while [ $i -lt 2000 ]; do echo $i; i=$((i+1)); done';
    const expected = Array.from({ length: 2000 }, (_, n) => `${n}\n`).join('');
    const spooled = await sh(script, { stdout: { keep: 33, spool: true } });
    expect((await all(spooled.stdout)).toString()).toBe(expected);
    spooled.stdout.dispose();
    expect(text((await sh(script)).stdout)).toBe(expected);
  });

  it('keeps nothing in memory when all is spooled', async () => {
    const { stdout } = await sh('seq 3', { stdout: { keep: 0, spool: true } });
    expect([stdout.kept.length, (await all(stdout)).toString()]).toEqual([0, '1\n2\n3\n']);
    stdout.dispose();
  });

  it('gives blocks of 64 KB, and none after it was disposed of', async () => {
    const { stdout } = await sh('head -c 200000 /dev/zero', { stdout: { keep: 70_000, spool: true } });
    const sizes: number[] = [];
    for await (const block of stdout.blocks()) sizes.push(block.length);
    expect(sizes).toEqual([65_536, 4464, 65_536, 64_464]);
    stdout.dispose();
    expect(await all(stdout)).toHaveLength(70_000);
  });

  it('streams, and waits while its bytes are not taken', async () => {
    let delivered = 0;
    let inFlight = 0;
    let most = 0;
    let go!: () => void;
    const gate = new Promise<void>((resolve) => {
      go = resolve;
    });
    const folder = temporaryFolder();
    const running = sh('head -c 4000000 /dev/zero; echo done >"$0/done"'.replace('$0', folder), {
      stdout: {
        keep: 5,
        spool: false,
        onBytes: async (bytes) => {
          most = Math.max(most, ++inFlight);
          delivered += bytes.length;
          await gate;
          inFlight--;
        },
      },
    });
    await until(() => delivered > 0);
    await turns(50);
    expect([delivered <= 65_536, existsSync(join(folder, 'done'))]).toEqual([true, false]);
    go();
    const { stdout } = await running;
    expect([delivered, most, stdout.size, stdout.kept.length]).toEqual([4_000_000, 1, 4_000_000, 5]);
  });

  it('streams bytes that stay as they are', async () => {
    const parts: Uint8Array[] = [];
    await sh('for i in 1 2 3 4 5; do echo $i; sleep 0.01; done', {
      stdout: { ...kept, onBytes: (bytes) => void parts.push(bytes) },
    });
    expect(Buffer.concat(parts).toString()).toBe('1\n2\n3\n4\n5\n');
  });

  it.each(['throws', 'rejects'])('is ended when what takes its bytes %s', async (how) => {
    const error = new BatchxError('output', 'no');
    const pids = new Lines(1);
    let calls = 0;
    const failed = sh('echo $$ >&2; yes', {
      stderr: { ...kept, onBytes: pids.onBytes },
      stdout: {
        ...kept,
        onBytes: () => {
          calls++;
          if (how === 'throws') throw error;
          return Promise.reject(error);
        },
      },
    });
    await expect(failed).rejects.toBe(error);
    expect(calls).toBe(1);
    expect(alive(Number(pids.all[0]))).toBe(false);
  });

  it('does not wait for what it leaves in the background, and lets it be', async () => {
    const end = await sh('sleep 100 & echo $!; echo "its last word"');
    const [pid, word] = text(end.stdout).split('\n');
    expect([word, end.exitCode, alive(Number(pid))]).toEqual(['its last word', 0, true]);
    process.kill(Number(pid));
  });

  it('is not held up by what writes in the background for ever', async () => {
    const pids = new Lines(1);
    const end = await sh('yes & echo $! >&2; exec true', { stderr: { ...kept, onBytes: pids.onBytes } });
    expect(end.stdout.size).toBeLessThan(1e9);
    // Nobody reads any more: the system ends it.
    await until(() => !alive(Number(pids.all[0])));
  });

  it('has left all it wrote in the pipe before it exited', async () => {
    // Slow to be taken: the program has long gone when the rest is read.
    const parts: Uint8Array[] = [];
    let inFlight = 0;
    const onBytes = async (bytes: Uint8Array): Promise<void> => {
      expect(++inFlight).toBe(1);
      await turns(20);
      parts.push(bytes);
      inFlight--;
    };
    const end = await sh('sleep 100 & echo $! >&2; echo start; sleep 0.01; head -c 60000 /dev/zero; echo end', {
      stdout: { ...kept, onBytes },
    });
    process.kill(Number(text(end.stderr)));
    const whole = Buffer.concat(parts);
    expect([whole.length, whole.subarray(-4).toString()]).toEqual([60_010, 'end\n']);
  });

  it('cannot be kept where there is no folder for it, and is ended', async () => {
    const own = runIn({ PATH: kind === 'sockets' ? '/nowhere' : process.env.PATH, TMPDIR: '/nowhere' });
    const pids = new Lines(1);
    const failed = own(['sh', '-c', 'echo $$ >&2; yes'], {
      stdout: { keep: 100, spool: true },
      stderr: { ...kept, onBytes: pids.onBytes },
    });
    await expect(failed).rejects.toMatchObject({
      code: 'output',
      class: 'fatal',
      where: '/nowhere',
      message: 'cannot keep what the program writes in /nowhere, which TMPDIR names: there is no such folder (ENOENT)',
    });
    expect(alive(Number(pids.all[0]))).toBe(false);
  });

  it('is one of many at once, and nothing of it is left', async () => {
    const before = await descriptors();
    const ends = await Promise.all(
      Array.from({ length: 50 }, (_, n) => sh(`echo ${n}; exit ${n % 7}`, { stderr: n % 2 === 0 ? 'ignore' : kept })),
    );
    expect(ends.map((end) => `${end.exitCode} ${text(end.stdout)}`)).toEqual(ends.map((_, n) => `${n % 7} ${n}\n`));
    await closed(before);
    expect(children()).toEqual([]);
  });
});

describe('a program', () => {
  it('has exactly the environment it is given, and a mark', async () => {
    const env = { A: '1 "\n', B: '', C: undefined, D: 'é' };
    const own = async (): Promise<string[]> =>
      text((await run(['/usr/bin/env', '-0'], { env })).stdout)
        .split('\0')
        .slice(0, -1)
        .sort();
    const [one, two] = [await own(), await own()];
    expect(one).toEqual(['A=1 "\n', 'B=', expect.stringMatching(/^BATCHX_RUN=\d+-\w+-\d+$/), 'D=é']);
    expect(two[2]).not.toBe(one[2]);
  });

  it('has a session of its own, which no Ctrl-C reaches', async () => {
    const { stdout } = await sh('ps -o sid= -o pgid= -p $$; echo $$');
    const [session, group, pid] = text(stdout).trim().split(/\s+/);
    expect([session, group]).toEqual([pid, pid]);
  });

  it('runs in the folder it is given, by a path in that folder', async () => {
    const cwd = realpathSync(temporaryFolder());
    writeFileSync(join(cwd, 'here'), '#!/bin/sh\npwd\n', { mode: 0o755 });
    expect(text((await run(['./here'], { cwd })).stdout)).toBe(`${cwd}\n`);
  });
});

describe('outputs', () => {
  it.runIf(linux)('can be thrown away', async () => {
    const end = await sh('yes | head -c 1000000; link=$(readlink /proc/$$/fd/1); echo $link >&2', { stdout: 'ignore' });
    expect([end.stdout.size, await all(end.stdout)]).toEqual([0, Buffer.alloc(0)]);
    expect(text(end.stderr)).toBe('/dev/null\n');
  });

  it.runIf(linux)('are pipes, which programs may open by name', async () => {
    const end = await sh('echo one >/dev/stdout; echo two | tee /dev/stderr');
    expect([text(end.stdout), text(end.stderr)]).toEqual(['one\ntwo\n', 'two\n']);
  });

  it.runIf(linux)('are used again by the next program', async () => {
    const TMPDIR = temporaryFolder();
    const own = runIn({ PATH: process.env.PATH, TMPDIR });
    const stop = new AbortController();
    const first = new Lines(1);
    // As long as one runs, none is closed.
    const running = own(['sh', '-c', 'echo; exec sleep 100'], {
      signal: stop.signal,
      stdout: { ...kept, onBytes: first.onBytes },
    });
    running.catch(() => undefined);
    await first.there;
    const named = (): Promise<ProcessEnd> => own(['sh', '-c', 'echo it >/dev/stdout']);
    await named();
    // No more can be made here.
    rmdirSync(TMPDIR);
    for (let n = 0; n < 3; n++) expect(text((await named()).stdout)).toBe('it\n');
    stop.abort();
    await expect(running).rejects.toThrow();
  });

  it.runIf(linux)('are made by no program that is still there, and have no names', async () => {
    const TMPDIR = temporaryFolder();
    const own = runIn({ PATH: process.env.PATH, TMPDIR });
    await own(['sh', '-c', `ls -A ${TMPDIR} | grep .`], { stdout: kept }).then(({ exitCode }) =>
      expect(exitCode).toBe(1),
    );
    expect(readdirSync(TMPDIR)).toEqual([]);
  });

  it('are spooled to a file that nobody else can open, only when it is needed', async () => {
    const TMPDIR = temporaryFolder();
    const own = runIn({ PATH: process.env.PATH, TMPDIR });
    const files = (): string[] =>
      readdirSync('/proc/self/fd').flatMap((fd) => {
        const stat = statSync(`/proc/self/fd/${fd}`, { throwIfNoEntry: false });
        return stat?.isFile() === true && stat.nlink === 0 ? [(stat.mode & 0o777).toString(8)] : [];
      });
    const before = files().length;
    const wanted = { keep: 6, spool: true };
    const small = await own(['echo', 'small'], { stdout: wanted });
    expect(files()).toHaveLength(before);
    const large = await own(['echo', 'larger'], { stdout: wanted });
    expect([files().length, readdirSync(TMPDIR)]).toEqual([before + 1, []]);
    expect(files()).toContain('600');
    large.stdout.dispose();
    small.stdout.dispose();
    expect(files()).toHaveLength(before);
  });

  it.runIf(linux)('are spooled to one file, which is no larger than what is still wanted', async () => {
    const own = runIn({ PATH: process.env.PATH });
    const spools = (): number[] =>
      readdirSync('/proc/self/fd').flatMap((fd) => {
        const stat = statSync(`/proc/self/fd/${fd}`, { throwIfNoEntry: false });
        return stat?.isFile() === true && stat.nlink === 0 ? [stat.size] : [];
      });
    const before = spools().length;
    const letters = ['a', 'b', 'c', 'd', 'e', 'f'];
    const spooled = async (letter: string): Promise<Captured> => {
      const end = await own(['sh', '-c', `head -c 300000 /dev/zero | tr '\\0' ${letter}`], {
        stdout: { keep: 10, spool: true },
      });
      return end.stdout;
    };
    const outputs = await Promise.all(letters.map(spooled));
    const whole = async (at: number): Promise<boolean> =>
      (await all(outputs[at] as Captured)).equals(Buffer.alloc(300_000, letters[at]));
    expect(spools()).toHaveLength(before + 1);
    const size = Math.max(...spools());
    expect(size).toBeGreaterThan(1_700_000);
    for (const at of letters.keys()) expect(await whole(at)).toBe(true);
    // What one has left is used by the next.
    outputs[2]?.dispose();
    outputs[2] = await spooled('c');
    expect(Math.max(...spools())).toBe(size);
    for (const at of letters.keys()) expect(await whole(at)).toBe(true);
    const last = outputs.shift() as Captured;
    for (const output of outputs) output.dispose();
    expect((await all(last)).equals(Buffer.alloc(300_000, 'a'))).toBe(true);
    last.dispose();
    expect([spools().length, await all(last)]).toEqual([before, Buffer.alloc(10, 'a')]);
  });

  it.runIf(mountable)('name the folder whose disk is full', async () => {
    const TMPDIR = temporaryFolder();
    const before = await descriptors();
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=16k', 'tmpfs', TMPDIR]);
    try {
      const own = runIn({ PATH: process.env.PATH, TMPDIR });
      const failed = own(['head', '-c', '1000000', '/dev/zero'], { stdout: { keep: 0, spool: true } });
      await expect(failed).rejects.toMatchObject({
        code: 'output',
        class: 'fatal',
        where: TMPDIR,
        cause: { code: 'ENOSPC' },
      });
      await closed(before);
      expect(readdirSync(TMPDIR)).toEqual([]);
    } finally {
      execFileSync('umount', ['-l', TMPDIR]);
    }
  });
});

/** What an iterable brings. */
async function* parts(...texts: string[]): AsyncGenerator<Uint8Array> {
  for (const part of texts) yield Buffer.from(part);
}

describe('stdin', () => {
  const given = async (stdin: ProcessSpec['stdin'], script = 'cat'): Promise<string> =>
    text((await sh(script, { stdin })).stdout);
  it('is empty', async () => {
    expect(await given('none', 'cat; readlink /proc/self/fd/0')).toBe('/dev/null\n');
  });

  it('is given bytes, whatever their number', async () => {
    expect(await given(Buffer.alloc(0))).toBe('');
    expect(await given(Buffer.from('a\0b'))).toBe('a\0b');
    expect(await given(Buffer.alloc(5_000_000, 'x'), 'wc -c')).toBe('5000000\n');
  });

  it.runIf(linux)('may be opened by its name', async () => {
    expect(await given(Buffer.from('it'), 'cat /dev/stdin')).toBe('it');
  });

  it('is given what an iterable brings', async () => {
    expect(await given(parts())).toBe('');
    expect(await given(parts('a', '', 'b'))).toBe('ab');
  });

  it.each([
    ['bytes', () => Buffer.alloc(5_000_000)],
    ['an iterable', () => parts('x'.repeat(300_000), 'x'.repeat(300_000), 'x'.repeat(300_000))],
  ])('need not be read: %s', async (_, make) => {
    expect(await given(make(), 'echo done')).toBe('done\n');
    expect(await given(make(), 'exec <&-; echo done; sleep 0.05')).toBe('done\n');
    expect(await given(make(), 'head -c 1 >&2; echo done')).toBe('done\n');
  });

  it('is asked for only as the program reads, and is returned when the program has ended', async () => {
    let asked = 0;
    let returned = 0;
    const endless: AsyncIterable<Uint8Array> = {
      [Symbol.asyncIterator]: () => ({
        next: async () => {
          asked++;
          return { done: false, value: Buffer.alloc(65_536) };
        },
        return: async () => {
          returned++;
          return { done: true, value: undefined };
        },
      }),
    };
    await sh('head -c 1 >/dev/null; sleep 0.1', { stdin: endless });
    // What the system holds between the two, and not more.
    expect(asked).toBeLessThan(20);
    await until(() => returned === 1);
  });

  it('is returned when it never brings anything', async () => {
    let returned = false;
    const silent: AsyncIterable<Uint8Array> = {
      [Symbol.asyncIterator]: () => ({
        next: () => new Promise(() => undefined),
        return: async () => {
          returned = true;
          return { done: true, value: undefined };
        },
      }),
    };
    expect(await sh('exit 2', { stdin: silent })).toMatchObject({ exitCode: 2 });
    await until(() => returned);
  });

  it('ends the program when its iterable fails, which does not take it for the end', async () => {
    const error = new Error('no more');
    async function* failing(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('half');
      throw error;
    }
    const file = join(temporaryFolder(), 'file');
    await expect(run(['sh', '-c', 'cat >/dev/null; echo whole >"$1"', 'sh', file], { stdin: failing() })).rejects.toBe(
      error,
    );
    expect(existsSync(file)).toBe(false);
  });

  it('leaves no descriptor', async () => {
    const before = await descriptors();
    for (const stdin of [Buffer.from('x'), Buffer.alloc(2_000_000), parts('x')]) await sh('true', { stdin });
    await closed(before);
  });
});

describe.runIf(linux && has('prlimit'))('when descriptors run out', () => {
  /** Runs with room for so many descriptors. */
  async function withRoomFor<T>(count: number, go: () => Promise<T>): Promise<T> {
    const limits = readFileSync('/proc/self/limits', 'latin1');
    const [, soft, hard] = /^Max open files\s+(\d+)\s+(\d+)/m.exec(limits) as unknown as [string, string, string];
    const setTo = (limit: number | string): void =>
      void execFileSync('prlimit', ['--pid', String(process.pid), `--nofile=${limit}:${hard}`]);
    const fill: number[] = [];
    // More than the caller has, as `prlimit` needs some itself at the end.
    setTo(Math.max(...readdirSync('/proc/self/fd').map(Number)) + 60);
    try {
      for (;;) fill.push(openSync('/dev/null', 'r'));
    } catch {
      for (const fd of fill.splice(0, count)) closeSync(fd);
    }
    try {
      return await go();
    } finally {
      for (const fd of fill) closeSync(fd);
      setTo(soft);
    }
  }

  it.each([
    [4, 'a program that runs alone'],
    [5, 'one that is also given bytes'],
    [6, 'one that is also given what an iterable brings'],
  ])('%i are enough for %s', async (room) => {
    const own = runIn({ PATH: process.env.PATH });
    const stdin = room === 4 ? 'none' : room === 5 ? Buffer.from('in') : parts('i', 'n');
    const script = 'cat; head -c 200000 /dev/zero; echo err >&2';
    const end = await withRoomFor(room, () => own(['sh', '-c', script], { stdin, stdout: { keep: 10, spool: false } }));
    expect([end.stdout.size, text(end.stderr)]).toEqual([200_000 + (room === 4 ? 0 : 2), 'err\n']);
  });

  it.each(
    [0, 1, 2, 3, 4, 5, 6, 7, 8].flatMap((room) => [
      ['pipes', room, process.env.PATH] as const,
      ['sockets', room, '/nowhere'] as const,
    ]),
  )('with %s, room for %i: runs, or fails so that one knows it, and leaks none', async (kind, room, PATH) => {
    const own = runIn({ PATH });
    const before = await descriptors();
    for (const stdin of ['none', Buffer.from('x'), parts('x')] as const) {
      const result = await withRoomFor(room, () => own(['true'], { stdin }).catch((error: unknown) => error));
      if (result instanceof Error)
        expect(result).toMatchObject({
          code: 'exec',
          class: 'resource',
          message:
            'cannot start "true": too many files are open in this process: run fewer at once, or raise `ulimit -n`',
        });
      // A launcher, where one has come about, needs none of its own for a program.
      else expect([room >= 4 || kind === 'pipes', result]).toMatchObject([true, { exitCode: 0 }]);
    }
    await closed(before);
    // What is used for want of descriptors is not used for ever.
    const named = await own(['sh', '-c', 'echo it >/dev/stdout']);
    expect(text(named.stdout)).toBe(kind === 'pipes' ? 'it\n' : '');
  });

  it('are enough when many outputs are spooled and wait', async () => {
    const own = runIn({ PATH: process.env.PATH });
    const ends = await withRoomFor(5, async () => {
      const ends: ProcessEnd[] = [];
      for (let n = 0; n < 12; n++)
        ends.push(await own(['seq', '30000'], { stdout: { keep: 100, spool: true }, stderr: 'ignore' }));
      return ends;
    });
    const expected = Array.from({ length: 30_000 }, (_, n) => `${n + 1}\n`).join('');
    for (const { stdout } of ends) {
      expect((await all(stdout)).toString()).toBe(expected);
      stdout.dispose();
    }
  });

  it.runIf(canLaunch)('there is no launcher any more', async () => {
    const own = runIn({ PATH: process.env.PATH });
    const launcher = await untilLaunched(own);
    const running = withRoomFor(3, () => Promise.allSettled([own(['true']), own(['true']), own(['true'])]));
    expect((await running).map(({ status }) => status)).toContain('rejected');
    expect(await starterOf(own)).toBe(process.pid);
    await until(() => !alive(launcher));
  });

  it('as many as there is room for run, and the others can be tried again', async () => {
    const own = runIn({ PATH: process.env.PATH });
    const results = await withRoomFor(18, async () => {
      let left = Array.from({ length: 12 }, (_, n) => n);
      const rounds: number[] = [];
      const outputs: string[] = [];
      while (left.length > 0 && rounds.length < 10) {
        const ends = await Promise.allSettled(left.map((n) => own(['echo', String(n)])));
        left = left.filter((_, at) => ends[at]?.status === 'rejected');
        for (const end of ends) if (end.status === 'fulfilled') outputs.push(text(end.value.stdout));
        rounds.push(left.length);
      }
      return { outputs, rounds };
    });
    expect(results.outputs.sort()).toEqual(Array.from({ length: 12 }, (_, n) => `${n}\n`).sort());
    // Four each, and two more while one is started: four run at once.
    expect(results.rounds[0]).toBeLessThanOrEqual(9);
  });
});
