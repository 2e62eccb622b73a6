import {
  asapScheduler,
  catchError,
  concat,
  concatMap,
  defer,
  exhaustMap,
  filter,
  finalize,
  iif,
  map,
  merge,
  mergeMap,
  NEVER,
  Observable,
  of,
  type OperatorFunction,
  repeat,
  retry,
  scan,
  share,
  shareReplay,
  skip,
  startWith,
  Subject,
  Subscriber,
  subscribeOn,
  switchMap,
  take,
  takeUntil,
  tap,
  throwError,
  using,
} from 'rxjs';
import { describe, expect, it } from 'vitest';
import { findRooms, Room, roomFor, ROOMS, roomsAnnounced, withoutRooms, withRooms } from '../../src/core/rooms.js';
import { Holder, settled } from './holder.js';

describe('Room', () => {
  it('is full from its limit on, and holds what it is given beyond it', () => {
    const room = new Room(2);
    expect([room.held, room.limit, room.full]).toEqual([0, 2, false]);
    room.take(1);
    expect(room.full).toBe(false);
    room.take(100);
    expect([room.held, room.full]).toEqual([101, true]);
    room.give(101);
    expect([room.held, room.full]).toEqual([0, false]);
  });

  it('wakes the one that has waited longest, one for each free place', () => {
    const room = new Room(1);
    const woken: string[] = [];
    const waiter = (name: string) => () => {
      woken.push(name);
      room.take(1);
    };
    room.take(1);
    for (const name of ['a', 'b', 'c']) room.whenFree(waiter(name));
    room.give(1);
    expect(woken).toEqual(['a']);
    room.give(1);
    expect(woken).toEqual(['a', 'b']);
  });

  it('wakes on while there is room', () => {
    const room = new Room(1);
    const woken: string[] = [];
    room.take(1);
    for (const name of ['a', 'b', 'c']) room.whenFree(() => woken.push(name));
    room.give(1);
    expect(woken).toEqual(['a', 'b', 'c']);
  });

  it('calls each only once', () => {
    const room = new Room(1);
    let calls = 0;
    room.whenFree(() => calls++);
    room.wake();
    room.wake();
    expect(calls).toBe(1);
  });

  it('wakes nobody on release, which `wake` must follow', () => {
    const room = new Room(1);
    let calls = 0;
    room.take(1);
    room.whenFree(() => calls++);
    room.release(1);
    expect(calls).toBe(0);
    room.wake();
    expect(calls).toBe(1);
  });

  it('does not call one that has been taken back', () => {
    const room = new Room(1);
    const resume = () => expect.unreachable();
    room.take(1);
    room.whenFree(resume);
    room.forget(resume);
    room.give(1);
  });

  it('wakes when its limit rises', () => {
    const room = new Room(1);
    let calls = 0;
    room.take(1);
    room.whenFree(() => calls++);
    room.setLimit(1);
    expect(calls).toBe(0);
    room.setLimit(2);
    expect([calls, room.limit]).toEqual([1, 2]);
  });
});

it('roomFor gives twice the cap, and never less than 64', () => {
  expect([0, 1, 32, 33, 100, Infinity].map(roomFor)).toEqual([64, 64, 64, 66, 200, Infinity]);
});

describe('withRooms', () => {
  it('announces rooms for as long as it runs, the inner instead of the outer', () => {
    const [outer, inner] = [new Room(1), new Room(1)];
    const seen = withRooms([outer], () => [
      findRooms(undefined),
      withRooms([inner], () => findRooms(undefined)),
      findRooms(undefined),
    ]);
    expect(seen).toEqual([[outer], [inner], [outer]]);
    expect([findRooms(undefined), roomsAnnounced()]).toEqual([[], false]);
  });

  it('ends with an error too', () => {
    expect(() =>
      withRooms([new Room(1)], () => {
        throw new Error('no');
      }),
    ).toThrow('no');
    expect(roomsAnnounced()).toBe(false);
  });

  it('withoutRooms: hides them', () => {
    withRooms([new Room(1)], () => {
      expect(withoutRooms(() => findRooms(undefined))).toEqual([]);
      expect(roomsAnnounced()).toBe(true);
    });
  });
});

describe('findRooms', () => {
  it('gives each room once, by whichever way it was found', () => {
    const holder = new Holder();
    const other = new Room(1);
    expect(withRooms([holder.room, other], () => findRooms(holder))).toEqual([holder.room, other]);
  });

  it('ends in a circle', () => {
    const a: { destination?: unknown } = {};
    a.destination = { destination: a };
    expect(findRooms(a)).toEqual([]);
  });
});

/**
 * What we rely on of rxjs 7 that it does not document: `destination` leads from a subscriber of each of its operators
 * down to the next one, and so to ours. A source, wherever it is subscribed to, finds the rooms below it in that way.
 */
describe('the inside of rxjs', () => {
  /** Subscribes to a source through `way`: the rooms that the source finds, and the one that is below. */
  function roomsAbove(way: OperatorFunction<number, unknown>, holder = new Holder<unknown>()) {
    let found: readonly Room[] = [];
    const source = new Observable<number>((subscriber) => {
      found = findRooms(subscriber);
      subscriber.next(1);
    });
    source.pipe(way).subscribe(holder);
    return { found, below: holder.room };
  }

  /** Fails when it is subscribed to for the first time, then is the source. */
  const onceFailing = (source: Observable<number>): Observable<number> => {
    let times = 0;
    return defer(() => (times++ === 0 ? throwError(() => new Error('once')) : source));
  };

  const through: Record<string, OperatorFunction<number, unknown>> = {
    filter: filter(() => true),
    map: map((n) => n),
    tap: tap(() => undefined),
    take: take(5),
    skip: skip(1),
    scan: scan((sum, n) => sum + n, 0),
    finalize: finalize(() => undefined),
    takeUntil: takeUntil(NEVER),
    catchError: catchError(() => NEVER),
    startWith: startWith(0),
    retry: retry(2),
    'retry, the second time': (source) => onceFailing(source).pipe(retry(2)),
    repeat: repeat(1),
    share: share(),
    shareReplay: shareReplay(1),
    defer: (source) => defer(() => source),
    iif: (source) => iif(() => true, source, NEVER),
    using: (source) =>
      using(
        () => undefined,
        () => source,
      ),
    merge: (source) => merge(NEVER, source),
    'merge, one at a time': (source) => merge(of(0), source, 1),
    concat: (source) => concat(of(0), source),
    mergeMap: (source) => of(0).pipe(mergeMap(() => source)),
    concatMap: (source) => of(0, 1).pipe(concatMap(() => source)),
    switchMap: (source) => of(0, 1).pipe(switchMap(() => source)),
    exhaustMap: (source) => of(0, 1).pipe(exhaustMap(() => source)),
    'several of them': (source) =>
      merge(
        concat(
          of(0),
          source.pipe(
            filter(() => true),
            retry(1),
          ),
        ).pipe(tap(() => undefined)),
        NEVER,
      ),
  };

  describe('the walk alone reaches through', () => {
    const ambientOnly = ['share', 'shareReplay'];
    it.each(Object.keys(through).filter((name) => !ambientOnly.includes(name)))('%s', (name) => {
      const { found, below } = roomsAbove(through[name] as OperatorFunction<number, unknown>);
      expect(found).toEqual([below]);
    });

    const late: Record<string, (source: Observable<number>, now: Observable<number>) => Observable<number>> = {
      concat: (source, now) => concat(now, source),
      'concat of concat': (source, now) => concat(concat(now, of(0)), source),
      'merge, one at a time': (source, now) => merge(now, source, 1),
      switchMap: (source, now) => now.pipe(switchMap(() => source)),
      mergeMap: (source, now) => now.pipe(mergeMap(() => source)),
      'retry with delay': (source, now) => onceFailing(source).pipe(retry({ delay: () => now })),
      'repeat with delay': (source, now) => {
        let times = 0;
        return defer(() => (times++ === 0 ? of(0) : source)).pipe(repeat({ delay: () => now }));
      },
      catchError: (source, now) =>
        concat(
          now,
          throwError(() => new Error('once')),
        ).pipe(catchError(() => source)),
    };
    it.each(Object.entries(late))('%s, long after the subscription', (_name, way) => {
      let found: readonly Room[] | undefined;
      const source = new Observable<number>((subscriber) => {
        found = findRooms(subscriber);
      });
      const now = new Subject<number>();
      const bottom = new Holder<number>();
      way(source, now)
        .pipe(map((n) => n))
        .subscribe(bottom);
      expect(found).toBeUndefined();
      now.next(1);
      now.complete();
      expect(found).toEqual([bottom.room]);
    });

    it('subscribeOn', async () => {
      let found: readonly Room[] | undefined;
      const bottom = new Holder<number>();
      new Observable<number>((subscriber) => {
        found = findRooms(subscriber);
      })
        .pipe(
          subscribeOn(asapScheduler),
          map((n) => n),
        )
        .subscribe(bottom);
      expect(found).toBeUndefined();
      await settled();
      expect(found).toEqual([bottom.room]);
    });
  });

  describe('what is announced around a subscription reaches through', () => {
    it.each(Object.keys(through))('%s', (name) => {
      const announced = new Room(1);
      const { found } = withRooms([announced], () => roomsAbove(through[name] as OperatorFunction<number, unknown>));
      expect(found).toContain(announced);
    });

    it('an Observable written by hand', () => {
      const byHand: OperatorFunction<number, number> = (source) =>
        new Observable((subscriber) =>
          source.subscribe({ next: (n) => subscriber.next(n), complete: () => subscriber.complete() }),
        );
      expect(roomsAbove(byHand).found).toEqual([]);
      const holder = new Holder<unknown>();
      expect(withRooms([holder.room], () => roomsAbove(byHand, holder)).found).toEqual([holder.room]);
    });
  });

  it('a Subscriber given to subscribe is used as it is, not wrapped', () => {
    class Mine extends Subscriber<number> {}
    const mine = new Mine(new Holder<number>());
    let seen: unknown;
    new Observable<number>((subscriber) => {
      seen = subscriber;
    }).subscribe(mine);
    expect(seen).toBe(mine);
  });

  it('a Subscriber has its destination under that name, and ends with it', () => {
    const bottom = new Holder<number>();
    const above = new Subscriber<number>(bottom);
    expect((above as unknown as { destination: unknown }).destination).toBe(bottom);
    bottom.unsubscribe();
    expect(above.closed).toBe(true);
  });

  it('rooms are found under their key only', () => {
    expect(findRooms({ rooms: [new Room(1)], destination: { [ROOMS]: [] } })).toEqual([]);
  });
});
