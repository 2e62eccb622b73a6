import { mapConcurrent, pull } from 'batchx';
import { marbles } from 'batchx/testing';
import fc from 'fast-check';
import {
  BehaviorSubject,
  concat,
  defer,
  EMPTY,
  finalize,
  from,
  map,
  NEVER,
  Observable,
  of,
  range,
  Subject,
  take,
  tap,
  throwError,
  timer,
} from 'rxjs';
import { describe, expect, it } from 'vitest';
import { BatchxError } from '../../src/core/errors.js';
import { Item } from '../../src/core/item.js';
import type { Room } from '../../src/core/rooms.js';
import type { Slot } from '../../src/core/slot.js';
import { heldIn, inVirtualTime, record, turns, upTo, watch } from './helpers.js';

describe('mapConcurrent', () => {
  it(
    'runs at most `concurrency` inner sources at once and merges what they emit',
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const a = cold('         ---A|        ');
      const b = cold('            ---B|     ');
      const c = cold('              ---C|');
      const source = cold('    a--b-c-------|');
      const subs = '           ^------------!';
      const expected = '       ---A--B-C----|';
      const project = (key: string) => ({ a, b, c })[key] ?? EMPTY;
      expectObservable(source.pipe(mapConcurrent(project, 2))).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
      expectSubscriptions(a.subscriptions).toBe('^---!');
      expectSubscriptions(b.subscriptions).toBe('---^---!');
      expectSubscriptions(c.subscriptions).toBe('-----^---!');
    }),
  );

  it(
    'does what its picture shows',
    marbles(({ cold, expectObservable }) => {
      const source = cold('  -a-b-c-------|');
      const a = cold('        ----A|');
      const b = cold('          ----B|');
      const c = cold('             ----C|');
      const expected = '     -----A-B--C--|';
      const project = (key: string) => ({ a, b, c })[key] ?? EMPTY;
      expectObservable(source.pipe(mapConcurrent(project, 2))).toBe(expected);
    }),
  );

  it(
    'starts a waiting one in the frame in which another ends',
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const inner = cold('   --x|');
      const source = cold('  (abc|)');
      const expected = '     --x--x--x|';
      expectObservable(source.pipe(mapConcurrent(() => inner, 1))).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe('(^!)');
      expectSubscriptions(inner.subscriptions).toBe(['^--!', '---^--!', '------^--!']);
    }),
  );

  it('runs 4 at once unless told', () => {
    let running = 0;
    range(0, 10)
      .pipe(mapConcurrent(() => defer(() => (running++, NEVER))))
      .subscribe()
      .unsubscribe();
    expect(running).toBe(4);
  });

  it(
    'waits for running and waiting ones when the source completes',
    marbles(({ cold, expectObservable }) => {
      const inner = cold('   ----x|');
      const source = cold('  ab|');
      const expected = '     ----x----x|';
      expectObservable(source.pipe(mapConcurrent(() => inner, 1))).toBe(expected);
    }),
  );

  it(
    'emits all that an inner source emits',
    marbles(({ cold, expectObservable }) => {
      const a = cold('       -1-2-3|');
      const b = cold('        -4-5-6|');
      const source = cold('  ab|');
      const expected = '     -142536|';
      const project = (key: string) => (key === 'a' ? a : b);
      expectObservable(source.pipe(mapConcurrent(project, 2))).toBe(expected);
    }),
  );

  it(
    'passes an empty source',
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('  |');
      expectObservable(source.pipe(mapConcurrent(() => of(1)))).toBe('|');
      expectSubscriptions(source.subscriptions).toBe('(^!)');
    }),
  );

  it(
    'passes a source that never does anything',
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('  -');
      expectObservable(source.pipe(mapConcurrent(() => of(1)))).toBe('-');
      expectSubscriptions(source.subscriptions).toBe('^');
    }),
  );

  it(
    'completes when inner sources are empty',
    marbles(({ cold, expectObservable }) => {
      const source = cold('  a-b-c--|');
      expectObservable(source.pipe(mapConcurrent(() => EMPTY))).toBe('-------|');
    }),
  );

  it(
    'does not complete while an inner source goes on',
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const inner = cold('   --x-');
      const source = cold('  a-b|');
      const expected = '     --x-x-';
      expectObservable(source.pipe(mapConcurrent(() => inner))).toBe(expected);
      expectSubscriptions(inner.subscriptions).toBe(['^', '--^']);
    }),
  );

  it(
    'ends with an error of the source, and leaves inner sources',
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const inner = cold('   --x------|');
      const source = cold('  a---#');
      const expected = '     --x-#';
      expectObservable(source.pipe(mapConcurrent(() => inner))).toBe(expected);
      expectSubscriptions(inner.subscriptions).toBe('^---!');
    }),
  );

  it(
    'ends with an error of an inner source, and leaves the source and the others',
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const a = cold('       -----------|');
      const b = cold('         ---#');
      const source = cold('  a-b----------|');
      const expected = '     -----#';
      expectObservable(source.pipe(mapConcurrent((key) => (key === 'a' ? a : b)))).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe('^----!');
      expectSubscriptions(a.subscriptions).toBe('^----!');
    }),
  );

  it(
    'ends with what project throws',
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const a = cold('       -------|');
      const source = cold('  a-b---|');
      const expected = '     --#';
      const broken = new Error('broken');
      const project = (key: string) => {
        if (key === 'b') throw broken;
        return a;
      };
      expectObservable(source.pipe(mapConcurrent(project))).toBe(expected, undefined, broken);
      expectSubscriptions(source.subscriptions).toBe('^-!');
      expectSubscriptions(a.subscriptions).toBe('^-!');
    }),
  );

  it(
    'leaves everything when it is unsubscribed from',
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const inner = cold('   ---x---|');
      const source = cold('  ab-------|');
      const unsub = '        -----!';
      const expected = '     ---xx-';
      expectObservable(source.pipe(mapConcurrent(() => inner, 2)), unsub).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe('^----!');
      expectSubscriptions(inner.subscriptions).toBe(['^----!', '-^---!']);
    }),
  );

  it(
    'does not break the chain when it is left through an operator below',
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const inner = cold('   --x-|');
      const source = cold('  ab-----|');
      const expected = '     --(x|)';
      expectObservable(
        source.pipe(
          mapConcurrent(() => inner),
          take(1),
        ),
      ).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe('^-!');
      expectSubscriptions(inner.subscriptions).toBe(['^-!', '-^!']);
    }),
  );

  it('starts nothing that waits once it is unsubscribed from', () => {
    const started: number[] = [];
    const gate = new Subject<number>();
    range(0, 10)
      .pipe(
        mapConcurrent((n) => (started.push(n), gate), 2),
        take(1),
      )
      .subscribe();
    gate.next(1);
    gate.complete();
    expect(started).toEqual([0, 1]);
  });

  it('takes promises, iterables and generators', async () => {
    const kinds = [Promise.resolve('promise'), ['array'], of('observable')];
    const seen = record(from(kinds).pipe(mapConcurrent((inner) => inner, { ordered: true })));
    await turns();
    expect(seen).toMatchObject({ values: ['promise', 'array', 'observable'] });
    expect(seen.at(-1)).toBe('C');
  });

  it('ends with the error of a promise', async () => {
    const seen = record(of(1, 2).pipe(mapConcurrent((n) => Promise.reject(new Error(String(n))))));
    await turns();
    expect([...seen]).toEqual(['E']);
    expect(seen.error).toEqual(new Error('1'));
  });

  it('starts anew for each subscription', () => {
    const twice = of(1, 2, 3).pipe(mapConcurrent((n) => of(n * 2), 1));
    expect(record(twice).values).toEqual([2, 4, 6]);
    expect(record(twice).values).toEqual([2, 4, 6]);
  });

  it.each([0, -1, 1.5, NaN])('refuses a concurrency of %s when it is built', (concurrency) => {
    expect(() => mapConcurrent(() => of(1), concurrency)).toThrow(
      `mapConcurrent: \`concurrency\`: expected a whole number of at least 1, or an Observable of numbers, got ${concurrency} (number)`,
    );
  });

  it.each([true, false])(
    'runs 10,000 synchronous inner sources that had to wait without a recursion, ordered: %s',
    (ordered) => {
      const first = new Subject<number>();
      const seen = record(
        range(0, 10_001).pipe(mapConcurrent((n) => (n === 0 ? first : of(n)), { concurrency: 1, ordered })),
      );
      expect(seen.values).toEqual([]);
      first.next(0);
      first.complete();
      expect(seen.values).toEqual(upTo(10_001));
      expect(seen.at(-1)).toBe('C');
    },
  );

  it('emits 10,000 results that waited for their turn without a recursion', () => {
    const first = new Subject<number>();
    const seen = record(
      range(0, 10_001).pipe(mapConcurrent((n) => (n === 0 ? first : of(n)), { concurrency: 2, ordered: true })),
    );
    first.next(0);
    first.complete();
    expect(seen.values).toEqual(upTo(10_001));
    expect(seen.at(-1)).toBe('C');
  });

  it('lets 10,000 pulled inner sources go on whose turn comes, without a recursion', () => {
    const first = new Subject<number>();
    const twice = (n: number) => pull(() => [[n], [n]]);
    const options = { concurrency: Infinity, ordered: true, buffer: 1 };
    const seen = record(range(0, 10_001).pipe(mapConcurrent((n) => (n === 0 ? first : twice(n)), options)));
    expect(seen.values).toEqual([]);
    first.complete();
    expect(seen.values).toEqual(
      upTo(10_001)
        .slice(1)
        .flatMap((n) => [n, n]),
    );
    expect(seen.at(-1)).toBe('C');
  });

  it('never exceeds the cap when results bring new values', () => {
    const source = new Subject<number>();
    const gates = new Map<number, Subject<number>>();
    let running = 0;
    let most = 0;
    const project = (n: number): Observable<number> => {
      most = Math.max(most, ++running);
      const gate = new Subject<number>();
      gates.set(n, gate);
      return gate.pipe(finalize(() => running--));
    };
    const seen: number[] = [];
    source.pipe(mapConcurrent(project, 2)).subscribe((n) => {
      seen.push(n);
      if (n < 4) {
        source.next(10 + n);
        source.next(20 + n);
      }
    });
    for (const n of upTo(4)) source.next(n);
    // What is started by this is found by the loop too.
    for (const [n, gate] of gates) {
      gate.next(n);
      gate.complete();
    }
    expect(most).toBe(2);
    expect(running).toBe(0);
    expect(seen.sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 10, 11, 12, 13, 20, 21, 22, 23]);
  });

  it('maps a million synchronous values', () => {
    let sum = 0;
    let done = false;
    const blocks = function* () {
      for (let block = 0; block < 1000; block++) yield upTo(1000);
    };
    pull(blocks)
      .pipe(mapConcurrent((n) => [n], 64))
      .subscribe({ next: (n) => (sum += n), complete: () => (done = true) });
    expect(done).toBe(true);
    expect(sum).toBe(1000 * 499_500);
  });
});

describe('mapConcurrent with a concurrency that changes', () => {
  it(
    'starts nothing before the first value',
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const caps = cold('    ----1', { 1: 1 });
      const inner = cold('       --x|');
      const source = cold('  ab|');
      const expected = '     ------x--x|';
      expectObservable(source.pipe(mapConcurrent(() => inner, { concurrency: caps }))).toBe(expected);
      expectSubscriptions(inner.subscriptions).toBe(['----^--!', '-------^--!']);
      expectSubscriptions(caps.subscriptions).toBe('^---------!');
    }),
  );

  it(
    'pauses at 0, and goes on after it',
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const caps = cold('    1-0----1', { 0: 0, 1: 1 });
      const inner = cold('   ---x|');
      const source = cold('  (ab|)');
      const expected = '     ---x------x|';
      expectObservable(source.pipe(mapConcurrent(() => inner, { concurrency: caps }))).toBe(expected);
      expectSubscriptions(inner.subscriptions).toBe(['^---!', '-------^---!']);
    }),
  );

  it(
    'cancels nothing when it is lowered',
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const caps = cold('    3-1', { 1: 1, 3: 3 });
      const inner = cold('   -----x|');
      const source = cold('  (abcd|)');
      const expected = '     -----(xxx)-x|';
      expectObservable(source.pipe(mapConcurrent(() => inner, { concurrency: caps }))).toBe(expected);
      expectSubscriptions(inner.subscriptions).toBe(['^-----!', '^-----!', '^-----!', '------^-----!']);
    }),
  );

  it(
    'starts as many as it is raised by',
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const caps = cold('    1-3', { 1: 1, 3: 3 });
      const inner = cold('   ----|');
      const source = cold('  (abcd|)');
      expectObservable(source.pipe(mapConcurrent(() => inner, { concurrency: caps }))).toBe('--------|');
      expectSubscriptions(inner.subscriptions).toBe(['^---!', '--^---!', '--^---!', '----^---!']);
    }),
  );

  it(
    'keeps the last value when it completes',
    marbles(({ cold, expectObservable }) => {
      const caps = cold('    (2|)', { 2: 2 });
      const inner = cold('   --x|');
      const source = cold('  a---b|');
      const expected = '     --x---x|';
      expectObservable(source.pipe(mapConcurrent(() => inner, { concurrency: caps }))).toBe(expected);
    }),
  );

  it(
    'ends with its error',
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const caps = cold('    1---#', { 1: 1 });
      const inner = cold('   --x---|');
      const source = cold('  ab------|');
      const expected = '     --x-#';
      expectObservable(source.pipe(mapConcurrent(() => inner, { concurrency: caps }))).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe('^---!');
      expectSubscriptions(inner.subscriptions).toBe('^---!');
    }),
  );

  it.each([
    ['completes without one', EMPTY, 'expected the concurrency Observable to emit a number, it completed without one'],
    ['emits less than none', of(-1), 'expected a concurrency to be a whole number of at least 0, got -1'],
    ['emits half a slot', of(1.5), 'expected a concurrency to be a whole number of at least 0, got 1.5'],
    ['emits no number', of(NaN), 'expected a concurrency to be a whole number of at least 0, got NaN'],
    ['fails at once', throwError(() => new Error('no cap')), 'no cap'],
  ])('ends with an error when it %s, and never opens the source', (_case, concurrency, message) => {
    let opened = 0;
    const source = defer(() => of(++opened));
    const seen = record(source.pipe(mapConcurrent(() => of(1), { concurrency })));
    expect([...seen]).toEqual(['E']);
    expect(seen.error).toMatchObject({ message });
    expect(opened).toBe(0);
  });

  it('is left when the stream ends', () => {
    const caps = new BehaviorSubject(1);
    of(1)
      .pipe(mapConcurrent(() => of(1), { concurrency: caps }))
      .subscribe();
    expect(caps.observed).toBe(false);
  });
});

describe('mapConcurrent in order', () => {
  it(
    'emits what is done early once its turn has come',
    marbles(({ cold, expectObservable }) => {
      const a = cold('       -----A|');
      const b = cold('        --B|');
      const c = cold('         ------C|');
      const source = cold('  abc|');
      const expected = '     -----AB-C|';
      const project = (key: string) => ({ a, b, c })[key] ?? EMPTY;
      expectObservable(source.pipe(mapConcurrent(project, { concurrency: 3, ordered: true }))).toBe(expected);
    }),
  );

  it(
    'keeps what the inner sources emit together',
    marbles(({ cold, expectObservable }) => {
      const a = cold('       -1---2-|');
      const b = cold('        3-4--5------6|');
      const source = cold('  ab|');
      const expected = '     -1---2-(345)-6|';
      const project = (key: string) => (key === 'a' ? a : b);
      expectObservable(source.pipe(mapConcurrent(project, { concurrency: 2, ordered: true }))).toBe(expected);
    }),
  );

  it(
    'emits as they are done when not ordered',
    marbles(({ cold, expectObservable }) => {
      const a = cold('       -----A|');
      const b = cold('        --B|');
      const source = cold('  ab|');
      const expected = '     ---B-A|';
      expectObservable(source.pipe(mapConcurrent((key) => (key === 'a' ? a : b), 2))).toBe(expected);
    }),
  );

  it('lets a pulled inner source have only `buffer` results ready before its turn', () => {
    const first = new Subject<number>();
    let pulled = 0;
    const numbers = function* () {
      while (pulled < 1000) yield [pulled++];
    };
    const seen = record(
      of(0, 1).pipe(
        mapConcurrent((n) => (n === 0 ? first : pull(numbers)), { concurrency: 2, ordered: true, buffer: 10 }),
      ),
    );
    expect(pulled).toBe(10);
    first.next(-1);
    first.complete();
    expect(seen.values).toEqual([-1, ...upTo(1000)]);
    expect(seen.at(-1)).toBe('C');
  });

  it('stops reading while finished calls wait for one before them', () => {
    const first = new Subject<number>();
    let read = 0;
    const numbers = function* () {
      while (read < 1000) yield [read++];
    };
    const seen = record(
      pull(numbers).pipe(mapConcurrent((n) => (n === 0 ? first : of(n)), { concurrency: 2, ordered: true })),
    );
    expect(read).toBe(65);
    first.next(0);
    first.complete();
    expect(seen.values).toEqual(upTo(1000));
  });
});

describe('the room of mapConcurrent', () => {
  it.each([
    [1, 64],
    [64, 128],
    [100, 200],
  ])('lets %i run and %i wait', (concurrency, waiting) => {
    let read = 0;
    const numbers = function* () {
      while (read < 1000) yield [read++];
    };
    const subscription = pull(numbers)
      .pipe(mapConcurrent(() => NEVER, concurrency))
      .subscribe();
    expect(read).toBe(concurrency + waiting);
    subscription.unsubscribe();
  });

  it('counts an item as many as it weighs, and admits one of any weight', () => {
    const read: number[] = [];
    const gate = new Subject<number>();
    const weights = [1, 1000, 1, 40, 40, 1];
    pull(() => weights.map((weight) => [Item.of(0, { weight })]))
      .pipe(
        tap(({ weight }) => read.push(weight)),
        mapConcurrent(({ weight }) => (weight === 1 && read.length === 1 ? gate : NEVER), 1),
      )
      .subscribe();
    expect(read).toEqual([1, 1000]);
    gate.complete();
    expect(read).toEqual([1, 1000, 1, 40, 40]);
  });

  it.each(['complete', 'error', 'unsubscribe'])('is empty after %s', (end) => {
    const rooms: Room[] = [];
    const source = new Subject<number>();
    const gate = new Subject<number>();
    const subscription = source
      .pipe(
        watch(rooms),
        mapConcurrent((n) => (n === 0 ? gate : of(n)), { concurrency: 2, ordered: true }),
      )
      .subscribe({ error: () => undefined });
    for (const n of upTo(10)) source.next(n);
    expect(rooms).toHaveLength(1);
    expect(heldIn(rooms)).toBe(9);
    if (end === 'complete') gate.complete();
    else if (end === 'error') source.error(new Error('broken'));
    else subscription.unsubscribe();
    expect(heldIn(rooms)).toBe(0);
  });
});

describe('the slot of mapConcurrent', () => {
  /** Calls that end when they are told, each with its slot. */
  function calls() {
    const slots: Slot[] = [];
    const gates: Subject<string>[] = [];
    const project = (_value: unknown, slot: Slot): Observable<string> => {
      slots.push(slot);
      const gate = new Subject<string>();
      gates.push(gate);
      return gate;
    };
    const end = (n: number): void => {
      gates[n]!.next(`${n}`);
      gates[n]!.complete();
    };
    return { slots, gates, project, end };
  }

  it('lets others run while a call is parked', () => {
    const { slots, gates, project } = calls();
    range(0, 3).pipe(mapConcurrent(project, 1)).subscribe();
    expect(gates).toHaveLength(1);
    slots[0]!.park();
    expect(gates).toHaveLength(2);
    slots[0]!.park();
    expect(gates).toHaveLength(2);
  });

  it('gives a parked call a slot before values that wait', () => {
    const { slots, gates, project, end } = calls();
    range(0, 3).pipe(mapConcurrent(project, 1)).subscribe();
    slots[0]!.park();
    let back = false;
    slots[0]!.unpark(() => (back = true));
    expect([back, gates.length]).toEqual([false, 2]);
    end(1);
    expect([back, gates.length]).toEqual([true, 2]);
    end(0);
    expect(gates).toHaveLength(3);
  });

  it('goes on at once when it is not parked', () => {
    const { slots, project } = calls();
    of(0).pipe(mapConcurrent(project, 1)).subscribe();
    let back = false;
    slots[0]!.unpark(() => (back = true));
    expect(back).toBe(true);
  });

  it('parks no more than `maxWaiting`', () => {
    const { slots, gates, project } = calls();
    range(0, 10)
      .pipe(mapConcurrent(project, { concurrency: 1, maxWaiting: 2 }))
      .subscribe();
    for (const n of [0, 1, 2]) slots[n]!.park();
    expect(gates).toHaveLength(3);
    let back = false;
    slots[2]!.unpark(() => (back = true));
    expect(back).toBe(true);
  });

  it('parks 1,000 unless told', () => {
    const { gates, project } = calls();
    const parking = (value: number, slot: Slot) => {
      slot.park();
      return project(value, slot);
    };
    range(0, 2000).pipe(mapConcurrent(parking, 1)).subscribe();
    expect(gates).toHaveLength(1001);
  });

  it('waits for parked calls before it completes', () => {
    const { slots, project, end } = calls();
    const seen = record(of(0).pipe(mapConcurrent(project, 1)));
    slots[0]!.park();
    expect([...seen]).toEqual([]);
    slots[0]!.unpark(() => end(0));
    expect([...seen]).toEqual(['N', 'C']);
  });

  it('makes a signal when it is asked for, which stays quiet when the call ends well', () => {
    const { slots, project, end } = calls();
    of(0).pipe(mapConcurrent(project, 1)).subscribe();
    const { signal } = slots[0]!;
    expect(slots[0]!.signal).toBe(signal);
    end(0);
    expect(signal.aborted).toBe(false);
  });

  it('fires the signals of running calls when it is unsubscribed from', () => {
    const { slots, project, end } = calls();
    const subscription = concat(range(0, 2), NEVER).pipe(mapConcurrent(project, 2)).subscribe();
    const signals = slots.map(({ signal }) => signal);
    end(0);
    subscription.unsubscribe();
    expect(signals.map(({ aborted }) => aborted)).toEqual([false, true]);
    expect(signals[1]!.reason).toBeInstanceOf(BatchxError);
    expect(signals[1]!.reason).toMatchObject({ code: 'aborted' });
  });

  it('fires the signals of running calls when the stream fails', () => {
    const { slots, gates, project } = calls();
    range(0, 2)
      .pipe(mapConcurrent(project, 2))
      .subscribe({ error: () => undefined });
    const { signal } = slots[0]!;
    gates[1]!.error(new Error('broken'));
    expect(signal.aborted).toBe(true);
  });

  it('gives a signal that has fired to a call that asks for it too late', () => {
    const { slots, project } = calls();
    of(0).pipe(mapConcurrent(project, 1)).subscribe().unsubscribe();
    expect(slots[0]!.signal.aborted).toBe(true);
  });
});

describe('the `stop` of mapConcurrent', () => {
  it('drops what waits and what comes, and lets running calls end', () => {
    const stop = new AbortController();
    const source = new Subject<number | undefined>();
    const gate = new Subject<string>();
    const started: unknown[] = [];
    const seen = record(
      source.pipe(mapConcurrent((n) => (started.push(n), gate), { concurrency: 1, stop: stop.signal })),
    );
    source.next(0);
    source.next(undefined);
    source.next(2);
    stop.abort();
    source.next(3);
    source.complete();
    gate.next('done');
    gate.complete();
    expect(started).toEqual([0]);
    expect(seen.values).toEqual(['done']);
    expect(seen.at(-1)).toBe('C');
  });

  it('starts nothing when it has fired before', () => {
    const seen = record(of(1, 2).pipe(mapConcurrent((n) => of(n), { stop: AbortSignal.abort() })));
    expect([...seen]).toEqual(['C']);
  });

  it('lets a source that waits for room come to its end', () => {
    const stop = new AbortController();
    const seen = record(
      pull(() => upTo(1000).map((n) => [n])).pipe(
        mapConcurrent((n) => of(n), { concurrency: concat(of(0), NEVER), stop: stop.signal }),
      ),
    );
    expect([...seen]).toEqual([]);
    stop.abort();
    expect([...seen]).toEqual(['C']);
  });
});

describe('mapConcurrent, whatever comes', () => {
  const times = fc.record({
    gaps: fc.array(fc.nat(20), { maxLength: 60 }),
    seed: fc.array(fc.nat(50), { minLength: 1 }),
  });

  it('runs at most the cap, gives each value once, keeps the order if told, and leaves its room empty', () => {
    fc.assert(
      fc.property(times, fc.integer({ min: 1, max: 5 }), fc.boolean(), ({ gaps, seed }, concurrency, ordered) => {
        const rooms: Room[] = [];
        const out: number[] = [];
        let running = 0;
        let most = 0;
        let completed = false;
        inVirtualTime((scheduler) => {
          let at = 0;
          const source = from(gaps).pipe(
            map((gap, n) => ({ n, at: (at += gap) })),
            (values) =>
              new Observable<number>((subscriber) => {
                let left = gaps.length;
                if (left === 0) subscriber.complete();
                return values.subscribe((value) => {
                  subscriber.add(
                    timer(value.at, scheduler).subscribe(() => {
                      subscriber.next(value.n);
                      if (--left === 0) subscriber.complete();
                    }),
                  );
                });
              }),
          );
          const project = (n: number): Observable<number> =>
            defer(() => {
              most = Math.max(most, ++running);
              const ms = seed[n % seed.length]!;
              const done = ms === 0 ? of(n) : timer(ms, scheduler).pipe(map(() => n));
              return done.pipe(finalize(() => running--));
            });
          source.pipe(watch(rooms), mapConcurrent(project, { concurrency, ordered })).subscribe({
            next: (n) => out.push(n),
            complete: () => (completed = true),
          });
        });
        expect(most).toBeLessThanOrEqual(concurrency);
        expect(running).toBe(0);
        expect(completed).toBe(true);
        expect(ordered ? out : out.toSorted((a, b) => a - b)).toEqual(upTo(gaps.length));
        expect(heldIn(rooms)).toBe(0);
      }),
    );
  });

  it('follows a cap that changes, and reads no more than the room allows', () => {
    fc.assert(
      fc.property(
        times,
        fc.array(fc.tuple(fc.integer({ min: 1, max: 40 }), fc.nat(4)), { maxLength: 10 }),
        fc.boolean(),
        ({ seed }, changes, ordered) => {
          const count = 200;
          const out: number[] = [];
          const rooms: Room[] = [];
          let cap = 0;
          let running = 0;
          let read = 0;
          const faults: string[] = [];
          inVirtualTime((scheduler) => {
            const caps = new Subject<number>();
            let at = 0;
            for (const [gap, next] of [...changes, [10, 2] as const]) {
              at += gap;
              scheduler.schedule(() => caps.next((cap = next)), at);
            }
            const project = (n: number): Observable<number> =>
              defer(() => {
                if (++running > cap) faults.push(`${running} run, ${cap} may`);
                return timer(seed[n % seed.length]!, scheduler).pipe(
                  map(() => n),
                  finalize(() => running--),
                );
              });
            pull(() => upTo(count).map((n) => [n]))
              .pipe(
                tap(() => {
                  read++;
                  const waiting = read - out.length - running;
                  if (waiting > 64 + 1) faults.push(`${waiting} wait`);
                }),
                watch(rooms),
                mapConcurrent(project, { concurrency: caps, ordered }),
              )
              .subscribe((n) => out.push(n));
          });
          expect(faults).toEqual([]);
          expect(ordered ? out : out.toSorted((a, b) => a - b)).toEqual(upTo(count));
          expect(heldIn(rooms)).toBe(0);
        },
      ),
      { numRuns: 50 },
    );
  });
});
