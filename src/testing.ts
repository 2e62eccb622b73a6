import { deepStrictEqual, fail, ok, strictEqual } from 'node:assert/strict';
import { readdir, readlink } from 'node:fs/promises';
import {
  asyncScheduler,
  concat,
  EMPTY,
  lastValueFrom,
  Observable,
  type OperatorFunction,
  type SchedulerLike,
  take,
  tap,
  throwError,
  toArray,
} from 'rxjs';
import { type RunHelpers, TestScheduler } from 'rxjs/testing';
import { Account, type Counts } from './core/account.js';
import type { ByteBlocks } from './core/bytes-in.js';
import { BatchxError } from './core/errors.js';
import { Item } from './core/item.js';
import type { Outcome } from './core/outcome.js';
import { pull } from './core/pull.js';
import { Room } from './core/rooms.js';
import { createRuntime, type Runtime } from './core/runtime.js';
import { toSink } from './core/sink.js';
import { subscribeThrough } from './core/upstream.js';

/**
 * A test in virtual time: runs `test` with the helpers of rxjs's TestScheduler and compares deeply. Give the result to
 * the test runner, whichever it is. The default scheduler of `fakeRuntime` is virtual inside.
 *
 * @example
 * import { marbles } from 'batchx/testing';
 * import { delay } from 'rxjs';
 *
 * const test = marbles(({ cold, expectObservable }) => {
 *   const source = cold('  a-b--|');
 *   const expected = '     --a-b|';
 *   expectObservable(source.pipe(delay(2))).toBe(expected);
 * });
 * test();
 */
export function marbles(test: (helpers: RunHelpers) => void): () => void {
  return () => {
    new TestScheduler((actual, expected) => {
      deepStrictEqual(actual, expected);
    }).run(test);
  };
}

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
  /** All that was written to standard output. */
  readonly stdout: string;
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

/**
 * Checks what every source has to keep, and rejects with what is wrong.
 *
 * Ids are unique and the same on a second run; each item is counted as read; nothing is emitted while there is no room;
 * and a source that is left closes its files. `source` is called for each run; it should give at least three items.
 *
 * @example
 * import { literals } from 'batchx';
 * import { sourceContract } from 'batchx/testing';
 *
 * await sourceContract((runtime) => literals(['a', 'b', 'c'], runtime));
 */
export async function sourceContract(
  source: (runtime: Runtime) => Observable<Item>,
  makeRuntime: () => FakeRuntime = fakeRuntime,
): Promise<void> {
  const ids = await idsOf(source, makeRuntime());
  ok(ids.length >= 3, `expected a source of at least three items, got ${ids.length}`);
  strictEqual(new Set(ids).size, ids.length, `expected ids that are unique, got ${ids.join(', ')}`);
  deepStrictEqual(await idsOf(source, makeRuntime()), ids, 'expected the same ids on a second run');
  await emitsOnlyWhileThereIsRoom(source(makeRuntime()));

  const before = await openFiles();
  await lastValueFrom(source(makeRuntime()).pipe(take(1)));
  await closesFiles(before);
  const stopped = makeRuntime();
  stopped.stop();
  deepStrictEqual(await idsOf(source, stopped), [], 'expected no items of a run that is stopping');
}

async function idsOf(source: (runtime: Runtime) => Observable<Item>, runtime: FakeRuntime): Promise<string[]> {
  const outcomes = await lastValueFrom(source(runtime).pipe(nowhere(runtime), toArray()));
  const { read, pending } = runtime.counts;
  deepStrictEqual({ read, pending }, { read: outcomes.length, pending: 0 }, 'expected each item to be counted as read');
  return outcomes.map(({ id }) => id);
}

async function emitsOnlyWhileThereIsRoom(source: Observable<Item>): Promise<void> {
  const room = new Room(1);
  let emitted = 0;
  const subscription = new Observable<never>((subscriber) => {
    const next = (): void => {
      emitted++;
      room.take(1);
    };
    subscribeThrough(source, { next, complete: () => subscriber.complete() }, subscriber, [room]);
  }).subscribe();
  for (let expected = 1; expected <= 3; expected++) {
    await until(() => emitted >= expected, `item ${expected} did not come although there was room`);
    await turns(5);
    strictEqual(emitted, expected, 'expected no item while the room below is full');
    room.give(1);
  }
  subscription.unsubscribe();
}

export interface SinkContractOptions {
  /** The data of the n-th item; `{ n }` unless said. */
  readonly data?: (n: number) => unknown;
  readonly makeRuntime?: () => FakeRuntime;
}

/**
 * Checks what every sink that emits outcomes has to keep, and rejects with what is wrong.
 *
 * Each item has one outcome, in order, and is settled once, also with another sink below; failed and skipped items stay
 * so; what came before an error of the source has its outcome; reading stops while many items wait; and a sink that is
 * left closes its files. `sink` is called for each run.
 *
 * @example
 * import { toJsonl } from 'batchx';
 * import { sinkContract } from 'batchx/testing';
 *
 * await sinkContract((runtime) => toJsonl('-', runtime));
 */
export async function sinkContract(
  sink: (runtime: Runtime) => OperatorFunction<Item, Outcome>,
  { data = (n) => ({ n }), makeRuntime = fakeRuntime }: SinkContractOptions = {},
): Promise<void> {
  const items = Array.from({ length: 6 }, (_, n) => Item.of(data(n), { seq: n }));
  items[1] = (items[1] as Item).fail(new BatchxError('validation', 'expected to fail'));
  items[4] = (items[4] as Item).skip('filtered');
  const expected = ['#1 ok', '#2 failed', '#3 ok', '#4 ok', '#5 skipped', '#6 ok'];
  const counts = { read: 6, ok: 4, failed: 1, skipped: 1, inDoubt: 0, pending: 0 };
  const run = (runtime: FakeRuntime, end: Observable<Item> = EMPTY): Observable<Outcome> =>
    concat(given(items, runtime), end).pipe(sink(runtime));
  const said = ({ id, status }: Outcome): string => `${id} ${status}`;

  const runtime = makeRuntime();
  deepStrictEqual(
    (await lastValueFrom(run(runtime).pipe(toArray()))).map(said),
    expected,
    'expected an outcome for each item',
  );
  deepStrictEqual(runtime.counts, counts, 'expected each item to be settled once');

  const above = makeRuntime();
  await lastValueFrom(run(above).pipe(nowhere(above)));
  deepStrictEqual(above.counts, counts, 'expected each item to be settled once, by the last sink');

  const none = await lastValueFrom(given([], runtime).pipe(sink(makeRuntime()), toArray()));
  deepStrictEqual(none, [], 'expected no outcomes without items');

  const seen: string[] = [];
  const failure = new Error('the source failed');
  const failing = run(
    makeRuntime(),
    throwError(() => failure),
  ).pipe(tap((outcome) => seen.push(said(outcome))));
  strictEqual(
    await lastValueFrom(failing).catch((error: unknown) => error),
    failure,
    'expected the error of the source',
  );
  deepStrictEqual(seen, expected, 'expected the outcomes of what came before the error');

  await holdsLittle(sink, data, makeRuntime());
  const before = await openFiles();
  await lastValueFrom(run(makeRuntime()).pipe(take(1)));
  await closesFiles(before);
}

/** Far more than rooms hold, of which only the number that is under way is kept. */
async function holdsLittle(
  sink: (runtime: Runtime) => OperatorFunction<Item, Outcome>,
  data: (n: number) => unknown,
  runtime: FakeRuntime,
): Promise<void> {
  let [emitted, settled, most] = [0, 0, 0];
  const many = pull(function* () {
    for (let n = 0; n < 8192; n++) yield [Item.of(data(n), { seq: n })];
  });
  const counted = many.pipe(tap(() => (most = Math.max(most, ++emitted - settled))));
  await lastValueFrom(
    counted.pipe(
      sink(runtime),
      tap(() => settled++),
    ),
  );
  deepStrictEqual([emitted, settled], [8192, 8192]);
  ok(most <= 2048, `expected a sink to let a bounded number of items wait, ${most} of 8192 did`);
}

const given = (items: readonly Item[], { events }: Runtime): Observable<Item> =>
  pull(() => [items], { onEmit: (item) => events.emit('batch:item:start', item) });

const nowhere = (runtime: Runtime): OperatorFunction<unknown, Outcome> =>
  toSink(() => ({ write: () => undefined, close: () => undefined }), { takes: 'ok', runtime });

/** The files that this process has open; none where the system does not tell. */
async function openFiles(): Promise<string[]> {
  const folder = '/proc/self/fd';
  const links = await readdir(folder).catch(() => []);
  const targets = await Promise.all(links.map((fd) => readlink(`${folder}/${fd}`).catch(() => '')));
  return targets.filter((target) => /^\/(?!dev\/|proc\/)/.test(target)).sort();
}

async function closesFiles(before: readonly string[]): Promise<void> {
  for (let turn = 0; turn < 100; turn++) {
    if ((await openFiles()).length <= before.length) return;
    await turns(1);
  }
  fail(
    `expected all files to be closed, still open: ${(await openFiles()).filter((file) => !before.includes(file)).join(', ')}`,
  );
}

async function until(condition: () => boolean, otherwise: string): Promise<void> {
  for (let turn = 0; turn < 1000 && !condition(); turn++) await turns(1);
  ok(condition(), otherwise);
}

/** Lets what is under way go on for a few turns of the event loop. */
async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++)
    await new Promise<void>((resolve) => asyncScheduler.schedule(() => resolve()));
}
