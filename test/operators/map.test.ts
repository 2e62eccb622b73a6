import { filterItems, mapItems, pull } from 'batchx';
import { marbles } from 'batchx/testing';
import fc from 'fast-check';
import { from, map, NEVER, of, range, Subject, take } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { BatchxError } from '../../src/core/errors.js';
import { Item } from '../../src/core/item.js';
import type { Room } from '../../src/core/rooms.js';
import { createRuntime } from '../../src/core/runtime.js';
import type { Slot } from '../../src/core/slot.js';
import { stage } from '../../src/core/stage.js';
import { applied } from '../../src/core/step.js';
import { mapStep } from '../../src/operators/steps/map.js';
import { failed, heldIn, record, show, turns, upTo, watch } from './helpers.js';

const items = (...data: unknown[]): Item[] => data.map((value, seq) => Item.of(value, { seq }));

/** Calls whose promises are fulfilled when they are told. */
function calls() {
  const started: unknown[] = [];
  const ends = new Map<unknown, (result: unknown) => void>();
  const project = (data: unknown): Promise<unknown> => {
    started.push(data);
    return new Promise((resolve) => ends.set(data, resolve));
  };
  const end = async (data: unknown, result: unknown = data): Promise<void> => {
    ends.get(data)!(result);
    await turns();
  };
  return { started, project, end };
}

describe('mapItems', () => {
  it(
    'maps the data of each item as it comes, and waits for nothing',
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('  -a-b--c-|');
      const expected = '     -A-B--C-|';
      const result = source.pipe(
        map((data) => Item.of(data)),
        mapItems((data: string) => data.toUpperCase()),
        map(show),
      );
      expectObservable(result).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe('^-------!');
    }),
  );

  it(
    'passes an empty source, a silent one and an error',
    marbles(({ cold, expectObservable }) => {
      const double = mapItems((n: number) => n * 2);
      expectObservable(cold<Item<number>>('|').pipe(double)).toBe('|');
      expectObservable(cold<Item<number>>('-').pipe(double)).toBe('-');
      expectObservable(cold<Item<number>>('--#').pipe(double)).toBe('--#');
    }),
  );

  it(
    'leaves the source when it is unsubscribed from',
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('  -a-b-c-|');
      const unsub = '        --!';
      const result = source.pipe(
        map((data) => Item.of(data)),
        mapItems((data: string) => data),
        map(show),
      );
      expectObservable(result, unsub).toBe('-a-');
      expectSubscriptions(source.subscriptions).toBe('^-!');
    }),
  );

  it('fails the item for which it throws, and goes on', () => {
    const seen = record(
      from(items(1, 2, 3)).pipe(
        mapItems((n) => {
          if (n === 2) throw new TypeError('no number');
          return n;
        }),
      ),
    );
    expect(seen.values.map(show)).toEqual([1, '!TypeError: no number', 3]);
    expect(seen.values[1]!.error).toMatchObject({ code: 'expression' });
    expect(seen.values[1]!.error!.cause).toBeInstanceOf(TypeError);
    expect(seen.at(-1)).toBe('C');
  });

  it('keeps the code of an error that has one', () => {
    const error = new BatchxError('validation', 'too small');
    const seen = record(
      of(Item.of(1)).pipe(
        mapItems(() => {
          throw error;
        }),
      ),
    );
    expect(seen.values[0]!.error).toBe(error);
  });

  it('fails the item whose promise is rejected', async () => {
    const seen = record(from(items(1, 2)).pipe(mapItems((n) => (n === 1 ? Promise.reject(new Error('no')) : n))));
    await turns();
    expect(seen.values.map(show).sort()).toEqual(['!no', 2]);
  });

  it('drops an item as filtered for undefined, and only for that', () => {
    const seen = record(from(items(undefined, null, 0, '', false)).pipe(mapItems((data: unknown) => data)));
    expect(seen.values.map(show)).toEqual(['~filtered', null, 0, '', false]);
  });

  it('lets items pass by that failed or were skipped', () => {
    const called: unknown[] = [];
    const given = [failed(1), Item.of(2).skip('duplicate'), Item.of(3)];
    const seen = record(from(given).pipe(mapItems((n) => called.push(n))));
    expect(called).toEqual([3]);
    expect(seen.values.slice(0, 2)).toEqual(given.slice(0, 2));
    expect(seen.values[0]).toBe(given[0]);
  });

  it('keeps the id and the place, and lets go of the text of the row', () => {
    const place = { source: 'in', locate: () => ({ line: 7 }) };
    const item = new Item(3, { n: 1 }, '{"n": 1}', place, 0);
    const [result] = record(of(item).pipe(mapItems(({ n }) => n))).values;
    expect(result).toMatchObject({ id: 'in:7', seq: 3, data: 1, raw: undefined });
  });

  it('gives the data, the item and the slot', () => {
    const item = Item.of(5, { id: 'five' });
    const given: unknown[] = [];
    const project = (...all: [number, Item, Slot]) => given.push(...all, all[2].signal.aborted);
    record(of(item).pipe(mapItems(project)));
    expect([given[0], given[1], given[3]]).toEqual([5, item, false]);
  });

  it('runs at most `concurrency` calls at once, and emits as they are done', async () => {
    const { started, project, end } = calls();
    const seen = record(from(items(0, 1, 2, 3)).pipe(mapItems(project, { concurrency: 2 })));
    expect(started).toEqual([0, 1]);
    await end(1);
    expect(started).toEqual([0, 1, 2]);
    await end(2);
    await end(3);
    await end(0);
    expect(seen.values.map(show)).toEqual([1, 2, 3, 0]);
    expect(seen.at(-1)).toBe('C');
  });

  it('keeps the order when told, of items that pass by too', async () => {
    const { project, end } = calls();
    const given = [Item.of(0), failed(1), Item.of(2)];
    const seen = record(from(given).pipe(mapItems(project, { ordered: true })));
    await end(2);
    expect(seen.values).toEqual([]);
    await end(0);
    expect(seen.values.map(show)).toEqual([0, '!bad', 2]);
  });

  it('fires the signal of a call, and drops its result, when it is unsubscribed from', async () => {
    let signal!: AbortSignal;
    const { project, end } = calls();
    const out: unknown[] = [];
    const subscription = of(Item.of(0))
      .pipe(
        mapItems((data, _item, slot) => {
          ({ signal } = slot);
          return project(data);
        }),
      )
      .subscribe((item) => out.push(item));
    expect(signal.aborted).toBe(false);
    subscription.unsubscribe();
    expect(signal.aborted).toBe(true);
    await end(0);
    expect(out).toEqual([]);
  });

  it('reads 64 items ahead of what runs', () => {
    let read = 0;
    const subscription = pull(function* () {
      while (read < 1000) yield [Item.of(read++)];
    })
      .pipe(mapItems(() => new Promise(() => undefined), { concurrency: 3 }))
      .subscribe();
    expect(read).toBe(3 + 64);
    subscription.unsubscribe();
  });

  it('maps 10,000 items that had to wait, without a recursion', async () => {
    const { project, end } = calls();
    const seen = record(
      range(0, 10_001).pipe(
        map((n) => Item.of(n)),
        mapItems((n) => (n === 0 ? project(n) : n), { concurrency: 1 }),
      ),
    );
    expect(seen.values).toEqual([]);
    await end(0);
    expect(seen.values.map(show)).toEqual(upTo(10_001));
    expect(seen.at(-1)).toBe('C');
  });

  it('takes items that a result brings while it is emitted', () => {
    const source = new Subject<Item<number>>();
    const out: number[] = [];
    source.pipe(mapItems((n) => n, { concurrency: 1 })).subscribe(({ data }) => {
      out.push(data);
      if (data < 3) source.next(Item.of(data + 1));
    });
    source.next(Item.of(0));
    expect(out).toEqual([0, 1, 2, 3]);
  });

  it('may run a pipeline in a call, of a source that emits while it is subscribed to', async () => {
    const seen = record(
      range(0, 200).pipe(
        map((n) => Item.of(n)),
        mapItems(
          (n) =>
            new Promise((resolve) =>
              pull(async function* () {
                yield [n];
              }).subscribe(resolve),
            ),
          { concurrency: 2 },
        ),
      ),
    );
    await turns(5000);
    expect(seen.values).toHaveLength(200);
    expect(seen.at(-1)).toBe('C');
  });

  it('keeps every item once, at most the cap in work, the order if told, and an empty room', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom('now', 'later', 'throws', 'rejects', 'drops', 'failed', 'skipped'), { maxLength: 40 }),
        fc.integer({ min: 1, max: 4 }),
        fc.boolean(),
        fc.infiniteStream(fc.nat(3)),
        async (kinds, concurrency, ordered, picks) => {
          const rooms: Room[] = [];
          /** Ends calls that run. */
          const pending: (() => void)[] = [];
          let running = 0;
          let most = 0;
          const given = kinds.map((kind, seq) => {
            const item = Item.of(kind, { seq });
            if (kind === 'failed') return item.fail(new BatchxError('parse', 'bad'));
            return kind === 'skipped' ? item.skip('duplicate') : item;
          });
          const project = (kind: string): unknown => {
            if (kind === 'throws') throw new Error('thrown');
            if (kind === 'now') return kind;
            most = Math.max(most, ++running);
            return new Promise<void>((resolve) => pending.push(resolve)).then(() => {
              running--;
              if (kind === 'rejects') throw new Error('rejected');
              return kind === 'drops' ? undefined : kind;
            });
          };
          const seen = record(from(given).pipe(watch(rooms), mapItems(project, { concurrency, ordered })));
          do {
            await turns(20);
            const [end] = pending.splice((picks.next().value as number) % Math.max(1, pending.length), 1);
            end?.();
          } while (pending.length > 0 || running > 0);
          await turns(20);
          expect(seen.at(-1)).toBe('C');
          const shown: Record<string, string> = {
            throws: '!thrown',
            rejects: '!rejected',
            drops: '~filtered',
            failed: '!bad',
            skipped: '~duplicate',
          };
          const out = ordered ? seen.values : seen.values.toSorted((a, b) => a.seq - b.seq);
          expect(out.map(({ seq }) => seq)).toEqual(upTo(kinds.length));
          expect(out.map(show)).toEqual(kinds.map((kind) => shown[kind] ?? kind));
          expect(most).toBeLessThanOrEqual(concurrency);
          expect(heldIn(rooms)).toBe(0);
        },
      ),
    );
  });
});

describe('stage', () => {
  it('runs its steps one after another in one slot', async () => {
    const first = calls();
    const second = calls();
    const steps = [
      applied(({ data }) => first.project(data), 'data'),
      applied(({ data }) => second.project(data), 'data'),
    ];
    const seen = record(from(items(0, 1)).pipe(stage(steps, { concurrency: 1 })));
    await first.end(0, 'zero');
    expect([first.started, second.started]).toEqual([[0], ['zero']]);
    await second.end('zero');
    expect(first.started).toEqual([0, 1]);
    expect(seen.values.map(show)).toEqual(['zero']);
  });

  it('runs no further step once an item has failed or was dropped', () => {
    const reached: unknown[] = [];
    const steps = [
      applied(({ data }) => {
        if (data === 1) throw new Error('one');
        return data === 2 ? undefined : data;
      }, 'data'),
      applied(({ data }) => reached.push(data), 'data'),
    ];
    const seen = record(from(items(0, 1, 2)).pipe(stage(steps)));
    expect(seen.values.map(show)).toEqual([1, '!one', '~filtered']);
    expect(reached).toEqual([0]);
  });

  it('starts no further step of an item that nobody wants any more', async () => {
    const { project, end } = calls();
    const reached: unknown[] = [];
    const steps = [applied(({ data }) => project(data), 'data'), applied(({ data }) => reached.push(data), 'data')];
    of(Item.of(0)).pipe(stage(steps)).subscribe().unsubscribe();
    await end(0);
    expect(reached).toEqual([]);
  });

  it('is left through an operator below', () => {
    const reached: unknown[] = [];
    const seen = record(
      from(items(1, 2, 3)).pipe(
        stage([applied(({ data }) => reached.push(data), 'data')], { concurrency: 1 }),
        take(1),
      ),
    );
    expect(reached).toEqual([1]);
    expect([...seen]).toEqual(['N', 'C']);
  });
});

describe('the step `map`', () => {
  it.each([
    ['data.total * 2', 6],
    ['({ total }) => total * 2', 6],
    ['(data, item) => item.id', '#1'],
    ['data.missing', undefined],
  ])('gives the value of %s', (expression, value) => {
    const options = mapStep.options.parse({ expression });
    const run = mapStep.create(options, createRuntime());
    expect(run(Item.of({ total: 3 }), {} as Slot)).toEqual(value);
  });

  it('refuses an expression that does not parse, when it is built', () => {
    expect(() => mapStep.create({ expression: 'data.' }, createRuntime())).toThrow('the expression does not parse');
  });
});

describe('mapItems with filterItems', () => {
  it('composes', () => {
    const seen = record(
      from(items(1, 2, 3, 4)).pipe(
        filterItems((n) => Number(n) % 2 === 0),
        mapItems((n) => Number(n) * 10),
      ),
    );
    expect(seen.values.map(show)).toEqual(['~filtered', 20, '~filtered', 40]);
  });

  it('stays silent with a source that is', () => {
    expect([...record(NEVER.pipe(mapItems((n: number) => n)))]).toEqual([]);
  });
});
