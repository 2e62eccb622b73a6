import { Cache, cached } from 'batchx';
import { fakeRuntime } from 'batchx/testing';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defer, EMPTY, lastValueFrom, Observable, of, throwError, toArray } from 'rxjs';
import { describe, expect, it, onTestFinished } from 'vitest';

function open(): Cache {
  const dir = mkdtempSync(join(tmpdir(), 'batchx-cached-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return new Cache({ dir }, fakeRuntime());
}

describe('cached', () => {
  it('gives the last value of a call, and that again instead of another call', async () => {
    const cache = open();
    let calls = 0;
    const call = defer(() => of('a', 'b', `c${++calls}`)).pipe(cached(cache, ['abc']), toArray());
    expect([await lastValueFrom(call), await lastValueFrom(call)]).toEqual([['c1'], ['c1']]);
  });

  it('passes an error on, keeps nothing of it, and nothing of a call without a value', async () => {
    const cache = open();
    const failing = throwError(() => new Error('no')).pipe(cached(cache, 'x'));
    await expect(lastValueFrom(failing)).rejects.toThrow('no');
    expect(await lastValueFrom(EMPTY.pipe(cached(cache, 'x'), toArray()))).toEqual([]);
    expect(await lastValueFrom(of(1).pipe(cached(cache, 'x')))).toBe(1);
  });

  it('leaves the call when it is left, and then the next one is made', async () => {
    const cache = open();
    let left = 0;
    await new Promise<void>((begun) => {
      const call = new Observable<number>(() => {
        setTimeout(() => {
          running.unsubscribe();
          begun();
        });
        return () => left++;
      });
      const running = call.pipe(cached(cache, 'x')).subscribe();
    });
    expect(left).toBe(1);
    expect(await lastValueFrom(of(2).pipe(cached(cache, 'x')))).toBe(2);
  });

  it('subscribes to the call itself when the key is no plain data', async () => {
    const call = of(1, 2).pipe(cached(open(), new Map()), toArray());
    expect(await lastValueFrom(call)).toEqual([1, 2]);
  });

  it('refuses what is no Cache', () => {
    expect(() => cached({} as never, 'x')).toThrow('expected a Cache');
  });
});
