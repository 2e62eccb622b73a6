import { concat, lastValueFrom, throwError } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { filterItems, literals, mapItems, toArray, toJsonl } from 'batchx';
import { fakeRuntime } from 'batchx/testing';

const failOn =
  (...bad: number[]) =>
  (n: number): number => {
    if (bad.includes(n)) throw new Error(`${n} is bad`);
    return n * 2;
  };

describe('toArray', () => {
  it('emits the data of the items in one array, and settles them', async () => {
    const runtime = fakeRuntime();
    const items = literals([1, 2, 3, 4], runtime).pipe(filterItems((n) => n !== 2));
    expect(await lastValueFrom(items.pipe(toArray({}, runtime)))).toEqual([1, 3, 4]);
    expect(runtime.counts).toMatchObject({ read: 4, ok: 3, skipped: 1, pending: 0 });
  });

  it('emits an empty array of nothing', async () => {
    expect(await lastValueFrom(literals<number>([]).pipe(toArray()))).toEqual([]);
  });

  it('fails with the first failure, once all items are settled', async () => {
    const runtime = fakeRuntime();
    const items = literals([1, 2, 3, 4], runtime).pipe(mapItems(failOn(2, 4)));
    await expect(lastValueFrom(items.pipe(toArray({}, runtime)))).rejects.toMatchObject({
      code: 'expression',
      message: '#2: 2 is bad (and 1 more failed)',
      where: '#2',
      cause: { message: '2 is bad' },
    });
    expect(runtime.counts).toMatchObject({ read: 4, ok: 2, failed: 2, pending: 0 });
  });

  it('leaves failures out when told to', async () => {
    expect(await lastValueFrom(literals([1, 2, 3]).pipe(mapItems(failOn(2)), toArray({ failed: 'skip' })))).toEqual([
      2, 6,
    ]);
  });

  it('takes the outcomes of a sink, and has the last word on them', async () => {
    const runtime = fakeRuntime();
    expect(await lastValueFrom(literals([1, 2], runtime).pipe(toJsonl('-', runtime), toArray({}, runtime)))).toEqual([
      1, 2,
    ]);
    expect(runtime.counts).toMatchObject({ read: 2, ok: 2, pending: 0 });
  });

  it('passes on an error of the source', async () => {
    const failing = concat(
      literals([1]),
      throwError(() => new Error('gone')),
    );
    await expect(lastValueFrom(failing.pipe(toArray()))).rejects.toThrow('gone');
  });

  it('collects anew for each subscription', async () => {
    const values = literals([1]).pipe(toArray());
    expect([await lastValueFrom(values), await lastValueFrom(values)]).toEqual([[1], [1]]);
  });
});
