import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { afterAll } from 'vitest';
import { env, folder } from './program.js';

let terminals = 0;

/** Those that are open: when a test fails they must not stay. */
const open = new Set<Terminal>();
afterAll(() => Promise.all([...open].map((terminal) => terminal.end())));

/** What a shell shows when it has nothing to do. */
const prompt = /^[$#]$/m;

/** A real terminal, whose screen can be looked at: one of tmux, without its status line. */
export class Terminal {
  readonly #socket = `batchx-test-${process.pid}-${++terminals}`;

  constructor(command = 'sh -i', { columns = 80, rows = 24 }: { columns?: number; rows?: number } = {}) {
    const size = ['-x', String(columns), '-y', String(rows)];
    open.add(this);
    this.#tmux('-f', '/dev/null', 'new-session', '-d', '-c', folder, ...size, 'cat');
    this.#tmux('set', '-g', 'status', 'off');
    this.#tmux('respawn-pane', '-k', '-c', folder, `exec ${command}`);
  }

  /** A shell in which a command has been started, on a screen that has nothing else on it. */
  static async running(command: string, columns = 80): Promise<Terminal> {
    const terminal = new Terminal(undefined, { columns });
    await terminal.until(prompt);
    terminal.type(`clear; ${command}\n`);
    return terminal;
  }

  /** Types keys; `\n` and `\t` are the keys Enter and Tab, `^C` and `^D` are Ctrl-C and Ctrl-D. */
  type(text: string): void {
    for (const part of text.split(/([\n\t]|\^[CD])/)) {
      const key = { '\n': 'Enter', '\t': 'Tab', '^C': 'C-c', '^D': 'C-d' }[part];
      if (key !== undefined) this.#tmux('send-keys', key);
      else if (part !== '') this.#tmux('send-keys', '-l', '--', part);
    }
  }

  /** What is to be seen, without blanks at the ends of lines. */
  get screen(): string {
    return this.#tmux('capture-pane', '-p').replace(/ +$/gm, '').trimEnd();
  }

  get cursorVisible(): boolean {
    return this.#tmux('display-message', '-p', '#{cursor_flag}').trim() === '1';
  }

  resize(columns: number): void {
    this.#tmux('resize-window', '-x', String(columns));
  }

  /** Waits until the screen looks so. Nobody tells when a screen changes, so it is looked at again and again. */
  async until(looks: RegExp | ((screen: string) => boolean)): Promise<string> {
    const deadline = performance.now() + 15_000;
    for (;;) {
      const { screen } = this;
      if (typeof looks === 'function' ? looks(screen) : looks.test(screen)) return screen;
      if (performance.now() > deadline) throw new Error(`waited for ${String(looks)}, and saw:\n${screen}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** Waits until the shell has its prompt again: what is to be seen then, and how the command ended as the shell says. */
  async ended(): Promise<{ screen: string; code: number }> {
    const screen = await this.until(prompt);
    this.type('echo "ended by $?"\n');
    const [, code] = /^ended by (\d+)$/m.exec(await this.until(/^ended by \d+$/m)) ?? [];
    return { screen: screen.replace(prompt, '').trimEnd(), code: Number(code) };
  }

  /** Closes the terminal, and waits until it is gone. */
  async end(): Promise<void> {
    open.delete(this);
    const device = this.#tmux('display-message', '-p', '#{pane_tty}').trim();
    this.#tmux('kill-server');
    while (existsSync(device)) await new Promise((resolve) => setTimeout(resolve, 5));
  }

  #tmux(...args: string[]): string {
    return execFileSync('tmux', ['-L', this.#socket, ...args], {
      env: { ...env, LANG: 'C.UTF-8', TMUX_TMPDIR: folder },
      encoding: 'utf8',
    });
  }
}
