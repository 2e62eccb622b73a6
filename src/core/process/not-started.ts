import { isUtf8 } from 'node:buffer';
import { accessSync, closeSync, constants, openSync, readFileSync, readSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { classOf, type ErrorClass } from '../error-class.js';
import { BatchxError, messageOf, systemCode } from '../errors.js';
import { printable } from '../printable.js';
import type { Argument, ProcessSpec } from './process.js';

export interface NotStartedOptions {
  readonly exitCode?: 126 | 127;
  readonly class?: ErrorClass;
  readonly cause?: unknown;
}

/**
 * The error of a program that could not be started.
 *
 * @example
 * import { createRuntime, NotStarted, spawnProcesses } from 'batchx';
 *
 * const spec = { env: { PATH: '/usr/bin:/bin' }, stdin: 'none', stdout: 'ignore', stderr: 'ignore' } as const;
 * try {
 *   await spawnProcesses(createRuntime()).run({ ...spec, argv: ['no-such-program'] }, new AbortController().signal);
 * } catch (error) {
 *   console.log(error instanceof NotStarted && error.exitCode); // 127
 * }
 */
export class NotStarted extends BatchxError {
  /** The exit code that a shell would give it: 127 when there is no such program, 126 when it cannot be run. */
  readonly exitCode: 126 | 127;

  constructor(message: string, { exitCode = 126, ...options }: NotStartedOptions = {}) {
    super('exec', message, { class: 'permanent', ...options });
    this.exitCode = exitCode;
  }
}

/** A program's name as it is shown. */
export const nameOf = (program: Argument): string => JSON.stringify(printable(Buffer.from(program).toString()));

/** Why the system did not start a program, and what can be done, from the error that Node gives. */
export function notStarted(spec: ProcessSpec, error: unknown): NotStarted {
  const name = nameOf(spec.argv[0]);
  const cause = { cause: error };
  const code = systemCode(error);
  if (classOf(error) === 'resource')
    return new NotStarted(`cannot start ${name}: ${shortage(code)}`, { class: 'resource', ...cause });
  if (code === 'E2BIG') return new NotStarted(tooLong(spec), cause);
  // Node says of a missing folder that the program is missing.
  const folder = badFolder(spec.cwd);
  if (folder !== undefined) return new NotStarted(`cannot run ${name} in ${folder}`, cause);
  if (code === 'ENOENT' || code === 'EACCES')
    return notFound(name, findProgram(spec.argv[0], spec.env, spec.cwd), error);
  return new NotStarted(
    `cannot start ${name}: ${code === 'ENOEXEC' ? 'it is no program for this system' : messageOf(error)}`,
    cause,
  );
}

const shortages: Readonly<Record<string, string>> = {
  EMFILE: 'too many files are open in this process: run fewer at once, or raise `ulimit -n`',
  ENFILE: 'too many files are open in this system: run fewer at once',
  EAGAIN: 'the system takes no more processes: run fewer at once, or raise `ulimit -u`',
  ENOMEM: 'there is no memory left: run fewer at once',
};

const shortage = (code = ''): string => shortages[code] ?? code;

function badFolder(cwd: string | undefined): string | undefined {
  if (cwd === undefined) return undefined;
  const shown = JSON.stringify(printable(cwd));
  const stat = statOf(cwd);
  if (stat === undefined) return `${shown}: there is no such folder`;
  if (!stat.isDirectory()) return `${shown}: it is not a folder`;
  return mayExecute(cwd) ? undefined : `${shown}: this folder may not be entered`;
}

/** What the PATH leads to. */
interface Found {
  /** The program, when it may be run. */
  readonly path?: Buffer;
  /** Otherwise the file that was in its place, and what is wrong with it. */
  readonly file?: Buffer;
  readonly fault?: 'folder' | 'mode';
  readonly searched: boolean;
}

/** Looks for a program as the system does. */
export function findProgram(program: Argument, env: ProcessSpec['env'], cwd = '.'): Found {
  const given = Buffer.from(program);
  const searched = !given.includes('/');
  const name = given.toString('latin1', 0, 2) === './' ? given.subarray(2) : given;
  const folders = searched ? (env.PATH ?? '/bin:/usr/bin').split(':') : [''];
  let second: Found = { searched };
  for (const folder of folders) {
    const absolute = name[0] === 0x2f;
    const path = absolute ? name : Buffer.concat([Buffer.from(`${resolve(cwd, folder)}/`), name]);
    const stat = statOf(path);
    if (stat === undefined) continue;
    if (stat.isDirectory()) second = { file: path, fault: 'folder', ...second };
    else if (!mayExecute(path)) second = { ...second, file: path, fault: 'mode' };
    else return { searched, path };
  }
  return second;
}

export function notFound(name: string, { path, file, fault, searched }: Found, cause?: unknown): NotStarted {
  if (path !== undefined) {
    const interpreter = interpreterOf(path);
    const why =
      interpreter === undefined
        ? 'the system cannot load it'
        : `its first line asks for ${interpreter}, which is not there`;
    return new NotStarted(`cannot start ${name}: ${why}`, { cause });
  }
  if (file === undefined) {
    const where = searched ? `no program is called ${name} on the PATH` : `there is no program ${name}`;
    return new NotStarted(`${where}: install it, or correct its name`, { exitCode: 127, cause });
  }
  const shown = nameOf(file);
  const why = fault === 'folder' ? `${shown} is a folder` : `${shown} may not be executed: allow it by \`chmod +x\``;
  return new NotStarted(`cannot start ${name}: ${why}`, { cause });
}

/** What the first line of a script says after `#!`. */
function interpreterOf(path: Buffer): string | undefined {
  const start = Buffer.alloc(256);
  try {
    const fd = openSync(path, 'r');
    try {
      readSync(fd, start);
    } finally {
      closeSync(fd);
    }
  } catch {
    return undefined;
  }
  const [, interpreter] = /^#![ \t]*([^ \t\r\n\0]+)/.exec(start.toString()) ?? [];
  return interpreter === undefined ? undefined : nameOf(interpreter);
}

const LONGEST_ARGUMENT = 128 * 1024 - 1;

function tooLong({ argv, env }: ProcessSpec): string {
  const sizes = argv.map((argument) => Buffer.byteLength(argument));
  const longest = Math.max(...sizes);
  const spelt = Math.max(
    0,
    ...argv.map((argument) => (typeof argument === 'string' || isUtf8(argument) ? 0 : argument.length)),
  );
  if (spelt > LONGEST_SPELT && longest <= LONGEST_ARGUMENT)
    return `an argument that is not UTF-8 is too long: ${spelt} bytes, of such ones ${LONGEST_SPELT} can be passed; give it by stdin or in a file`;
  if (longest > LONGEST_ARGUMENT)
    return `an argument is too long: ${longest} bytes, the system takes ${LONGEST_ARGUMENT}; give it by stdin or in a file`;
  const sum = sizes.reduce((total, size) => total + size + POINTER, 0);
  const around = Object.entries(env).reduce(
    (total, [key, value]) => total + Buffer.byteLength(`${key}=${value}`) + POINTER,
    0,
  );
  return `the arguments are too long: ${sum} bytes, with an environment of ${around}, the system takes ${room()} for both; give fewer at once`;
}

/** The shell is given each byte as five characters, and one that says what they are. */
const LONGEST_SPELT = Math.floor((LONGEST_ARGUMENT - 1) / 5);

/** Each argument ends with a zero byte, and has an address. */
const POINTER = 1 + 8;

/** A quarter of the stack, as far as the system tells, within what Linux takes in any case. */
function room(): number {
  try {
    const [, stack] = /^Max stack size\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'latin1')) ?? [];
    return Math.min(Math.max(Number(stack ?? Infinity) / 4, 128 * 1024), 6 * 1024 * 1024);
  } catch {
    return 128 * 1024;
  }
}

function statOf(path: string | Buffer): ReturnType<typeof statSync> {
  try {
    return statSync(path);
  } catch {
    return undefined;
  }
}

function mayExecute(path: string | Buffer): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
