import { once } from 'node:events';
import { constants, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { bash, file, folder, itNeeds, jsonl, onLinux, program, Running, start } from './program.js';
import { Terminal } from './terminal.js';

/** An expression whose calls say that they run, and end when the program gets a signal. */
const heldUntil = (signal: NodeJS.Signals): string => `async (row) => {
  const alive = setInterval(() => undefined, 1e9);
  const freed = new Promise((go) => process.once("${signal}", go));
  console.log("runs", row, process.pid);
  await freed;
  clearInterval(alive);
  return row;
}`;
const held = heldUntil('SIGUSR2');
const runs = (count: number) => (running: Running) => running.stderr.split('runs').length > count;
const stopping = ({ stderr }: Running): boolean => stderr.includes('stopping');

// What takes longest begins before the others.
const patient = givenUp();
async function givenUp() {
  const running = start(['map', held]);
  running.write('1\n');
  await running.until(runs(1));
  const begun = performance.now();
  running.kill('SIGTERM');
  const done = await running.ended;
  return { ...done, seconds: (performance.now() - begun) / 1000 };
}

describe('the first signal', () => {
  it('stops the reading, also of a pipe that is empty', async () => {
    const running = start(['map', 'data']);
    running.write('1\n');
    await running.until(({ stdout }) => stdout === '1\n');
    running.kill('SIGINT');
    expect(await running.ended).toEqual({
      stdout: '1\n',
      stderr: 'batchx: interrupted by SIGINT: 1 item read: 1 ok\n',
      ended: 'SIGINT',
    });
  });

  it('lets running calls end, starts no more, writes their rows, and says how it stands', async () => {
    const running = start(['map', '-j2', held]);
    running.write(jsonl(1, 2, 3, 4));
    await running.until(runs(2));
    running.kill('SIGINT');
    await running.until(stopping);
    running.kill('SIGUSR2');
    const { stdout, stderr, ended } = await running.ended;
    expect({ stdout, ended }).toEqual({ stdout: '1\n2\n', ended: 'SIGINT' });
    expect(stderr).toContain('running calls have 30 seconds to end; Ctrl-C again gives them up\n');
    expect(stderr).toContain('batchx: interrupted by SIGINT: 4 items read: 2 ok, 2 pending\n');
    expect(runs(3)(running)).toBe(false);
  });

  it('may be SIGTERM', async () => {
    const running = start(['map', held]);
    running.write('1\n');
    await running.until(runs(1));
    running.kill('SIGTERM');
    await running.until(stopping);
    running.kill('SIGUSR2');
    expect(await running.ended).toMatchObject({ stdout: '1\n', ended: 'SIGTERM' });
  });

  it('counts once when it comes twice at once', async () => {
    const running = start(['map', held]);
    running.write('1\n');
    await running.until(runs(1));
    // Of two of a kind the system may keep only one, and which of two kinds comes first is its affair.
    running.kill('SIGINT');
    running.kill('SIGTERM');
    await running.until(stopping);
    running.kill('SIGUSR2');
    const ended = expect.stringMatching(/^SIG(INT|TERM)$/) as string;
    expect(await running.ended).toMatchObject({ stdout: '1\n', ended });
  });

  it('closes what was begun', async () => {
    const running = start(['map', 'data', '--out', 'json']);
    running.write('1\n2\n');
    await running.until(({ stdout }) => stdout.includes('2'));
    running.kill('SIGINT');
    expect((await running.ended).stdout).toBe('[\n1,\n2\n]\n');
  });

  it('prints no aggregate of half the input', async () => {
    const running = start(['map', 'console.log("runs"), data', '--count']);
    running.write('1\n');
    await running.until(runs(1));
    running.kill('SIGINT');
    expect(await running.ended).toMatchObject({ stdout: '', ended: 'SIGINT' });
  });

  it('loses no dead letter that was not read', async () => {
    file('letters.jsonl', '');
    bash(`printf '1\\n2\\n3\\n' | batchx map 'data.x.y' --failed letters.jsonl`);
    const before = readFileSync(join(folder, 'letters.jsonl'), 'utf8');
    const running = start(['map', '-j1', held, 'letters.jsonl', '--failed', 'letters.jsonl']);
    await running.until(runs(1));
    running.kill('SIGINT');
    await running.until(stopping);
    running.kill('SIGUSR2');
    await running.ended;
    expect(readFileSync(join(folder, 'letters.jsonl'), 'utf8')).toBe(before);
  });

  it('ends a loop of the shell', async () => {
    const loop = `for i in 1 2 3; do echo "loop $i" >&2; echo 1 | batchx map '${held}'; done; echo over >&2`;
    const shell = new Running('bash', ['-c', loop], { detached: true });
    await shell.until(runs(1));
    process.kill(-(shell.process.pid as number), 'SIGINT');
    await shell.until(stopping);
    process.kill(-(shell.process.pid as number), 'SIGUSR2');
    const { stderr } = await shell.ended;
    expect(stderr).toContain('loop 1');
    expect(stderr).not.toMatch(/loop 2|over/);
  });

  onLinux('leaves pipes as they were for the next program', async () => {
    const shell = new Running('bash', [
      '-c',
      'batchx map data; echo "ended by $?"; grep -h flags /proc/self/fdinfo/[01]',
    ]);
    shell.write('1\n');
    await shell.until(({ stdout }) => stdout === '1\n');
    bash(`kill -TERM $(ps -o pid= --ppid ${shell.process.pid ?? 0})`);
    const [, ended, ...flags] = (await shell.ended).stdout.trimEnd().split('\n');
    expect(ended).toBe('ended by 143');
    const blocking = flags.map((line) => (parseInt(line.replace(/\D+/, ''), 8) & constants.O_NONBLOCK) === 0);
    expect(blocking).toEqual([true, true]);
  });
});

describe('the second signal', () => {
  it('gives up running calls at once', async () => {
    const running = start(['map', '--no-keep-order', held]);
    running.write('1\n');
    await running.until(runs(1));
    running.kill('SIGINT');
    await running.until(stopping);
    running.kill('SIGINT');
    expect(await running.ended).toMatchObject({
      stdout: '',
      stderr: expect.stringContaining('interrupted by SIGINT: 1 item read: 1 pending\n') as string,
      ended: 'SIGINT',
    });
  });

  it('and a reader that has stopped; the third does not wait at all', async () => {
    for (const more of [1, 2]) {
      const running = start(['map', '-j1', 'console.log("runs"), "x".repeat(1e6)']);
      running.process.stdout?.pause();
      running.write('1\n2\n');
      await running.until(runs(2));
      running.kill('SIGINT');
      await running.until(stopping);
      for (let i = 0; i < more; i++) {
        running.kill(i === 0 ? 'SIGINT' : 'SIGTERM');
        // Signals that wait at the same time come in the order of their numbers; so each is seen before the next.
        await running.until((program) => program.stderr.includes('stopping'));
      }
      if (more === 1) running.process.stdout?.resume();
      else await once(running.process, 'exit');
      running.process.stdout?.resume();
      expect([more, (await running.ended).ended]).toEqual([more, 'SIGINT']);
    }
  });
});

describe('SIGHUP', () => {
  it('means nothing without a terminal, as under nohup', async () => {
    const running = start(['map', 'data']);
    running.write('1\n');
    await running.until(({ stdout }) => stdout === '1\n');
    running.kill('SIGHUP');
    running.process.stdin?.end('2\n');
    expect(await running.ended).toEqual({ stdout: '1\n2\n', stderr: '', ended: 0 });
  });

  for (const [what, leader, signal, ended] of [
    ['lets running calls end when the terminal goes', 'sh', 'SIGHUP', '129\n'],
    ['is not needed to get over the loss of the terminal', 'trap "" HUP; sh', 'SIGUSR2', '0\n'],
  ] as const) {
    itNeeds('tmux mkfifo', what, async () => {
      bash('rm -f code; mkfifo code');
      // The inner shell stays to tell how the program ended. With the outer one, which leads the terminal, the program
      // loses its terminal, and gets the signal when that shell ends by it.
      file('inner.sh', `trap "" HUP; echo 1 | batchx map '${heldUntil(signal)}' > hup.jsonl; echo $? > code`);
      const terminal = new Terminal(`sh -c '${leader} inner.sh & wait'`);
      const screen = await terminal.until(/runs 1 \d+/);
      const code = readFile(join(folder, 'code'), 'utf8');
      await terminal.end();
      if (signal === 'SIGUSR2') process.kill(Number(/runs 1 (\d+)/.exec(screen)?.[1]), signal);
      expect(await code).toBe(ended);
      expect(readFileSync(join(folder, 'hup.jsonl'), 'utf8')).toBe('1\n');
    });
  }
});

describe('SIGUSR1', () => {
  it('tells how it stands, and opens no debugger', async () => {
    const running = start(['map', held]);
    running.write('1\n2\nx\n');
    await running.until(runs(2));
    running.kill('SIGUSR1');
    await running.until(({ stderr }) => /batchx: 0\/\? done · 0\/s · 3 in flight\n/.test(stderr));
    running.kill('SIGUSR2');
    running.process.stdin?.end();
    expect((await running.ended).stderr).not.toContain('Debugger');
  });

  it('is listened to before anything is loaded', () => {
    const [first] = readFileSync(program, 'utf8').split('await import(');
    expect(first).toMatch(/process\.on\(["']SIGUSR1["']/);
    expect(readFileSync(program, 'utf8').match(/^import (?!.*node:)/m)).toBeNull();
  });
});

it('gives running calls up when their time is over', async () => {
  const { stdout, ended, seconds } = await patient;
  expect({ stdout, ended }).toEqual({ stdout: '', ended: 'SIGTERM' });
  expect(seconds).toBeGreaterThan(7.9);
  expect(seconds).toBeLessThan(12);
});
