import { closeSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { progressSchema } from '../../src/report/progress-schema.js';
import { bash, batchx, env, folder, itNeeds, Running, start } from './program.js';
import { Terminal } from './terminal.js';

const spinner = /[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏]/;
const escape = '\u001b';

/** Takes longer than it takes for the progress to appear. */
const slow = 'new Promise((go) => setTimeout(go, 1300, data))';

/** All that a command writes to its terminal, which has 80 columns unless it changes that. */
async function onTerminal(command: string, more: NodeJS.ProcessEnv = {}): Promise<string> {
  const { stdout } = await new Running('script', ['-qec', `stty cols 80; ${command}`, '/dev/null'], {
    env: { ...env, ...more },
  }).ended;
  return stdout.replaceAll('\r\n', '\n');
}

// Takes longest, so it begins before the others.
const plain = firstLine();
async function firstLine(): Promise<string> {
  const running = start(['map', 'new Promise(() => setInterval(() => 0, 1e9))']);
  running.write('1\n2\n');
  await running.until(({ stderr }) => stderr.includes('\n'));
  running.kill('SIGKILL');
  return running.stderr;
}

describe('on a terminal', () => {
  /** Rows that come when they are told to. */
  function openFifo(): { write(rows: string): void; end(): void } {
    bash('rm -f rows.fifo; mkfifo rows.fifo');
    const fd = openSync(join(folder, 'rows.fifo'), 'r+');
    return { write: (rows) => void writeSync(fd, rows), end: () => closeSync(fd) };
  }

  itNeeds('tmux mkfifo', 'it is one line, below what is told of failures, and gone at the end', async () => {
    const rows = openFifo();
    const terminal = await Terminal.running('batchx map data rows.fifo > out.jsonl');
    rows.write('1\n');
    await terminal.until(/1\/\? done/);
    rows.write('x\n2\n');
    const lines = (await terminal.until(/3\/\? done · 1 failed/)).split('\n');
    expect(lines).toEqual([
      expect.stringContaining('batchx: rows.fifo:2: not JSON'),
      expect.stringMatching(/^[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏] 3\/\? done · 1 failed · [\d.]+\/s · 0 in flight$/),
    ]);
    rows.end();
    const { screen, code } = await terminal.ended();
    expect(code).toBe(1);
    expect(screen.split('\n')).toEqual([lines[0], 'batchx: 3 items read: 2 ok, 1 failed (1 parse)']);
    expect(terminal.cursorVisible).toBe(true);
  });

  itNeeds('tmux mkfifo', 'it has room in a narrow one, with whole numbers only', async () => {
    const rows = openFifo();
    const terminal = await Terminal.running('batchx map data rows.fifo > out.jsonl', 20);
    rows.write('1\n'.repeat(1234));
    expect(await terminal.until(/1,234\/\? done/)).toMatch(/^[^ ] 1,234\/\? done$/);
    terminal.resize(40);
    await terminal.until(/^[^ ] 1,234\/\? done · [\d,.]+\/s · 0 in flight$/);
    rows.end();
    expect(await terminal.ended()).toEqual({ screen: '', code: 0 });
  });

  itNeeds('tmux mkfifo', 'nothing of it stays after Ctrl-C', async () => {
    const rows = openFifo();
    const terminal = await Terminal.running('batchx map data rows.fifo > out.jsonl');
    rows.write('1\n');
    await terminal.until(/1\/\? done/);
    terminal.type('^C');
    expect(await terminal.ended()).toEqual({ screen: 'batchx: interrupted by SIGINT: 1 item read: 1 ok', code: 130 });
    expect(terminal.cursorVisible).toBe(true);
    rows.end();
  });

  itNeeds('tmux', 'rows that are typed are read, and it is said that they are', async () => {
    const terminal = await Terminal.running('batchx map "data * 2"');
    await terminal.until(/^batchx: reading rows from the terminal; Ctrl-D ends them$/m);
    terminal.type('21\n');
    await terminal.until(/^42$/m);
    terminal.type('^D');
    expect((await terminal.ended()).code).toBe(0);
  });

  itNeeds('script', 'a quick command draws nothing, nor does one whose rows go to the terminal', async () => {
    expect(await onTerminal('seq 3 | batchx map data > /dev/null')).toBe('');
    expect(await onTerminal(`echo 1 | batchx map '${slow}'`)).toBe('1\n');
  });

  itNeeds('script', 'it is drawn while an aggregate is made, as no rows go there', async () => {
    const seen = await onTerminal(`echo 1 | batchx map '${slow}' --count`);
    expect(seen).toMatch(spinner);
    expect(seen).toContain(`${escape}[0K{"count":1}\n`);
  });

  itNeeds('script', 'it makes way for rows where it is wanted beside them', async () => {
    const seen = await onTerminal(`printf '1\\n2\\n' | batchx map -j1 '${slow}' --progress tty`);
    expect(seen).toMatch(spinner);
    expect(seen).toContain(`${escape}[0K1\n`);
    expect(seen).toContain(`${escape}[0K2\n`);
  });

  itNeeds('script', 'it can be turned off', async () => {
    const flags = ['--no-progress', '--progress none', '-q', '--progress=plain'];
    const seen = await Promise.all(
      flags.map((flag) => onTerminal(`echo 1 | batchx map '${slow}' ${flag} > /dev/null`)),
    );
    expect(seen).toEqual(['', '', '', '']);
  });

  itNeeds('script stty', 'it is not drawn where there is no room at all, or no way to draw', async () => {
    const command = `echo 1 | batchx map '${slow}' > /dev/null`;
    expect(await Promise.all([onTerminal(`stty cols 0; ${command}`), onTerminal(command, { TERM: 'dumb' })])).toEqual([
      '',
      '',
    ]);
  });

  itNeeds('script stty', 'it ends when the room goes', async () => {
    const half =
      'async (n) => { await new Promise((go) => setTimeout(go, 1300)); (await import("node:child_process")).execSync("stty cols 0 < /dev/tty"); await new Promise((go) => setTimeout(go, 400)); return n }';
    const seen = await onTerminal(`echo 1 | batchx map '${half}' > /dev/null; echo "ended $?"`);
    expect(seen).toMatch(spinner);
    expect(seen).toMatch(/ended 0\n$/);
  });

  itNeeds('script', 'it has colours as the environment says', async () => {
    const cyan = `${escape}[36m`;
    const command = `echo 1 | batchx map '${slow}' > /dev/null`;
    const [forced, none] = await Promise.all([
      onTerminal(command, { FORCE_COLOR: '1' }),
      onTerminal(command, { FORCE_COLOR: '1', NO_COLOR: '1' }),
    ]);
    expect(forced).toContain(cyan);
    expect(none).not.toContain(cyan);
    expect(none).toMatch(spinner);
  });
});

describe('without a terminal', () => {
  it('events come a line each with --progress json, and one at the end', () => {
    const { stderr } = batchx(['map', slow, '--progress', 'json'], '1\n2\n3\n');
    const events = stderr
      .trimEnd()
      .split('\n')
      .map((line) => progressSchema.parse(JSON.parse(line)));
    const standing = events.filter((each) => each.event === 'batch:progress');
    expect(standing.length).toBeGreaterThanOrEqual(2);
    for (const { read, ok, failed, skipped, inDoubt, pending } of standing)
      expect(ok + failed + skipped + inDoubt + pending).toBe(read);
    expect(standing.at(-1)).toMatchObject({ read: 3, ok: 3, pending: 0, total: 3 });
    expect([events[0]?.event, events.at(-1)?.event]).toEqual(['batch:start', 'batch:end']);
    expect(events.filter(({ event }) => event === 'batch:item:end')).toHaveLength(3);
  });

  it('a plain line comes after ten seconds', async () => {
    expect(await plain).toBe('batchx: 0/? done · 0/s · 2 in flight\n');
  });
});
