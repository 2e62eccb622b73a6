import { execFile } from 'node:child_process';
import { setMaxListeners } from 'node:events';
import { promisify } from 'node:util';
import { chdir, cwd } from 'node:process';
import { chmodSync, readdirSync, readFileSync, readlinkSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { BatchxError } from '../../../src/core/errors.js';
import { launcherScript } from '../../../src/core/process/launcher-script.js';
import { spawnProcesses } from '../../../src/core/process/spawn-processes.js';
import { createRuntime } from '../../../src/core/runtime.js';
import { root } from '../../docs/examples.js';
import type { ProcessEnd } from '../../../src/core/process/process.js';
import { turns } from '../../../src/testing/turns.js';
import { start } from '../../cli/program.js';
import { fixture, temporaryFolder } from '../../contract/temp.js';
import {
  alive,
  type Argv,
  canLaunch,
  kept,
  Lines,
  type Options,
  run,
  runIn,
  starterOf,
  text,
  untilLaunched,
} from './running.js';

const PATH = process.env.PATH;
const launched = runIn({ PATH });

async function until(true_: () => boolean): Promise<void> {
  while (!true_()) await turns(1);
}

const linksOf = (pid: number): string[] =>
  readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${fd}`);
    } catch {
      return [];
    }
  });

/** What whoever has started the tests has left open for all. */
const inherited = canLaunch ? linksOf(process.ppid).filter((link) => link.startsWith('pipe:')) : [];

/** What `/proc` tells of a process. */
const statOf = (pid: number): { parent: number; session: number } => {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  const [, parent, , session] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return { parent: Number(parent), session: Number(session) };
};

const execFileAsync = promisify(execFile);

/** Runs a launcher for itself, and has it start a program whose output is to go to a file that is not the one meant. */
const strangerScript = (script: string): string => `
  const { spawn } = require('child_process');
  const { openSync } = require('fs');
  const fd = openSync(process.argv[1], 'r+');
  const args = ['-e', ${JSON.stringify(script)}, '--', String(process.pid)];
  const launcher = spawn('/usr/bin/perl', args, { stdio: ['pipe', 'inherit', 'inherit'] });
  const tell = (...fields) => fields.join('\\0').length + '\\n' + fields.join('\\0');
  launcher.stdin.write(tell('env', 'PATH=' + process.env.PATH));
  launcher.stdin.end(tell('start', 7, 'x', '', '', '', fd, '0:0', '', '', 'echo', 'bad'));
`;

const shell = (script: string, options: Options = {}): [Argv, Options] => [['sh', '-c', script], options];

describe.runIf(canLaunch)('a launcher, which needs Perl,', () => {
  it('starts programs once many have been started, and not the first ones', async () => {
    const own = runIn({ PATH });
    expect(await starterOf(own)).toBe(process.pid);
    const launcher = await untilLaunched(own);
    expect(new Set(await Promise.all(Array.from({ length: 10 }, () => starterOf(own))))).toEqual(new Set([launcher]));
  });

  it('has a session of its own, and nothing that is ours', async () => {
    const own = runIn({ PATH });
    const file = join(temporaryFolder(), 'file');
    writeFileSync(file, '');
    const launcher = await untilLaunched(own);
    expect(statOf(launcher)).toEqual({ parent: process.pid, session: launcher });
    await own(['true']);
    const links = linksOf(launcher).filter((link) => !inherited.includes(link));
    // Two sockets, one of them twice. Nothing stays of the outputs of programs.
    expect(links.filter((link) => !/^socket:|^\/dev\/null$/.test(link))).toEqual([]);
    expect(links.filter((link) => link.startsWith('socket:'))).toHaveLength(3);
  });

  it('ends when it has had nothing to do for a second, and there may be another', async () => {
    const own = runIn({ PATH });
    const launcher = await untilLaunched(own);
    await own(['sleep', '1.2']);
    expect(alive(launcher)).toBe(true);
    await until(() => !alive(launcher));
    expect(await starterOf(own)).toBe(process.pid);
    expect(await untilLaunched(own)).not.toBe(launcher);
  });

  it('does not hold this process open', async () => {
    const held = (): string[] =>
      process.getActiveResourcesInfo().filter((what) => ['PipeWrap', 'ProcessWrap'].includes(what));
    const before = held().length;
    const own = runIn({ PATH });
    await untilLaunched(own);
    const start = performance.now();
    await until(() => held().length <= before);
    // Long before it has been idle for so long that it ends.
    expect(performance.now() - start).toBeLessThan(800);
    const running = own(['sleep', '0.1']);
    await turns(20);
    expect(held().length).toBeGreaterThan(before);
    await running;
  });

  it('is gone, and no zombie, when the run that it served has waited for its end', async () => {
    const runtime = createRuntime({ env: { PATH } });
    const { run: own } = spawnProcesses(runtime);
    const wanted = { ...kept };
    const signal = new AbortController().signal;
    const spec = {
      argv: ['sh', '-c', 'echo $PPID'],
      env: { PATH },
      stdin: 'none',
      stdout: wanted,
      stderr: wanted,
    } as const;
    const launcher = await untilLaunched((argv) => own({ ...spec, argv }, signal));
    runtime.events.emit('batch:end', {});
    await runtime.cleanup.idle();
    expect(() => process.kill(launcher, 0)).toThrow('ESRCH');
  });

  it('writes to nothing but what it was given, whatever /proc says', async () => {
    const strange = join(temporaryFolder(), 'strange');
    writeFileSync(strange, 'precious');
    // As it would be with the /proc of another system: the number leads to another file.
    const { stdout } = await execFileAsync(process.execPath, ['-e', strangerScript(launcherScript), strange]);
    expect(stdout).toBe('ready\nrefused 7 open\n');
    expect(readFileSync(strange, 'utf8')).toBe('precious');
  });

  it('is not used with another umask than its own', async () => {
    const script = `import('${join(root, 'dist/lib/index.js')}').then(async ({ createRuntime, spawnProcesses }) => {
      const wanted = { keep: 99, spool: false };
      const { run } = spawnProcesses(createRuntime());
      const masks = [];
      for (let i = 0; i < 300; i++) {
        if (i === 250) process.umask(0o77);
        const spec = { argv: ['sh', '-c', 'umask'], env: process.env, stdin: 'none', stdout: wanted, stderr: wanted };
        masks.push(String((await run(spec, new AbortController().signal)).stdout.kept).trim());
      }
      console.log(new Set(masks.slice(0, 250)).size, [...new Set(masks.slice(250))].join());
    })`;
    const { stdout } = await execFileAsync(process.execPath, ['-e', script]);
    expect(stdout.trim()).toBe('1 0077');
  });

  it('is not used in another folder than its own', async () => {
    const own = runIn({ PATH });
    await untilLaunched(own);
    const before = cwd();
    chdir(temporaryFolder());
    try {
      const { stdout } = await own(['sh', '-c', 'pwd; echo $PPID']);
      expect(text(stdout)).toBe(`${cwd()}\n${process.pid}\n`);
    } finally {
      chdir(before);
    }
  });

  describe('that is killed', () => {
    it('leaves its programs in doubt, which are ended with all that they have started', async () => {
      const own = runIn({ PATH });
      const launcher = await untilLaunched(own);
      const lines = new Lines(6);
      const given: ProcessEnd[] = [];
      const running = Array.from({ length: 2 }, () =>
        own(
          [
            'sh',
            '-c',
            'setsid sh -c "echo \\$\\$; sleep 100" & env -i /bin/sleep 100 & echo $!; echo $$; exec env -i /bin/sleep 100',
          ],
          {
            stdout: { ...kept, onBytes: lines.onBytes },
            onGivenUp: (end) => given.push(end),
          },
        ),
      );
      const ends = Promise.allSettled(running);
      await lines.there;
      process.kill(launcher, 'SIGKILL');
      for (const end of await ends) {
        expect(end).toMatchObject({
          status: 'rejected',
          reason: {
            code: 'exec',
            class: 'ambiguous',
            inDoubt: true,
            message: 'it is not known how "sh" has ended: the process that had started it was ended from outside',
          },
        });
        expect((end as PromiseRejectedResult).reason).toBeInstanceOf(BatchxError);
      }
      expect(lines.all.map(Number).filter(alive)).toEqual([]);
      expect(given.map(({ stdout }) => text(stdout).trim().split('\n').length)).toEqual([3, 3]);
      // No other takes its place.
      const starters = await Promise.all(Array.from({ length: 150 }, () => starterOf(own)));
      expect(new Set(starters)).toEqual(new Set([process.pid]));
    });

    it('with programs that it was about to start leaves them in doubt too', async () => {
      const own = runIn({ PATH });
      const launcher = await untilLaunched(own);
      process.kill(launcher, 'SIGSTOP');
      const running = Promise.allSettled([own(['true']), own(['true'])]);
      await turns(20);
      process.kill(launcher, 'SIGKILL');
      for (const end of await running)
        expect(end).toMatchObject({ status: 'rejected', reason: { class: 'ambiguous', inDoubt: true } });
      expect(await starterOf(own)).toBe(process.pid);
    });
  });
});

/** How a program ends, as far as that is the same each time. */
async function told(own: typeof run, [argv, options]: [Argv, Options?]): Promise<unknown> {
  try {
    const { exitCode, signal, stdout, stderr, ms } = await own(argv, options);
    expect(ms).toBeGreaterThan(0);
    return { exitCode, signal, stdout: [stdout.size, text(stdout)], stderr: [stderr.size, text(stderr)] };
  } catch (error) {
    const { message, code, class: kind, inDoubt, exitCode } = error as BatchxError & { exitCode?: number };
    return { message, code, kind, inDoubt, exitCode };
  }
}

describe.runIf(canLaunch)('a program ends in the same way when a launcher starts it:', () => {
  beforeEach(async () => {
    await untilLaunched(launched);
  });

  const bytes = Buffer.from(Array.from({ length: 255 }, (_, at) => at + 1));
  it.each<[string, () => [Argv, Options?]]>([
    ['missing', () => [['no-such-program-at-all']]],
    ['missing, by its path', () => [['/no/such/program', 'x']]],
    ['a file that may not be executed', () => [[file('plain', 'echo no\n', 0o644)]]],
    ['a folder', () => [[temporaryFolder()]]],
    ['a script without an interpreter', () => [[file('odd', '#!/no/interpreter\n')]]],
    ['no program', () => [[file('data', '\0\0\0\0')]]],
    ['an argument that is too long', () => [['true', 'x'.repeat(200_000)]]],
    ['too many arguments', () => [['true', ...Array.from({ length: 60 }, () => 'x'.repeat(120_000))]]],
    ['no such folder', () => shell('pwd', { cwd: '/no/such/folder' })],
    ['a file as its folder', () => shell('pwd', { cwd: '/etc/passwd' })],
    ['another folder', () => shell('pwd', { cwd: '/usr/bin' })],
    ['a relative folder', () => shell('pwd', { cwd: 'src' })],
    ['bytes', () => [['printf', '%s|', bytes, Buffer.from([0xff]), 'é\n', '', "'", '"$(x)`']]],
    ['text of all kinds', () => [['printf', '%s|', '\u{1f600}', '\n\t\r', ' ', '-n', '{}', '\\', '\u2028\x7f']]],
    ['NUL', () => [['echo', 'a\0b']]],
    ['half a character', () => [['echo', '\ud800']]],
    [
      'an odd environment',
      () =>
        shell('env -0 | grep -zv "^BATCHX_RUN=\\|^_=\\|^PWD=" | sort -z', {
          env: { PATH, B: '1\n"é', 'a-b': '', U: undefined, BIG: 'x'.repeat(100_000) },
        }),
    ],
    ['an environment that is too large', () => shell('true', { env: { PATH, BIG: 'x'.repeat(200_000) } })],
    ['a NUL in its environment', () => shell('true', { env: { PATH, A: 'a\0b' } })],
    ['no PATH', () => [['sh', '-c', 'echo $0'], { env: {} }]],
    ['stdin as bytes', () => shell('cat; wc -c </dev/stdin', { stdin: Buffer.from('a\0b\n') })],
    ['stdin as many bytes', () => shell('wc -c', { stdin: Buffer.alloc(3_000_000) })],
    ['no stdin', () => shell('cat; readlink /proc/$$/fd/0')],
    ['a closed stdin', () => shell('exec <&-; echo done', { stdin: Buffer.from('x') })],
    // 3 is what ls itself has opened.
    ['nothing but its descriptors', () => [['ls', '/proc/self/fd']]],
    ['files without a name for its output', () => [['stat', '-Lc', '%F %h', '/proc/self/fd/1', '/proc/self/fd/2']]],
    ['closed outputs', () => shell('exec >&- 2>&-; exit 4')],
    ['outputs thrown away', () => shell('echo x; echo y >&2; exit 3', { stdout: 'ignore', stderr: 'ignore' })],
    [
      'a flood',
      () =>
        shell('head -c 5000000 /dev/zero >&2 & yes | head -c 5000000; wait', {
          stdout: { keep: 100, spool: false },
          stderr: { keep: 10, spool: false },
        }),
    ],
    ['something in the background', () => shell('sleep 0.3 & echo out; echo err >&2; exit 5')],
    [
      'a session of its own',
      () => shell('test $(ps -o sid= -p $$) = $$ && test $(ps -o pgid= -p $$) = $$ && ps -o tty= -p $$'),
    ],
    ['no signals that are ignored or held back', () => [['grep', '^Sig[BI]', '/proc/self/status']]],
    ['a mark', () => shell('env | grep -c "^BATCHX_RUN=[0-9]*-[0-9a-z]*-[0-9]*$"')],
  ])('%s', async (_, make) => {
    const given = make();
    const here = await told(run, given);
    const by = await untilLaunched(launched);
    expect(await told(launched, given)).toEqual(here);
    // It is still there, and takes the next one.
    expect(await starterOf(launched)).toBe(by);
  });

  it('found where it is now, whatever was found before', async () => {
    const [one, two] = [temporaryFolder(), temporaryFolder()];
    const path = `${one}:${two}:${PATH}`;
    const which = async (PATH: string, cwd?: string): Promise<string> =>
      text((await launched(['which-one'], { env: { PATH }, ...(cwd === undefined ? {} : { cwd }) })).stdout);
    writeFileSync(join(two, 'which-one'), '#!/bin/sh\necho $PPID two\n', { mode: 0o755 });
    const by = await starterOf(launched);
    expect(await which(path)).toBe(`${by} two\n`);
    renameSync(join(two, 'which-one'), join(one, 'which-one'));
    expect(await which(path)).toBe(`${by} two\n`);
    writeFileSync(join(two, 'which-one'), '#!/bin/sh\necho $PPID three\n', { mode: 0o755 });
    // Another PATH begins anew, and one that depends on the folder is gone through each time.
    expect(await which(`${two}:${PATH}`)).toBe(`${by} three\n`);
    expect([await which(`.:${PATH}`, one), await which(`:${PATH}`, two)]).toEqual([`${by} two\n`, `${by} three\n`]);
    chmodSync(join(one, 'which-one'), 0o644);
    expect(await which(`${one}:${two}:${PATH}:`)).toBe(`${by} three\n`);
  });

  it('exit codes and signals', async () => {
    const codes = Array.from({ length: 256 }, (_, code) => code);
    const ends = await Promise.all(codes.map((code) => launched(['sh', '-c', `exit ${code}`])));
    expect(ends.map(({ exitCode, signal }) => [exitCode, signal])).toEqual(codes.map((code) => [code, undefined]));
    for (const name of [
      'SIGHUP',
      'SIGINT',
      'SIGQUIT',
      'SIGABRT',
      'SIGKILL',
      'SIGSEGV',
      'SIGPIPE',
      'SIGTERM',
      'SIGUSR1',
    ])
      expect(await launched(['sh', '-c', `ulimit -c 0; kill -${name.slice(3)} $$`])).toMatchObject({
        exitCode: undefined,
        signal: name,
      });
  });

  it('with the times of its start and its end', async () => {
    const before = Date.now();
    const [short, long] = await Promise.all([launched(['true']), launched(['sleep', '0.3'])]);
    for (const end of [short, long]) {
      expect(end.startedAt).toBeGreaterThanOrEqual(before);
      expect(end.startedAt + end.ms).toBeLessThanOrEqual(Date.now() + 1);
    }
    expect(long.ms).toBeGreaterThanOrEqual(300);
    expect(short.ms).toBeLessThan(long.ms);
  });

  it('when its signal fires: nothing of its tree is left', async () => {
    const stop = new AbortController();
    const lines = new Lines(4);
    const stubborn = `trap "" TERM; echo \\$\\$; while :; do sleep 1; done`;
    const script = `setsid sh -c '${stubborn.replaceAll('\\', '')}' & (setsid sh -c '${stubborn.replaceAll('\\', '')}' &) & sleep 100 & echo $!; echo $$; wait`;
    const reason = new BatchxError('timeout', 'late');
    let end: ProcessEnd | undefined;
    const running = launched(['sh', '-c', script], {
      signal: stop.signal,
      stdout: { ...kept, onBytes: lines.onBytes },
      onGivenUp: (given) => (end = given),
    });
    running.catch(() => undefined);
    await lines.there;
    stop.abort(reason);
    await expect(running).rejects.toBe(reason);
    expect(lines.all.map(Number).filter(alive)).toEqual([]);
    expect(end).toMatchObject({ exitCode: undefined, signal: 'SIGTERM' });
  });

  it('when its signal fires while it is being started', async () => {
    const stop = new AbortController();
    setMaxListeners(0, stop.signal);
    const running = Promise.allSettled(
      Array.from({ length: 20 }, () => launched(['sleep', '100'], { signal: stop.signal })),
    );
    await turns(1);
    stop.abort();
    for (const end of await running) expect(end).toMatchObject({ status: 'rejected', reason: { code: 'aborted' } });
    const fired = launched(['sleep', '100'], { signal: stop.signal });
    await expect(fired).rejects.toMatchObject({ code: 'aborted' });
  });
});

function file(name: string, content: string, mode = 0o755): string {
  const path = join(temporaryFolder(), name);
  writeFileSync(path, content, { mode });
  return path;
}

describe.runIf(canLaunch)('the launcher of a batchx', () => {
  const values = (count: number): string =>
    fixture(Array.from({ length: count }, (_, n) => `${n}\n`).join(''), 'values');

  /** A run that goes on, and its launcher. */
  async function begun(): Promise<{ batchx: ReturnType<typeof start>; launcher: number }> {
    const batchx = start(['exec', '-j2', '-a', values(1_000_000), '--', 'sh', '-c', 'echo $PPID']);
    const last = (): number => Number(batchx.stdout.split('\n').at(-2));
    await batchx.until(() => batchx.stdout !== '' && last() !== batchx.process.pid);
    return { batchx, launcher: last() };
  }

  it.each(['SIGKILL', 'SIGTERM', 'SIGINT'] as const)('ends with it by %s', async (signal) => {
    const { batchx, launcher } = await begun();
    expect(alive(launcher)).toBe(true);
    batchx.kill(signal);
    expect((await batchx.ended).ended).toBe(signal);
    await until(() => !alive(launcher));
  });

  it('ends with it when all is done', async () => {
    const { stdout, stderr, ended } = await start(['exec', '-j2', '-a', values(400), '--', 'sh', '-c', 'echo $PPID'])
      .ended;
    expect([stderr, ended, stdout.split('\n').length]).toEqual(['', 0, 401]);
    const launchers = [...new Set(stdout.trim().split('\n').map(Number))].slice(1);
    expect(launchers).toHaveLength(1);
    await until(() => !launchers.some(alive));
  });

  it('hands signals on: a program takes it for its parent', async () => {
    const { batchx, launcher } = await begun();
    process.kill(launcher, 'SIGTERM');
    expect((await batchx.ended).ended).toBe('SIGTERM');
    await until(() => !alive(launcher));
  });

  it('ends at the third signal, with all that it has started', async () => {
    const script =
      'trap "" TERM INT; echo $PPID $$ $1; [ $1 -lt 298 ] || { setsid sleep 100 & echo 0 $! $1; sleep 100; }';
    const batchx = start(['exec', '-j2', '--line-buffer', '-a', values(300), '--', 'sh', '-c', script, 'sh', '{}']);
    const rows = (): number[][] =>
      batchx.stdout
        .trim()
        .split('\n')
        .map((line) => line.split(' ').map(Number));
    await batchx.until(() => rows().filter(([parent]) => parent === 0).length === 2);
    const last = rows().filter(([, , value = 0]) => value >= 298);
    const pids = last.map(([, pid = 0]) => pid);
    expect(pids).toHaveLength(4);
    expect(pids.filter(alive)).toEqual(pids);
    for (let time = 0; time < 3; time++) {
      batchx.kill('SIGINT');
      await new Promise((resolve) => setTimeout(resolve, 120));
    }
    expect((await batchx.ended).ended).toBe('SIGINT');
    await until(() => !pids.some(alive));
    expect(last.map(([parent]) => parent)).not.toContain(batchx.process.pid);
  });
});
