import { describe, expect, it } from 'vitest';
import { Cleanup } from '../../src/core/cleanup.js';

describe('Cleanup', () => {
  it('is idle at once when nothing was added', async () => {
    await new Cleanup().idle();
  });

  it('waits for all that was added, however it ends, and for what is added meanwhile', async () => {
    const cleanup = new Cleanup();
    const ends: (() => void)[] = [];
    const add = (): void => cleanup.add(new Promise<void>((end) => ends.push(end)));
    add();
    cleanup.add(Promise.reject(new Error('no')));
    let idle = false;
    const waiting = cleanup.idle().then(() => (idle = true));
    add();
    ends[0]?.();
    await new Promise(setImmediate);
    expect([idle, cleanup.open]).toEqual([false, 1]);
    ends[1]?.();
    // As it becomes idle, something else begins.
    void Promise.resolve().then(add);
    await new Promise(setImmediate);
    expect(cleanup.open).toBe(1);
    ends[2]?.();
    await waiting;
    expect(cleanup.open).toBe(0);
  });
});
