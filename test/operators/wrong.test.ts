import {
  aggregate,
  type BatchxError,
  count,
  counted,
  filterItems,
  groupBy,
  mapConcurrent,
  mapItems,
  pull,
  reduce,
  split,
  stats,
  tee,
  toArray,
  toSink,
  validate,
} from 'batchx';
import { NEVER, of } from 'rxjs';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { record } from './helpers.js';

/** What is thrown when an operator is made of such things as JavaScript lets through. */
function thrownBy(make: () => unknown): Pick<BatchxError, 'code' | 'message'> {
  try {
    make();
  } catch (error) {
    const { code, message } = error as BatchxError;
    return { code, message };
  }
  throw new Error('expected it to throw when it is made');
}

const bad = (value: unknown): never => value as never;
const usage = (message: string) => ({ code: 'usage', message });

describe('options of what runs calls side by side are checked when it is made', () => {
  const same = (n: unknown) => n;
  const made: Record<string, (options: unknown) => unknown> = {
    mapConcurrent: (options) => mapConcurrent(() => NEVER, bad(options)),
    mapItems: (options) => mapItems(same, bad(options)),
    filterItems: (options) => filterItems(same, bad(options)),
    'validate by a Standard Schema': (options) => validate(z.number(), bad(options)),
    'validate by a JSON Schema': (options) => validate({}, bad(options)),
  };
  const wrong: [unknown, string][] = [
    [
      { concurrency: '4' },
      '`concurrency`: expected a whole number of at least 1, or an Observable of numbers, got "4"',
    ],
    [{ concurrency: {} }, 'or an Observable of numbers, got a mapping without keys'],
    [{ concurrency: NaN }, 'or an Observable of numbers, got NaN (number)'],
    [{ concurency: 1 }, 'Unrecognized key: "concurency"'],
    [{ ordered: 'yes' }, '`ordered`: '],
    [{ maxWaiting: -1 }, '`maxWaiting`: '],
    [{ maxWaiting: NaN }, '`maxWaiting`: '],
    [{ stop: 5 }, '`stop`: expected an AbortSignal, got 5 (number)'],
    [null, 'expected object, received null'],
    ['ordered', 'expected object, received string'],
  ];

  it.each(Object.keys(made))('%s', (name) => {
    for (const [options, message] of wrong) {
      const error = thrownBy(() => made[name]?.(options));
      expect(error.code).toBe('usage');
      expect(error.message).toContain(message);
      expect(error.message).toMatch(new RegExp(`^${name.split(' ')[0]}: `));
    }
  });

  it.each([
    { concurrency: of(1), ordered: false, maxWaiting: 0, stop: new AbortController().signal },
    { concurrency: Infinity },
    { concurrency: undefined, ordered: undefined },
    undefined,
  ])('%s is right', (options) => {
    for (const make of Object.values(made)) expect(make(options)).toBeTypeOf('function');
  });

  it.each([0, -1, 1.5, NaN, Infinity, '1'])('mapConcurrent refuses a buffer of %s', (buffer) => {
    const error = thrownBy(() => mapConcurrent(() => NEVER, { ordered: true, buffer: bad(buffer) }));
    expect(error.code).toBe('usage');
    expect(error.message).toMatch(/^mapConcurrent: `buffer`: /);
  });

  it('mapConcurrent goes on with the smallest buffer', () => {
    const twice = mapConcurrent((n: number) => pull(() => [[n], [n]]), { ordered: true, buffer: 1 });
    expect(record(of(1, 2).pipe(twice))).toMatchObject({ values: [1, 1, 2, 2] });
  });
});

describe('a function that is missing is told of when the operator is made', () => {
  it.each<[string, string, (value: never) => unknown]>([
    ['mapConcurrent', 'undefined', mapConcurrent],
    ['mapItems', 'undefined', mapItems],
    ['filterItems', '5 (number)', filterItems],
    ['split', 'undefined', split],
    ['tee', '5 (number)', tee],
    ['counted', 'undefined', counted],
    ['toSink', 'undefined', toSink],
    ['pull', 'an array', pull],
    ['stats', '"x"', stats],
    ['groupBy', 'null', (key) => groupBy(key, { n: count() })],
    ['reduce', 'undefined', (fold) => reduce(fold, 0)],
  ])('%s', (name, got, make) => {
    const given = { undefined, '5 (number)': 5, 'an array': [], '"x"': 'x', null: null }[got];
    expect(thrownBy(() => make(bad(given)))).toEqual(usage(`${name}: expected a function, got ${got}`));
  });

  it('tee looks at each branch', () => {
    expect(() => tee((source) => source, bad(undefined))).toThrow('tee: expected a function, got undefined');
  });
});

describe('other options are checked when it is made', () => {
  it.each<[string, () => unknown, string]>([
    ['toArray', () => toArray({ failed: bad('x') }), 'toArray: `failed`: '],
    ['toArray, misspelt', () => toArray(bad({ fail: 'skip' })), 'toArray: Unrecognized key: "fail"'],
    [
      'toSink',
      () =>
        toSink(
          bad(() => NEVER),
          { takes: bad('every') },
        ),
      'toSink: `takes`: ',
    ],
    [
      'toSink, the runtime',
      () =>
        toSink(
          bad(() => NEVER),
          { runtime: bad(5) },
        ),
      'toSink: `runtime`: expected a runtime',
    ],
    ['pull', () => pull(() => [], { stop: bad('now') }), 'pull: `stop`: expected an AbortSignal, got "now"'],
    ['pull, misspelt', () => pull(() => [], bad({ onemit: 1 })), 'pull: Unrecognized key: "onemit"'],
  ])('%s', (_, make, message) => {
    const error = thrownBy(make);
    expect(error.code).toBe('usage');
    expect(error.message).toContain(message);
  });

  const aggregator = 'expected an aggregator, such as count(), or several by name';
  it.each<[string, unknown, string]>([
    ['nothing', undefined, `${aggregator}, got undefined`],
    ['an object of none', {}, `${aggregator}, got none`],
    ['an object of none within', { a: { b: {} } }, `${aggregator} for \`a.b\`, got none`],
    ['a list', [count()], `${aggregator}, got an array`],
    ['one that was not called', { n: count }, `${aggregator} for \`n\`, got count itself, which makes none`],
  ])('aggregate: %s', (_, shape, message) => {
    expect(thrownBy(() => aggregate(bad(shape)))).toEqual(usage(message));
  });

  it.each<[unknown, string]>([
    [undefined, 'got undefined'],
    [null, 'got null'],
    [count(), 'got a function'],
  ])('groupBy: %s', (shape, got) => {
    expect(thrownBy(() => groupBy(String, bad(shape)))).toEqual(
      usage(`groupBy: expected aggregators by name, such as { n: count() }, ${got}`),
    );
  });
});
