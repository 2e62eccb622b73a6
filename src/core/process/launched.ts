import { BatchxError } from '../errors.js';
import { noteGroup } from './kill-trees.js';
import { nameOf } from './not-started.js';
import type { Runtime } from '../runtime.js';
import type { Exit, Program, Start } from './program.js';

/** The system would not start it. Why, whoever tries it in another way is told. */
export class Refused extends Error {}

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
  readonly startedAt: number;
  exited = false;
  readonly #start: Start;
  readonly #runtime: Runtime;
  /** When it was asked for, by the clock that measures: what it waits for its launcher counts, so that no time is too short. */
  readonly #began: number;
  #begun!: (begun: boolean) => void;
  #resolve!: (exit: Exit) => void;
  #reject!: (error: Error) => void;
  #over = (): unknown => undefined;

  constructor(start: Start, runtime: Runtime) {
    this.#start = start;
    this.#runtime = runtime;
    this.mark = start.mark;
    this.startedAt = runtime.wallNow();
    this.#began = runtime.scheduler.now();
    this.begun = new Promise((resolve) => {
      this.#begun = resolve;
    });
    this.exit = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.exit.catch(() => undefined);
  }

  run(pid: number): void {
    this.pid = pid;
    this.#over = noteGroup(pid);
    this.#begun(true);
  }

  /** It is not the program that runs: it may be started in another way. */
  refused(): void {
    this.exited = true;
    this.#over();
    this.#begun(false);
    this.#reject(new Refused());
  }

  end(exit: Omit<Exit, 'ms'>): void {
    this.exited = true;
    this.#over();
    this.#resolve({ ...exit, ms: this.#runtime.scheduler.now() - this.#began });
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
