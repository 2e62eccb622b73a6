import { execFileSync } from 'node:child_process';
import { env, folder } from './program.js';

let terminals = 0;

/** A real terminal with a program in it, whose screen can be looked at. It is one of tmux. */
export class Terminal {
  readonly #socket = `batchx-test-${process.pid}-${++terminals}`;

  constructor(command: string, { columns = 80, rows = 24 }: { columns?: number; rows?: number } = {}) {
    const size = ['-x', String(columns), '-y', String(rows)];
    // Without a status line, and with the screen kept when the program has ended.
    this.#tmux('-f', '/dev/null', 'new-session', '-d', ...size, 'sh');
    this.#tmux('set', '-g', 'status', 'off');
    this.#tmux('set', '-g', 'remain-on-exit', 'on');
    this.#tmux('respawn-pane', '-k', '-c', folder, 'exec ' + command);
  }

  /** Types keys; `\n` and `\t` are the keys Enter and Tab, `^C` is Ctrl-C. */
  async type(text: string): Promise<void> {
    for (const part of text.split(/([\n\t]|\^C)/)) {
      const key = { '\n': 'Enter', '\t': 'Tab', '^C': 'C-c' }[part];
      if (key !== undefined) this.#tmux('send-keys', key);
      else if (part !== '') this.#tmux('send-keys', '-l', part);
    }
  }

  /** What is to be seen, without blanks at the ends of lines. */
  get screen(): string {
    return this.#tmux('capture-pane', '-p').replace(/ +$/gm, '').trimEnd();
  }

  /** What tmux knows of the terminal, such as `cursor_flag` or `pane_dead_status`. */
  tell(what: string): string {
    return this.#tmux('display-message', '-p', `#{${what}}`).trim();
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

  /** Waits for the end of the program, and tells how it ended: its code, or the number of a signal with a minus. */
  async ended(): Promise<number> {
    await this.until(() => this.tell('pane_dead') === '1');
    const signal = this.tell('pane_dead_signal');
    return signal === '' ? Number(this.tell('pane_dead_status')) : -Number(signal);
  }

  end(): void {
    this.#tmux('kill-server');
  }

  #tmux(...args: string[]): string {
    return execFileSync('tmux', ['-L', this.#socket, ...args], { env: { ...env, LANG: 'C.UTF-8' }, encoding: 'utf8' });
  }
}
