import fc from 'fast-check';
import {
  concat,
  concatMap,
  filter,
  from,
  map,
  merge,
  type MonoTypeOperatorFunction,
  type Observable,
  of,
  type OperatorFunction,
  Subject,
  take,
  takeUntil,
} from 'rxjs';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import {
  batch,
  BatchxError,
  counted,
  dedupe,
  defineSource,
  filterItems,
  fromSource,
  Item,
  mapConcurrent,
  mapItems,
  type Outcome,
  pull,
  split,
  type Status,
  tee,
  toSink,
} from 'batchx';
import { type FakeRuntime, fakeRuntime } from 'batchx/testing';
import { heldIn, withRoomsSeen } from './rooms-seen.js';

/** The data of an item: a number, or what a batch gathered. */
type Data = number | Data[];

/** A number that looks random and depends on nothing but what is given. */
function chance(...of: unknown[]): number {
  let hash = 2166136261;
  for (const char of JSON.stringify(of)) hash = Math.imul(hash ^ char.charCodeAt(0), 16777619);
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  return (hash ^ (hash >>> 12)) >>> 0;
}

interface Cap {
  readonly cap: number;
  readonly ordered: boolean;
}

type Op =
  | ({ readonly op: 'map' | 'filter' } & Cap)
  | ({ readonly op: 'concurrent'; readonly as: 'value' | 'promise' | 'pull' | 'pipeline' } & Cap)
  | { readonly op: 'batch'; readonly size: number }
  | { readonly op: 'dedupe'; readonly among: number }
  | { readonly op: 'split' | 'tee' | 'counted' | 'raw filter' | 'raw map' }
  | { readonly op: 'take'; readonly count: number };

interface Sink {
  readonly takes: 'ok' | 'failed';
  readonly slow: boolean;
  readonly refuses: boolean;
}

interface Graph {
  readonly sources: { readonly join: 'merge' | 'concat'; readonly counts: readonly number[]; readonly slow: boolean };
  readonly ops: readonly Op[];
  readonly sinks: readonly Sink[];
  readonly seed: number;
}

type Fate = 'live' | 'failed' | 'skipped';

// What becomes of an item in an operator: the same for the pipeline and for the model.
const before = (n: number): Fate =>
  chance('source', n) % 11 === 0 ? 'failed' : chance('source', n) % 11 === 1 ? 'skipped' : 'live';
const mapped = (at: number, data: Data): Fate =>
  (['failed', 'skipped'] as const)[chance('map', at, data) % 6] ?? 'live';
const passes = (at: number, data: Data): boolean => chance('filter', at, data) % 4 !== 0;
const kept = (at: number, data: Data): boolean => chance('raw', at, data) % 5 !== 0;
const keyIn = (among: number, data: Data): number => chance('key', data) % among;
const refused = (at: number, data: Data): boolean => chance('sink', at, data) % 6 === 0;
const partsOf = (at: number, data: Data): { readonly parts: readonly Data[]; readonly fails: boolean } => {
  if (typeof data !== 'number') return { parts: data, fails: false };
  const count = chance('split', at, data) % 4;
  return {
    parts: Array.from({ length: count }, (_, i) => 1000 + data * 4 + i),
    fails: chance('split fails', at, data) % 6 === 0,
  };
};

/** What waits, and is done in an order that the seed decides. */
class Pump {
  readonly #waiting: (() => void)[] = [];
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
  }

  later<T>(value: T | (() => T)): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#waiting.push(() => {
        try {
          resolve(typeof value === 'function' ? (value as () => T)() : value);
        } catch (error) {
          reject(error);
        }
      });
    });
  }

  /** Lets some go on; false when nothing waits. */
  async turn(): Promise<boolean> {
    await new Promise((resolve) => setImmediate(resolve));
    const { length } = this.#waiting;
    for (let n = Math.min(length, 1 + this.#draw(6)); n > 0; n--) {
      this.#waiting.splice(this.#draw(this.#waiting.length), 1)[0]?.();
    }
    return length > 0;
  }

  #draw(below: number): number {
    this.#state = chance(this.#state);
    return this.#state % below;
  }
}

// ---- the pipeline

interface World {
  readonly runtime: FakeRuntime;
  readonly pump: Pump;
}

function throwing(fate: Fate, data: Data): Data | undefined {
  if (fate === 'failed') throw new BatchxError('expression', 'no');
  return fate === 'skipped' ? undefined : data;
}

function sourceOf(first: number, count: number, slow: boolean, { runtime, pump }: World): Observable<Item> {
  const items = Array.from({ length: count }, (_, i) => {
    const item = Item.of(first + i, { seq: first + i });
    const fate = before(first + i);
    return fate === 'failed'
      ? item.fail(new BatchxError('parse', 'bad'))
      : fate === 'skipped'
        ? item.skip('vanished')
        : item;
  });
  const definition = defineSource({
    name: 'numbers',
    status: 'experimental',
    summary: 'Numbers.',
    options: z.strictObject({}),
    examples: [],
    open: slow
      ? async function* () {
          for (let at = 0; at < count; at += 7) yield await pump.later(items.slice(at, at + 7));
        }
      : function* () {
          for (let at = 0; at < count; at += 7) yield items.slice(at, at + 7);
        },
  });
  return fromSource(definition, {}, runtime);
}

/** A value, or the promise of it, as the data decide. */
const soonOrLater = <T>({ pump }: World, at: number, data: Data, value: () => T): T | Promise<T> =>
  chance('later', at, data) % 2 === 0 ? value() : pump.later(value);

function operatorOf(op: Op, at: number, world: World): MonoTypeOperatorFunction<Item> {
  const { pump, runtime } = world;
  const typed = (operator: unknown) => operator as MonoTypeOperatorFunction<Item>;
  switch (op.op) {
    case 'map':
      return typed(
        mapItems((data: Data) => soonOrLater(world, at, data, () => throwing(mapped(at, data), data)), {
          concurrency: op.cap,
          ordered: op.ordered,
        }),
      );
    case 'filter':
      return typed(
        filterItems((data: Data) => soonOrLater(world, at, data, () => passes(at, data)), {
          concurrency: op.cap,
          ordered: op.ordered,
        }),
      );
    case 'concurrent':
      return mapConcurrent((item) => innerOf(op.as, item, pump), { concurrency: op.cap, ordered: op.ordered });
    case 'split':
      return typed(
        split((data: Data) => {
          const { parts, fails } = partsOf(at, data);
          const slow = chance('slow split', at, data) % 2 === 0;
          return slow ? slowly(parts, fails, pump) : quickly(parts, fails);
        }, runtime),
      );
    case 'batch':
      return typed(batch({ size: op.size }, runtime));
    case 'dedupe':
      return typed(dedupe({ by: (data: Data) => keyIn(op.among, data) } as never, runtime));
    case 'tee': {
      const branch: OperatorFunction<Item, unknown> = (source) =>
        source.pipe(
          mapItems((data) => pump.later(data), { concurrency: 2 }),
          toSink(() => ({ write: () => undefined, close: () => undefined }), { runtime }),
        );
      return tee(branch);
    }
    case 'counted':
      return counted(concatMap((item: Item) => (item.seq % 2 === 0 ? of(item) : from(pump.later(item)))));
    case 'raw filter':
      return filter(({ data }) => kept(at, data as Data));
    case 'raw map':
      return map((item) => item);
    case 'take':
      return take(op.count);
  }
}

function innerOf(as: 'value' | 'promise' | 'pull' | 'pipeline', item: Item, pump: Pump) {
  if (as === 'value') return of(item);
  if (as === 'promise') return pump.later(item);
  const pulled = pull(() => [[item]]);
  return as === 'pull' ? pulled : pulled.pipe(mapItems((data) => pump.later(data)));
}

function* quickly(parts: readonly Data[], fails: boolean): Generator<Data> {
  yield* parts;
  if (fails) throw new Error('no more');
}

async function* slowly(parts: readonly Data[], fails: boolean, pump: Pump): AsyncGenerator<Data> {
  for (const part of parts) yield await pump.later(part);
  if (fails) throw new Error('no more');
}

function sinkOf(
  { takes, slow, refuses }: Sink,
  at: number,
  { pump, runtime }: World,
): OperatorFunction<unknown, Outcome> {
  return toSink(
    () => ({
      write: (items, refuse) => {
        items.forEach(({ data }, i) => {
          if (refuses && refused(at, data as Data)) refuse(i, new BatchxError('encode', 'no'));
        });
        return slow ? pump.later(undefined) : undefined;
      },
      close: () => (slow ? pump.later(undefined) : undefined),
    }),
    { takes, runtime },
  );
}

// ---- the model: lists instead of streams, and a tree of what was made of what instead of origins

class Node {
  readonly data: Data;
  readonly fate: Fate;
  /** What was made of it; none when it was dropped. Undefined when it is a leaf. */
  made: Node[] | undefined;
  dropped = false;

  constructor(data: Data, fate: Fate) {
    this.data = data;
    this.fate = fate;
  }

  /** It goes on like this. */
  become(fate: Fate): Node {
    const node = new Node(this.data, fate);
    this.made = [node];
    return node;
  }

  get status(): Status | 'pending' {
    if (this.dropped) return 'pending';
    if (this.made === undefined) return this.fate === 'live' ? 'ok' : this.fate;
    const all = this.made.map(({ status }) => status);
    return (['pending', 'failed', 'ok'] as const).find((status) => all.includes(status)) ?? 'skipped';
  }
}

function modelOf({ ops, sinks }: Graph, source: readonly Node[]): readonly Node[] {
  let nodes = [...source];
  ops.forEach((op, at) => {
    nodes = modelled(op, at, nodes);
  });
  sinks.forEach(({ takes, refuses }, at) => {
    const written = takes === 'ok' ? 'live' : 'failed';
    nodes = nodes.map((node) =>
      refuses && node.fate === written && refused(at, node.data) ? node.become('failed') : node,
    );
  });
  return nodes;
}

function modelled(op: Op, at: number, nodes: readonly Node[]): Node[] {
  const seen = new Set<number>();
  let open: Node[] = [];
  const flush = (): Node[] => {
    const made = new Node(
      open.map(({ data }) => data),
      'live',
    );
    for (const member of open) member.made = [made];
    const any = open.length > 0;
    open = [];
    return any ? [made] : [];
  };
  const one = (node: Node): Node[] => {
    if (op.op === 'raw filter') {
      node.dropped = !kept(at, node.data);
      return node.dropped ? [] : [node];
    }
    if (node.fate !== 'live') return [node];
    switch (op.op) {
      case 'map':
        return [node.become(mapped(at, node.data))];
      case 'filter':
        return [node.become(passes(at, node.data) ? 'live' : 'skipped')];
      case 'dedupe': {
        const key = keyIn(op.among, node.data);
        const duplicate = seen.has(key);
        seen.add(key);
        return [node.become(duplicate ? 'skipped' : 'live')];
      }
      case 'split': {
        const { parts, fails } = partsOf(at, node.data);
        if (parts.length === 0) return [node.become(fails ? 'failed' : 'skipped')];
        node.made = parts.map((data) => new Node(data, 'live'));
        if (fails) node.made.push(new Node(node.data, 'failed'));
        return node.made;
      }
      case 'batch':
        open.push(node);
        return open.length === op.size ? flush() : [];
      default:
        return [node];
    }
  };
  return [...nodes.flatMap(one), ...flush()];
}

// ---- the property

/** What of the model is sure to hold, when calls may end in any order. */
function known({ sources, ops }: Graph, cut: Cut): { readonly order: boolean; readonly fates: boolean } {
  let order = sources.join === 'concat' || sources.counts.length === 1;
  let fates = true;
  let taken = false;
  for (const op of ops) {
    if (!order && (op.op === 'batch' || op.op === 'dedupe')) fates = false;
    // What is cut off before a batch is full makes it a smaller one.
    if (op.op === 'batch' && (taken || cut?.how === 'stop')) fates = false;
    if (op.op === 'take') taken = true;
    if ('ordered' in op && !op.ordered) order = false;
  }
  return { order: order && fates && !taken && cut === undefined, fates };
}

type Cut = { readonly how: 'unsubscribe' | 'error' | 'stop'; readonly after: number } | undefined;

const cap = { cap: fc.integer({ min: 1, max: 5 }), ordered: fc.boolean() };
const op: fc.Arbitrary<Op> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ op: fc.constantFrom('map' as const, 'filter' as const), ...cap }) },
  {
    weight: 2,
    arbitrary: fc.record({
      op: fc.constant('concurrent' as const),
      as: fc.constantFrom('value' as const, 'promise' as const, 'pull' as const, 'pipeline' as const),
      ...cap,
    }),
  },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('batch' as const), size: fc.integer({ min: 1, max: 5 }) }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('dedupe' as const), among: fc.integer({ min: 2, max: 40 }) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      op: fc.constantFrom(
        'split' as const,
        'tee' as const,
        'counted' as const,
        'raw filter' as const,
        'raw map' as const,
      ),
    }),
  },
);
const taking: fc.Arbitrary<Op> = fc.record({
  op: fc.constant('take' as const),
  count: fc.integer({ min: 1, max: 60 }),
});
const graphOf = (one: fc.Arbitrary<Op>): fc.Arbitrary<Graph> =>
  fc.record({
    sources: fc.record({
      join: fc.constantFrom('merge' as const, 'concat' as const),
      counts: fc.array(fc.oneof(fc.integer({ min: 0, max: 12 }), fc.integer({ min: 80, max: 160 })), {
        minLength: 1,
        maxLength: 3,
      }),
      slow: fc.boolean(),
    }),
    ops: fc.array(one, { maxLength: 6 }),
    sinks: fc.array(
      fc.record({
        takes: fc.constantFrom('ok' as const, 'failed' as const),
        slow: fc.boolean(),
        refuses: fc.boolean(),
      }),
      { minLength: 1, maxLength: 3 },
    ),
    seed: fc.nat(),
  });

async function holds(graph: Graph, cut: Cut): Promise<void> {
  await withRoomsSeen(async (rooms) => {
    const runtime = fakeRuntime();
    const world: World = { runtime, pump: new Pump(graph.seed) };
    const settledAs = new Map<number, Status[]>();
    const read: number[] = [];
    runtime.events.on('batch:item:start', ({ seq }) => read.push(seq));
    runtime.events.on('batch:item:end', ({ item: { seq }, status }) => {
      settledAs.set(seq, [...(settledAs.get(seq) ?? []), status]);
    });

    const { sources, ops, sinks } = graph;
    let first = 0;
    const parts = sources.counts.map((count) => sourceOf((first += count) - count, count, sources.slow, world));
    const failure = new Subject<never>();
    let stream = sources.join === 'merge' ? merge(...parts) : concat(...parts);
    ops.forEach((each, at) => {
      stream = stream.pipe(operatorOf(each, at, world));
    });
    let outcomes: Observable<unknown> = stream.pipe(takeUntil(failure));
    sinks.forEach((each, at) => {
      outcomes = outcomes.pipe(sinkOf(each, at, world));
    });

    const seen: Data[] = [];
    let ended: unknown;
    const subscription = outcomes.subscribe({
      next: (outcome) => seen.push((outcome as Outcome).item.data as Data),
      error: (error: unknown) => (ended = error),
      complete: () => (ended = 'complete'),
    });
    const cuts = {
      unsubscribe: () => {
        subscription.unsubscribe();
        ended ??= 'unsubscribed';
      },
      error: () => failure.error(new Error('cut')),
      stop: () => runtime.stop(),
    };
    for (let turns = 0; ; turns++) {
      if (cut !== undefined && turns === cut.after) cuts[cut.how]();
      const more = await world.pump.turn();
      if (more) continue;
      if (ended !== undefined) break;
      if (cut !== undefined && turns < cut.after) continue;
      throw new Error(`stalled: ${JSON.stringify(runtime.counts)}, held: ${heldIn(rooms).join()}`);
    }

    const source = Array.from({ length: first }, (_, n) => new Node(n, before(n)));
    const last = modelOf(graph, source);
    const { order, fates } = known(graph, cut);
    const whole = cut === undefined && !ops.some((each) => each.op === 'take');

    // Each is settled at most once, and only what was read.
    expect([...settledAs.values()].filter(({ length }) => length > 1)).toEqual([]);
    expect([...settledAs.keys()].filter((seq) => !read.includes(seq))).toEqual([]);
    expect(new Set(read).size).toBe(read.length);
    // As the model says, as far as anything is settled at all.
    const statuses = read.map((seq) => [seq, settledAs.get(seq)?.[0] ?? 'pending'] as const);
    if (fates) {
      const model = read.map((seq) => [seq, (source[seq] as Node).status] as const);
      const compared = whole
        ? model
        : model.map(([seq, status], i) => [seq, statuses[i]?.[1] === 'pending' ? 'pending' : status]);
      expect(statuses).toEqual(compared);
    }
    if (whole) {
      expect(ended).toBe('complete');
      expect(read.length).toBe(first);
      if (!ops.some((each) => each.op === 'raw filter')) expect(runtime.counts.pending).toBe(0);
    }
    // The account says the same.
    const count = (status: Status | 'pending') => statuses.filter((each) => each[1] === status).length;
    expect(runtime.counts).toEqual({
      read: read.length,
      ok: count('ok'),
      failed: count('failed'),
      skipped: count('skipped'),
      inDoubt: 0,
      pending: count('pending'),
    });
    if (order) expect(seen).toEqual(last.map(({ data }) => data));
    expect(heldIn(rooms)).toEqual([]);
  });
}

describe('every item that is read is settled exactly once, or pending for a reason', () => {
  it('when the stream comes to its end', () =>
    fc.assert(
      fc.asyncProperty(graphOf(op), (graph) => holds(graph, undefined)),
      { numRuns: 150 },
    ));

  it('when an operator of rxjs takes no more', () =>
    fc.assert(
      fc.asyncProperty(graphOf(fc.oneof({ weight: 4, arbitrary: op }, { weight: 1, arbitrary: taking })), (graph) =>
        holds(graph, undefined),
      ),
      { numRuns: 100 },
    ));

  it.each(['unsubscribe', 'error', 'stop'] as const)('when it is cut off by %s at any moment', (how) =>
    fc.assert(
      fc.asyncProperty(graphOf(op), fc.nat(40), (graph, after) => holds(graph, { how, after })),
      { numRuns: 100 },
    ),
  );
});
