import { aggregate, jsonlSink, literals, sinkOf, type Stats, stats } from 'batchx';
import {
  concat,
  from,
  map,
  merge,
  NEVER,
  Observable,
  of,
  type OperatorFunction,
  Subject,
  take,
  throwError,
} from 'rxjs';
import { describe, expect, expectTypeOf, it } from 'vitest';
import { fakeRuntime } from 'batchx/testing';
import { BatchxError } from '../../src/core/errors.js';
import { Account } from '../../src/core/account.js';
import { Item } from '../../src/core/item.js';
import { Outcome } from '../../src/core/outcome.js';
import { pull } from '../../src/core/pull.js';
import { findRooms, Room, roomsAnnounced, withRooms } from '../../src/core/rooms.js';
import { toSink } from '../../src/core/sink.js';
import type { SinkWriter } from '../../src/core/sink-writer.js';
import { settled } from './holder.js';

/** A sink that is written to by hand: what it was given, and the writes that wait to be accepted. */
class Written {
  readonly blocks: unknown[][] = [];
  readonly seen: unknown[] = [];
  readonly ended: string[] = [];
  readonly runtime = fakeRuntime();
  readonly warnings: unknown[] = [];
  closed = 0;
  closing: () => void | Promise<void> = () => undefined;
  /** What a write does; at once unless said. */
  write: SinkWriter['write'] = () => undefined;
  room!: Room;

  constructor() {
    this.runtime.events.on('batch:item:end', ({ id, status }) => this.ended.push(`${id} ${status}`));
    this.runtime.events.on('batch:warning', (warning) => this.warnings.push(warning));
  }

  readonly open = (): SinkWriter => ({
    write: (items, refuse, skip, done) => {
      this.blocks.push(items.map(({ data }) => data));
      return this.write(items, refuse, skip, done);
    },
    close: () => {
      this.closed++;
      return this.closing();
    },
  });

  operator(takes: 'ok' | 'failed' = 'ok', open: () => SinkWriter | Promise<SinkWriter> = this.open) {
    return toSink(open, { takes, runtime: this.runtime });
  }

  subscribe(source: Observable<unknown>, operator = this.operator()) {
    const watched = new Observable<unknown>((subscriber) => {
      this.room = findRooms(subscriber)[0] as Room;
      return source.subscribe(subscriber);
    });
    return watched.pipe(operator).subscribe({
      next: ({ id, status }) => this.seen.push(`${id} ${status}`),
      error: (error: unknown) => this.seen.push({ error }),
      complete: () => this.seen.push('complete'),
    });
  }

  /** Makes writes wait, and gives what accepts them, the oldest first. */
  slow(): { accept: () => Promise<void>; refuse: (error: unknown) => Promise<void>; waiting: () => number } {
    const waiting: { resolve: () => void; reject: (error: unknown) => void }[] = [];
    this.write = () => new Promise((resolve, reject) => waiting.push({ resolve, reject }));
    return {
      accept: () => {
        waiting.shift()?.resolve();
        return settled();
      },
      refuse: (error) => {
        waiting.shift()?.reject(error);
        return settled();
      },
      waiting: () => waiting.length,
    };
  }
}

const items = (count: number, from_ = 0): Item[] =>
  Array.from({ length: count }, (_, i) => Item.of(from_ + i, { seq: from_ + i }));
const failing = (n: number): Item => Item.of(n, { seq: n }).fail(new BatchxError('parse', 'bad'));
const skipping = (n: number): Item => Item.of(n, { seq: n }).skip('filtered');

describe('the types of a sink', () => {
  const close = () => undefined;

  it('let the next one know what the items are', () => {
    const figures = literals([{ total: 1 }]).pipe(
      toSink(() => ({
        write: (items) => items.forEach(({ data }) => expectTypeOf(data).toEqualTypeOf<{ total: number }>()),
        close,
      })),
      sinkOf(jsonlSink, { path: '-' }),
      aggregate(stats((order) => order.total)),
    );
    expectTypeOf(figures).toEqualTypeOf<Observable<Stats>>();
  });

  it('may be said, and are unknown otherwise', () => {
    const said = toSink<Item<string>>(() => ({
      write: (items) => items.forEach(({ data }) => expectTypeOf(data).toEqualTypeOf<string>()),
      close,
    }));
    expectTypeOf(said).toEqualTypeOf<OperatorFunction<Item<string>, Outcome<string>>>();
    expectTypeOf(
      toSink(async () => ({ write: (items) => void expectTypeOf(items[0]?.data).toBeUnknown(), close })),
    ).toEqualTypeOf<OperatorFunction<unknown, Outcome>>();
    expectTypeOf(from([Outcome.of(Item.of(1))]).pipe(toSink(() => ({ write: () => undefined, close })))).toEqualTypeOf<
      Observable<Outcome<number>>
    >();
    expectTypeOf(from([1]).pipe(sinkOf(jsonlSink, { path: '-' }))).toEqualTypeOf<Observable<Outcome<number>>>();
  });
});

describe('toSink', () => {
  it('emits an outcome for each item once it is written, in order, then closes, then completes', async () => {
    const sink = new Written();
    const { accept } = sink.slow();
    sink.closing = () => {
      sink.seen.push('closed');
    };
    sink.subscribe(from(items(3)));
    await settled();
    expect([sink.blocks, sink.seen]).toEqual([[[0, 1, 2]], []]);
    await accept();
    expect(sink.seen).toEqual(['#1 ok', '#2 ok', '#3 ok', 'closed', 'complete']);
    expect(sink.closed).toBe(1);
  });

  it('takes values that are not items, and numbers them', async () => {
    const sink = new Written();
    sink.subscribe(of('a', 'b'));
    await settled();
    expect([sink.blocks, sink.seen]).toEqual([[['a', 'b']], ['#1 ok', '#2 ok', 'complete']]);
  });

  it('closes without a write when nothing comes', async () => {
    const sink = new Written();
    sink.subscribe(of());
    await settled();
    expect([sink.blocks, sink.closed, sink.seen]).toEqual([[], 1, ['complete']]);
  });

  it('writes what is ok, or with `failed` what failed, and passes on the rest in its place', async () => {
    const all = [Item.of('a', { seq: 0 }), failing(1), skipping(2), Item.of('b', { seq: 3 })];
    const outcomes = ['#1 ok', '#2 failed', '#3 skipped', '#4 ok', 'complete'];
    for (const [takes, written] of [
      ['ok', [['a', 'b']]],
      ['failed', [[1]]],
    ] as const) {
      const sink = new Written();
      sink.subscribe(from(all), sink.operator(takes));
      await settled();
      expect([sink.blocks, sink.seen]).toEqual([written, outcomes]);
    }
  });

  it('writes as soon as the source pauses', async () => {
    const sink = new Written();
    const source = new Subject<unknown>();
    sink.subscribe(source);
    await settled();
    source.next('a');
    source.next('b');
    expect(sink.blocks).toEqual([]);
    await settled();
    expect([sink.blocks, sink.seen]).toEqual([[['a', 'b']], ['#1 ok', '#2 ok']]);
    source.next('c');
    await settled();
    expect(sink.blocks).toEqual([['a', 'b'], ['c']]);
  });

  it('writes blocks of 512 while the source does not pause', async () => {
    const sink = new Written();
    const source = new Subject<unknown>();
    sink.subscribe(source);
    await settled();
    for (const item of items(1200)) source.next(item);
    expect(sink.blocks.map(({ length }) => length)).toEqual([512, 512]);
    await settled();
    expect(sink.blocks.map(({ length }) => length)).toEqual([512, 512, 176]);
  });

  it('waits until it is open', async () => {
    const sink = new Written();
    let opened: (writer: SinkWriter) => void = () => undefined;
    const opening = new Promise<SinkWriter>((resolve) => (opened = resolve));
    sink.subscribe(
      from(items(2)),
      sink.operator('ok', () => opening),
    );
    await settled();
    expect([sink.seen, sink.room.held]).toEqual([[], 2]);
    opened(sink.open());
    await settled();
    expect([sink.seen, sink.room.held]).toEqual([['#1 ok', '#2 ok', 'complete'], 0]);
  });

  it('never writes twice at once, and loses nothing of what comes meanwhile', async () => {
    const sink = new Written();
    const { accept, waiting } = sink.slow();
    const source = new Subject<unknown>();
    sink.subscribe(source);
    await settled();
    for (let n = 0; n < 5; n++) {
      source.next(n);
      await settled();
      expect(waiting()).toBe(1);
    }
    source.complete();
    await accept();
    expect(waiting()).toBe(1);
    await accept();
    expect(sink.blocks).toEqual([[0], [1, 2, 3, 4]]);
    expect(sink.seen).toEqual(['#1 ok', '#2 ok', '#3 ok', '#4 ok', '#5 ok', 'complete']);
  });

  it('writes plain values, which no source has read and no account counts', async () => {
    const sink = new Written();
    const account = new Account(sink.runtime.events);
    sink.subscribe(from(['a', 'b']));
    await settled();
    expect(sink.seen).toEqual(['#1 ok', '#2 ok', 'complete']);
    expect(account.counts).toEqual({ read: 0, ok: 0, failed: 0, skipped: 0, inDoubt: 0, pending: 0 });
  });

  it.each(['at once', 'later'])('keeps the order when outcomes bring more items about, written %s', async (when) => {
    const sink = new Written();
    if (when === 'later') sink.write = () => Promise.resolve();
    const source = new Subject<unknown>();
    sink.subscribe(source);
    await settled();
    sink.runtime.events.on('batch:item:end', ({ item: { data } }) => {
      // Enough for a block of their own, while the block of the first item is still being emitted.
      if (data === 0) for (let n = 2; n < 700; n++) source.next(Item.of(n, { seq: n }));
      if (data === 699) source.complete();
    });
    source.next(Item.of(0, { seq: 0 }));
    source.next(Item.of(1, { seq: 1 }));
    await settled();
    expect(sink.seen).toEqual([...Array.from({ length: 700 }, (_, n) => `#${n + 1} ok`), 'complete']);
    expect([sink.room.held, sink.closed]).toEqual([0, 1]);
  });

  describe('refusing', () => {
    it('fails an item and writes the others', async () => {
      const sink = new Written();
      sink.write = (block, refuse) => {
        block.forEach(({ data }, i) => {
          if (data === 1 || data === 3) refuse(i, new BatchxError('encode', 'no'));
        });
      };
      sink.subscribe(concat(from(items(2)), of(failing(7)), from(items(2, 2))));
      await settled();
      expect(sink.seen).toEqual(['#1 ok', '#2 failed', '#8 failed', '#3 ok', '#4 failed', 'complete']);
      expect(sink.ended).toEqual(['#1 ok', '#2 failed', '#8 failed', '#3 ok', '#4 failed']);
    });

    it('may take as long as the write', async () => {
      const sink = new Written();
      sink.write = async (_block, refuse) => {
        await settled();
        refuse(0, new BatchxError('encode', 'no'));
      };
      sink.subscribe(from(items(2)));
      await settled();
      await settled();
      expect(sink.seen).toEqual(['#1 failed', '#2 ok', 'complete']);
    });

    it('sends the item on to a sink of failed ones', async () => {
      const [ok, failed] = [new Written(), new Written()];
      ok.write = (_block, refuse) => {
        refuse(1, new BatchxError('encode', 'no'));
      };
      const operator = (source: Observable<unknown>) => source.pipe(ok.operator(), failed.operator('failed'));
      failed.subscribe(from(items(3)), operator);
      await settled();
      expect([ok.blocks, failed.blocks]).toEqual([[[0, 1, 2]], [[1]]]);
      expect(failed.seen).toEqual(['#1 ok', '#2 failed', '#3 ok', 'complete']);
    });
  });

  describe('settling', () => {
    const through = (upper: Written, lower: Written, way: (source: Observable<unknown>) => Observable<unknown>) =>
      lower.subscribe(from([...items(2), failing(2), skipping(3)]), (source) =>
        way(source.pipe(upper.operator())).pipe(lower.operator('failed')),
      );

    it('is once for each item', async () => {
      const sink = new Written();
      sink.subscribe(from([...items(2), failing(2), skipping(3)]));
      await settled();
      expect(sink.ended).toEqual(['#1 ok', '#2 ok', '#3 failed', '#4 skipped']);
    });

    it.each<[string, (source: Observable<unknown>) => Observable<unknown>]>([
      ['below it', (source) => source],
      [
        'further below',
        (source) =>
          source.pipe(
            map((outcome) => outcome),
            take(100),
          ),
      ],
      ['below a merge', (source) => merge(source, of().pipe())],
    ])("is the last sink's concern: the one %s", async (_where, way) => {
      const [upper, lower] = [new Written(), new Written()];
      through(upper, lower, way);
      await settled();
      expect(upper.ended).toEqual([]);
      expect(lower.ended).toEqual(['#1 ok', '#2 ok', '#3 failed', '#4 skipped']);
    });

    it('is done once even where a sink cannot see the next one, and that one refuses', async () => {
      const byHand = (source: Observable<unknown>) =>
        new Observable((subscriber) =>
          source.subscribe({ next: (value) => subscriber.next(value), complete: () => subscriber.complete() }),
        );
      const [upper, lower] = [new Written(), new Written()];
      lower.write = (block, refuse) => {
        for (let i = 0; i < block.length; i++) refuse(i, new BatchxError('encode', 'no'));
      };
      through(upper, lower, byHand);
      await settled();
      expect([...upper.ended, ...lower.ended]).toEqual(['#1 ok', '#2 ok', '#3 failed', '#4 skipped']);
    });
  });

  describe('the room', () => {
    const endless = () => {
      let read = 0;
      const source = pull(function* () {
        for (;;) yield [++read];
      });
      return { source, read: () => read };
    };

    it('stops the reading while a write is under way, 512 rows on', async () => {
      const sink = new Written();
      const { accept } = sink.slow();
      const { source, read } = endless();
      const subscription = sink.subscribe(source);
      await settled();
      expect([read(), sink.room.held]).toEqual([512, 512]);
      await accept();
      expect([read(), sink.room.held, sink.blocks.length]).toEqual([1024, 512, 2]);
      subscription.unsubscribe();
      expect(sink.room.held).toBe(0);
    });

    it('stops it before the sink is open', async () => {
      const sink = new Written();
      const { source, read } = endless();
      sink.subscribe(
        source,
        sink.operator('ok', () => new Promise(() => undefined)),
      );
      await settled();
      expect(read()).toBe(512);
    });

    it('lets reading go on while the rest of what waited is written', async () => {
      const sink = new Written();
      const { accept } = sink.slow();
      const source = new Subject<unknown>();
      sink.subscribe(source);
      await settled();
      source.next(0);
      await settled();
      for (let n = 1; n < 512; n++) source.next(n);
      let woken = 0;
      sink.room.whenFree(() => woken++);
      expect([sink.room.full, woken]).toEqual([true, 0]);
      await accept();
      expect([sink.blocks.length, sink.room.held, woken]).toEqual([2, 511, 1]);
    });

    it('counts long rows as several', async () => {
      const sink = new Written();
      const { accept } = sink.slow();
      sink.subscribe(concat(of(new Item(0, {}, 'x'.repeat(10_000), undefined, 0)), NEVER));
      await settled();
      expect(sink.room.held).toBe(10);
      await accept();
      expect(sink.room.held).toBe(0);
    });

    it('is empty when an outcome ends the stream', async () => {
      for (const write of [() => undefined, () => Promise.resolve()]) {
        // One in the middle of a block, and its last.
        for (const count of [2, 5]) {
          const sink = new Written();
          sink.write = write;
          sink.subscribe(concat(from(items(5)), NEVER), (source) => source.pipe(sink.operator(), take(count)));
          await settled();
          expect([sink.seen.length, sink.seen.at(-1)]).toEqual([count + 1, 'complete']);
          expect([sink.room.held, sink.closed]).toEqual([0, 1]);
        }
      }
    });
  });

  describe('errors', () => {
    it('of the source come once what was gathered before is written', async () => {
      const sink = new Written();
      const { accept } = sink.slow();
      sink.subscribe(
        concat(
          from(items(2)),
          throwError(() => new Error('no')),
        ),
      );
      await settled();
      expect([sink.blocks, sink.seen]).toEqual([[[0, 1]], []]);
      await accept();
      expect(sink.seen).toEqual(['#1 ok', '#2 ok', { error: new Error('no') }]);
      expect([sink.closed, sink.room.held]).toEqual([1, 0]);
    });

    it('of the source come once what waits behind a write is written too', async () => {
      const sink = new Written();
      const { accept } = sink.slow();
      const source = new Subject<unknown>();
      sink.subscribe(source);
      await settled();
      source.next(1);
      await settled();
      source.next(2);
      source.error(new Error('no'));
      await accept();
      await accept();
      expect(sink.seen).toEqual(['#1 ok', '#2 ok', { error: new Error('no') }]);
    });

    it.each<[string, SinkWriter['write']]>([
      [
        'at once',
        () => {
          throw new Error('full');
        },
      ],
      ['later', () => Promise.reject(new Error('full'))],
    ])('of a write end the stream, %s, and the sink is closed', async (_when, write) => {
      const sink = new Written();
      sink.write = write;
      sink.subscribe(concat(from(items(2)), NEVER));
      await settled();
      expect(sink.seen).toEqual([{ error: expect.objectContaining({ code: 'output', message: 'full' }) as unknown }]);
      expect([sink.ended, sink.closed, sink.room.held]).toEqual([[], 1, 0]);
    });

    it('of a write do not change what it has told before: that comes first', async () => {
      for (const later of [false, true]) {
        const sink = new Written();
        sink.write = (_, refuse, skip, done) => {
          done(3);
          refuse(1, new BatchxError('output', 'bad'));
          skip(0, 'already-done');
          if (later) return Promise.reject(new Error('full'));
          throw new Error('full');
        };
        sink.subscribe(concat(from(items(4)), NEVER));
        await settled();
        const error = expect.objectContaining({ message: 'full' }) as unknown;
        expect(sink.seen).toEqual(['#1 skipped', '#2 failed', '#4 ok', { error }]);
        expect([sink.closed, sink.ended.length]).toEqual([1, 3]);
      }
    });

    it('of opening end the stream', async () => {
      const sink = new Written();
      sink.subscribe(
        NEVER,
        sink.operator('ok', () => {
          throw new Error('no such folder');
        }),
      );
      await settled();
      expect(sink.seen).toEqual([
        { error: expect.objectContaining({ code: 'output', message: 'no such folder' }) as unknown },
      ]);
    });

    it('of closing end the stream', async () => {
      const sink = new Written();
      sink.closing = () => Promise.reject(new BatchxError('output', 'full'));
      sink.subscribe(from(items(1)));
      await settled();
      expect(sink.seen).toEqual(['#1 ok', { error: new BatchxError('output', 'full') }]);
      expect(sink.closed).toBe(1);
    });

    it('of closing are warnings when nobody is left to be told', async () => {
      const sink = new Written();
      sink.closing = () => Promise.reject(new BatchxError('output', 'full', { where: 'out.jsonl' }));
      const subscription = sink.subscribe(NEVER);
      await settled();
      subscription.unsubscribe();
      await settled();
      expect(sink.warnings).toEqual([{ message: 'full', where: 'out.jsonl' }]);
    });
  });

  describe('unsubscribing', () => {
    it('closes the sink', async () => {
      const sink = new Written();
      const subscription = sink.subscribe(concat(from(items(2)), NEVER));
      await settled();
      subscription.unsubscribe();
      await settled();
      expect(sink.closed).toBe(1);
    });

    it('waits with that for a write that is under way, and settles nothing any more', async () => {
      const sink = new Written();
      const { accept } = sink.slow();
      const subscription = sink.subscribe(concat(from(items(2)), NEVER));
      await settled();
      subscription.unsubscribe();
      await settled();
      expect([sink.closed, sink.room.held]).toEqual([0, 0]);
      await accept();
      expect([sink.closed, sink.seen, sink.ended, sink.room.held]).toEqual([1, [], [], 0]);
    });

    it('closes it when that write fails', async () => {
      const sink = new Written();
      const { refuse } = sink.slow();
      const subscription = sink.subscribe(concat(from(items(2)), NEVER));
      await settled();
      subscription.unsubscribe();
      await refuse(new Error('no'));
      expect(sink.closed).toBe(1);
    });

    it('closes it when it opens only then', async () => {
      const sink = new Written();
      let opened: (writer: SinkWriter) => void = () => undefined;
      const opening = new Promise<SinkWriter>((resolve) => (opened = resolve));
      const subscription = sink.subscribe(
        from(items(2)),
        sink.operator('ok', () => opening),
      );
      subscription.unsubscribe();
      opened(sink.open());
      await settled();
      expect([sink.closed, sink.blocks]).toEqual([1, []]);
    });

    it('does not write what was only gathered', async () => {
      const sink = new Written();
      const source = new Subject<unknown>();
      const subscription = sink.subscribe(source);
      await settled();
      source.next(1);
      subscription.unsubscribe();
      await settled();
      expect([sink.blocks, sink.closed, sink.room.held]).toEqual([[], 1, 0]);
    });

    it('while it is being closed changes nothing', async () => {
      const sink = new Written();
      let close: () => void = () => undefined;
      sink.closing = () => new Promise((resolve) => (close = resolve));
      const subscription = sink.subscribe(from(items(1)));
      await settled();
      subscription.unsubscribe();
      close();
      await settled();
      expect([sink.closed, sink.seen]).toEqual([1, ['#1 ok']]);
    });
  });

  it('hides the rooms around a subscription from the writer and from those that take outcomes', async () => {
    const sink = new Written();
    const seen: boolean[] = [];
    const look = (): void => {
      seen.push(roomsAnnounced());
    };
    sink.write = look;
    const open = () => {
      look();
      return sink.open();
    };
    const late = new Observable<Item>((subscriber) => {
      // Subscribed to again when the sink is open: then it writes while the rooms are announced.
      for (const item of items(600)) subscriber.next(item);
    });
    const again = new Subject<void>();
    const source = new Observable<Item>((subscriber) => {
      again.subscribe(() => {
        withRooms([new Room(1)], () => late.subscribe(subscriber));
      });
    });
    withRooms([new Room(1)], () =>
      source.pipe(sink.operator('ok', open)).subscribe((_outcome: Outcome) => {
        look();
      }),
    );
    await settled();
    again.next();
    await settled();
    expect(seen.length).toBeGreaterThan(600);
    expect(seen.every((announced) => !announced)).toBe(true);
  });
});
