import { type ChildProcess, spawn } from 'node:child_process';
import { fstatSync, readFileSync } from 'node:fs';
import { Socket } from 'node:net';
import { constants } from 'node:os';
import { resolve } from 'node:path';
import { getSystemErrorName } from 'node:util';
import { classOf } from '../error-class.js';
import type { Runtime } from '../runtime.js';
import { noteGroup } from './kill-trees.js';
import { Launched } from './launched.js';
import { launcherScript } from './launcher-script.js';
import { MARK } from './process-table.js';
import type { ProcessSpec } from './process.js';
import type { Exit, Start } from './program.js';
import { reserve } from './reserve.js';
import { ownPid } from './send-signal.js';

/** What it runs in. Where there is none, programs are started without a launcher. */
const PERL = '/usr/bin/perl';

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
  #env: Buffer = Buffer.alloc(0);
  #text = '';

  /** Throws when it cannot be started. */
  constructor(mark: string, runtime: Runtime) {
    this.#runtime = runtime;
    const stdio = ['pipe', 'pipe', 'ignore'] as const;
    reserve(stdio);
    const env = Object.entries(runtime.env).filter(([name]) => !name.startsWith('PERL'));
    const child = spawn(PERL, ['-e', launcherScript, '--', String(ownPid())], {
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
    const files = stdio.flatMap((given) => (typeof given === 'number' ? [given, fileAt(given)] : ['', '']));
    const id = this.#count++;
    const told = message(['start', id, mark, spec.cwd ?? '', ...files, command.file, ...command.args]);
    const env = message(['env', ...variables(spec.env)]);
    if (told === undefined || env === undefined) return undefined;
    const program = new Launched(start, this.#runtime);
    if (this.#programs.size === 0) this.#from.ref();
    this.#programs.set(id, program);
    this.#to.write(env.equals(this.#env) ? told : Buffer.concat([env, told]));
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
    for (const line of lines) {
      const [what, ...fields] = line.split(' ');
      if (what === 'ready') this.state = 'ready';
      else if (what === 'idle' && this.#programs.size === 0) this.retire('idle');
      else if (what !== 'idle') this.#take(what as 'started', fields);
    }
  }

  #take(what: 'started' | 'ended' | 'refused', [id, told = '']: string[]): void {
    const program = this.#programs.get(Number(id));
    if (program === undefined) return;
    if (what === 'started') {
      program.run(Number(told));
      return;
    }
    this.#programs.delete(Number(id));
    if (what === 'ended') program.end(exitOf(Number(told)));
    else program.refused();
    // What it is short of, others of its kind need too.
    if (what === 'refused' && isShortage(told)) this.retire('failed');
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

const isShortage = (error: string): boolean =>
  error === 'open' || classOf({ code: getSystemErrorName(-Number(error)) }) === 'resource';

/** Of two names for one, the first, as Node has it. */
const names = new Map(
  Object.entries(constants.signals)
    .reverse()
    .map(([name, number]) => [number, name as NodeJS.Signals]),
);

/** What `wait` tells of the end of a program. */
function exitOf(status: number): Pick<Exit, 'exitCode' | 'signal'> {
  const signal = names.get(status & 0x7f);
  return { exitCode: signal === undefined ? status >> 8 : undefined, signal };
}

/** As a program is given them; what cannot be told as it is has a NUL in it. */
const variables = (env: ProcessSpec['env']): string[] =>
  Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : `${named(name)}=${value}`));

const named = (name: string): string => (name === '' || name.includes('=') ? '\0' : name);

/** What it is told. Nothing, where a field could not be told from the next. */
function message(fields: readonly (string | number)[]): Buffer | undefined {
  if (fields.some((field) => typeof field === 'string' && field.includes('\0'))) return undefined;
  const body = Buffer.from(fields.join('\0'));
  return Buffer.concat([Buffer.from(`${body.length}\n`), body]);
}

/** What a descriptor leads to, so that whoever opens it by its number can tell whether it is the same. */
function fileAt(fd: number): string {
  const { dev, ino } = fstatSync(fd);
  return `${dev}:${ino}`;
}

/** Node cannot tell it without changing it for a moment. */
const umask = (): string | undefined => /^Umask:.*$/m.exec(readFileSync('/proc/self/status', 'latin1'))?.[0];
