import { platform } from 'node:os';
import type { Runtime } from '../runtime.js';
import { Child } from './child.js';
import { Launcher } from './launcher.js';
import { isOwnProc } from './own-proc.js';
import type { Program, Start } from './program.js';

/** What a launcher costs: so long programs may have been started without one, in milliseconds. */
const COST = 20;

/** What part of the time starts may take without a launcher being worth it, however long it goes on. */
const SHARE = 0.05;

/**
 * Starts programs from this process, and has a launcher once that has taken long enough, where one is possible. What the
 * launcher does not start, for whatever reason, is started as if there were none.
 */
export class Starts {
  readonly #runtime: Runtime;
  readonly #mark: string;
  #launcher: Launcher | undefined;
  /** Elsewhere a launcher could not open what programs are to write to. */
  #possible = platform() === 'linux' && isOwnProc();
  /** How long it took to start programs, less what is no matter. */
  #spent = 0;
  #lastStart = 0;

  constructor(mark: string, runtime: Runtime) {
    this.#mark = mark;
    this.#runtime = runtime;
    // Whoever waits for the end of the run finds nothing of it left.
    runtime.events.on('batch:end', () => {
      if (this.#launcher !== undefined) runtime.cleanup.add(this.#launcher.end());
    });
  }

  /** Starts it by the launcher. Nothing comes when that is not possible, or not worth it. */
  launch(start: Start): Promise<Program | undefined> | undefined {
    return this.#launcher?.start(start);
  }

  /** Starts it from this process. Throws what Node throws, or the exit of what comes rejects. */
  here(start: Start): Program {
    const before = this.#runtime.scheduler.now();
    const child = new Child(start, this.#runtime);
    this.#took(before, this.#runtime.scheduler.now());
    return child;
  }

  /** Has no launcher any more: its descriptors are needed. */
  shrink(): void {
    this.#possible = false;
    this.#launcher?.retire('failed');
  }

  #took(before: number, after: number): void {
    this.#spent = Math.max(0, this.#spent - (before - this.#lastStart) * SHARE) + after - before;
    this.#lastStart = before;
    const state = this.#launcher?.state;
    if (state === 'failed') this.#possible = false;
    if (this.#spent < COST || !this.#possible || state === 'starting' || state === 'ready') return;
    this.#spent = 0;
    try {
      this.#launcher = new Launcher(this.#mark, this.#runtime);
    } catch {
      this.#possible = false;
    }
  }
}
