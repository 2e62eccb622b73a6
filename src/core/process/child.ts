import { type ChildProcess, spawn } from 'node:child_process';
import type { Runtime } from '../runtime.js';
import { noteGroup } from './kill-trees.js';
import { notStarted } from './not-started.js';
import { MARK } from './process-table.js';
import type { Exit, Program, Start } from './program.js';
import { reserve } from './reserve.js';

/** A program that this process has started itself. */
export class Child implements Program {
  readonly process: ChildProcess;
  readonly mark: string;
  readonly startedAt: number;
  /** Rejects with `NotStarted` when it could not be started. */
  readonly exit: Promise<Exit>;
  #exited = false;

  /** Throws what Node throws, or the exit rejects: Node tells some of what can go wrong at once, some later. */
  constructor({ command, spec, stdio, mark }: Start, runtime: Runtime) {
    const { scheduler } = runtime;
    this.mark = mark;
    this.startedAt = runtime.wallNow();
    reserve(stdio);
    const start = scheduler.now();
    const child = spawn(command.file, command.args, {
      cwd: spec.cwd,
      env: { ...spec.env, [MARK]: mark },
      stdio: [...stdio],
      detached: true,
    });
    this.process = child;
    const over = child.pid === undefined ? undefined : noteGroup(child.pid);
    this.exit = new Promise((resolve, reject) => {
      child.once('exit', (code, signal) => {
        this.#exited = true;
        over?.();
        resolve({ exitCode: code ?? undefined, signal: signal ?? undefined, ms: scheduler.now() - start });
      });
      child.once('error', (error) => reject(notStarted(spec, error)));
    });
  }

  get started(): boolean {
    return this.process.pid !== undefined;
  }

  get pid(): number {
    return this.process.pid as number;
  }

  get exited(): boolean {
    return this.#exited;
  }

  close(): void {
    const { stdin, stdout, stderr } = this.process;
    for (const stream of [stdin, stdout, stderr]) stream?.destroy();
  }
}
