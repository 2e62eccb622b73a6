import { asyncScheduler, type SchedulerLike } from 'rxjs';
import { Account, type Counts } from '../core/account.js';
import type { ByteBlocks } from '../core/bytes-in.js';
import { createRuntime, type Runtime } from '../core/runtime.js';

export interface FakeRuntimeOptions {
  /** The scheduler; unless said rxjs's `asyncScheduler`, which is virtual inside `marbles`. */
  readonly scheduler?: SchedulerLike;
  /** What standard input brings, a read for each part. Each is overwritten once the next one is asked for. */
  readonly stdin?: Iterable<string | Uint8Array> | AsyncIterable<string | Uint8Array>;
  /** Is given the bytes of each write before they count as written: may wait, and may throw. */
  readonly stdout?: (bytes: Uint8Array) => void | Promise<void>;
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly random?: () => number;
  /** The time of day at the scheduler's zero, in milliseconds since 1970; the start of 2026 unless said. */
  readonly wallStart?: number;
}

/** A runtime with nothing of the world in it, and what came out. */
export interface FakeRuntime extends Runtime {
  /** All that was written to standard output, and to standard error. */
  readonly stdout: string;
  readonly stderr: string;
  /** What was read and what became of it. */
  readonly counts: Counts;
  /** Nothing more is to be read or started. */
  stop(): void;
  /** What runs is to be given up as well. */
  abort(): void;
}

/**
 * A runtime for tests: standard input as given, standard output collected, repeatable chance, an empty environment.
 *
 * @example
 * import { jsonl, toJsonl } from 'batchx';
 * import { fakeRuntime } from 'batchx/testing';
 * import { lastValueFrom } from 'rxjs';
 *
 * const runtime = fakeRuntime({ stdin: ['{"n":', '1}\n'] });
 * await lastValueFrom(jsonl('-', {}, runtime).pipe(toJsonl('-', runtime)));
 * console.log(runtime.stdout, runtime.counts.ok); // {"n":1} 1
 */
export function fakeRuntime(options: FakeRuntimeOptions = {}): FakeRuntime {
  const {
    scheduler = asyncScheduler,
    stdin = [],
    stdout,
    env = {},
    random = sequence(),
    wallStart = 1_767_225_600_000,
  } = options;
  const stopping = new AbortController();
  const aborting = new AbortController();
  const written: Buffer[] = [];
  const said: Buffer[] = [];
  const start = scheduler.now();
  const runtime = createRuntime({
    scheduler,
    wallNow: () => wallStart + scheduler.now() - start,
    random,
    stdio: {
      input: (signal) => blocksOf(stdin, signal),
      output: {
        async write(bytes) {
          await stdout?.(bytes);
          written.push(Buffer.from(bytes));
        },
        close: () => Promise.resolve(),
      },
      errors: {
        write: (bytes) => void said.push(Buffer.from(bytes)),
        close: () => Promise.resolve(),
      },
    },
    env,
    stopping: stopping.signal,
    signal: aborting.signal,
  });
  const account = new Account(runtime.events);
  return Object.defineProperties(
    {
      ...runtime,
      stop: () => stopping.abort(),
      abort: () => {
        stopping.abort();
        aborting.abort();
      },
    },
    {
      stdout: { get: () => Buffer.concat(written).toString('utf8') },
      stderr: { get: () => Buffer.concat(said).toString('utf8') },
      counts: { get: () => account.counts },
    },
  ) as FakeRuntime;
}

async function* blocksOf(parts: NonNullable<FakeRuntimeOptions['stdin']>, signal: AbortSignal): ByteBlocks {
  for await (const part of parts) {
    if (signal.aborted) return;
    const block = Buffer.from(part);
    yield block;
    block.fill(0xff);
  }
}

/** Numbers that look random and are the same each time (mulberry32). */
function sequence(): () => number {
  let state = 1;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
