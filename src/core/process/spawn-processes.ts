import type { Readable } from 'node:stream';
import type { Runtime } from '../runtime.js';
import { Capture } from './capture.js';
import { Child, type Given } from './child.js';
import { type Command, commandOf } from './command.js';
import { endTree } from './end-tree.js';
import { FileOutlet } from './file-outlet.js';
import { feed } from './feed.js';
import { GiveUp, reasonOf } from './give-up.js';
import { NotStarted, notStarted } from './not-started.js';
import type { Outlet } from './outlet.js';
import { Pipes } from './pipes.js';
import type { ProcessEnd, ProcessSpec, ProcessStarter, Wanted } from './process.js';
import { ProcessTable } from './process-table.js';
import { ownPid } from './send-signal.js';

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

  let running = 0;

  async function run(spec: ProcessSpec, signal: AbortSignal): Promise<ProcessEnd> {
    if (signal.aborted) throw reasonOf(signal);
    const command = commandOf(spec);
    running++;
    try {
      return await attempt(spec, command, signal, (count) => pipes.take(count));
    } catch (error) {
      // When others run, one can wait for them to end. Alone, it has to do with less.
      if (running > 1 || !isShortage(error)) throw error;
      return await attempt(spec, command, signal, (count) =>
        Array.from({ length: count }, () => new FileOutlet(runtime)),
      );
    } finally {
      running--;
    }
  }

  async function attempt(
    spec: ProcessSpec,
    command: Command,
    signal: AbortSignal,
    take: (count: number) => Outlet[] | Promise<Outlet[]>,
  ): Promise<ProcessEnd> {
    const outputs = await outputsOf(spec, runtime, take);
    const giveUp = new GiveUp(signal);
    let child: Child | undefined;
    try {
      if (signal.aborted) throw reasonOf(signal);
      child = new Child(command, spec, () => outputs.map(opened), `${mark}-${++started}`, runtime);
      // Node tells it only later, and others that are started meanwhile need the descriptors.
      if (!child.started) close(outputs);
      return await Promise.race([completed(child, spec, outputs, giveUp), giveUp.reason]);
    } catch (error) {
      if (child?.started === true) await endTree(child, table, scheduler);
      close(outputs);
      if (isShortage(error)) pipes.shrink();
      if (child?.started === true && spec.onGivenUp !== undefined) spec.onGivenUp(await givenUp(child, outputs));
      else for (const { capture } of outputs) capture.dispose();
      throw error;
    } finally {
      giveUp.close();
      child?.close();
      close(outputs);
    }
  }
  return { run };
}

/** One of the two outputs of a program: what becomes of it, and what came. */
interface Output {
  outlet: Outlet | 'ignore' | 'inherit' | 'closed';
  readonly capture: Capture;
}

async function outputsOf(
  spec: ProcessSpec,
  runtime: Runtime,
  take: (count: number) => Outlet[] | Promise<Outlet[]>,
): Promise<readonly [Output, Output]> {
  const kept = [spec.stdout, spec.stderr].filter((wanted) => typeof wanted !== 'string').length;
  const taken = take(kept);
  const outlets =
    taken instanceof Promise ? await taken.catch((error: unknown) => Promise.reject(notStarted(spec, error))) : taken;
  const output = (wanted: Wanted): Output => ({
    outlet: typeof wanted === 'string' ? wanted : (outlets.pop() as Outlet),
    capture: new Capture(typeof wanted === 'string' ? NOTHING : wanted, runtime),
  });
  return [output(spec.stdout), output(spec.stderr)];
}

const NOTHING = { keep: 0, spool: false };

const opened = ({ outlet }: Output): Given => (typeof outlet === 'string' ? (outlet as 'ignore') : outlet.open());

/** May be done more than once. */
function close(outputs: readonly Output[]): void {
  for (const output of outputs) {
    if (typeof output.outlet === 'string') continue;
    output.outlet.close();
    output.outlet = 'closed';
  }
}

async function completed(
  child: Child,
  { stdin }: ProcessSpec,
  [stdout, stderr]: readonly [Output, Output],
  giveUp: GiveUp,
): Promise<ProcessEnd> {
  const { process } = child;
  if (process.stdin && typeof stdin === 'object')
    feed(process.stdin, stdin).catch((error: unknown) => giveUp.because(error));
  read(stdout, process.stdout, giveUp);
  read(stderr, process.stderr, giveUp);
  const exit = await child.exit;
  await Promise.all([finish(stdout), finish(stderr)]);
  return { ...exit, startedAt: child.startedAt, stdout: stdout.capture, stderr: stderr.capture };
}

async function givenUp(child: Child, [stdout, stderr]: readonly [Output, Output]): Promise<ProcessEnd> {
  // What not even SIGKILL has ended yet will end by that.
  const exit = child.exited ? await child.exit : { exitCode: undefined, signal: 'SIGKILL' as const, ms: 0 };
  return { ...exit, startedAt: child.startedAt, stdout: stdout.capture, stderr: stderr.capture };
}

function read({ outlet, capture }: Output, stream: Readable | null, giveUp: GiveUp): void {
  if (typeof outlet === 'string') return;
  const because = (error: unknown): void => giveUp.because(error);
  let failed = false;
  outlet.read((bytes) => {
    if (failed) return undefined;
    try {
      if (!giveUp.decided) return capture.take(bytes)?.catch(because);
      // What it had written by then, and what it says at its end.
      capture.keep(bytes);
    } catch (error) {
      failed = true;
      because(error);
    }
    return undefined;
  }, stream);
}

const finish = ({ outlet }: Output): Promise<void> | undefined =>
  typeof outlet === 'string' ? undefined : outlet.finish();

/** Whether the system had too little to start it: whatever else was short, it has been running and is not run again. */
const isShortage = (error: unknown): boolean => error instanceof NotStarted && error.class === 'resource';
