import { lastValueFrom, merge, take, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { fakeRuntime } from 'batchx/testing';
import { defineSource } from '../../src/core/define.js';
import { Item } from '../../src/core/item.js';
import { createRuntime } from '../../src/core/runtime.js';
import { fromSource } from '../../src/core/source.js';
import { settled } from './holder.js';

const letters = defineSource({
  name: 'letters',
  status: 'experimental',
  summary: 'Letters.',
  options: z.strictObject({ blocks: z.array(z.array(z.string())) }),
  examples: [],
  async *open({ blocks }, _runtime, signal) {
    for (const block of blocks) {
      if (signal.aborted) return;
      await Promise.resolve();
      yield block.map((letter) => Item.of(letter));
    }
  },
});
const options = { blocks: [['a', 'b'], ['c']] };

describe('fromSource', () => {
  it('emits the items of a source, and counts each as read just before', async () => {
    const runtime = fakeRuntime();
    const seen: unknown[] = [];
    runtime.events.on('batch:item:start', ({ data }) => seen.push(`read ${String(data)}`));
    await new Promise<void>((resolve) => {
      fromSource(letters, options, runtime).subscribe({ next: ({ data }) => seen.push(data), complete: resolve });
    });
    expect(seen).toEqual(['read a', 'a', 'read b', 'b', 'read c', 'c']);
    expect(runtime.counts).toMatchObject({ read: 3, pending: 3 });
  });

  it('counts only what was emitted', async () => {
    const runtime = fakeRuntime();
    await lastValueFrom(fromSource(letters, options, runtime).pipe(take(1), toArray()));
    expect(runtime.counts.read).toBe(1);
  });

  it('may be one of many without a warning of Node', async () => {
    const warnings: unknown[] = [];
    const listener = (warning: Error) => warnings.push(warning);
    process.on('warning', listener);
    const runtime = createRuntime({ stopping: new AbortController().signal });
    await lastValueFrom(merge(...Array.from({ length: 20 }, () => fromSource(letters, options, runtime))));
    await new Promise((resolve) => setImmediate(resolve));
    process.off('warning', listener);
    expect(warnings).toEqual([]);
  });

  it('ends without an error when the run is stopping', async () => {
    const runtime = fakeRuntime();
    const seen: unknown[] = [];
    fromSource(letters, options, runtime).subscribe({
      next: ({ data }) => {
        seen.push(data);
        if (data === 'a') runtime.stop();
      },
      complete: () => seen.push('complete'),
    });
    await settled();
    expect(seen).toEqual(['a', 'complete']);
    expect(runtime.counts.read).toBe(1);
  });
});
