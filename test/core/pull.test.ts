import {
  concat,
  EMPTY,
  filter,
  lastValueFrom,
  map,
  merge,
  Observable,
  retry,
  Subject,
  take,
  takeUntil,
  toArray,
} from 'rxjs';
import { describe, expect, it } from 'vitest';
import { pull } from '../../src/core/pull.js';
import { Room, roomsAnnounced, withRooms } from '../../src/core/rooms.js';
import { Holder, settled } from './holder.js';

/** A sequence that is pulled by hand: how often it was asked, and what it answers. */
class Pulled<T> {
  reads = 0;
  returned = 0;
  signal: AbortSignal | undefined;
  #answer: { resolve: (result: IteratorResult<readonly T[]>) => void; reject: (error: unknown) => void } | undefined;

  readonly open = (signal: AbortSignal): AsyncIterable<readonly T[]> => {
    this.signal = signal;
    return {
      [Symbol.asyncIterator]: () => ({
        next: () => {
          this.reads++;
          return new Promise((resolve, reject) => {
            this.#answer = { resolve, reject };
          });
        },
        return: () => {
          this.returned++;
          return Promise.resolve({ done: true, value: undefined });
        },
      }),
    };
  };

  async bring(...values: T[]): Promise<void> {
    this.#answer?.resolve({ done: false, value: values });
    await settled();
  }

  async end(): Promise<void> {
    this.#answer?.resolve({ done: true, value: undefined });
    await settled();
  }

  async fail(error: unknown): Promise<void> {
    this.#answer?.reject(error);
    await settled();
  }
}

/** Blocks of `size` numbers each, from `from`, without an end. */
function* numbers(from: number, size = 1): Generator<number[]> {
  for (let n = from; ; n += size) yield Array.from({ length: size }, (_, i) => n + i);
}

describe('pull', () => {
  it('emits the values of all blocks, one by one, and completes', async () => {
    const all = pull(() => [[1, 2], [], [3]]).pipe(toArray());
    expect(await lastValueFrom(all)).toEqual([1, 2, 3]);
    expect(await lastValueFrom(all)).toEqual([1, 2, 3]);
  });

  it('is done at once when the sequence is not asynchronous', () => {
    const seen: unknown[] = [];
    pull(() => [[1], [2]]).subscribe({ next: (n) => seen.push(n), complete: () => seen.push('complete') });
    expect(seen).toEqual([1, 2, 'complete']);
  });

  it('takes asynchronous sequences', async () => {
    const blocks = async function* () {
      await Promise.resolve();
      yield [1, 2];
      yield [3];
    };
    expect(await lastValueFrom(pull(blocks).pipe(toArray()))).toEqual([1, 2, 3]);
  });

  it('completes without a value when there is none', () => {
    let completed = false;
    pull(() => []).subscribe({ complete: () => (completed = true) });
    expect(completed).toBe(true);
  });

  it('opens the sequence anew for each subscription', () => {
    let opened = 0;
    const source = pull(() => {
      opened++;
      return [[opened]];
    });
    expect(opened).toBe(0);
    source.subscribe();
    source.subscribe();
    expect(opened).toBe(2);
  });

  it('shows each value just before it is emitted', () => {
    const seen: string[] = [];
    pull(() => [['a', 'b']], { onEmit: (value) => seen.push(`${value}?`) }).subscribe((value) => seen.push(value));
    expect(seen).toEqual(['a?', 'a', 'b?', 'b']);
  });

  describe('reads only while there is room', () => {
    it('within a block', () => {
      const holder = new Holder<number>(2);
      pull(() => numbers(0, 5)).subscribe(holder);
      expect(holder.values).toEqual([0, 1]);
      holder.letGo();
      expect(holder.values).toEqual([0, 1, 2]);
      holder.letGo(2);
      expect(holder.values).toEqual([0, 1, 2, 3, 4]);
    });

    it('and asks for no block before the last one has been emitted and there is room again', async () => {
      const source = new Pulled<number>();
      const holder = new Holder<number>(2);
      pull(source.open).subscribe(holder);
      await source.bring(1, 2, 3);
      expect([holder.values, source.reads]).toEqual([[1, 2], 1]);
      holder.letGo();
      expect([holder.values, source.reads]).toEqual([[1, 2, 3], 1]);
      holder.letGo();
      expect(source.reads).toBe(2);
    });

    it('asks for nothing as long as a room is full at the subscription', () => {
      const source = new Pulled<number>();
      const holder = new Holder<number>(1);
      holder.room.take(1);
      pull(source.open).subscribe(holder);
      expect(source.reads).toBe(0);
      holder.letGo();
      expect(source.reads).toBe(1);
    });

    it('in all of the rooms below', () => {
      const [near, far] = [new Room(1), new Room(1)];
      const seen: number[] = [];
      near.take(1);
      far.take(1);
      pull(() => numbers(1), { rooms: [near, far] })
        .pipe(take(3))
        .subscribe((n) => {
          seen.push(n);
          near.take(1);
          far.take(1);
        });
      near.give(1);
      expect(seen).toEqual([]);
      far.give(1);
      expect(seen).toEqual([1]);
      far.give(1);
      expect(seen).toEqual([1]);
      near.give(1);
      expect(seen).toEqual([1, 2]);
    });

    it('through operators of rxjs, also for a source that comes later', () => {
      const holder = new Holder<number>(1);
      concat(
        EMPTY,
        pull(() => numbers(0)).pipe(
          filter((n) => n % 2 === 0),
          map((n) => n * 10),
        ),
      ).subscribe(holder);
      expect(holder.values).toEqual([0]);
      holder.letGo();
      expect(holder.values).toEqual([0, 20]);
    });

    it('of what is announced around it', () => {
      const room = new Room(1);
      room.take(1);
      const seen: number[] = [];
      withRooms([room], () =>
        pull(() => numbers(0))
          .pipe(take(2))
          .subscribe((n) => seen.push(n)),
      );
      expect(seen).toEqual([]);
      room.give(1);
      expect(seen).toEqual([0, 1]);
    });

    it('of the rooms it is given and of no others', () => {
      const holder = new Holder<number>(1);
      pull(() => numbers(0), { rooms: [] })
        .pipe(take(4))
        .subscribe(holder);
      expect(holder.values).toEqual([0, 1, 2, 3]);
    });

    it('and holds no more than a block when what is below is never full', async () => {
      const source = new Pulled<number>();
      pull(source.open).subscribe();
      expect(source.reads).toBe(1);
      await source.bring(1);
      expect(source.reads).toBe(2);
    });
  });

  it('two into one room take turns', () => {
    const holder = new Holder<number>(2);
    merge(
      pull(() => numbers(0)),
      pull(() => numbers(100)),
    ).subscribe(holder);
    expect(holder.values).toEqual([0, 1]);
    holder.letGo(6);
    expect(holder.values.slice(2)).toEqual([2, 100, 3, 101, 4, 102]);
  });

  it('a puller that is done leaves the room to the others', () => {
    const holder = new Holder<number>(1);
    merge(
      pull(() => [[1, 2]]),
      pull(() => [[3, 4, 5]]),
    ).subscribe(holder);
    holder.letGo(5);
    expect(holder.values.toSorted()).toEqual([1, 2, 3, 4, 5]);
    expect(holder.ended).toBe('complete');
  });

  describe('errors', () => {
    it.each<[string, () => Iterable<number[]>]>([
      [
        'of opening',
        () => {
          throw new Error('no');
        },
      ],
      [
        'of the first read',
        // eslint-disable-next-line require-yield
        function* () {
          throw new Error('no');
        },
      ],
    ])('%s are errors of the Observable', (_where, open) => {
      const holder = new Holder<number>();
      pull(open).subscribe(holder);
      expect(holder.ended).toEqual({ error: new Error('no') });
    });

    it('come after what was read before', () => {
      const holder = new Holder<number>(10);
      pull(function* () {
        yield [1, 2];
        throw new Error('no');
      }).subscribe(holder);
      expect([holder.values, holder.ended]).toEqual([[1, 2], { error: new Error('no') }]);
    });

    it('of a read that takes its time too', async () => {
      const source = new Pulled<number>();
      const holder = new Holder<number>(10);
      pull(source.open).subscribe(holder);
      await source.fail(new Error('late'));
      expect(holder.ended).toEqual({ error: new Error('late') });
      expect(source.signal?.aborted).toBe(true);
    });

    it('tell of a block that is none', () => {
      const holder = new Holder<number>();
      pull<number>((() => [5]) as never).subscribe(holder);
      expect(holder.ended).toEqual({
        error: expect.objectContaining({
          code: 'usage',
          message: 'expected a block, which is an array of values, got a number',
        }) as unknown,
      });
    });

    it('leave the source fit to be tried again', async () => {
      let times = 0;
      const source = pull(function* () {
        yield [times];
        if (times++ < 2) throw new Error('again');
      });
      expect(await lastValueFrom(source.pipe(retry(2), toArray()))).toEqual([0, 1, 2]);
    });
  });

  describe('unsubscribing', () => {
    it('returns the iterator and gives up a read that is blocked', async () => {
      const source = new Pulled<number>();
      const subscription = pull(source.open).subscribe();
      expect(source.signal?.aborted).toBe(false);
      subscription.unsubscribe();
      expect(source.signal?.aborted).toBe(true);
      await settled();
      expect(source.returned).toBe(1);
    });

    it('runs the `finally` of a generator', async () => {
      let cleaned = false;
      const open = function* () {
        try {
          yield* numbers(0);
        } finally {
          cleaned = true;
        }
      };
      expect(await lastValueFrom(pull(open).pipe(take(3), toArray()))).toEqual([0, 1, 2]);
      await settled();
      expect(cleaned).toBe(true);
    });

    it('reads no more in the middle of a block, whoever makes room then', () => {
      let reads = 0;
      const holder = new Holder<number>(2);
      const subscription = pull(function* () {
        for (const block of numbers(0, 3)) {
          reads++;
          yield block;
        }
      }).subscribe(holder);
      subscription.unsubscribe();
      holder.letGo(2);
      expect([holder.values, reads]).toEqual([[0, 1], 1]);
    });

    it('drops what a read brings after it', async () => {
      const source = new Pulled<number>();
      const seen: number[] = [];
      const subscription = pull(source.open).subscribe((n) => seen.push(n));
      subscription.unsubscribe();
      await source.bring(1);
      expect([seen, source.reads]).toEqual([[], 1]);
    });

    it('does not return an iterator that has ended', async () => {
      const source = new Pulled<number>();
      pull(source.open).subscribe();
      await source.end();
      expect(source.returned).toBe(0);
    });

    it('lets an error of the clean-up pass: nobody is left to be told', async () => {
      const failing = {
        next: () => ({ done: false as const, value: [1] }),
        return: () => {
          throw new Error('late');
        },
      };
      await lastValueFrom(pull(() => ({ [Symbol.iterator]: () => failing })).pipe(take(1)));
      await settled();
    });
  });

  describe('the stop signal', () => {
    it('ends it without an error while a read is blocked', async () => {
      const source = new Pulled<number>();
      const holder = new Holder<number>(10);
      const stopping = new AbortController();
      pull(source.open, { stop: stopping.signal }).subscribe(holder);
      await source.bring(1);
      stopping.abort();
      expect([holder.values, holder.ended]).toEqual([[1], 'complete']);
      await settled();
      expect([source.signal?.aborted, source.returned]).toEqual([true, 1]);
    });

    it('ends it in the middle of a block', () => {
      const stopping = new AbortController();
      const seen: unknown[] = [];
      pull(() => numbers(0, 5), { stop: stopping.signal }).subscribe({
        next: (n) => {
          seen.push(n);
          if (n === 2) stopping.abort();
        },
        complete: () => seen.push('complete'),
      });
      expect(seen).toEqual([0, 1, 2, 'complete']);
    });

    it('ends it while it waits for room', () => {
      const stopping = new AbortController();
      const holder = new Holder<number>(1);
      pull(() => numbers(0), { stop: stopping.signal }).subscribe(holder);
      stopping.abort();
      expect([holder.values, holder.ended]).toEqual([[0], 'complete']);
    });

    it('opens nothing when it has fired before', () => {
      const holder = new Holder<number>();
      pull<number>(() => expect.unreachable(), { stop: AbortSignal.abort() }).subscribe(holder);
      expect(holder.ended).toBe('complete');
    });

    it('is not listened to for longer than the subscription', () => {
      const stop = new AbortController().signal;
      let listening = 0;
      const counted = Object.assign(stop, {
        addEventListener: () => listening++,
        removeEventListener: () => listening--,
      });
      pull(() => [[1]], { stop: counted }).subscribe();
      expect(listening).toBe(0);
    });
  });

  describe('re-entrance', () => {
    it('room that is made while a value is emitted does not emit the next one inside', () => {
      const room = new Room(1);
      let depth = 0;
      let deepest = 0;
      const seen: number[] = [];
      pull(() => numbers(0, 7), { rooms: [room] })
        .pipe(take(1000))
        .subscribe((n) => {
          deepest = Math.max(deepest, ++depth);
          seen.push(n);
          room.take(1);
          room.give(1);
          depth--;
        });
      expect([seen.length, deepest]).toEqual([1000, 1]);
    });

    it('nor does one that was waited for before', () => {
      const room = new Room(1);
      let depth = 0;
      let deepest = 0;
      room.take(1);
      pull(() => numbers(0), { rooms: [room] })
        .pipe(take(100_000))
        .subscribe(() => {
          deepest = Math.max(deepest, ++depth);
          room.take(1);
          room.give(1);
          depth--;
        });
      room.give(1);
      expect(deepest).toBe(1);
    });

    it('unsubscribing while a value is emitted ends it there', () => {
      const seen: number[] = [];
      const ends = new Subject<void>();
      pull(() => numbers(0, 4))
        .pipe(takeUntil(ends))
        .subscribe((n) => {
          seen.push(n);
          if (n === 5) ends.next();
        });
      expect(seen).toEqual([0, 1, 2, 3, 4, 5]);
    });
  });

  describe('the rooms around a subscription are no concern', () => {
    it('of those that open the sequence or take its values', () => {
      const seen: boolean[] = [];
      withRooms([new Room(10)], () =>
        pull(() => {
          seen.push(roomsAnnounced());
          return [[1]];
        }).subscribe(() => seen.push(roomsAnnounced())),
      );
      expect(seen).toEqual([false, false]);
    });

    it('nor of those that take them when room was made during another subscription', () => {
      const seen: boolean[] = [];
      const room = new Room(1);
      room.take(1);
      pull(() => [[1]], { rooms: [room] }).subscribe(() => seen.push(roomsAnnounced()));
      withRooms([new Room(1)], () => {
        room.give(1);
      });
      expect(seen).toEqual([false]);
    });
  });

  it('is an Observable', () => {
    expect(pull(() => [])).toBeInstanceOf(Observable);
  });
});
