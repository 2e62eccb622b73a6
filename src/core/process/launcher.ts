import { type ChildProcess, spawn } from 'node:child_process';
import { fstatSync, readFileSync } from 'node:fs';
import { Socket } from 'node:net';
import { resolve } from 'node:path';
import { classOf } from '../error-class.js';
import type { Runtime } from '../runtime.js';
import { noteGroup } from './kill-trees.js';
import { Launched } from './launched.js';
import { launcherScript } from './launcher-script.js';
import { MARK } from './process-table.js';
import type { Start } from './program.js';
import { reserve } from './reserve.js';
import { ownPid } from './send-signal.js';

/** When it says that it has nothing to do, in milliseconds. */
const IDLE = 1000;

/** So that little has to be copied when it starts a program, and little is held: it runs next to nothing of its own. */
const flags = ['--single-threaded', '--max-semi-space-size=1', '--v8-pool-size=0', '--no-opt'];

/** What a launcher tells, as `launcherScript` says. */
interface Told {
  readonly id?: number;
  readonly pid?: number;
  readonly at?: number;
  readonly code?: number | null;
  readonly signal?: NodeJS.Signals | null;
  readonly ms?: number;
  readonly no?: string;
  readonly idle?: true;
}

/**
 * A small process that starts programs for this one, and tells how they end. Starting one costs the more the larger the
 * process is that does it, and stops it for that time.
 *
 * It has a session of its own, does not hold this process open when nothing runs, and ends when this one has ended, in
 * whatever way.
 */
export class Launcher {
  /** Whether it starts programs: not before it is ready, and no more when it was idle or had failed. */
  state: 'starting' | 'ready' | 'idle' | 'failed' = 'starting';
  readonly #runtime: Runtime;
  readonly #to: Socket;
  readonly #from: Socket;
  readonly #programs = new Map<number, Launched>();
  /** It was started in this folder, and would run programs there. */
  readonly #folder = resolve();
  readonly #umask = umask();
  readonly #process: ChildProcess;
  readonly #exit: Promise<void>;
  #count = 0;
  #env = '';
  #text = '';

  /** Throws when it cannot be started. */
  constructor(mark: string, runtime: Runtime) {
    this.#runtime = runtime;
    const stdio = ['pipe', 'pipe', 'ignore'] as const;
    reserve(stdio);
    const args = [...flags, '-e', launcherScript, '--', String(ownPid()), String(IDLE)];
    const env = Object.entries(runtime.env).filter(([name]) => !name.startsWith('NODE_'));
    const child = spawn(nodePath(), args, {
      env: { ...Object.fromEntries(env), [MARK]: mark },
      stdio: [...stdio],
      detached: true,
    });
    this.#process = child;
    this.#exit = new Promise((done) => {
      for (const event of ['exit', 'error']) child.on(event, () => done());
    });
    child.on('error', () => this.#end());
    child.unref();
    if (child.pid !== undefined) child.on('exit', noteGroup(child.pid));
    const { stdin, stdout } = child;
    if (!(stdin instanceof Socket && stdout instanceof Socket)) throw new Error('expected sockets to a launcher');
    this.#to = stdin;
    this.#from = stdout;
    this.#from.setEncoding('utf8').on('data', (text: string) => this.#read(text));
    for (const stream of [this.#to, this.#from]) {
      for (const event of ['end', 'error', 'close']) stream.on(event, () => this.#end());
      stream.unref();
    }
  }

  /** Has it start a program. Nothing comes when it cannot: another way may do. */
  async start(start: Start): Promise<Launched | undefined> {
    const { command, spec, stdio, mark } = start;
    if (this.state !== 'ready' || stdio.some((given) => given === 'pipe' || given === 'inherit')) return undefined;
    if (resolve() !== this.#folder || umask() !== this.#umask) return undefined;
    const id = this.#count++;
    const program = new Launched(start, this.#runtime.wallNow());
    if (this.#programs.size === 0) this.#from.ref();
    this.#programs.set(id, program);
    const env = JSON.stringify({ env: spec.env });
    const files = stdio.map((given) => (typeof given === 'number' ? fileAt(given) : undefined));
    const line = JSON.stringify({ id, ...command, cwd: spec.cwd, mark, stdio, files });
    this.#to.write(env === this.#env ? `${line}\n` : `${env}\n${line}\n`);
    this.#env = env;
    return (await program.begun) ? program : undefined;
  }

  /** Has it start nothing more, and ends it when what it has started has ended. */
  retire(as: 'idle' | 'failed'): void {
    if (this.state !== 'idle') this.state = as;
    if (this.#programs.size === 0) this.#close();
  }

  /** Ends it, and is done when it has ended; what it has started is left to those who wait for that. */
  end(): Promise<void> {
    this.retire('idle');
    if (this.#programs.size > 0) return Promise.resolve();
    this.#process.ref();
    return this.#exit;
  }

  #read(text: string): void {
    const lines = (this.#text + text).split('\n');
    this.#text = lines.pop() ?? '';
    for (const line of lines) this.#take(JSON.parse(line) as Told);
  }

  #take(told: Told): void {
    const { id } = told;
    if (id !== undefined) this.#tell(id, told);
    else if (told.idle === undefined) this.state = 'ready';
    else if (this.#programs.size === 0) this.retire('idle');
  }

  #tell(id: number, { pid, at, no, code, signal, ms }: Told): void {
    const program = this.#programs.get(id);
    if (program === undefined) return;
    if (pid !== undefined && at !== undefined) {
      program.run(pid, at);
      return;
    }
    this.#programs.delete(id);
    if (no === undefined) program.end({ exitCode: code ?? undefined, signal: signal ?? undefined, ms: ms ?? 0 });
    else program.refused();
    // What it is short of, others of its kind need too.
    if (no === 'open' || classOf({ code: no }) === 'resource') this.retire('failed');
    if (this.#programs.size > 0) return;
    if (this.state === 'ready') this.#from.unref();
    else this.#close();
  }

  #close(): void {
    this.#to.destroy();
    this.#from.destroy();
  }

  #end(): void {
    this.retire('failed');
    const lost = [...this.#programs.values()];
    this.#programs.clear();
    for (const program of lost) program.lose();
  }
}

/** Where Node lies. */
// eslint-disable-next-line no-restricted-globals -- it is no part of the world that a test would want to replace
export const nodePath = (): string => process.execPath;

/** What a descriptor leads to, so that whoever opens it by its number can tell whether it is the same. */
function fileAt(fd: number): string {
  const { dev, ino } = fstatSync(fd);
  return `${dev}:${ino}`;
}

/** Node cannot tell it without changing it for a moment. */
const umask = (): string | undefined => /^Umask:.*$/m.exec(readFileSync('/proc/self/status', 'latin1'))?.[0];
