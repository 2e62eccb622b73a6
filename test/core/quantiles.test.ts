import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ERROR, EXACT, Quantiles } from '../../src/core/quantiles.js';

const of = (values: Iterable<number>): Quantiles => {
  const quantiles = new Quantiles();
  for (const value of values) quantiles.add(value);
  return quantiles;
};

/** By the definition: the smallest value such that at least the share p/100 of all is not larger. */
const exactly = (values: readonly number[], percent: number): number => {
  const sorted = [...values].sort((a, b) => a - b);
  const index = sorted.findIndex((_, i) => (i + 1) * 100 >= percent * sorted.length);
  return sorted[index]!;
};

const percents = [0, 1, 5, 7, 25, 50, 75, 90, 95, 99, 99.9, 100];

const normal = fc.double({ noNaN: true, noDefaultInfinity: true }).filter((n) => n === 0 || Math.abs(n) >= 1e-300);
const anyNumber = fc.oneof(
  normal,
  fc.integer({ min: -100, max: 100 }),
  fc.double({ min: 0, max: 1e4, noNaN: true }).filter((n) => n === 0 || n >= 1e-300),
  fc.constantFrom(0, -0, 1, -1, 1e308, -1e308, Number.MAX_VALUE, -Number.MAX_VALUE, 1e-300, -1e-300, 0.1, 1 / 3),
);
/** Too many values to be kept: a few given ones, spread and repeated. */
const many = fc
  .tuple(
    fc.array(anyNumber, { minLength: 1, maxLength: 60 }),
    fc.array(fc.double({ min: 0.5, max: 1, noNaN: true }), { minLength: 40, maxLength: 60 }),
  )
  .map(([values, factors]) =>
    Array.from({ length: EXACT + 500 }, (_, i) => values[i % values.length]! * factors[i % factors.length]!),
  )
  .filter((values) => values.every((n) => n === 0 || Math.abs(n) >= 1e-300));

const expectNear = (got: number | undefined, exact: number): void => {
  expect(Math.abs(got! - exact), `${got} for ${exact}`).toBeLessThanOrEqual(Math.abs(exact) * ERROR);
};

describe('Quantiles', () => {
  it('has none of no values', () => {
    expect(new Quantiles().quantile(0.5)).toBeUndefined();
    expect(new Quantiles().count).toBe(0);
  });

  it('is exact up to 2,048 values', () => {
    const values = Array.from({ length: EXACT }, (_, i) => ((i * 7919) % EXACT) / 8);
    for (const percent of percents) expect(of(values).quantile(percent / 100)).toBe(exactly(values, percent));
  });

  it('is exact for any few values', () =>
    fc.assert(
      fc.property(
        fc.array(anyNumber, { minLength: 1, maxLength: 200 }),
        fc.constantFrom(...percents),
        (values, percent) => {
          expect(of(values).quantile(percent / 100)).toBeOneOf([exactly(values, percent)]);
        },
      ),
    ));

  it('counts ranks as a person would: the 7th of 100 values is 7 %', () => {
    const values = Array.from({ length: 100 }, (_, i) => i + 1);
    for (const value of values) expect(of(values).quantile(value / 100)).toBe(value);
  });

  it('takes more values after it was asked', () => {
    const quantiles = of([3, 1]);
    expect(quantiles.quantile(1)).toBe(3);
    quantiles.add(2);
    expect(quantiles.quantile(0.5)).toBe(2);
  });

  it('is at most 1 % off beyond that, whatever the values', () =>
    fc.assert(
      fc.property(many, (values) => {
        const quantiles = of(values);
        for (const percent of percents) expectNear(quantiles.quantile(percent / 100), exactly(values, percent));
      }),
      { numRuns: 60 },
    ));

  it('is at most 1 % off at the ends of what numbers can be', () => {
    for (const size of [1.7e308, 1e-300]) {
      const values = Array.from({ length: 3000 }, (_, i) => size * (1 + (0.05 * i) / 3000) * (i % 2 === 0 ? 1 : -1));
      for (const percent of percents) expectNear(of(values).quantile(percent / 100), exactly(values, percent));
    }
  });

  it('says the same of parts that are merged as of the whole', () =>
    fc.assert(
      fc.property(many, fc.nat(EXACT + 500), fc.nat(EXACT + 500), (values, a, b) => {
        const [first, second] = [Math.min(a, b), Math.max(a, b)];
        const merged = new Quantiles();
        for (const part of [values.slice(0, first), values.slice(first, second), values.slice(second)])
          merged.merge(of(part));
        const whole = of(values);
        expect([merged.count, merged.min, merged.max]).toEqual([whole.count, whole.min, whole.max]);
        for (const percent of percents) expect(merged.quantile(percent / 100)).toBe(whole.quantile(percent / 100));
      }),
      { numRuns: 60 },
    ));

  it('can be merged with itself', () => {
    const quantiles = of([1, 2, 3]);
    quantiles.merge(quantiles);
    expect([quantiles.count, quantiles.quantile(0.5), quantiles.quantile(1)]).toEqual([6, 2, 3]);
    const large = of(Array.from({ length: 3000 }, (_, i) => i));
    large.merge(large);
    expect(large.count).toBe(6000);
    expectNear(large.quantile(0.5), 1499);
  });

  it('keeps no single values of a million, only what buckets of 2 % can tell apart', () => {
    const quantiles = of([]);
    for (let i = 0; i < 1_000_000; i++) quantiles.add(((i * 7919) % 1_000_003) / 7);
    const answers = new Set(Array.from({ length: 1000 }, (_, i) => quantiles.quantile(i / 1000)));
    expect(quantiles.count).toBe(1_000_000);
    expect(answers.size).toBeLessThan(400); // of numbers that were kept it would be a thousand
  });
});
