import fc from 'fast-check';
import { deserialize, serialize } from 'node:v8';
import { describe, expect, it } from 'vitest';
import { fingerprint, isPlain } from '../../../src/core/cache/plain.js';

const plain = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.string({ unit: 'binary' }),
    fc.double().map((n) => n + 0),
    fc.boolean(),
    fc.constant(null),
    fc.constant(undefined),
    fc.bigInt(),
    fc.date({ noInvalidDate: true }),
    fc.uint8Array(),
    fc.array(tie('value')),
    fc.dictionary(fc.string(), tie('value'), { noNullPrototype: true }),
  ),
})).value;

/** The same with the keys of each object the other way round. */
function turned(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(turned);
  if (typeof value !== 'object' || value === null || value instanceof Date || value instanceof Uint8Array) return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, each]) => [key, turned(each)]),
  );
}

const loop: unknown[] = [];
loop.push(loop);
class Own {
  readonly a = 1;
}
const strange = [() => 1, Symbol('s'), new Own(), new Map(), new Set(), /x/, new Error('e'), { a: [new Own()] }, loop];

describe('plain data', () => {
  it('are kept as they are', () => {
    fc.assert(
      fc.property(plain, (value) => {
        expect(isPlain(value)).toBe(true);
        expect(deserialize(serialize(value))).toEqual(value);
      }),
    );
  });

  it('have one fingerprint, whatever the order of keys, and others have another one', () => {
    fc.assert(
      fc.property(plain, plain, (a, b) => {
        expect(fingerprint(turned(a))).toBe(fingerprint(a));
        if (!same(a, b)) expect(fingerprint(a)).not.toBe(fingerprint(b));
      }),
    );
  });

  it.each([
    [
      ['ab', 'c'],
      ['a', 'bc'],
    ],
    [[['a'], 'b'], [['a', 'b']]],
    [1, '1'],
    [null, 'null'],
    [null, undefined],
    [{}, []],
    [{ a: undefined }, {}],
    ['\ud800', '\ufffd'],
    [Buffer.from('a'), 'a'],
    [new Date(0), 0],
    [1n, 1],
  ])('%o is not %o', (a, b) => {
    expect(fingerprint(a)).not.toBe(fingerprint(b));
  });

  it('are no functions, classes and loops', () => {
    for (const value of strange) {
      expect(isPlain(value)).toBe(false);
      expect(fingerprint([value])).toBeUndefined();
    }
  });

  it('a fingerprint goes by what a value says of itself', () => {
    const said = { toJSON: () => ({ path: 'a' }) };
    expect(fingerprint(said)).toBe(fingerprint({ path: 'a' }));
  });
});

const same = (a: unknown, b: unknown): boolean => {
  try {
    expect(a).toStrictEqual(b);
    return true;
  } catch {
    return false;
  }
};
