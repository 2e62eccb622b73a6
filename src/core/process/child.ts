import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { classOf } from '../error-class.js';
import type { Runtime } from '../runtime.js';
import type { Command } from './command.js';
import type { Root } from './end-tree.js';
import { noteGroup } from './kill-trees.js';
import { notStarted } from './not-started.js';
import type { ProcessSpec } from './process.js';
import { MARK } from './process-table.js';
import { openTemporary, writeAt } from './temporary-file.js';

export interface Exit {
  readonly exitCode: number | undefined;
  readonly signal: NodeJS.Signals | undefined;
  /** From the start to the exit. */
  readonly ms: number;
}

/** What a program is given for a standard stream. */
export type Given = 'ignore' | 'inherit' | 'pipe' | number;

/** A program that was started, in a group of its own. */
export class Child implements Root {
  readonly process: ChildProcess;
  readonly mark: string;
  readonly startedAt: number;
  /** Rejects with `NotStarted` when it could not be started. */
  readonly exit: Promise<Exit>;
  #exited = false;

  /** Throws `NotStarted`, or the exit rejects with it: Node tells some of what can go wrong at once, some later. */
  constructor(command: Command, spec: ProcessSpec, outputs: () => Given[], mark: string, runtime: Runtime) {
    const { scheduler } = runtime;
    this.mark = mark;
    let stdin: Given | undefined;
    try {
      stdin = stdinOf(spec.stdin, runtime);
      this.startedAt = runtime.wallNow();
      const stdio = [stdin, ...outputs()];
      reserve(stdio);
      const start = scheduler.now();
      const child = spawn(command.file, command.args, {
        cwd: spec.cwd,
        env: { ...spec.env, [MARK]: mark },
        stdio,
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
    } catch (error) {
      throw notStarted(spec, error);
    } finally {
      if (typeof stdin === 'number') closeSync(stdin);
    }
  }

  /** Otherwise it never ran, and why is told by `exit`. */
  get started(): boolean {
    return this.process.pid !== undefined;
  }

  get pid(): number {
    return this.process.pid as number;
  }

  get exited(): boolean {
    return this.#exited;
  }

  /** What Node has made for it. */
  close(): void {
    const { stdin, stdout, stderr } = this.process;
    for (const stream of [stdin, stdout, stderr]) stream?.destroy();
  }
}

/**
 * Throws when there are too few descriptors for what Node is to make. It would not start the program either, but
 * would for ever keep the ends of the pipes that it has made by then.
 */
function reserve(stdio: readonly Given[]): void {
  const pipes = stdio.filter((given) => given === 'pipe').length;
  if (pipes === 0) return;
  const fds: number[] = [];
  try {
    // A pair for each, and one by which the system tells whether the program has been started.
    while (fds.length < 2 * pipes + 2) fds.push(openSync('/dev/null', 'r'));
  } finally {
    for (const fd of fds) closeSync(fd);
  }
}

/** A larger stdin is not written to a disk. */
const SMALL = 1024 * 1024;

/**
 * Few bytes are given as a file, which needs nobody to feed it, and can be opened as `/dev/stdin`, as the sockets that
 * Node makes cannot.
 */
function stdinOf(wanted: ProcessSpec['stdin'], runtime: Runtime): Given {
  if (wanted === 'none') return 'ignore';
  if (wanted === 'inherit') return 'inherit';
  if (!(wanted instanceof Uint8Array) || wanted.length > SMALL) return 'pipe';
  let fd: number | undefined;
  try {
    fd = openTemporary(runtime);
    writeAt(fd, wanted, 0);
    return fd;
  } catch (error) {
    if (fd !== undefined) closeSync(fd);
    if (classOf(error) === 'resource') throw error;
    return 'pipe';
  }
}
