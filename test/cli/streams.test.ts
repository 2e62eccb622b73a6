import { closeSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { bash, batchx, file, folder, jsonl, onLinux, Running, start } from './program.js';

describe('rows come out as soon as they can', () => {
  it('each before the next one is written', async () => {
    const running = start(['map', '({ n }) => n * 2']);
    for (let n = 1; n <= 3; n++) {
      running.write(jsonl({ n }));
      await running.until(({ stdout }) => stdout.endsWith(`${n * 2}\n`));
    }
    running.process.stdin?.end();
    expect(await running.ended).toEqual({ stdout: '2\n4\n6\n', stderr: '', ended: 0 });
  });

  it('also from a named pipe, and over several commands', async () => {
    bash('mkfifo rows.fifo');
    const running = new Running('bash', ['-c', 'batchx filter "data > 1" rows.fifo | batchx map "data * 10"']);
    // Opened for both, so that it opens at once and ends only when it is closed.
    const fifo = openSync(join(folder, 'rows.fifo'), 'r+');
    for (const n of [2, 1, 3]) writeSync(fifo, `${n}\n`);
    await running.until(({ stdout }) => stdout === '20\n30\n');
    closeSync(fifo);
    expect((await running.ended).ended).toBe(0);
  });
});

describe('a reader that leaves', () => {
  it.each([
    ['of an input that ends', 'seq 100000 | batchx map data'],
    ['of an input that does not', 'yes 1 | batchx map data'],
    ['of a slow step', 'seq 100000 | batchx map "async (n) => { await new Promise(setImmediate); return n }"'],
    ['of help', 'batchx map --help | cat; yes x | batchx map --in lines data'],
  ])('ends the program by SIGPIPE without a word, %s', (_, script) => {
    expect(bash(`{ ${script}; } | { read -r; }; echo "\${PIPESTATUS[0]}"`)).toEqual({
      stdout: '141\n',
      stderr: '',
      ended: 0,
    });
  });

  it('really by the signal', async () => {
    const running = start(['map', 'data']);
    running.write('1\n');
    await running.until(({ stdout }) => stdout === '1\n');
    running.process.stdout?.destroy();
    running.write('2\n3\n');
    expect(await running.ended).toMatchObject({ stderr: '', ended: 'SIGPIPE' });
  });

  it('of standard error does not matter', async () => {
    const running = start(['map', 'data']);
    running.process.stderr?.destroy();
    running.process.stdin?.end('1\nx\n3\n');
    expect(await running.ended).toEqual({ stdout: '1\n3\n', stderr: '', ended: 1 });
  });
});

describe('an output that cannot be written', () => {
  onLinux('as the disk is full', () => {
    expect(bash(`seq 3 | batchx map data > /dev/full`)).toEqual({
      stdout: '',
      stderr:
        'batchx: cannot write stdout: ENOSPC: no space left on device, write\nbatchx: ended early: 3 items read: 3 pending\n',
      ended: 5,
    });
    for (const args of ['map data --count', 'map --help', 'steps', 'completion bash', '--version']) {
      const { stderr, ended } = bash(`batchx ${args} < /dev/null > /dev/full`);
      expect({ args, ended, stderr }).toMatchObject({ ended: 5 });
      expect(stderr).toContain('cannot write stdout: ENOSPC');
    }
  });

  onLinux('as the shell has closed it', () => {
    for (const args of ['map data', 'map data --count', 'map --help', 'steps']) {
      const { stderr, ended } = bash(`echo 1 | batchx ${args} >&-; exit $?`);
      expect({ args, stderr, ended }).toEqual({
        args,
        stderr: 'batchx: cannot write stdout: it is closed\n',
        ended: 5,
      });
    }
  });

  it('but one that nobody wants is fine', async () => {
    expect(bash('echo 1 | batchx map data > /dev/null').ended).toBe(0);
    expect(batchx(['map', 'data'], '1\n', { stdio: ['pipe', 'ignore', 'pipe'] })).toMatchObject({ ended: 0 });
    const shell = new Running('bash', ['-c', 'echo 1 | batchx map data; exit $?'], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    expect(await shell.ended).toMatchObject({ stderr: '', ended: 0 });
  });
});

describe('a reader that stops for a while', () => {
  it('stops the reading, and then gets every row', async () => {
    const rows = Array.from({ length: 100_000 }, (_, n) => `${n}\n`).join('');
    file('many.jsonl', rows);
    const expression = 'item.seq === 0 && console.log("begun"), data';
    const running = start(['map', expression, 'many.jsonl'], { stdio: ['ignore', 'pipe', 'pipe'] });
    running.process.stdout?.pause();
    await running.until(({ stderr }) => stderr === 'begun\n');
    // Asked how it stands until that changes no more.
    let [before, now] = ['', 'not asked'];
    while (now !== before || !/[1-9]\d* in flight/.test(now)) {
      const asked = running.stderr.length;
      running.kill('SIGUSR1');
      await running.until(({ stderr }) => stderr.indexOf('\n', asked) > 0);
      before = now;
      now = running.stderr.slice(asked).replace(/ · [^·]*\/s/, '');
    }
    expect(Number(/([\d,]+)\/\? done/.exec(now)?.[1]?.replace(',', ''))).toBeLessThan(50_000);
    running.process.stdout?.resume();
    const { stdout, ended } = await running.ended;
    expect(ended).toBe(0);
    expect(stdout === rows).toBe(true);
  });
});

it('standard error gets all that was said, however late it is read', async () => {
  const running = start(['map', 'console.log("x".repeat(1e6)), data', ':::', '1']);
  running.process.stderr?.pause();
  await running.until(({ stdout }) => stdout === '"1"\n');
  running.process.stderr?.resume();
  expect((await running.ended).stderr).toBe('x'.repeat(1e6) + '\n');
});

describe('an input that is closed', () => {
  onLinux('cannot be read', () => {
    expect(bash('batchx map data <&-; exit $?')).toEqual({
      stdout: '',
      stderr: 'batchx: cannot read stdin: it is closed\n',
      ended: 4,
    });
    expect(bash('batchx map data --allow-empty <&-; exit $?')).toEqual({ stdout: '', stderr: '', ended: 0 });
    file('one.jsonl', '1\n');
    expect(bash('batchx map data one.jsonl <&-; exit $?')).toEqual({ stdout: '1\n', stderr: '', ended: 0 });
  });

  it('or empty is no failure', () => {
    expect(bash('batchx map data < /dev/null')).toEqual({ stdout: '', stderr: '', ended: 0 });
    expect(batchx(['map', 'data'], '', { stdio: ['ignore', 'pipe', 'pipe'] })).toMatchObject({ stdout: '', ended: 0 });
  });

  it('for reading, as nohup does, cannot be read either', () => {
    const { stderr, ended } = bash('batchx map data 0> /dev/null; exit $?');
    expect(ended).toBe(4);
    expect(stderr).toContain('cannot read stdin: EBADF');
  });

  it('that is a folder cannot be read', () => {
    expect(bash('batchx map data < .').ended).toBe(4);
  });
});
