import {
  BehaviorSubject,
  EMPTY,
  from,
  merge,
  NEVER,
  Observable,
  type ObservableInput,
  of,
  range,
  Subject,
  tap,
  throwError,
} from 'rxjs';
import { describe, expect, it } from 'vitest';
import { mapConcurrent, type MapConcurrentOptions } from '../../src/operators/flow/map-concurrent.js';
import { Item } from '../../src/core/item.js';
import { pull } from '../../src/core/pull.js';
import { findRooms, Room, roomsAnnounced, withRooms } from '../../src/core/rooms.js';
import type { Slot } from '../../src/core/slot.js';
import { Holder, settled } from './holder.js';

/** A source that is pushed by hand, calls that end by hand, and all that can be seen of the operator between. */
class Bench {
  readonly source = new Subject<number>();
  /** The values in the order in which their calls were started. */
  readonly started: number[] = [];
  readonly seen: unknown[] = [];
  readonly slots = new Map<number, Slot>();
  readonly #calls = new Map<number, Subject<string>>();
  running = 0;
  /** The room of the operator, as a puller above it finds it. */
  room!: Room;
  /** What is done when a result is seen. */
  onResult: (result: string) => void = () => undefined;
  readonly subscription;

  constructor(options: number | MapConcurrentOptions, above: Observable<number> = this.source) {
    const operator = mapConcurrent((n: number, slot) => this.#call(n, slot), options);
    const source = new Observable<number>((subscriber) => {
      this.room = findRooms(subscriber)[0] as Room;
      return above.subscribe(subscriber);
    });
    this.subscription = source.pipe(operator).subscribe({
      next: (result) => {
        this.seen.push(result);
        this.onResult(result);
      },
      error: (error: unknown) => this.seen.push({ error }),
      complete: () => this.seen.push('complete'),
    });
  }

  #call(n: number, slot: Slot): Observable<string> {
    return new Observable((subscriber) => {
      this.started.push(n);
      this.running++;
      const call = new Subject<string>();
      this.#calls.set(n, call);
      this.slots.set(n, slot);
      call.subscribe(subscriber);
      return () => {
        this.running--;
      };
    });
  }

  push(...values: number[]): void {
    for (const n of values) this.source.next(n);
  }

  emit(n: number, result = `${n}`): void {
    this.#calls.get(n)?.next(result);
  }

  complete(...calls: number[]): void {
    for (const n of calls) this.#calls.get(n)?.complete();
  }

  /** Ends calls that emit one result each. */
  done(...calls: number[]): void {
    for (const n of calls) {
      this.emit(n);
      this.complete(n);
    }
  }

  fail(n: number, error: unknown): void {
    this.#calls.get(n)?.error(error);
  }
}

describe('the cap', () => {
  it('runs as many calls as it allows, and starts the next ones in their order', () => {
    const bench = new Bench(2);
    bench.push(1, 2, 3, 4);
    expect(bench.started).toEqual([1, 2]);
    bench.done(2);
    expect(bench.started).toEqual([1, 2, 3]);
    bench.done(1, 3);
    expect([bench.started, bench.running]).toEqual([[1, 2, 3, 4], 1]);
  });

  it('is 4 unless said', () => {
    const bench = new Bench({});
    bench.push(1, 2, 3, 4, 5);
    expect(bench.started).toEqual([1, 2, 3, 4]);
  });

  it('may be endless', () => {
    const bench = new Bench(Infinity);
    bench.push(...Array.from({ length: 500 }, (_, n) => n));
    expect([bench.running, bench.room.full]).toEqual([500, false]);
  });

  it.each([0, -1, 1.5, NaN])('may not be %d', (concurrency) => {
    expect(() => mapConcurrent(() => EMPTY, concurrency)).toThrow(
      `mapConcurrent: \`concurrency\`: expected a whole number of at least 1, or an Observable of numbers, got ${concurrency} (number)`,
    );
  });

  it('holds when a result makes room for more input', () => {
    // What reads the results pushes the next value while the slot of the last call is not free yet.
    const bench = new Bench(2);
    let most = 0;
    bench.source.subscribe(() => (most = Math.max(most, bench.running)));
    bench.push(1, 2);
    let more = 3;
    bench.onResult = () => {
      if (more < 50) bench.push(more++);
    };
    for (let n = 1; n < 50; n++) bench.done(n);
    expect(bench.seen.length).toBe(49);
    expect(most).toBe(2);
  });

  it('frees a slot once a call is over and torn down', () => {
    const seen: string[] = [];
    const ends = new Subject<void>();
    const call = (name: string) =>
      new Observable<string>((subscriber) => {
        seen.push(name);
        ends.subscribe({ next: () => subscriber.complete() });
        return () => {
          seen.push(`-${name}`);
        };
      });
    from(['a', 'b', 'c']).pipe(mapConcurrent(call, 1)).subscribe();
    ends.next();
    ends.next();
    expect(seen).toEqual(['a', '-a', 'b', '-b', 'c']);
  });

  it('lets nothing overtake what waits, also when a result brings the next value about', () => {
    const bench = new Bench({ concurrency: 2, ordered: true });
    bench.push(1, 2, 3, 4);
    bench.done(2);
    bench.onResult = (result) => {
      if (result === '2') bench.push(5);
    };
    bench.done(1);
    expect(bench.started).toEqual([1, 2, 3, 4]);
    bench.done(3, 4, 5);
    expect(bench.seen).toEqual(['1', '2', '3', '4', '5']);
  });

  it('does not recurse for calls that are done at once', () => {
    const seen: number[] = [];
    const caps = new BehaviorSubject(0);
    range(0, 100_000)
      .pipe(mapConcurrent((n) => of(n), { concurrency: caps }))
      .subscribe((n) => seen.push(n));
    expect(seen.length).toBe(0);
    caps.next(1);
    expect(seen.length).toBe(100_000);
    expect(seen.every((n, i) => n === i)).toBe(true);
  });
});

describe('what it maps to', () => {
  it('may be promises, iterables, Observables; with none, one or many results', async () => {
    const results: Record<string, unknown> = {};
    const projects: Record<string, (n: number) => ObservableInput<number>> = {
      promise: (n: number) => Promise.resolve(n),
      iterable: (n: number) => [n, n],
      nothing: () => EMPTY,
      async *generator(n: number) {
        await Promise.resolve();
        yield n;
        yield -n;
      },
    };
    for (const [name, project] of Object.entries(projects)) {
      const seen: unknown[] = [];
      of(1, 2)
        .pipe(mapConcurrent(project, { concurrency: 1 }))
        .subscribe({ next: (n) => seen.push(n), complete: () => seen.push('|') });
      await settled();
      results[name] = seen;
    }
    expect(results).toEqual({
      promise: [1, 2, '|'],
      iterable: [1, 1, 2, 2, '|'],
      nothing: ['|'],
      generator: [1, -1, 2, -2, '|'],
    });
  });

  it('may be undefined values, which count like others', () => {
    const bench = new Bench({ concurrency: 1 }, of(1, undefined as never, undefined as never));
    expect(bench.room.held).toBe(2);
    bench.done(1);
    bench.done(undefined as never);
    bench.done(undefined as never);
    expect(bench.seen).toEqual(['1', 'undefined', 'undefined', 'complete']);
  });

  it('and nothing else', () => {
    const seen: unknown[] = [];
    of(1)
      .pipe(mapConcurrent(() => 5 as never))
      .subscribe({ error: (error: unknown) => seen.push(error) });
    expect(seen).toEqual([expect.any(TypeError)]);
  });
});

describe('the end', () => {
  it('is there when the source and all calls are', () => {
    const bench = new Bench(1);
    bench.push(1, 2);
    bench.source.complete();
    bench.done(1);
    expect(bench.seen).toEqual(['1']);
    bench.emit(2);
    expect(bench.seen).toEqual(['1', '2']);
    bench.complete(2);
    expect(bench.seen).toEqual(['1', '2', 'complete']);
  });

  it('is there at once for an empty source, and when the source ends last', () => {
    expect(new Bench(1, EMPTY).seen).toEqual(['complete']);
    const bench = new Bench(1);
    bench.push(1);
    bench.done(1);
    bench.source.complete();
    expect(bench.seen).toEqual(['1', 'complete']);
  });

  it('comes too when the source ends while a result is emitted', () => {
    for (const ordered of [false, true]) {
      const bench = new Bench({ concurrency: 2, ordered });
      bench.push(1, 2, 3);
      bench.onResult = (result) => {
        if (result === '3') bench.source.complete();
      };
      bench.done(2, 1, 3);
      expect(bench.seen).toEqual(ordered ? ['1', '2', '3', 'complete'] : ['2', '1', '3', 'complete']);
    }
  });

  it.each([
    ['of the source', (bench: Bench, error: Error) => bench.source.error(error)],
    ['of a call', (bench: Bench, error: Error) => bench.fail(2, error)],
  ])('an error %s ends all', (_whose, fail) => {
    const bench = new Bench(2);
    bench.push(1, 2, 3);
    const { signal } = bench.slots.get(1) as Slot;
    fail(bench, new Error('no'));
    expect(bench.seen).toEqual([{ error: new Error('no') }]);
    expect([bench.running, bench.room.held, signal.aborted]).toEqual([0, 0, true]);
    expect(bench.started).toEqual([1, 2]);
  });

  it('an error of `project` itself is one of the stream', () => {
    const seen: unknown[] = [];
    of(1)
      .pipe(
        mapConcurrent((): Observable<never> => {
          throw new Error('no');
        }),
      )
      .subscribe({ error: (error: unknown) => seen.push(error) });
    expect(seen).toEqual([new Error('no')]);
  });

  it('unsubscribing ends the source, the calls and what waits', () => {
    for (const ordered of [false, true]) {
      const bench = new Bench({ concurrency: 2, ordered });
      bench.push(1, 2, 3);
      bench.done(2);
      const { signal } = bench.slots.get(1) as Slot;
      bench.subscription.unsubscribe();
      expect([bench.running, bench.room.held, signal.aborted, bench.source.observed]).toEqual([0, 0, true, false]);
    }
  });

  it('tears down after the source, so that nothing arrives in between', () => {
    const source = new Observable<number>((subscriber) => {
      subscriber.next(1);
      return () => {
        // A source whose own end is a last value: hand-written ones do this.
        subscriber.next(2);
      };
    });
    const bench = new Bench(1, source);
    bench.subscription.unsubscribe();
    expect([bench.started, bench.room.held]).toEqual([[1], 0]);
  });
});

describe('the signal of a call', () => {
  it('does not fire for calls that are over', () => {
    const bench = new Bench(2);
    bench.push(1, 2);
    const signals = [1, 2].map((n) => (bench.slots.get(n) as Slot).signal);
    bench.done(1);
    bench.subscription.unsubscribe();
    expect(signals.map(({ aborted }) => aborted)).toEqual([false, true]);
  });

  it('says why, and has fired for those that ask too late', () => {
    const bench = new Bench(1);
    bench.push(1);
    bench.subscription.unsubscribe();
    const { signal } = bench.slots.get(1) as Slot;
    expect([signal.aborted, signal.reason]).toEqual([true, expect.objectContaining({ code: 'aborted' })]);
  });

  it('is one for each call', () => {
    const bench = new Bench(1);
    bench.push(1);
    const slot = bench.slots.get(1) as Slot;
    expect(slot.signal).toBe(slot.signal);
  });
});

describe('the room', () => {
  it('holds what waits, and not what runs', () => {
    const bench = new Bench(2);
    bench.push(1, 2);
    expect(bench.room.held).toBe(0);
    bench.push(3, 4, 5);
    expect(bench.room.held).toBe(3);
    bench.done(1);
    expect(bench.room.held).toBe(2);
    bench.done(2, 3, 4, 5);
    expect(bench.room.held).toBe(0);
  });

  it.each([
    [1, 64],
    [4, 64],
    [100, 200],
  ])('lets a cap of %d read %d ahead', (concurrency, ahead) => {
    let read = 0;
    const source = pull(function* () {
      for (;;) yield [++read];
    });
    new Bench({ concurrency }, source);
    expect(read).toBe(concurrency + ahead);
  });

  it('stops the reading while results wait for their turn, too', () => {
    let read = 0;
    const source = pull(function* () {
      for (;;) yield [++read];
    });
    const bench = new Bench({ concurrency: 2, ordered: true }, source);
    for (let n = 2; n < 500; n++) bench.done(n);
    expect(bench.seen).toEqual([]);
    // 64 and the cap of 2: the first call, and 65 that are done.
    expect([read, bench.room.held]).toEqual([66, 65]);
    bench.done(1);
    expect(bench.seen.length).toBe(66);
    expect([read, bench.room.held]).toEqual([132, 64]);
  });

  it('counts items by what they weigh', () => {
    const source = new Subject<Item>();
    let room!: Room;
    const ends = new Subject<never>();
    for (const ordered of [false, true]) {
      const above = new Observable<Item>((subscriber) => {
        room = findRooms(subscriber)[0] as Room;
        return source.subscribe(subscriber);
      });
      const calls: Subject<never>[] = [];
      const subscription = above
        .pipe(
          mapConcurrent(
            () => {
              const call = new Subject<never>();
              calls.push(call);
              return call;
            },
            { concurrency: 2, ordered },
          ),
        )
        .subscribe();
      for (const weight of [100, 10, 20]) source.next(Item.of(0, { weight }));
      expect(room.held).toBe(20);
      calls[1]?.complete();
      expect(room.held).toBe(ordered ? 10 : 0);
      calls[0]?.complete();
      expect(room.held).toBe(0);
      subscription.unsubscribe();
    }
    ends.complete();
  });

  it('wakes a reader when a call is over', () => {
    let read = 0;
    const source = pull(function* () {
      for (;;) yield [++read];
    });
    const bench = new Bench({ concurrency: 1 }, source);
    expect(read).toBe(65);
    bench.done(1);
    expect(read).toBe(66);
    bench.done(2, 3, 4);
    expect(read).toBe(69);
  });

  it('serves two readers in turn', () => {
    const endless = (from: number) =>
      pull(function* () {
        for (let n = from; ; n++) yield [n];
      });
    const bench = new Bench({ concurrency: 1 }, merge(endless(0), endless(1_000_000)));
    for (let n = 0; n < 65; n++) bench.done(n);
    for (let i = 65; i < 200; i++) bench.done(bench.started[i] as number);
    const second = bench.started.filter((n) => n >= 1_000_000).length;
    expect(second / bench.started.length).toBeGreaterThan(0.3);
  });

  it('is empty when a result ends the stream', () => {
    for (const ordered of [false, true]) {
      const bench = new Bench({ concurrency: 3, ordered });
      bench.push(1, 2, 3, 4, 5);
      bench.onResult = (result) => {
        if (result === '2') bench.subscription.unsubscribe();
      };
      bench.done(2, 1, 3);
      expect([bench.room.held, bench.running]).toEqual([0, 0]);
    }
  });
});

describe('in order', () => {
  it('emits the results of the first call at once and of the others when it is their turn', () => {
    const bench = new Bench({ concurrency: 3, ordered: true });
    bench.push(1, 2, 3);
    bench.emit(2, '2a');
    bench.emit(1, '1a');
    bench.done(3);
    expect(bench.seen).toEqual(['1a']);
    bench.complete(1);
    expect(bench.seen).toEqual(['1a', '2a']);
    bench.emit(2, '2b');
    expect(bench.seen).toEqual(['1a', '2a', '2b']);
    bench.complete(2);
    expect(bench.seen).toEqual(['1a', '2a', '2b', '3']);
  });

  it('starts calls while an earlier result is waited for', () => {
    const bench = new Bench({ concurrency: 2, ordered: true });
    bench.push(1, 2, 3, 4);
    bench.done(2, 3);
    expect([bench.started, bench.seen]).toEqual([[1, 2, 3, 4], []]);
    bench.done(1);
    expect(bench.seen).toEqual(['1', '2', '3']);
    bench.done(4);
    expect(bench.seen).toEqual(['1', '2', '3', '4']);
  });

  it('passes by calls without a result', () => {
    const bench = new Bench({ concurrency: 3, ordered: true });
    bench.push(1, 2, 3);
    bench.complete(2);
    bench.done(3);
    bench.complete(1);
    bench.source.complete();
    expect(bench.seen).toEqual(['3', 'complete']);
  });

  it('pauses a running inner source once `buffer` of its results wait', () => {
    const room: number[] = [0, 0, 0];
    const inner = (n: number) =>
      pull(function* () {
        for (let i = 0; i < 100; i++) {
          room[n]!++;
          yield [`${n}.${i}`];
        }
      });
    const gate = new Subject<string>();
    const seen: string[] = [];
    of(0, 1, 2)
      .pipe(mapConcurrent((n) => (n === 0 ? gate : inner(n)), { concurrency: 3, ordered: true, buffer: 10 }))
      .subscribe((result) => seen.push(result));
    expect(room).toEqual([0, 10, 10]);
    gate.complete();
    expect(room).toEqual([0, 100, 100]);
    expect(seen).toEqual([1, 2].flatMap((n) => Array.from({ length: 100 }, (_, i) => `${n}.${i}`)));
  });

  it('gives up what waits for its turn when it is unsubscribed from', () => {
    let room: Room | undefined;
    const inner = new Observable<number>((subscriber) => {
      room = findRooms(subscriber)[0];
      subscriber.next(1);
    });
    const subscription = of(NEVER, inner)
      .pipe(mapConcurrent((call) => call, { concurrency: 2, ordered: true }))
      .subscribe();
    expect(room?.held).toBe(1);
    subscription.unsubscribe();
    expect(room?.held).toBe(0);
  });

  it('keeps the order when a result brings the next one about', () => {
    const bench = new Bench({ concurrency: 3, ordered: true });
    bench.push(1, 2, 3);
    bench.onResult = (result) => {
      if (result !== '2a') return;
      bench.emit(2, '2b');
      bench.complete(2);
    };
    bench.emit(2, '2a');
    bench.done(3, 1);
    expect(bench.seen).toEqual(['1', '2a', '2b', '3']);
    expect(bench.room.held).toBe(0);
  });
});

describe('a cap that changes', () => {
  it('starts nothing before its first number, and pauses at 0', () => {
    const caps = new Subject<number>();
    const bench = new Bench({ concurrency: caps });
    bench.push(1, 2, 3);
    expect(bench.started).toEqual([]);
    caps.next(1);
    expect(bench.started).toEqual([1]);
    caps.next(0);
    bench.done(1);
    expect(bench.started).toEqual([1]);
    caps.next(2);
    expect(bench.started).toEqual([1, 2, 3]);
  });

  it('cancels nothing when it falls', () => {
    const caps = new BehaviorSubject(3);
    const bench = new Bench({ concurrency: caps });
    bench.push(1, 2, 3, 4);
    caps.next(1);
    expect(bench.running).toBe(3);
    bench.done(1, 2);
    expect(bench.started).toEqual([1, 2, 3]);
    bench.done(3);
    expect(bench.started).toEqual([1, 2, 3, 4]);
  });

  it('keeps the last one when it completes', () => {
    const bench = new Bench({ concurrency: of(1, 2) });
    bench.push(1, 2, 3);
    expect(bench.running).toBe(2);
  });

  it('changes what may be read ahead', () => {
    let read = 0;
    const caps = new BehaviorSubject(0);
    const source = pull(function* () {
      for (;;) yield [++read];
    });
    const bench = new Bench({ concurrency: caps }, source);
    expect(read).toBe(64);
    caps.next(100);
    expect(read).toBe(300);
    expect(bench.started).toEqual(Array.from({ length: 100 }, (_, n) => n + 1));
  });

  it.each<[string, Observable<number>, object]>([
    ['an error', throwError(() => new Error('no')), { message: 'no' }],
    [
      'no number at all',
      EMPTY,
      { code: 'usage', message: 'expected the concurrency Observable to emit a number, it completed without one' },
    ],
    [
      'less than 0',
      of(-1),
      { code: 'usage', message: 'expected a concurrency to be a whole number of at least 0, got -1' },
    ],
    ['a fraction', of(0.5), { message: 'expected a concurrency to be a whole number of at least 0, got 0.5' }],
    [
      'no number',
      of<number>('many' as never),
      { message: 'expected a concurrency to be a whole number of at least 0, got many' },
    ],
  ])('ends the stream with %s, and nothing is opened', (_what, concurrency, error) => {
    const source = new Observable<number>(() => expect.unreachable());
    const seen: unknown[] = [];
    source
      .pipe(mapConcurrent(() => EMPTY, { concurrency }))
      .subscribe({ error: (thrown: unknown) => seen.push(thrown) });
    expect(seen).toEqual([expect.objectContaining(error)]);
  });

  it('ends the stream with its error later on', () => {
    const caps = new BehaviorSubject(1);
    const bench = new Bench({ concurrency: caps });
    bench.push(1, 2);
    caps.error(new Error('no'));
    expect(bench.seen).toEqual([{ error: new Error('no') }]);
    expect([bench.room.held, bench.running]).toEqual([0, 0]);
  });

  it('is not listened to for longer than the subscription', () => {
    const caps = new BehaviorSubject(1);
    const bench = new Bench({ concurrency: caps });
    expect(caps.observed).toBe(true);
    bench.subscription.unsubscribe();
    expect(caps.observed).toBe(false);
  });

  it('lets it end when what waited is done', () => {
    const caps = new BehaviorSubject(0);
    const seen: unknown[] = [];
    of(1, 2)
      .pipe(mapConcurrent((n) => of(n), { concurrency: caps }))
      .subscribe({ next: (n) => seen.push(n), complete: () => seen.push('complete') });
    expect(seen).toEqual([]);
    caps.next(1);
    expect(seen).toEqual([1, 2, 'complete']);
  });
});

describe('parking', () => {
  const park = (bench: Bench, n: number) => (bench.slots.get(n) as Slot).park();
  const unpark = (bench: Bench, n: number, go: () => void = () => undefined) => (bench.slots.get(n) as Slot).unpark(go);

  it('gives the slot to the next value', () => {
    const bench = new Bench(1);
    bench.push(1, 2, 3);
    park(bench, 1);
    expect(bench.started).toEqual([1, 2]);
    bench.done(2);
    expect(bench.started).toEqual([1, 2, 3]);
  });

  it('gives a slot back to those that want to go on, before values that wait', () => {
    const bench = new Bench(1);
    bench.push(1, 2, 3);
    const went: number[] = [];
    park(bench, 1);
    unpark(bench, 1, () => went.push(1));
    expect(went).toEqual([]);
    bench.done(2);
    expect([went, bench.started]).toEqual([[1], [1, 2]]);
    bench.done(1);
    expect(bench.started).toEqual([1, 2, 3]);
  });

  it('goes on at once when a slot is free, and when it was not parked', () => {
    const bench = new Bench(2);
    bench.push(1, 2);
    const went: number[] = [];
    unpark(bench, 1, () => went.push(1));
    park(bench, 1);
    park(bench, 1);
    unpark(bench, 1, () => went.push(2));
    expect(went).toEqual([1, 2]);
    bench.push(3);
    expect(bench.started).toEqual([1, 2]);
  });

  it('does nothing while as many wait as are allowed', () => {
    const bench = new Bench({ concurrency: 1, maxWaiting: 1 });
    bench.push(1, 2, 3);
    park(bench, 1);
    park(bench, 2);
    expect(bench.started).toEqual([1, 2]);
    let went = false;
    unpark(bench, 2, () => (went = true));
    expect(went).toBe(true);
  });

  it('a call that ends while it is parked frees no slot it does not have', () => {
    const bench = new Bench(1);
    bench.push(1, 2, 3);
    park(bench, 1);
    bench.done(1);
    expect(bench.started).toEqual([1, 2]);
    bench.done(2);
    expect(bench.started).toEqual([1, 2, 3]);
    bench.push(4);
    expect(bench.running).toBe(1);
  });

  it('a call that ends while it waits for a slot gets none', () => {
    const bench = new Bench(1);
    bench.push(1, 2, 3);
    park(bench, 1);
    unpark(bench, 1, () => expect.unreachable());
    bench.done(1, 2);
    expect(bench.started).toEqual([1, 2, 3]);
    bench.done(3);
    bench.source.complete();
    expect(bench.seen).toEqual(['1', '2', '3', 'complete']);
  });

  it('is not the end: that waits for those that are parked', () => {
    const bench = new Bench(1);
    bench.push(1);
    park(bench, 1);
    bench.source.complete();
    expect(bench.seen).toEqual([]);
    unpark(bench, 1, () => {
      bench.done(1);
    });
    expect(bench.seen).toEqual(['1', 'complete']);
  });

  it('keeps the order', () => {
    const bench = new Bench({ concurrency: 1, ordered: true });
    bench.push(1, 2);
    park(bench, 1);
    bench.done(2);
    expect(bench.seen).toEqual([]);
    unpark(bench, 1);
    bench.done(1);
    expect(bench.seen).toEqual(['1', '2']);
  });

  it('ends with the subscription', () => {
    const bench = new Bench(1);
    bench.push(1, 2);
    park(bench, 1);
    unpark(bench, 1, () => expect.unreachable());
    bench.subscription.unsubscribe();
    bench.done(2);
    expect(bench.running).toBe(0);
  });
});

describe('the stop signal', () => {
  it('drops what waits and what comes, and lets end what runs', () => {
    for (const ordered of [false, true]) {
      const stopping = new AbortController();
      const bench = new Bench({ concurrency: 2, ordered, stop: stopping.signal });
      bench.push(1, 2, 3, undefined as never, 5);
      stopping.abort();
      expect(bench.room.held).toBe(0);
      bench.push(6);
      bench.done(2, 1);
      expect(bench.started).toEqual([1, 2]);
      bench.source.complete();
      expect(bench.seen).toEqual(ordered ? ['1', '2', 'complete'] : ['2', '1', 'complete']);
    }
  });

  it('starts nothing when it has fired before', () => {
    const bench = new Bench({ concurrency: 1, stop: AbortSignal.abort() }, of(1, 2));
    expect([bench.started, bench.seen]).toEqual([[], ['complete']]);
  });

  it('lets a source go on that waits for room, so that it comes to its end', () => {
    const stopping = new AbortController();
    const caps = new BehaviorSubject(0);
    const source = pull(() => [Array.from({ length: 100 }, (_, n) => n)]);
    const bench = new Bench({ concurrency: caps, stop: stopping.signal }, source);
    expect(bench.room.full).toBe(true);
    stopping.abort();
    expect([bench.room.held, bench.seen]).toEqual([0, ['complete']]);
  });

  it('drops what came while it was subscribed to, when it fires then', () => {
    const stopping = new AbortController();
    const source = of(1, 2, 3).pipe(tap((n) => n === 3 && stopping.abort()));
    const bench = new Bench({ concurrency: 1, stop: stopping.signal }, source);
    expect(bench.room.held).toBe(0);
    bench.done(1);
    expect([bench.started, bench.seen]).toEqual([[1], ['1', 'complete']]);
  });

  it('stops a source that has it too before room is given back', () => {
    const stopping = new AbortController();
    const stop = stopping.signal;
    const read: number[] = [];
    const values = Array.from({ length: 100 }, (_, n) => n);
    const source = pull(() => [values], { stop, onEmit: (n) => read.push(n) });
    const bench = new Bench({ concurrency: 1, stop }, source);
    const before = read.length;
    stopping.abort();
    expect([read.length, bench.room.held, before < 100]).toEqual([before, 0, true]);
  });

  it('is not listened to for longer than the subscription', () => {
    let listening = 0;
    const stop = Object.assign(new AbortController().signal, {
      addEventListener: () => listening++,
      removeEventListener: () => listening--,
    });
    const bench = new Bench({ concurrency: 1, stop });
    expect(listening).toBeGreaterThan(0);
    bench.subscription.unsubscribe();
    expect(listening).toBe(0);
  });
});

describe('the rooms around a subscription', () => {
  it('are not seen by calls, by those that take results, nor by caps', () => {
    const seen: [string, boolean][] = [];
    const look = (who: string) => seen.push([who, roomsAnnounced()]);
    const caps = new Observable<number>((subscriber) => {
      look('caps');
      subscriber.next(1);
    });
    for (const ordered of [false, true]) {
      withRooms([new Room(1)], () =>
        of(1, 2)
          .pipe(
            mapConcurrent(
              (n) => {
                look('call');
                return of(n);
              },
              { concurrency: caps, ordered },
            ),
          )
          .subscribe({ next: () => look('result'), complete: () => look('complete') }),
      );
    }
    expect(seen.length).toBe(12);
    expect(seen.filter(([, announced]) => announced)).toEqual([]);
  });

  it('are not seen by a call whose slot is freed in them', () => {
    const first = new Subject<never>();
    const seen: boolean[] = [];
    const call = (n: number) => {
      seen.push(roomsAnnounced());
      return n === 0 ? first : EMPTY;
    };
    of(0, 1).pipe(mapConcurrent(call, 1)).subscribe();
    withRooms([new Room(1)], () => first.complete());
    expect(seen).toEqual([false, false]);
  });

  it('are announced to inner sources, and are those below', () => {
    const below = new Holder<number>();
    let found: readonly Room[] = [];
    const byHand = new Observable<number>((subscriber) => {
      const inner = new Observable<number>((deep) => {
        found = findRooms(deep);
      });
      return inner.subscribe({ next: (n) => subscriber.next(n) });
    });
    of(1)
      .pipe(mapConcurrent(() => byHand, 1))
      .subscribe(below);
    expect(found).toEqual([below.room]);
  });

  it('are its own and those below, for a source', () => {
    const below = new Holder<number>();
    let found: readonly Room[] = [];
    new Observable<number>((subscriber) => {
      found = findRooms(subscriber);
    })
      .pipe(
        mapConcurrent((n) => of(n), 1),
        mapConcurrent((n) => of(n), 1),
      )
      .subscribe(below);
    expect(new Set(found).size).toBe(3);
    expect(found).toContain(below.room);
  });
});
