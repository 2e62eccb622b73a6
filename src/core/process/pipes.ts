import { spawn } from 'node:child_process';
import { constants, existsSync, mkdtempSync, openSync, rmdirSync, unlinkSync } from 'node:fs';
import { platform } from 'node:os';
import { join } from 'node:path';
import { classOf } from '../error-class.js';
import type { Runtime } from '../runtime.js';
import { type Outlet, StreamOutlet } from './outlet.js';
import { Pipe } from './pipe.js';
import { temporaryFolder } from './temporary-file.js';
import { pause } from './within.js';

interface Request {
  readonly count: number;
  readonly give: (outlets: Outlet[]) => void;
  readonly refuse: (error: unknown) => void;
}

/** How long pipes are kept when no program runs, in milliseconds. */
const IDLE = 10;

/**
 * Pipes for the outputs of programs, used again and again.
 *
 * Node gives programs sockets, which on Linux nobody can open by name: `tee /dev/stderr` would fail. It cannot make a
 * pipe, but it can open a named one. Those that are needed at a time are made by one `mkfifo`; they lose their names at
 * once, and are opened by their descriptors. This is also quicker, as nothing has to be made and thrown away for each
 * program. Elsewhere, or where it does not work, programs get what Node makes.
 */
export class Pipes {
  readonly #runtime: Runtime;
  readonly #idle: Pipe[] = [];
  #lent = 0;
  #releasing = false;
  #requests: Request[] = [];
  #making = false;
  #possible = platform() === 'linux' && existsSync('/proc/self/fd');

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  /** Outlets for one program, each to be closed. Rejects when the system has too few descriptors left. */
  take(count: number): Outlet[] | Promise<Outlet[]> {
    if (!this.#possible) return this.#streams(count);
    if (this.#idle.length >= count) {
      this.#lent += count;
      return this.#idle.splice(-count, count);
    }
    return new Promise((give, refuse) => {
      this.#requests.push({ count, give, refuse });
      if (!this.#making) void this.#make();
    });
  }

  /** Closes those that nobody uses, so that others can be opened. */
  shrink(): void {
    for (const pipe of this.#idle.splice(0)) pipe.destroy();
  }

  #streams(count: number): Outlet[] {
    return Array.from({ length: count }, () => new StreamOutlet(this.#runtime.scheduler));
  }

  async #make(): Promise<void> {
    this.#making = true;
    // Programs that are started together come one after the other within this turn.
    await Promise.resolve();
    while (this.#requests.length > 0) {
      const requests = this.#requests.splice(0);
      await this.#serve(requests);
    }
    this.#making = false;
  }

  async #serve(requests: readonly Request[]): Promise<void> {
    const count = requests.reduce((sum, request) => sum + request.count, 0);
    const made: string[] = [];
    try {
      const folder = mkdtempSync(join(temporaryFolder(this.#runtime), 'batchx-'));
      try {
        for (let at = 0; at < count; at++) made.push(join(folder, String(at)));
        await makeFifos(made, this.#runtime.env);
        let at = 0;
        for (const request of requests) this.#open(request, made.slice(at, (at += request.count)));
      } finally {
        remove(made, folder);
      }
    } catch (error) {
      const scarce = classOf(error) === 'resource';
      if (!scarce) this.#possible = false;
      for (const request of requests)
        if (scarce) request.refuse(error);
        else request.give(this.#streams(request.count));
    }
  }

  #open({ give, refuse }: Request, paths: readonly string[]): void {
    const pipes: Pipe[] = [];
    try {
      for (const path of paths) {
        const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
        const pipe = new Pipe(fd, this.#runtime.scheduler, this.#back);
        pipes.push(pipe);
        // Who has a pipe has all that it needs: many that have half of it each could none of them run.
        pipe.open();
      }
    } catch (error) {
      for (const pipe of pipes) pipe.destroy();
      refuse(error);
      return;
    }
    this.#lent += pipes.length;
    give(pipes);
  }

  readonly #back = (pipe: Pipe, clean: boolean): void => {
    this.#lent--;
    if (clean) this.#idle.push(pipe);
    else pipe.destroy();
    if (this.#lent > 0 || this.#releasing) return;
    this.#releasing = true;
    void pause(IDLE, this.#runtime.scheduler).then(() => {
      this.#releasing = false;
      if (this.#lent === 0) this.shrink();
    });
  };
}

function makeFifos(paths: readonly string[], env: Runtime['env']): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn('mkfifo', ['-m', '600', ...paths], { env, stdio: 'ignore', detached: true });
    child.on('error', reject).on('exit', (code) => {
      if (code === 0) resolve();
      else reject(new Error('there is no mkfifo, or it cannot make a pipe'));
    });
  });
}

/** By no descriptor, as there may be none. */
function remove(paths: readonly string[], folder: string): void {
  for (const path of paths)
    try {
      unlinkSync(path);
    } catch {
      // It was not made.
    }
  rmdirSync(folder);
}
