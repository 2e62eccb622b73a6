import { lastValueFrom, NEVER, take, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { fromSource, literals, literalsSource, mapConcurrent, toJsonl } from 'batchx';
import { fakeRuntime } from 'batchx/testing';

const values = async (source: ReturnType<typeof literals>): Promise<unknown[]> =>
  (await lastValueFrom(source.pipe(toArray()))).map(({ data }) => data);

describe('literals', () => {
  it('emits an item for each value, whatever it is', async () => {
    const items = await lastValueFrom(literals(['a', undefined, null, [1], 5n]).pipe(toArray()));
    expect(items.map(({ data }) => data)).toEqual(['a', undefined, null, [1], 5n]);
    expect(items.map(({ id }) => id)).toEqual(['#1', '#2', '#3', '#4', '#5']);
    expect(await values(literals([]))).toEqual([]);
  });

  it('iterates anything, also asynchronously, and anew for each subscription', async () => {
    expect(await values(literals(new Set([1, 2])))).toEqual([1, 2]);
    const later = literals({
      async *[Symbol.asyncIterator]() {
        yield 1;
        yield Promise.resolve(2);
      },
    });
    expect(await values(later)).toEqual([1, 2]);
    expect(await values(later)).toEqual([1, 2]);
  });

  it('asks for values only while there is room, and tells the iteration when it is left', async () => {
    let asked = 0;
    let returned = false;
    function* endless(): Generator<number> {
      try {
        for (;;) yield asked++;
      } finally {
        returned = true;
      }
    }
    const subscription = literals(endless())
      .pipe(mapConcurrent(() => NEVER, 2))
      .subscribe();
    await Promise.resolve();
    expect(asked).toBe(2 + 64);
    subscription.unsubscribe();
    await new Promise((resolve) => setImmediate(resolve));
    expect(returned).toBe(true);
  });

  it('passes on what the iteration throws, after the values before it', async () => {
    function* failing(): Generator<number> {
      yield 1;
      throw new Error('no more');
    }
    const seen: unknown[] = [];
    const error = await new Promise((resolve) =>
      literals(failing()).subscribe({ next: ({ data }) => seen.push(data), error: resolve }),
    );
    expect(seen).toEqual([1]);
    expect(error).toMatchObject({ message: 'no more' });
  });

  it('refuses what cannot be iterated, and text, which is not a list', () => {
    expect(() => literals(5 as never)).toThrow(
      'literals: expected values that can be iterated, such as a list, got a number',
    );
    expect(() => literals('abc')).toThrow('got a string');
    expect(() => literals(null as never)).toThrow('literals: expected values');
  });

  it('can be configured by a list of values', async () => {
    const runtime = fakeRuntime();
    await lastValueFrom(fromSource(literalsSource, { values: [1, { a: 2 }] }, runtime).pipe(toJsonl('-', runtime)));
    expect(runtime.stdout).toBe('1\n{"a":2}\n');
    expect(runtime.counts).toMatchObject({ read: 2, ok: 2 });
  });

  it('counts only what it emitted', async () => {
    const runtime = fakeRuntime();
    await lastValueFrom(literals([1, 2, 3], runtime).pipe(take(2)));
    expect(runtime.counts.read).toBe(2);
  });
});
