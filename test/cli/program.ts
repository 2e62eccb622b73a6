import { type ChildProcess, spawn, type SpawnOptions, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, it } from 'vitest';

/** The folder of a test file, in which its programs run; gone when its tests are over. */
export const folder = mkdtempSync(join(tmpdir(), 'batchx-cli-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

// A copy, so that no build beside the tests takes parts of the program away while they use it.
cpSync(fileURLToPath(new URL('../../dist/bin', import.meta.url)), join(folder, '.program'), { recursive: true });
writeFileSync(join(folder, '.program/package.json'), '{"type":"module"}');
export const program = join(folder, '.program/batchx.js');
mkdirSync(join(folder, '.path'));
symlinkSync(program, join(folder, '.path/batchx'));

/** The environment of the programs: `batchx` is in the path, and nothing says anything about colours. */
export const env: NodeJS.ProcessEnv = {
  ...process.env,
  PATH: `${join(folder, '.path')}:${process.env.PATH ?? ''}`,
  TERM: 'xterm',
};
for (const name of ['NO_COLOR', 'FORCE_COLOR', 'CI', 'BATCHX_DEBUG']) Reflect.deleteProperty(env, name);

export function file(name: string, text: string | Uint8Array): string {
  writeFileSync(join(folder, name), text);
  return name;
}

/** Rows of JSON as lines. */
export const jsonl = (...rows: unknown[]): string => rows.map((row) => JSON.stringify(row) + '\n').join('');

/** What a program did. */
export interface Done {
  readonly stdout: string;
  readonly stderr: string;
  /** The exit code, or the signal that ended it. */
  readonly ended: number | NodeJS.Signals;
}

/** Runs batchx to its end. Without `stdin` it has an empty one. */
export function batchx(
  args: readonly string[],
  stdin: string | Uint8Array = '',
  options: SpawnOptions & { readonly maxBuffer?: number } = {},
): Done {
  return result(spawnSync(process.execPath, [program, ...args], { cwd: folder, env, input: stdin, ...options }));
}

/** Runs a script of bash to its end, with `batchx` in the path. */
export function bash(script: string, options: SpawnOptions = {}): Done {
  return result(spawnSync('bash', ['-c', script], { cwd: folder, env, ...options }));
}

function result({ stdout, stderr, status, signal, error }: ReturnType<typeof spawnSync>): Done {
  if (error !== undefined) throw error;
  return { stdout: String(stdout), stderr: String(stderr), ended: signal ?? (status as number) };
}

/** Those that have not ended yet: when a test fails they must not stay. */
const alive = new Set<ChildProcess>();
afterAll(() => {
  for (const child of alive) child.kill('SIGKILL');
});

/** A program that runs, with what it has said so far. */
export class Running {
  readonly process: ChildProcess;
  stdout = '';
  stderr = '';
  readonly ended: Promise<Done>;
  readonly #waiting = new Set<() => void>();

  constructor(command: string, args: readonly string[], options: SpawnOptions = {}) {
    this.process = spawn(command, args, { cwd: folder, env, ...options });
    alive.add(this.process);
    this.process.stdout?.on('data', (chunk: Buffer) => {
      this.stdout += chunk.toString();
      this.#changed();
    });
    this.process.stderr?.on('data', (chunk: Buffer) => {
      this.stderr += chunk.toString();
      this.#changed();
    });
    this.process.stdin?.on('error', () => undefined);
    this.process.on('exit', () => this.#changed());
    this.ended = new Promise((resolve) => {
      this.process.on('close', (code, signal) => {
        alive.delete(this.process);
        resolve({ stdout: this.stdout, stderr: this.stderr, ended: signal ?? (code as number) });
        this.#changed();
      });
    });
  }

  /** Waits until something holds of what the program has said; when it ends before, that is an error. */
  async until(holds: (program: this) => boolean): Promise<void> {
    for (;;) {
      if (holds(this)) return;
      if (this.process.exitCode !== null || this.process.signalCode !== null) {
        const done = await this.ended;
        if (holds(this)) return;
        throw new Error(`ended with ${done.ended} too early:\n${done.stdout}\n${done.stderr}`);
      }
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
    }
  }

  write(text: string): void {
    this.process.stdin?.write(text);
  }

  kill(signal: NodeJS.Signals): void {
    this.process.kill(signal);
  }

  #changed(): void {
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }
}

/** Starts batchx. */
export const start = (args: readonly string[], options: SpawnOptions = {}): Running =>
  new Running(process.execPath, [program, ...args], options);

const has = (name: string): boolean => spawnSync('sh', ['-c', `command -v ${name}`]).status === 0;

/** A test that needs other programs. Where one is missing it is skipped, and its name says so. */
export function itNeeds(programs: string, name: string, test: () => void | Promise<void>, timeout?: number): void {
  const missing = programs.split(' ').filter((each) => !has(each));
  if (missing.length === 0) it(name, test, timeout);
  else it.skip(`${name} (skipped: there is no ${missing.join(', ')} here)`, test);
}

/** The same for tests of what only Linux has. */
export const onLinux = it.skipIf(process.platform !== 'linux');
