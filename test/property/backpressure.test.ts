import {
  concat,
  concatMap,
  defer,
  filter,
  from,
  lastValueFrom,
  map,
  merge,
  type Observable,
  type OperatorFunction,
  retry,
  Subject,
  take,
  takeUntil,
  tap,
  throwError,
  toArray,
} from 'rxjs';
import { afterEach, describe, expect, it } from 'vitest';
import {
  batch,
  type Counts,
  counted,
  dedupe,
  filterItems,
  type Item,
  jsonl,
  mapConcurrent,
  mapItems,
  type Outcome,
  pull,
  split,
  tee,
  toSink,
} from 'batchx';
import { type FakeRuntime, fakeRuntime } from 'batchx/testing';
import { BLOCK, readDescriptor } from '../../src/core/bytes-in.js';
import type { Room } from '../../src/core/rooms.js';
import { Pipe } from './pipe.js';
import { heldIn, withRoomsSeen } from './rooms-seen.js';

/** What the whole reading end is: it goes on only while the gate is open. */
class Gate {
  #open: () => void = () => undefined;
  #break: (error: unknown) => void = () => undefined;
  readonly #opened = new Promise<void>((resolve, reject) => {
    this.#open = resolve;
    this.#break = reject;
  });
  /** How many wait in front of it. */
  waiting = 0;

  constructor() {
    this.#opened.catch(() => undefined);
  }

  async pass<T>(value: T): Promise<T> {
    this.waiting++;
    try {
      await this.#opened;
    } finally {
      this.waiting--;
    }
    return value;
  }

  open(): void {
    this.#open();
  }

  break(error: unknown): void {
    this.#break(error);
  }
}

interface Row {
  readonly n: number;
}

interface World {
  readonly runtime: FakeRuntime;
  readonly gate: Gate;
  /** Reads the nth pipe. */
  source(n?: number): Observable<Item<Row>>;
}

interface Scenario {
  readonly name: string;
  /** Bytes of a row; rows of each pipe. */
  readonly row?: number;
  readonly rows?: readonly number[];
  build(world: World): Observable<unknown>;
  /** What the sink does with a block; nothing unless said. */
  write?(world: World): void | Promise<void>;
  /** How many rows that are not settled the rooms and caps below the source allow. */
  readonly allowed: number;
  /** How many were read when nothing moves any more, where that is known. */
  readonly read?: number;
  /** The account at the end, when it is not that all rows are ok. */
  readonly counts?: Counts;
}

const gated = <T>({ gate }: World, options = {}): OperatorFunction<Item<T>, Item<T>> =>
  mapItems((data: T) => gate.pass(data), options);

/** The room of a stage with a cap of 4, and the calls that run. */
const STAGE = 64 + 4;

const scenarios: Scenario[] = [
  { name: 'one stage', allowed: STAGE, read: STAGE, build: (world) => world.source().pipe(gated(world)) },
  {
    name: 'filter, map, tap and take of rxjs between our operators',
    allowed: 2 * STAGE,
    // Of six one is dropped, and held by nobody.
    read: 81,
    // Those that were dropped up to the 2,500th, and those that were in the stage then.
    counts: { read: 3008, ok: 2500, failed: 0, skipped: 0, inDoubt: 0, pending: 508 },
    rows: [4000],
    build: (world) =>
      world.source().pipe(
        filter(({ data: { n } }) => n % 6 !== 5),
        mapItems((row: Row) => row),
        map((item) => item),
        tap(() => undefined),
        gated(world),
        take(2500),
      ),
  },
  {
    name: 'a slow stage behind a quick one',
    allowed: 64 + 2 + (64 + 8),
    build: (world) =>
      world.source().pipe(
        mapItems(async (row: Row) => row, { concurrency: 2 }),
        gated(world, { concurrency: 8 }),
      ),
  },
  {
    name: 'a slow stage before a quick one',
    allowed: 64 + 2 + (64 + 8),
    read: 66,
    build: (world) =>
      world.source().pipe(
        gated(world, { concurrency: 2 }),
        mapItems(async (row: Row) => row, { concurrency: 8 }),
      ),
  },
  {
    name: 'a wide stage',
    allowed: 300 + 150,
    read: 450,
    build: (world) => world.source().pipe(gated(world, { concurrency: 150 })),
  },
  {
    name: 'ordered output behind a first row that is slow',
    allowed: STAGE,
    read: STAGE,
    build: (world) =>
      world.source().pipe(mapItems(async (row: Row) => (row.n === 0 ? world.gate.pass(row) : row), { ordered: true })),
  },
  {
    name: 'ordered output, unequal stages',
    allowed: 64 + 2 + STAGE,
    build: (world) =>
      world.source().pipe(
        mapItems(async (row: Row) => row, { concurrency: 2, ordered: true }),
        mapItems((row: Row) => (row.n === 3 ? world.gate.pass(row) : row), { ordered: true }),
      ),
  },
  {
    name: 'merge of two sources',
    rows: [1500, 1500],
    allowed: STAGE,
    read: STAGE,
    build: (world) => merge(world.source(0), world.source(1)).pipe(gated(world)),
  },
  {
    name: 'concat of two sources',
    rows: [10, 3000],
    allowed: STAGE,
    read: STAGE,
    build: (world) => concat(world.source(0), world.source(1).pipe(filterItems(() => true))).pipe(gated(world)),
  },
  {
    name: 'retry with delay',
    allowed: STAGE,
    read: STAGE,
    build: (world) => {
      let times = 0;
      return defer(() => (times++ < 2 ? throwError(() => new Error('not yet')) : world.source())).pipe(
        retry({ delay: () => Promise.resolve() }),
        gated(world),
      );
    },
  },
  {
    name: 'split of one into a thousand',
    row: 8192,
    rows: [150],
    // One row that is being split, those that wait for that, and the parts, which are less than a row.
    allowed: 1 + 64 + 1,
    read: 1,
    build: (world) =>
      world.source().pipe(
        split(({ n }) => Array.from({ length: 1000 }, (_, i) => ({ n: n * 1000 + i }))),
        gated(world),
      ),
  },
  {
    name: 'a slow split',
    row: 1024,
    rows: [600],
    allowed: 1 + 64,
    read: 65,
    build: (world) =>
      world.source().pipe(
        split(async function* ({ n }) {
          await world.gate.pass(n);
          yield { n };
          yield { n };
        }),
      ),
  },
  {
    name: 'batch of 500 behind a cap of 4',
    row: 256,
    rows: [6000],
    // Four that run, one that waits in the room, and one that is open.
    allowed: 6 * 500 - 1,
    read: 5 * 500,
    build: (world) => world.source().pipe(batch({ size: 500 }), gated<Row[]>(world)),
  },
  {
    name: 'split of batches',
    row: 256,
    rows: [3000],
    allowed: 64 + 100 + 100 + STAGE,
    build: (world) =>
      world.source().pipe(
        batch({ size: 100 }),
        split((rows) => rows),
        gated(world),
      ),
  },
  {
    name: 'a nested pipeline in a step',
    allowed: STAGE,
    read: STAGE,
    build: (world) =>
      world.source().pipe(
        mapItems((row: Row) => {
          const inner = pull(() => Array.from({ length: 100 }, (_, n) => [n])).pipe(
            mapConcurrent((n) => world.gate.pass(n), { concurrency: 2, ordered: true }),
            toArray(),
          );
          return lastValueFrom(inner).then(({ length }) => ({ ...row, length }));
        }),
      ),
  },
  {
    name: 'a pipeline in a pipeline, flattened',
    allowed: 64 + 2 + STAGE,
    build: (world) =>
      world.source().pipe(
        mapConcurrent((item) => pull(() => [[item]]).pipe(mapItems(async (row: Row) => row)), {
          concurrency: 2,
          ordered: true,
        }),
        gated(world),
      ),
  },
  {
    name: 'tee with a slow branch',
    allowed: STAGE,
    read: STAGE,
    build: (world) =>
      world.source().pipe(
        tee(gated(world)),
        mapItems((row: Row) => row),
      ),
  },
  {
    name: 'an operator of rxjs that holds, counted',
    allowed: 64,
    read: 64,
    build: (world) => world.source().pipe(counted(concatMap((item: Item<Row>) => from(world.gate.pass(item))))),
  },
  {
    name: 'dedupe before a slow stage',
    allowed: STAGE,
    counts: { read: 3000, ok: 1500, failed: 0, skipped: 1500, inDoubt: 0, pending: 0 },
    build: (world) => world.source().pipe(dedupe({ by: ({ n }: Row) => n >> 1 }), gated(world)),
  },
  {
    name: 'a sink that is blocked',
    allowed: 512,
    read: 512,
    build: (world) => world.source().pipe(mapItems((row: Row) => row)),
    write: ({ gate }) => gate.pass(undefined),
  },
];

const ROW = 1024;

/** Rows of JSON of exactly `size` bytes each. */
function rowsOf(count: number, size: number, first: number): Buffer {
  const rows = Array.from({ length: count }, (_, i) => {
    const row = JSON.stringify({ n: first + i, pad: '' });
    return `${row.slice(0, -2)}${'x'.repeat(size - row.length - 1)}"}\n`;
  });
  return Buffer.from(rows.join(''));
}

class Running {
  readonly runtime = fakeRuntime();
  readonly gate = new Gate();
  /** Its error is one of the stream, just before the sink. */
  readonly failure = new Subject<never>();
  readonly pipes: readonly Pipe[];
  readonly outcomes: Outcome[] = [];
  ended: 'complete' | { readonly error: unknown } | undefined;
  readonly subscription;
  readonly #rooms: ReadonlySet<Room>;

  constructor({ build, write, row = ROW, rows = [3000] }: Scenario, rooms: ReadonlySet<Room>) {
    this.#rooms = rooms;
    let first = 0;
    this.pipes = rows.map((count) => new Pipe(rowsOf(count, row, (first += count) - count)));
    const world: World = {
      runtime: this.runtime,
      gate: this.gate,
      source: (n = 0) => {
        const pipe = this.pipes[n] as Pipe;
        const input = (signal: AbortSignal) => readDescriptor(pipe.reader, `pipe ${n}`, signal);
        return jsonl<Row>('-', {}, { ...this.runtime, stdio: { ...this.runtime.stdio, input } });
      },
    };
    const sink = toSink(() => ({ write: () => write?.(world), close: () => undefined }), {
      takes: 'ok',
      runtime: this.runtime,
    });
    this.subscription = build(world)
      .pipe(takeUntil(this.failure), sink)
      .subscribe({
        next: (outcome) => this.outcomes.push(outcome),
        error: (error: unknown) => (this.ended = { error }),
        complete: () => (this.ended = 'complete'),
      });
  }

  /**
   * Writes what the pipes take until nothing moves any more. All that can happen here happens in a turn of the event
   * loop: promises, and pipes that are ready to be read.
   */
  async settle(): Promise<void> {
    for (let still = 0; still < 50; still++) {
      const before = this.runtime.counts.read + this.outcomes.length;
      const accepted = this.pipes.reduce((sum, pipe) => sum + pipe.fill(), 0);
      await new Promise((resolve) => setImmediate(resolve));
      if (accepted > 0 || this.runtime.counts.read + this.outcomes.length !== before) still = 0;
    }
  }

  async end(): Promise<void> {
    while (this.ended === undefined) {
      for (const pipe of this.pipes) pipe.fill();
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  get taken(): number {
    return this.pipes.reduce((sum, { taken }) => sum + taken, 0);
  }

  get held(): number[] {
    return heldIn(this.#rooms);
  }
}

describe('the reading process takes no more from the pipe than the rooms and a block allow', () => {
  const open: Running[] = [];
  afterEach(() => {
    for (const { subscription, pipes } of open.splice(0)) {
      subscription.unsubscribe();
      for (const pipe of pipes) pipe.close();
    }
  });

  /** Runs a scenario until nothing moves, and checks what the writer has counted. */
  async function fill(scenario: Scenario, rooms: ReadonlySet<Room>): Promise<Running> {
    const running = new Running(scenario, rooms);
    open.push(running);
    await running.settle();
    const { row = ROW, rows = [0], allowed, read } = scenario;
    const { counts } = running.runtime;
    if (read !== undefined) expect(counts.read).toBe(read);
    expect(counts.pending).toBeLessThanOrEqual(allowed);
    expect(running.gate.waiting).toBeGreaterThan(0);
    expect(running.taken).toBeGreaterThanOrEqual(counts.read * row);
    expect(running.taken).toBeLessThanOrEqual((counts.read - counts.pending + allowed) * row + rows.length * BLOCK);
    expect(running.ended).toBeUndefined();
    return running;
  }

  /** The account adds up, no room holds anything. */
  function over({ runtime, held }: Running): Counts {
    const { counts } = runtime;
    expect(held).toEqual([]);
    expect(counts.ok + counts.failed + counts.skipped + counts.inDoubt + counts.pending).toBe(counts.read);
    expect(counts.pending).toBeGreaterThanOrEqual(0);
    return counts;
  }

  describe.each(scenarios)('$name', (scenario) => {
    const total = (scenario.rows ?? [3000]).reduce((sum, count) => sum + count, 0);

    it('and all is accounted for when it goes on', () =>
      withRoomsSeen(async (rooms) => {
        const running = await fill(scenario, rooms);
        running.gate.open();
        await running.end();
        expect(running.ended).toBe('complete');
        const all = { read: total, ok: total, failed: 0, skipped: 0, inDoubt: 0, pending: 0 };
        expect(over(running)).toEqual(scenario.counts ?? all);
      }));

    it('nor when what it waits for fails', () =>
      withRoomsSeen(async (rooms) => {
        const running = await fill(scenario, rooms);
        running.gate.break(new Error('no'));
        await running.end();
        const { pending } = over(running);
        if (running.ended === 'complete' && scenario.counts === undefined) expect(pending).toBe(0);
      }));

    it.each<[string, (running: Running) => void]>([
      ['after an error', ({ failure }) => failure.error(new Error('no'))],
      ['after an unsubscribe', ({ subscription }) => subscription.unsubscribe()],
      ['when it is to stop', ({ runtime }) => runtime.stop()],
    ])('nor %s', (how, end) =>
      withRoomsSeen(async (rooms) => {
        const running = await fill(scenario, rooms);
        const { read } = running.runtime.counts;
        end(running);
        await running.settle();
        expect(running.runtime.counts.read).toBe(read);
        running.gate.open();
        await running.settle();
        expect(over(running).read).toBe(read);
        expect(running.pipes.every(({ finished, broken }) => finished || broken)).toBe(true);
        if (how !== 'after an unsubscribe') expect(running.ended).toBeDefined();
      }),
    );
  });
});
