import { existsSync, readFileSync } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { createRuntime, type Runtime } from '../../../src/core/runtime.js';
import type { Argument, Captured, ProcessEnd, ProcessSpec, ProcessStarter } from '../../../src/core/process/process.js';
import { spawnProcesses } from '../../../src/core/process/spawn-processes.js';

export type Argv = readonly [Argument, ...Argument[]];

export const kept = { keep: 1024 * 1024, spool: false } as const;

export interface Options extends Partial<Omit<ProcessSpec, 'argv'>> {
  readonly signal?: AbortSignal;
}

const starter = spawnProcesses(createRuntime());

/** Runs a program for real. */
export const run = (argv: Argv, options?: Options): Promise<ProcessEnd> => runWith(starter, argv, options);

/** The same with a runtime of its own, in the given environment. */
export const runIn = (env: Runtime['env']): typeof run => {
  const own = spawnProcesses(createRuntime({ env }));
  return (argv, options) => runWith(own, argv, options);
};

/** Who starts its programs. */
export const starterOf = async (own: typeof run): Promise<number> =>
  Number(text((await own(['sh', '-c', 'echo $PPID'])).stdout));

/** Whether there can be a launcher: it needs Perl. */
export const canLaunch = process.platform === 'linux' && existsSync('/usr/bin/perl');

/** Starts programs until a launcher does it, whose number it gives. */
export async function untilLaunched(own: typeof run): Promise<number> {
  for (;;) {
    const starters = await Promise.all(Array.from({ length: 20 }, () => starterOf(own)));
    const launcher = starters.find((starter) => starter !== process.pid);
    if (launcher !== undefined) return launcher;
  }
}

function runWith({ run }: ProcessStarter, argv: Argv, options: Options = {}): Promise<ProcessEnd> {
  const { signal = new AbortController().signal, ...rest } = options;
  return run({ argv, env: { PATH: process.env.PATH }, stdin: 'none', stdout: kept, stderr: kept, ...rest }, signal);
}

/** Runs a script of the shell; the arguments are `$1` and so on. */
export const sh = (
  script: string,
  options: Options & { readonly args?: readonly Argument[] } = {},
): Promise<ProcessEnd> => {
  const { args = [], ...rest } = options;
  return run(['sh', '-c', script, 'sh', ...args], rest);
};

export const text = ({ kept }: Captured): string => Buffer.from(kept).toString();

/** All that was captured. */
export async function all(captured: Captured): Promise<Buffer> {
  const blocks: Uint8Array[] = [];
  await pipeline(captured.blocks(), async (read) => {
    for await (const block of read) blocks.push(block);
  });
  return Buffer.concat(blocks);
}

/** Collects lines, and lets one wait for the first of them. */
export class Lines {
  readonly #want: number;
  #text = '';
  #full!: () => void;
  readonly there = new Promise<void>((resolve) => {
    this.#full = resolve;
  });

  constructor(want: number) {
    this.#want = want;
  }

  readonly onBytes = (bytes: Uint8Array): void => {
    this.#text += Buffer.from(bytes).toString();
    if (this.all.length >= this.#want) this.#full();
  };

  get all(): string[] {
    return this.#text.split('\n').slice(0, -1);
  }
}

/** Whether a process runs; one that has ended and was only not fetched yet does not. */
export function alive(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return !/^[ZX]/.test(stat.slice(stat.lastIndexOf(')') + 2));
  } catch {
    return false;
  }
}
