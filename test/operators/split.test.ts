import { filterItems, pull, split, splitFlow, toItems } from 'batchx';
import { fakeRuntime, marbles } from 'batchx/testing';
import fc from 'fast-check';
import { delay, from, map, mergeMap, type Observable, of, range, Subject, Subscriber, take } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { BatchxError } from '../../src/core/errors.js';
import { Item } from '../../src/core/item.js';
import type { Outcome } from '../../src/core/outcome.js';
import { Room, ROOMS, withRooms } from '../../src/core/rooms.js';
import { failed, heldIn, record, settleInto, show, turns, upTo, watch } from './helpers.js';

const letters = split((text: string) => text.split(''));
const parents = (...data: string[]): Observable<Item<string>> =>
  from(data.map((text, seq) => Item.of(text, { seq, id: text })));
const outcomesOf = (outcomes: readonly Outcome[]): string[] => outcomes.map(({ id, status }) => `${id} ${status}`);

/** Something below that has room for `limit`, and lets go when it is told. */
class Below<T> extends Subscriber<T> {
  readonly room: Room;
  readonly [ROOMS]: readonly Room[];
  readonly values: T[] = [];
  done = false;

  constructor(limit: number) {
    super();
    this.room = new Room(limit);
    this[ROOMS] = [this.room];
  }

  override next(value: T): void {
    this.values.push(value);
    this.room.take(1);
  }

  override complete(): void {
    this.done = true;
    this.unsubscribe();
  }
}

describe('split', () => {
  it(
    'emits the parts of an item when it comes',
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('  -a----b----|', { a: 'xyz', b: 'z' });
      const subs = '         ^----------!';
      const expected = '     -(xyz)z----|';
      expectObservable(source.pipe(toItems(), letters, map(show))).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }),
  );

  it(
    'passes an empty source, a silent one and an error',
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const silent = cold<Item<string>>('-');
      const broken = cold<Item<string>>('--#');
      expectObservable(cold<Item<string>>('--|').pipe(letters)).toBe('--|');
      expectObservable(silent.pipe(letters)).toBe('-');
      expectObservable(broken.pipe(letters)).toBe('--#');
      expectSubscriptions(silent.subscriptions).toBe('^');
      expectSubscriptions(broken.subscriptions).toBe('^-!');
    }),
  );

  it(
    'leaves the source when it is unsubscribed from',
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('  -a-b-c-|');
      const unsub = '        --!';
      expectObservable(source.pipe(toItems(), letters, map(show)), unsub).toBe('-a-');
      expectSubscriptions(source.subscriptions).toBe('^-!');
    }),
  );

  it('calls the parts by their parent and their number, and keeps its place and metadata', () => {
    const place = { source: 'in', locate: () => ({ line: 3 }) };
    const parent = new Item(2, 'ab', 'ab', place, 0, { metadata: { key: 'k' }, weight: 5 });
    const parts = record(of(parent).pipe(letters)).values;
    expect(parts.map(({ id, data }) => [id, data])).toEqual([
      ['in:3/1', 'a'],
      ['in:3/2', 'b'],
    ]);
    expect(parts[1]).toMatchObject({ seq: 2, where: 'in:3', raw: undefined, weight: 1, live: true });
    expect(parts[1]!.metadata).toEqual({ source: 'in', line: 3, key: 'k' });
    expect(parts[1]!.withExtra({ weight: 2 }).id).toBe('in:3/2');
  });

  it('takes arrays, sets, generators, asynchronous ones, and promises of them, one after another in order', async () => {
    const kinds: Record<
      string,
      () => Iterable<string> | AsyncIterable<string> | Promise<Iterable<string> | AsyncIterable<string>>
    > = {
      array: () => ['1', '2'],
      set: () => new Set(['3']),
      *generator() {
        yield '4';
      },
      async *async() {
        yield await Promise.resolve('5');
        yield '6';
      },
      promise: () => Promise.resolve(['7', '8']),
      async promised() {
        await turns(3);
        return kinds['async']!() as AsyncIterable<string>;
      },
    };
    const seen = record(
      parents(...Object.keys(kinds)).pipe(
        split((kind) => kinds[kind]!()),
        map(show),
      ),
    );
    await turns();
    expect(seen.values.join('')).toBe('1234567856');
    expect(seen.at(-1)).toBe('C');
  });

  it.each([
    ['text', 'text'],
    [undefined, 'undefined'],
    [null, 'null'],
    [5, 'number'],
    [{}, 'object'],
    [Promise.resolve('text'), 'text'],
  ])('fails an item for which it is given %s instead of parts', async (parts, got) => {
    const outcomes: Outcome[] = [];
    const seen = record(
      parents('a').pipe(
        split(() => parts as string[]),
        settleInto(outcomes),
      ),
    );
    await turns();
    expect(seen.values.map(show)).toEqual([`!expected an array or another iterable of parts, got ${got}`]);
    expect(outcomesOf(outcomes)).toEqual(['a failed']);
  });

  it('fails an item for which it throws or is rejected, and goes on', async () => {
    const outcomes: Outcome[] = [];
    const project = (text: string): string[] | Promise<string[]> => {
      if (text === 'a') throw new BatchxError('validation', 'thrown');
      return text === 'b' ? Promise.reject(new Error('rejected')) : [text];
    };
    const seen = record(parents('a', 'b', 'c').pipe(split(project), settleInto(outcomes)));
    await turns();
    expect(seen.values.map(show)).toEqual(['!thrown', '!rejected', 'c']);
    expect(seen.values.map(({ error }) => error?.code)).toEqual(['validation', 'expression', undefined]);
    expect(outcomesOf(outcomes)).toEqual(['a failed', 'b failed', 'c ok']);
  });

  it.each(['generator', 'asynchronous generator'])(
    'fails an item whose %s throws, after the parts that it gave',
    async (kind) => {
      const outcomes: Outcome[] = [];
      const project = {
        *generator(text: string) {
          yield `${text}1`;
          yield `${text}2`;
          throw new Error('midway');
        },
        async *'asynchronous generator'(text: string) {
          yield `${text}1`;
          yield `${text}2`;
          throw new Error('midway');
        },
      }[kind]!;
      const seen = record(parents('a', 'b').pipe(split(project), settleInto(outcomes)));
      await turns();
      expect(seen.values.map(show)).toEqual(['a1', 'a2', '!midway', 'b1', 'b2', '!midway']);
      expect(seen.values[2]).toMatchObject({ id: 'a', data: 'a' });
      expect(outcomesOf(outcomes)).toEqual(['a failed', 'b failed']);
    },
  );

  it('skips an item without any part', () => {
    const outcomes: Outcome[] = [];
    const seen = record(parents('', 'a').pipe(letters, settleInto(outcomes)));
    expect(seen.values.map(show)).toEqual(['~filtered', 'a']);
    expect(outcomes.map(({ status, reason }) => [status, reason])).toEqual([
      ['skipped', 'filtered'],
      ['ok', undefined],
    ]);
  });

  it('lets items pass by that failed or were skipped, in their turn', async () => {
    const given = [Item.of('ab'), failed('c'), Item.of('d').skip('duplicate')];
    const project = (text: string) => Promise.resolve(text.split(''));
    const seen = record(from(given).pipe(split(project), map(show)));
    await turns();
    expect(seen.values).toEqual(['a', 'b', '!bad', '~duplicate']);
  });

  it('takes items that a part brings while it is emitted, in their turn', () => {
    const source = new Subject<Item<string>>();
    const out: unknown[] = [];
    source.pipe(letters).subscribe(({ data }) => {
      out.push(data);
      if (data === 'a') source.next(Item.of('cd'));
      if (data === 'c') source.complete();
    });
    source.next(Item.of('ab'));
    expect(out).toEqual(['a', 'b', 'c', 'd']);
  });

  it('splits 10,000 items and one into 10,000 parts, without a recursion', () => {
    const many = range(0, 10_000).pipe(
      map((n) => Item.of(n)),
      split((n) => [n]),
    );
    expect(record(many).values.map(show)).toEqual(upTo(10_000));
    const source = new Subject<Item<number>>();
    const seen = record(source.pipe(split((n) => upTo(n))));
    source.next(Item.of(10_000));
    expect(seen.values.map(show)).toEqual(upTo(10_000));
  });
});

describe('the account of split', () => {
  it('settles an item with the last of its parts, as the worst of them did', () => {
    const outcomes: Outcome[] = [];
    const seenBy: number[] = [];
    const worse = (item: Item): Item => {
      if (item.data === 's') return item.skip('filtered');
      return item.data === 'x' ? item.fail(new BatchxError('validation', 'x')) : item;
    };
    record(
      parents('abc', 'as', 'ss', 'sxa').pipe(
        letters,
        map(worse),
        settleInto(outcomes),
        map(() => seenBy.push(outcomes.length)),
      ),
    );
    expect(outcomesOf(outcomes)).toEqual(['abc ok', 'as ok', 'ss skipped', 'sxa failed']);
    // Each item is settled in the frame of its last part, not before.
    expect(seenBy.slice(0, 3)).toEqual([0, 0, 0]);
    expect(seenBy.slice(3)).toEqual([1, 1, 2, 2, 3, 3, 3]);
  });

  it('settles an item whose parts are settled late and in any order', () => {
    const outcomes: Outcome[] = [];
    const parts = record(parents('ab', 'cd').pipe(letters)).values;
    record(from(parts.toReversed()).pipe(settleInto(outcomes)));
    expect(outcomesOf(outcomes)).toEqual(['cd ok', 'ab ok']);
  });

  it('settles an item that could not be split to its end with the last of its parts', () => {
    const outcomes: Outcome[] = [];
    const project = function* (text: string) {
      yield text;
      throw new Error('midway');
    };
    const parts = record(parents('a').pipe(split(project))).values;
    const settled = parts.toReversed().map((part) => record(of(part).pipe(settleInto(outcomes))) && outcomes.length);
    expect(settled).toEqual([0, 1]);
    expect(outcomesOf(outcomes)).toEqual(['a failed']);
  });

  it('settles through items that were split before', () => {
    const outcomes: Outcome[] = [];
    const seen = record(
      parents('ab,c', 'd').pipe(
        split((text) => text.split(',')),
        letters,
        filterItems((letter) => letter !== 'd'),
        settleInto(outcomes),
      ),
    );
    expect(seen.values.map(({ id }) => id)).toEqual(['ab,c/1/1', 'ab,c/1/2', 'ab,c/2/1', 'd/1/1']);
    expect(outcomesOf(outcomes)).toEqual(['ab,c ok', 'd skipped']);
  });

  it('leaves an item pending that is not split to its end', () => {
    const outcomes: Outcome[] = [];
    record(parents('abc').pipe(letters, settleInto(outcomes), take(2)));
    expect(outcomes).toEqual([]);
  });
});

describe('split and the rooms', () => {
  it('emits only while there is room below, and asks for no part before', () => {
    const below = new Below<Item<number>>(3);
    let made = 0;
    const project = function* () {
      while (made < 8) yield made++;
    };
    of(Item.of(0)).pipe(split(project)).subscribe(below);
    expect([below.values.length, made]).toEqual([3, 3]);
    below.room.give(1);
    expect([below.values.length, made]).toEqual([4, 4]);
    below.room.give(3);
    expect([below.values.length, made]).toEqual([7, 7]);
    expect(below.done).toBe(false);
    below.room.give(3);
    expect(below.values.map(show)).toEqual(upTo(8));
    expect(below.done).toBe(true);
  });

  it('holds a promised part until there is room', async () => {
    const below = new Below<Item<string>>(1);
    const project = async function* () {
      yield await Promise.resolve('a');
    };
    of(Item.of('')).pipe(split(project)).subscribe(below);
    below.room.take(1);
    await turns();
    expect(below.values).toEqual([]);
    below.room.give(1);
    await turns();
    expect(below.values.map(show)).toEqual(['a']);
  });

  it('lets 64 items wait, and counts them as many as they weigh', () => {
    let read = 0;
    const blocks = function* () {
      while (read < 1000) yield [Item.of(read++, { weight: 2 })];
    };
    const subscription = pull(blocks)
      .pipe(split(() => new Promise<number[]>(() => undefined)))
      .subscribe();
    // One is being split.
    expect(read).toBe(1 + 32);
    subscription.unsubscribe();
  });

  it.each(['complete', 'error', 'unsubscribe'])('leaves its room empty after %s', (end) => {
    const rooms: Room[] = [];
    const below = new Below<Item<string>>(1);
    const source = new Subject<Item<string>>();
    let failure: unknown;
    below.error = (error: unknown) => {
      failure = error;
      below.unsubscribe();
    };
    source.pipe(watch(rooms), letters).subscribe(below);
    for (const text of ['ab', 'cd', 'ef']) source.next(Item.of(text));
    const own = rooms.filter((room) => room !== below.room);
    expect(own).toHaveLength(1);
    expect(heldIn(own)).toBe(2);
    if (end === 'complete') {
      source.complete();
      for (let n = 0; n < 6; n++) below.room.give(1);
      expect(below.values.map(show).join('')).toBe('abcdef');
    } else if (end === 'error') source.error('broken');
    else below.unsubscribe();
    expect(below.closed).toBe(true);
    expect(failure).toBe(end === 'error' ? 'broken' : undefined);
    expect(heldIn(own)).toBe(0);
  });

  it('does not go on when room becomes free after the end', () => {
    const below = new Below<Item<string>>(1);
    let asked = 0;
    const project = function* () {
      while (asked < 1000) yield `${asked++}`;
    };
    of(Item.of('')).pipe(split(project)).subscribe(below);
    below.unsubscribe();
    below.room.give(1);
    expect(asked).toBe(1);
  });

  it('does not stay in the line before a full room after the end', () => {
    const below = new Below<Item<string>>(1);
    const waiting = new Set<() => void>();
    const whenFree = below.room.whenFree.bind(below.room);
    const forget = below.room.forget.bind(below.room);
    below.room.whenFree = (resume) => {
      waiting.add(resume);
      whenFree(resume);
    };
    below.room.forget = (resume) => {
      waiting.delete(resume);
      forget(resume);
    };
    parents('ab').pipe(letters).subscribe(below);
    expect(waiting.size).toBe(1);
    below.unsubscribe();
    expect(waiting.size).toBe(0);
  });

  it('gives what is made while room is given nothing of the rooms of others', () => {
    const below = new Below<Item<number>>(1);
    const inner: Room[] = [];
    const project = function* () {
      for (;;) {
        of(0).pipe(watch(inner)).subscribe();
        yield 0;
      }
    };
    of(Item.of(0)).pipe(split(project)).subscribe(below);
    withRooms([new Room(1)], () => below.room.give(1));
    expect(below.values).toHaveLength(2);
    expect(inner).toEqual([]);
    below.unsubscribe();
  });

  it('lets pullers find its room and those below, and inner pipelines none', async () => {
    const rooms: Room[] = [];
    const inner: Room[] = [];
    const below = new Below<Item<number>>(9);
    const project = (n: number) => new Promise<number[]>((resolve) => of([n]).pipe(watch(inner)).subscribe(resolve));
    of(Item.of(1)).pipe(watch(rooms), split(project)).subscribe(below);
    await turns();
    expect(rooms).toHaveLength(2);
    expect(rooms).toContain(below.room);
    expect(inner).toEqual([]);
    expect(below.values).toHaveLength(1);
  });
});

describe('split that is left early', () => {
  /** Endless parts that say when they are left. */
  function endless() {
    const seen = { asked: 0, left: 0 };
    const project = function* () {
      try {
        while (seen.asked < 1000) yield seen.asked++;
      } finally {
        seen.left++;
      }
    };
    return { seen, project };
  }

  it('ends a generator at once', () => {
    const { seen, project } = endless();
    expect(record(of(Item.of(0)).pipe(split(project), take(3))).values).toHaveLength(3);
    expect(seen).toEqual({ asked: 3, left: 1 });
  });

  it('ends a generator that leaves the stream itself', () => {
    let left = 0;
    const source = new Subject<Item<number>>();
    const out: unknown[] = [];
    const project = function* () {
      try {
        yield 1;
        subscription.unsubscribe();
        yield 2;
        yield 3;
      } finally {
        left++;
      }
    };
    const subscription = source.pipe(split(project)).subscribe(({ data }) => out.push(data));
    source.next(Item.of(0));
    expect(out).toEqual([1]);
    expect(left).toBe(1);
  });

  it('ends an asynchronous generator, and waits for nothing', async () => {
    let left = 0;
    const project = async function* () {
      try {
        for (;;) yield await Promise.resolve(1);
      } finally {
        left++;
      }
    };
    const seen = record(of(Item.of(0)).pipe(split(project), take(2)));
    await turns();
    expect(seen.values).toHaveLength(2);
    expect(left).toBe(1);
  });

  it('is not disturbed by an error of the clean-up', async () => {
    const parts = (): IterableIterator<number> => ({
      [Symbol.iterator]: parts,
      next: () => ({ done: false, value: 1 }),
      return: () => {
        throw new Error('never seen');
      },
    });
    const project = () => parts();
    const later = async function* () {
      yield* await Promise.resolve(parts());
    };
    for (const operator of [split(project), split(later)]) {
      const below = new Below<Item<number>>(1);
      of(Item.of(0), Item.of(1)).pipe(operator).subscribe(below);
      await turns();
      expect(below.values).toHaveLength(1);
      expect(() => below.unsubscribe()).not.toThrow();
      await turns();
    }
  });

  it('fires the signal of the item that is being split', async () => {
    const signals: AbortSignal[] = [];
    const source = new Subject<Item<string>>();
    const project = (text: string, _item: Item, slot: { readonly signal: AbortSignal }) => {
      signals.push(slot.signal);
      return text === 'a' ? [text] : new Promise<string[]>(() => undefined);
    };
    const subscription = source.pipe(split(project)).subscribe();
    source.next(Item.of('a'));
    source.next(Item.of('b'));
    subscription.unsubscribe();
    await turns();
    expect(signals.map(({ aborted }) => aborted)).toEqual([false, true]);
    expect(signals[1]!.reason).toMatchObject({ code: 'aborted' });
  });

  it('drops what was promised', async () => {
    let resolve!: (parts: string[]) => void;
    const out: unknown[] = [];
    const subscription = of(Item.of(0))
      .pipe(split(() => new Promise<string[]>((done) => (resolve = done))))
      .subscribe((item) => out.push(item));
    subscription.unsubscribe();
    resolve(['a']);
    await turns();
    expect(out).toEqual([]);
  });
});

describe('split when the run is stopping', () => {
  it('splits nothing more, lets failed items pass, and ends with the source', () => {
    const runtime = fakeRuntime();
    const below = new Below<Item<string>>(1);
    const outcomes: Outcome[] = [];
    const source = new Subject<Item<string>>();
    source
      .pipe(
        split((text: string) => text.split(''), runtime),
        settleInto(outcomes),
      )
      .subscribe(below);
    source.next(Item.of('ab'));
    source.next(Item.of('cd'));
    source.next(failed('e'));
    runtime.stop();
    source.next(Item.of('f'));
    source.next(failed('g'));
    below.room.give(1);
    below.room.give(1);
    expect(below.values.map(show)).toEqual(['a', '!bad', '!bad']);
    expect(outcomesOf(outcomes)).toEqual(['#1 failed', '#1 failed']);
    expect(below.done).toBe(false);
    source.complete();
    expect(below.done).toBe(true);
  });

  it('drops what was promised', async () => {
    const runtime = fakeRuntime();
    let resolve!: (parts: string[]) => void;
    const project = () => new Promise<string[]>((done) => (resolve = done));
    const source = new Subject<Item>();
    const seen = record(source.pipe(split(project, runtime)));
    source.next(Item.of(0));
    runtime.stop();
    resolve(['a']);
    await turns();
    expect([...seen]).toEqual([]);
  });

  it('drops a part that waits for room', async () => {
    const runtime = fakeRuntime();
    const below = new Below<Item<string>>(1);
    const project = (text: string) => Promise.resolve(text.split(''));
    of(Item.of('ab')).pipe(split(project, runtime)).subscribe(below);
    below.room.take(1);
    await turns();
    runtime.stop();
    below.room.give(1);
    expect(below.values).toEqual([]);
    expect(below.done).toBe(true);
  });

  it('waits for no promise', async () => {
    const runtime = fakeRuntime();
    let signal!: AbortSignal;
    let resolve!: (parts: string[]) => void;
    const seen = record(
      of(Item.of(0)).pipe(
        split((_data, _item, slot) => {
          ({ signal } = slot);
          return new Promise<string[]>((done) => (resolve = done));
        }, runtime),
      ),
    );
    runtime.stop();
    expect([...seen]).toEqual(['C']);
    expect(signal.aborted).toBe(true);
    resolve(['a']);
    await turns();
    expect([...seen]).toEqual(['C']);
  });

  it('starts nothing when the run has stopped before', () => {
    const runtime = fakeRuntime();
    runtime.stop();
    const seen = record(of(Item.of('ab')).pipe(split((text) => text.split(''), runtime)));
    expect([...seen]).toEqual(['C']);
  });

  it('does not keep listening after its end', () => {
    const runtime = fakeRuntime();
    let listeners = 0;
    const { stopping } = runtime;
    const add = stopping.addEventListener.bind(stopping);
    const remove = stopping.removeEventListener.bind(stopping);
    stopping.addEventListener = (...all: Parameters<typeof add>) => {
      listeners++;
      add(...all);
    };
    stopping.removeEventListener = (...all: Parameters<typeof remove>) => {
      listeners--;
      remove(...all);
    };
    record(of(Item.of('ab')).pipe(split((text) => text.split(''), runtime)));
    expect(listeners).toBe(0);
  });
});

describe('split, whatever comes', () => {
  const kinds = fc.constantFrom('array', 'generator', 'promise', 'async', 'failed');

  it('emits each part once and in order, never into a full room, and settles each item once', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(kinds, fc.nat(5), fc.boolean()), { maxLength: 25 }),
        fc.integer({ min: 1, max: 4 }),
        fc.infiniteStream(fc.integer({ min: 1, max: 3 })),
        async (plan, limit, steps) => {
          const outcomes: Outcome[] = [];
          const rooms: Room[] = [];
          const below = new Below<Item>(limit);
          const push = below.next.bind(below);
          let overfull = 0;
          below.next = (item) => {
            if (below.room.full) overfull++;
            push(item);
          };
          const project = (n: number): Iterable<string> | AsyncIterable<string> | Promise<Iterable<string>> => {
            const [kind, count, breaks] = plan[n]!;
            const parts = function* () {
              for (const part of upTo(count)) yield `${n}.${part}`;
              if (breaks) throw new Error(`${n} broke`);
            };
            if (kind === 'promise') return Promise.resolve(parts());
            if (kind === 'generator') return parts();
            if (kind === 'array' && !breaks) return [...parts()];
            return (async function* () {
              await Promise.resolve();
              yield* parts();
            })();
          };
          const given = plan.map(([kind], n) => {
            const item = Item.of(n, { seq: n, id: String(n) });
            return kind === 'failed' ? item.fail(new BatchxError('parse', `${n} bad`)) : item;
          });
          from(given).pipe(watch(rooms), split(project), settleInto(outcomes)).subscribe(below);
          for (let turn = 0; !below.done && turn < 10_000; turn++) {
            await turns(5);
            if (below.room.held > 0) below.room.give(Math.min(below.room.held, steps.next().value as number));
          }
          const expected = plan.flatMap(([kind, count, breaks], n) => {
            if (kind === 'failed') return [`!${n} bad`];
            const parts = upTo(count).map((part) => `${n}.${part}`);
            if (breaks) return [...parts, `!${n} broke`];
            return count === 0 ? ['~filtered'] : parts;
          });
          expect(below.done).toBe(true);
          expect(below.values.map(show)).toEqual(expected);
          expect(overfull).toBe(0);
          expect(outcomes.map(({ id }) => id)).toEqual(given.map(({ id }) => id));
          expect(outcomes.map(({ status }) => status)).toEqual(
            plan.map(([kind, count, breaks]) =>
              kind === 'failed' || breaks ? 'failed' : count === 0 ? 'skipped' : 'ok',
            ),
          );
          expect(heldIn(rooms.filter((room) => room !== below.room))).toBe(0);
        },
      ),
    );
  });

  it('settles an item once whenever its parts are settled', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(3), { maxLength: 10 }), fc.array(fc.nat(20), { minLength: 1 }), (counts, delays) => {
        const outcomes: Outcome[] = [];
        marbles(({ flush }) => {
          from(counts.map((count, n) => Item.of(count, { id: String(n) })))
            .pipe(
              split((count) => upTo(count)),
              mergeMap((item, n) => of(item).pipe(delay(delays[n % delays.length]!))),
              settleInto(outcomes),
            )
            .subscribe();
          flush();
        })();
        expect(outcomes.map(({ id }) => id).sort()).toEqual(counts.map((_count, n) => String(n)).sort());
      }),
    );
  });
});

describe('the step `split`', () => {
  it('is the operator', () => {
    const options = splitFlow.options.parse({ expression: '({ lines }) => lines' });
    const seen = record(of(Item.of({ lines: [1, 2] })).pipe(splitFlow.create(options, fakeRuntime())));
    expect(seen.values.map(show)).toEqual([1, 2]);
  });

  it('refuses an expression that does not parse, when it is built', () => {
    expect(() => splitFlow.create({ expression: 'data.' }, fakeRuntime())).toThrow('the expression does not parse');
  });
});
