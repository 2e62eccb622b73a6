import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Ring } from '../../src/core/ring.js';

describe('Ring', () => {
  it('is empty at first', () => {
    const ring = new Ring<number>();
    expect([ring.length, ring.peek(), ring.shift()]).toEqual([0, undefined, undefined]);
  });

  it('keeps values that are undefined', () => {
    const ring = new Ring<undefined>();
    ring.push(undefined);
    expect(ring.length).toBe(1);
    ring.shift();
    expect(ring.length).toBe(0);
  });

  it('does what an array does, whatever is pushed, peeked at, taken out and cleared', () => {
    const action = fc.oneof(
      { weight: 6, arbitrary: fc.integer({ min: 1, max: 40 }).map((n) => ({ push: n })) },
      { weight: 4, arbitrary: fc.integer({ min: 1, max: 40 }).map((n) => ({ shift: n })) },
      { weight: 1, arbitrary: fc.constant('clear' as const) },
    );
    fc.assert(
      fc.property(fc.array(action, { maxLength: 40 }), (actions) => {
        const ring = new Ring<number>();
        const model: number[] = [];
        let next = 0;
        for (const act of actions) {
          if (act === 'clear') {
            ring.clear();
            model.length = 0;
          } else if ('push' in act) {
            for (let i = 0; i < act.push; i++) {
              ring.push(next);
              model.push(next++);
            }
          } else {
            for (let i = 0; i < act.shift; i++) expect([ring.peek(), ring.shift()]).toEqual([model[0], model.shift()]);
          }
          expect(ring.length).toBe(model.length);
        }
        while (model.length > 0) expect(ring.shift()).toBe(model.shift());
        expect(ring.shift()).toBeUndefined();
      }),
    );
  });

  it('keeps no reference to what was taken out', () => {
    // 16 slots, so that the seventeenth push uses the first one again unless the ring grew.
    const ring = new Ring<object>();
    for (let i = 0; i < 1000; i++) {
      ring.push({});
      ring.shift();
    }
    ring.push({});
    expect(ring.length).toBe(1);
    expect(ring.peek()).toEqual({});
  });
});
