import { BatchxError } from '../errors.js';
import { noteGroup } from './kill-trees.js';
import { nameOf } from './not-started.js';
import type { Exit, Program, Start } from './program.js';

/** A program that a launcher was told to start. */
export class Launched implements Program {
  readonly mark: string;
  readonly started = true;
  readonly process = { stdin: null, stdout: null, stderr: null };
  /** Rejects when the launcher has gone before it told: nobody knows then. */
  readonly exit: Promise<Exit>;
  /** Whether it was started. A launcher that goes before it has told leaves it for one that was. */
  readonly begun: Promise<boolean>;
  pid = 0;
  startedAt: number;
  exited = false;
  readonly #start: Start;
  #begun!: (begun: boolean) => void;
  #resolve!: (exit: Exit) => void;
  #reject!: (error: BatchxError) => void;
  #over = (): unknown => undefined;

  constructor(start: Start, now: number) {
    this.#start = start;
    this.mark = start.mark;
    this.startedAt = now;
    this.begun = new Promise((resolve) => {
      this.#begun = resolve;
    });
    this.exit = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.exit.catch(() => undefined);
  }

  run(pid: number, at: number): void {
    this.pid = pid;
    this.startedAt = at;
    this.#over = noteGroup(pid);
    this.#begun(true);
  }

  refused(): void {
    this.#begun(false);
  }

  end(exit: Exit): void {
    this.exited = true;
    this.#over();
    this.#resolve(exit);
  }

  /** The launcher has gone, and can tell nothing more. */
  lose(): void {
    this.#over();
    // It may run, and be found by its number; what has no number yet is found only by its mark.
    this.exited = this.pid === 0;
    const name = nameOf(this.#start.command.file);
    const message = `it is not known how ${name} has ended: the process that had started it was ended from outside`;
    this.#reject(new BatchxError('exec', message, { class: 'ambiguous', inDoubt: true }));
    this.#begun(true);
  }

  close(): void {
    // Nothing was made for it in this process.
  }
}
