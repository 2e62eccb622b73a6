import { closeSync } from 'node:fs';
import { BatchxError } from '../errors.js';
import type { Runtime } from '../runtime.js';
import { type Command, commandOf } from './command.js';
import { endTree } from './end-tree.js';
import { FileOutlet } from './file-outlet.js';
import { feed } from './feed.js';
import { GiveUp, reasonOf } from './give-up.js';
import { Refused } from './launched.js';
import { NotStarted, notStarted } from './not-started.js';
import { close, finish, opened, type Output, outputsOf, read } from './outputs.js';
import { Pipes } from './pipes.js';
import type { ProcessEnd, ProcessSpec, ProcessStarter } from './process.js';
import { ProcessTable } from './process-table.js';
import type { Given, Program } from './program.js';
import { ownPid } from './send-signal.js';
import { Spool } from './spool.js';
import { Starts } from './starts.js';
import { openStdin } from './stdin.js';

/** By a launcher where there is one, from here, or from here with as few descriptors as can be. */
type Way = 'launched' | 'here' | 'scarce';

/** How many were started in this process: with its number, and chance for the next one of that number, a mark. */
let started = 0;

/**
 * Runs each program as a process of its own, in a session of its own: Ctrl-C at the terminal does not reach it.
 *
 * Arguments arrive byte for byte. Of what a program writes, at most `keep` bytes and one read are in memory. One that
 * leaves something running in the background which could still write is waited for 100 ms after its exit, and what is
 * in the background is left alone. When the signal fires, or the output cannot be taken, all that the program has
 * started is ended, as far as it can be found: on Linux all of it, elsewhere its process group.
 *
 * Rejects with a `NotStarted`, of class `resource` where the system has run out of something and `permanent` otherwise;
 * with the reason of the signal where it is a `BatchxError`, or else one of code `aborted`; with one of code `output`
 * when a temporary file cannot be written; with what `onBytes` or the iterable of the stdin throws.
 *
 * @example
 * import { createRuntime, spawnProcesses } from 'batchx';
 *
 * const wanted = { keep: 1024 * 1024, spool: false };
 * const end = await spawnProcesses(createRuntime()).run(
 *   { argv: ['echo', '$(a) "b"'], env: { PATH: '/usr/bin:/bin' }, stdin: 'none', stdout: wanted, stderr: wanted },
 *   new AbortController().signal,
 * );
 * console.log(end.exitCode, String(end.stdout.kept).trim()); // 0 $(a) "b"
 */
export function spawnProcesses(runtime: Runtime): ProcessStarter {
  const { scheduler } = runtime;
  const pipes = new Pipes(runtime);
  const table = new ProcessTable(scheduler);
  const mark = `${ownPid()}-${Math.floor(runtime.random() * 2 ** 48).toString(36)}`;
  runtime.durable?.processes(mark);
  const starts = new Starts(mark, runtime);
  const shrink = (): void => {
    pipes.shrink();
    starts.shrink();
  };
  const spool = new Spool(runtime, shrink);

  let running = 0;

  async function run(spec: ProcessSpec, signal: AbortSignal): Promise<ProcessEnd> {
    if (signal.aborted) throw reasonOf(signal);
    const command = commandOf(spec);
    running++;
    try {
      for (let way: Way = 'launched'; ;) {
        try {
          return await attempt(spec, command, signal, way);
        } catch (error) {
          if (error instanceof Refused) way = 'here';
          // When others run, one can wait for them to end. Alone, it has to do with less.
          else if (running === 1 && way !== 'scarce' && isShortage(error)) way = 'scarce';
          else throw error;
        }
      }
    } finally {
      running--;
    }
  }

  async function attempt(spec: ProcessSpec, command: Command, signal: AbortSignal, way: Way): Promise<ProcessEnd> {
    const outputs = await outputsOf(spec, spool, (count) =>
      way === 'scarce' ? Array.from({ length: count }, () => new FileOutlet(runtime)) : pipes.take(count),
    );
    const giveUp = new GiveUp(signal);
    let program: Program | undefined;
    try {
      program = await begin(spec, command, outputs, signal, way);
      return await Promise.race([completed(program, spec, outputs, giveUp), giveUp.reason]);
    } catch (error) {
      const ran = program?.started === true && !(error instanceof Refused) ? program : undefined;
      if (ran !== undefined) await endTree(ran, table, scheduler);
      close(outputs);
      if (isShortage(error)) shrink();
      if (ran !== undefined && spec.onGivenUp !== undefined) spec.onGivenUp(await givenUp(ran, outputs));
      else for (const { capture } of outputs) capture.dispose();
      throw error;
    } finally {
      giveUp.close();
      program?.close();
      close(outputs);
    }
  }

  async function begin(
    spec: ProcessSpec,
    command: Command,
    outputs: readonly [Output, Output],
    signal: AbortSignal,
    way: Way,
  ): Promise<Program> {
    let stdin: Given | undefined;
    try {
      if (signal.aborted) throw reasonOf(signal);
      stdin = openStdin(spec.stdin, runtime);
      const [stdout, stderr] = outputs;
      const stdio = [stdin, opened(stdout), opened(stderr)] as const;
      const start = { command, spec, stdio, mark: `${mark}-${++started}` };
      const launched = way === 'launched' ? await starts.launch(start) : undefined;
      if (launched !== undefined) return launched;
      // It was asked in vain, and that took a while.
      if (signal.aborted) throw reasonOf(signal);
      const child = starts.here(start);
      // Node tells it only later, and others that are started meanwhile need the descriptors.
      if (!child.started) close(outputs);
      return child;
    } catch (error) {
      throw error instanceof BatchxError ? error : notStarted(spec, error);
    } finally {
      if (typeof stdin === 'number') closeSync(stdin);
    }
  }
  return { run };
}

async function completed(
  program: Program,
  { stdin }: ProcessSpec,
  [stdout, stderr]: readonly [Output, Output],
  giveUp: GiveUp,
): Promise<ProcessEnd> {
  const { process } = program;
  if (process.stdin && typeof stdin === 'object')
    feed(process.stdin, stdin).catch((error: unknown) => giveUp.because(error));
  read(stdout, process.stdout, giveUp);
  read(stderr, process.stderr, giveUp);
  const exit = await program.exit;
  await Promise.all([finish(stdout), finish(stderr)]);
  return { ...exit, startedAt: program.startedAt, stdout: stdout.capture, stderr: stderr.capture };
}

async function givenUp(program: Program, [stdout, stderr]: readonly [Output, Output]): Promise<ProcessEnd> {
  // What not even SIGKILL has ended yet will end by that, and of some nobody knows it.
  const killed = { exitCode: undefined, signal: 'SIGKILL', ms: 0 } as const;
  const exit = program.exited ? await program.exit.catch(() => killed) : killed;
  return { ...exit, startedAt: program.startedAt, stdout: stdout.capture, stderr: stderr.capture };
}

/** Whether the system had too little to start it: whatever else was short, it has been running and is not run again. */
const isShortage = (error: unknown): boolean => error instanceof NotStarted && error.class === 'resource';
