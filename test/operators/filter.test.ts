import { filterItems } from 'batchx';
import { marbles } from 'batchx/testing';
import fc from 'fast-check';
import { from, map, type Observable, of, type OperatorFunction } from 'rxjs';
import { describe, expect, expectTypeOf, it } from 'vitest';
import { Item } from '../../src/core/item.js';
import { createRuntime } from '../../src/core/runtime.js';
import type { Slot } from '../../src/core/slot.js';
import { filterStep } from '../../src/operators/steps/filter.js';
import { failed, record, show, turns } from './helpers.js';

describe('filterItems', () => {
  it(
    'lets items go on as they come, and skips the others',
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('  -1--2--3--4--|');
      const expected = '     -s--2--s--4--|';
      const result = source.pipe(
        map((text) => Item.of(text)),
        filterItems((text) => Number(text) % 2 === 0),
        map(show),
      );
      expectObservable(result).toBe(expected, { 2: '2', 4: '4', s: '~filtered' });
      expectSubscriptions(source.subscriptions).toBe('^------------!');
    }),
  );

  it(
    'passes an empty source, a silent one and an error, and is left early',
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const all = filterItems<unknown>(() => true);
      expectObservable(cold<Item>('|').pipe(all)).toBe('|');
      expectObservable(cold<Item>('-').pipe(all)).toBe('-');
      expectObservable(cold<Item>('--#').pipe(all)).toBe('--#');
      const source = cold<Item>('-----|');
      expectObservable(source.pipe(all), '--!').toBe('-');
      expectSubscriptions(source.subscriptions).toBe('^-!');
    }),
  );

  it.each([true, 1, 'text', {}, [], -1, Infinity])('lets an item go on for %j', (verdict) => {
    expect(record(of(Item.of(1)).pipe(filterItems(() => verdict))).values.map(show)).toEqual([1]);
  });

  it.each([false, 0, '', null, undefined])('skips an item for %j', (verdict) => {
    expect(record(of(Item.of(1)).pipe(filterItems(() => verdict))).values.map(show)).toEqual(['~filtered']);
  });

  it('gives the very items that came, with the text of their rows', () => {
    const item = new Item(0, { n: 1 }, '{"n":  1}', undefined, 0);
    expect(record(of(item).pipe(filterItems(() => true))).values[0]).toBe(item);
  });

  it('fails the item for which the predicate throws or is rejected', async () => {
    const seen = record(
      from([1, 2, 3]).pipe(
        map((n) => Item.of(n)),
        filterItems(
          (n) => {
            if (n === 1) throw new Error('thrown');
            return n === 2 ? Promise.reject(new Error('rejected')) : Promise.resolve(true);
          },
          { ordered: true },
        ),
      ),
    );
    await turns();
    expect(seen.values.map(show)).toEqual(['!thrown', '!rejected', 3]);
  });

  it('narrows the type of the items as its predicate does', () => {
    const mixed = from([Item.of<string | number | undefined>('a')]);
    expectTypeOf(mixed.pipe(filterItems((v): v is string => typeof v === 'string'))).toEqualTypeOf<
      Observable<Item<string>>
    >();
    expectTypeOf(mixed.pipe(filterItems((v) => v !== undefined))).toEqualTypeOf<Observable<Item<string | number>>>();
    expectTypeOf(mixed.pipe(filterItems((v) => v, { concurrency: 1 }))).toEqualTypeOf<
      Observable<Item<string | number | undefined>>
    >();
    expectTypeOf(filterItems((n: number) => n % 2 === 0)).toEqualTypeOf<OperatorFunction<Item<number>, Item<number>>>();
  });

  it('asks nothing of items that failed or were skipped', () => {
    const given = [failed(1), Item.of(2).skip('duplicate')];
    const asked: unknown[] = [];
    const seen = record(from(given).pipe(filterItems((n) => asked.push(n))));
    expect(seen.values).toEqual(given);
    expect(asked).toEqual([]);
  });

  it('loses no item and keeps the order, whatever the verdicts', () => {
    fc.assert(
      fc.property(fc.array(fc.boolean()), fc.integer({ min: 1, max: 3 }), (verdicts, concurrency) => {
        const given = verdicts.map((verdict, seq) => Item.of(verdict, { seq }));
        const seen = record(from(given).pipe(filterItems((verdict) => verdict, { concurrency })));
        expect(seen.values.map(({ seq }) => seq)).toEqual(verdicts.map((_verdict, seq) => seq));
        expect(seen.values.map(({ live }) => live)).toEqual(verdicts);
      }),
    );
  });
});

describe('the step `filter`', () => {
  it.each([
    ['data.total > 100', false],
    ['({ total }) => total < 100', true],
  ])('gives the verdict of %s', (expression, verdict) => {
    const run = filterStep.create(filterStep.options.parse({ expression }), createRuntime());
    expect(run(Item.of({ total: 3 }), {} as Slot)).toBe(verdict);
  });
});
