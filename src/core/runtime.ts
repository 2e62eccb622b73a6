import { setMaxListeners } from 'node:events';
import { asyncScheduler, type SchedulerLike } from 'rxjs';
import type { Dispatcher } from 'undici';
import { type ByteBlocks, readDescriptor } from './bytes-in.js';
import { type ByteWriter, writeToDescriptor } from './bytes-out.js';
import { Cleanup } from './cleanup.js';
import type { Durable } from './durable.js';
import { Events } from './events.js';
import { Connections } from './http/connections.js';
import { monotonic } from './monotonic.js';
import type { OwnFiles } from './own-files.js';

/** The standard streams, as sources and sinks use them. */
export interface Stdio {
  /** Reads standard input until its end or until the signal fires. */
  input(signal: AbortSignal): ByteBlocks;
  readonly output: ByteWriter;
  /** Standard error, for what commands say that run for items; batchx's own words do not go here. */
  readonly errors: ByteWriter;
}

/**
 * The world outside: time, chance, the standard streams, the environment, the end of the run and its events.
 *
 * Everything that waits, reads a clock or draws a random number gets it from here, so that tests play it in virtual
 * time.
 */
export interface Runtime {
  /** Its `now` never goes back and has nothing to do with the time of day. */
  readonly scheduler: SchedulerLike;
  /** The time of day, in milliseconds since 1970. */
  wallNow(): number;
  /** A number from 0 up to, but not including, 1. */
  random(): number;
  readonly stdio: Stdio;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** What templates may name besides what an item has, such as `config` in a pipeline. */
  readonly context: Readonly<Record<string, unknown>>;
  /** Hides the secrets in what is told. */
  redact(text: string): string;
  /** Fires when nothing more is to be read or started, while calls that run may end. */
  readonly stopping: AbortSignal;
  /** Fires when running calls are to be given up as well. */
  readonly signal: AbortSignal;
  readonly events: Events;
  /** What keeps the state of the job, where one is run. */
  readonly durable?: Durable | undefined;
  /** How a job knows temporary files, where what is written has nothing else to do with it. */
  readonly temporary?: Pick<Durable, 'mark' | 'folder'> | undefined;
  /** `off` leaves it to the system when what is written gets to the disk; it is waited for unless said. */
  readonly durability?: 'power' | 'off' | undefined;
  /** The files that the run writes itself, where it is known what it writes: a source leaves them out that looks for files. */
  readonly own?: OwnFiles | undefined;
  /** What a run waits for once its stream is over, such as processes that were told to end. */
  readonly cleanup: Cleanup;
  /**
   * What sends HTTP requests, over connections that are kept and shared until the run is over; made when it is first asked
   * for. With `guarded` only addresses of the public internet are connected to, whatever their names are resolved to.
   */
  dispatcher(guarded?: boolean): Promise<Dispatcher>;
}

const never = new AbortController().signal;

/**
 * The runtime of this process, any part of which may be replaced. Its events are its own; nothing stops it.
 *
 * @example
 * import { createRuntime, jsonl, toJsonl } from 'batchx';
 *
 * const stop = new AbortController(); // stop.abort() ends the reading, and what was read is still written
 * const runtime = createRuntime({ stopping: stop.signal });
 * jsonl('orders.jsonl', {}, runtime).pipe(toJsonl('copy.jsonl', runtime)).subscribe();
 */
export function createRuntime(parts: Partial<Runtime> = {}): Runtime {
  let output: ByteWriter | undefined;
  let errors: ByteWriter | undefined;
  let connections: Connections | undefined;
  const runtime: Runtime = {
    scheduler: monotonic(asyncScheduler, () => performance.now()),
    wallNow: () => Date.now(),
    random: () => Math.random(),
    stdio: {
      input: (signal) => readDescriptor(0, 'stdin', signal),
      get output() {
        return (output ??= writeToDescriptor(1, 'stdout'));
      },
      get errors() {
        return (errors ??= writeToDescriptor(2, 'stderr'));
      },
    },
    env: process.env,
    context: {},
    redact: (text) => text,
    stopping: never,
    signal: never,
    events: new Events(),
    cleanup: new Cleanup(),
    dispatcher: (guarded) => (connections ??= new Connections(runtime.events)).get(guarded),
    ...parts,
  };
  // Each source and stage listens; Node takes more than ten for a leak, and says so on stderr.
  setMaxListeners(0, runtime.stopping, runtime.signal);
  return runtime;
}

let shared: Runtime | undefined;

/** The runtime that components use when they are given none: one for the process. */
export function defaultRuntime(): Runtime {
  return (shared ??= createRuntime());
}

/**
 * Calls `go` in the next turn of the event loop, behind what has been put off to that turn already. Only for what has to
 * wait for somebody else's code: it is neither a timer nor virtual.
 */
export function nextTurn(go: () => void): void {
  queueMicrotask(() => setImmediate(go));
}
