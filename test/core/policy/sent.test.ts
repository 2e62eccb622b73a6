import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Limiter } from '../../../src/core/policy/limiter.js';
import type { Rate } from '../../../src/core/rate.js';
import { Clock } from './play.js';

/** When each of the calls that want a permit at once goes out, where the next takes so long to be prepared. */
async function sentAt(rate: Rate, count: number, prepare: (n: number) => number, weight = 1): Promise<number[]> {
  const clock = new Clock();
  const limiter = new Limiter(rate, clock.runtime());
  const sent: number[] = [];
  for (let n = 0; n < count; n++) {
    limiter.wait(
      () => {
        const since = clock.now;
        void clock.sleep(prepare(n)).then(() => {
          sent.push(clock.now);
          limiter.sent(weight, since);
        });
      },
      { weight },
    );
  }
  await clock.play();
  return sent.sort((a, b) => a - b);
}

/** The shortest time in which one more than so many were sent. */
const shortest = (sent: readonly number[], limit: number): number =>
  Math.min(...sent.slice(limit).map((at, n) => at - (sent[n] as number)));

describe('a permit', () => {
  it.each<[Rate, number]>([
    [{ limit: 5, burst: 5 }, 5],
    ['5/s', 5],
    [{ limit: 20, burst: 1 }, 20],
    [{ requests: '5/s', tokens: '1k/s' }, 5],
  ])('of %j counts from when its call goes out', async (rate, limit) => {
    const sent = await sentAt(rate, 100, (n) => (n < limit ? 60 : 0.3));
    expect(shortest(sent, limit)).toBeGreaterThanOrEqual(1000);
    expect((99 * 1000) / (sent[99]! - sent[0]!)).toBeGreaterThan(0.98 * limit);
  });

  it('counts for no more than its window while its call does not go out', async () => {
    const sent = await sentAt('10/s', 100, (n) => (n % 10 === 0 ? 10_000 : 0));
    // The tenth part counts twice: when it was granted, and when it went out.
    expect(sent.at(-1)).toBeLessThan(21_000);
  });

  it('never lets more into any window than the limit, however long calls take to go out', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat(99), { minLength: 1, maxLength: 60 }),
        fc.integer({ min: 1, max: 12 }),
        fc.nat(12),
        async (prepare, limit, burst) => {
          const rate = { limit, per: '100ms', ...(burst > 0 && { burst: Math.min(burst, limit) }) };
          const sent = await sentAt(rate, prepare.length, (n) => prepare[n] as number);
          expect(sent).toHaveLength(prepare.length);
          expect(shortest(sent, limit)).toBeGreaterThanOrEqual(100);
        },
      ),
    );
  });

  it('is found among many', async () => {
    const sent = await sentAt({ limit: 5000, burst: 5000 }, 12_000, (n) => n % 7);
    expect(shortest(sent, 5000)).toBeGreaterThanOrEqual(1000);
    expect(sent.at(-1)).toBeLessThan(2100);
  });
});
