import { getEventListeners } from 'node:events';
import { toItems } from 'batchx';
import { fakeRuntime, marbles } from 'batchx/testing';
import fc from 'fast-check';
import { defer, from, map, merge, NEVER, of, range, Subject, tap } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { Item } from '../../src/core/item.js';
import { record, upTo } from './helpers.js';

describe('toItems', () => {
  it(
    'lifts each value as it comes',
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('  -a-b--|');
      const expected = '     -a-b--|';
      expectObservable(
        source.pipe(
          toItems(),
          map(({ data }) => data),
        ),
      ).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe('^-----!');
    }),
  );

  it(
    'passes an empty source, a silent one and an error, and is left early',
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      expectObservable(cold('|').pipe(toItems())).toBe('|');
      expectObservable(cold('-').pipe(toItems())).toBe('-');
      expectObservable(cold('--#').pipe(toItems())).toBe('--#');
      const source = cold('------|');
      expectObservable(source.pipe(toItems()), '--!').toBe('-');
      expectSubscriptions(source.subscriptions).toBe('^-!');
    }),
  );

  it('numbers the items and calls them by their number, anew for each subscription', () => {
    const items = from(['a', undefined]).pipe(toItems());
    for (const { values } of [record(items), record(items)]) {
      expect(values.map(({ id, seq, data }) => ({ id, seq, data }))).toEqual([
        { id: '#1', seq: 0, data: 'a' },
        { id: '#2', seq: 1, data: undefined },
      ]);
      expect(values[0]).toBeInstanceOf(Item);
    }
  });

  it('counts each as read before it is emitted', () => {
    const runtime = fakeRuntime();
    const counted: number[] = [];
    range(0, 3)
      .pipe(toItems(runtime))
      .subscribe(() => counted.push(runtime.counts.read));
    expect(counted).toEqual([1, 2, 3]);
    expect(runtime.counts).toMatchObject({ read: 3, pending: 3 });
  });

  it('keeps the numbers in order when an item brings more values', () => {
    const source = new Subject<number>();
    const out: string[] = [];
    source.pipe(toItems()).subscribe(({ id, data }) => {
      out.push(`${id} ${data}`);
      if (data < 2) source.next(data + 1);
    });
    source.next(0);
    expect(out).toEqual(['#1 0', '#2 1', '#3 2']);
  });

  it(
    'completes when the runtime is stopping, and leaves the source',
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const runtime = fakeRuntime();
      const source = cold('  -a-b-c-d-|').pipe(
        tap((letter) => {
          if (letter === 'b') runtime.stop();
        }),
      );
      const expected = '     -a-|';
      const watched = cold(' ----------');
      const items = merge(source, watched).pipe(
        toItems(runtime),
        map(({ data }) => data),
      );
      expectObservable(items).toBe(expected);
      expectSubscriptions(watched.subscriptions).toBe('^--!');
    }),
  );

  it('reads nothing when the runtime is stopping already', () => {
    const runtime = fakeRuntime();
    runtime.stop();
    let subscribed = 0;
    expect(record(defer(() => of(++subscribed)).pipe(toItems(runtime)))).toEqual(expect.objectContaining({ 0: 'C' }));
    expect(subscribed).toBe(0);
  });

  it('stops listening with its subscription', () => {
    const runtime = fakeRuntime();
    const items = toItems<number>(runtime);
    record(of(1).pipe(items));
    NEVER.pipe(items).subscribe().unsubscribe();
    expect(getEventListeners(runtime.stopping, 'abort')).toEqual([]);
  });

  it('gives each value once and in order, whatever it is', () => {
    fc.assert(
      fc.property(fc.array(fc.anything()), (values) => {
        const items = record(from(values).pipe(toItems(fakeRuntime()))).values;
        expect(items.map(({ data }) => data)).toEqual(values);
        expect(items.map(({ seq }) => seq)).toEqual(upTo(values.length));
      }),
    );
  });
});
