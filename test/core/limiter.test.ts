import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { BatchxError } from '../../src/core/errors.js';
import { Limiter } from '../../src/core/policy/limiter.js';
import { SlidingWindow } from '../../src/core/policy/sliding-window.js';
import type { Rate } from '../../src/core/rate.js';
import { upTo } from '../operators/helpers.js';
import { TestSlot, Timeline } from './timeline.js';

/** A limiter in virtual time, and what it let through: `name@time`. */
class Play extends Timeline {
  readonly limiter: Limiter;
  readonly log: string[] = [];

  constructor(rate: Rate, lateness?: () => number) {
    super(lateness);
    this.limiter = new Limiter(rate, this.runtime);
  }

  /** Waits for a permit; gives the cancel. */
  wait(name: string, weight = 1, limiter = this.limiter): () => void {
    return limiter.wait(() => this.note(name), { weight });
  }

  waitAll(names: string): void {
    for (const name of names) this.wait(name);
  }

  note(name: string): void {
    this.log.push(`${name}@${this.now}`);
  }

  get times(): number[] {
    return this.log.map((entry) => Number(entry.split('@')[1]));
  }
}

/** When `count` waiting ones are let through. */
function timesOf(rate: Rate, count: number, weight = 1): number[] {
  const play = new Play(rate);
  for (const n of upTo(count)) play.wait(String(n), weight);
  play.end();
  return play.times;
}

describe('Limiter', () => {
  it.each<[Rate, number[]]>([
    ['2/s', [0, 505, 1010, 1515, 2020]],
    ['10/5s', [0, 505, 1010]],
    ['1/s', [0, 1010, 2020]],
    ['500/m', [0, 121.2, 242.4]],
    ['4/400ms', [0, 101, 202, 303, 404, 505]],
    ['0.5/s', [0, 2020, 4040]],
    ['2.5/s', [0, 404, 808, 1212]],
    ['200k/m', [0, 0.303, 0.606, 0.909]],
    [{ limit: 2 }, [0, 505, 1010]],
    [{ limit: 1, per: '1m' }, [0, 60_600]],
  ])('spaces starts evenly: %j', (rate, times) => {
    expect(timesOf(rate, times.length)).toEqual(times);
  });

  it.each<[Rate, number[]]>([
    [{ limit: 2, burst: 1 }, [0, 505, 1010, 1515]],
    [{ limit: 2, burst: 2 }, [0, 0, 1010, 1010, 2020, 2020]],
    [{ limit: 4, burst: 2 }, [0, 0, 252.5, 505, 1010, 1010, 1262.5, 1515, 2020, 2020]],
    [{ limit: 3, per: '10s', burst: 3 }, [0, 0, 0, 10_100, 10_100, 10_100]],
  ])('lets a burst follow each other at once, and the window still holds: %j', (rate, times) => {
    expect(timesOf(rate, times.length)).toEqual(times);
  });

  it('has a burst to give again when it has not been used', () => {
    const play = new Play({ limit: 10, burst: 3 });
    play.waitAll('abcd');
    play.to(150);
    play.waitAll('e');
    play.to(1000);
    play.waitAll('fghi');
    play.end();
    expect(play.log).toEqual(['a@0', 'b@0', 'c@0', 'd@101', 'e@202', 'f@1000', 'g@1000', 'h@1000', 'i@1101']);
  });

  it('has no burst to give, however long nothing was started, unless it is told so', () => {
    const play = new Play('10/s');
    play.waitAll('a');
    play.to(60_000);
    play.waitAll('bcd');
    play.end();
    expect(play.log).toEqual(['a@0', 'b@60000', 'c@60101', 'd@60202']);
  });

  it('lets the next one start just when the window of the first is over, and not before', () => {
    const play = new Play({ limit: 3, burst: 3 });
    for (const time of [0, 400, 800]) {
      play.to(time);
      expect(play.limiter.try()).toBe(true);
    }
    expect(play.limiter.try()).toBe(false);
    play.waitAll('abcd');
    play.end();
    expect(play.log).toEqual(['a@1010', 'b@1410', 'c@1810', 'd@2020']);

    const close = new Play({ limit: 2, burst: 2 });
    expect(close.limiter.try()).toBe(true);
    close.to(0.5);
    expect(close.limiter.try()).toBe(true);
    close.waitAll('ab');
    close.end();
    expect(close.log).toEqual(['a@1010', 'b@1010.5']);

    const edge = new Play('1/s');
    expect(edge.limiter.try()).toBe(true);
    edge.to(1009.999);
    expect(edge.limiter.try()).toBe(false);
    edge.to(1010);
    expect(edge.limiter.try()).toBe(true);
  });

  it('takes a permit at once, if there is one and nobody waits', () => {
    const play = new Play('2/s');
    expect(play.limiter.try()).toBe(true);
    expect(play.limiter.try()).toBe(false);
    play.to(505);
    expect(play.limiter.try()).toBe(true);
    play.waitAll('a');
    play.to(1009);
    expect(play.limiter.waiting).toBe(1);
    play.jump(1);
    expect(play.limiter.try()).toBe(false); // it is the turn of the one that waits, whose timer has not fired yet
    play.end();
    expect(play.log).toEqual(['a@1011']);
  });

  it('calls at once when there is a permit', () => {
    const play = new Play('2/s');
    play.waitAll('ab');
    expect(play.log).toEqual(['a@0']);
    expect(play.limiter.waiting).toBe(1);
  });

  it('serves in the order in which they came, the heavy ones too', () => {
    const play = new Play({ limit: 10, burst: 10 });
    play.wait('a', 8);
    play.wait('b', 5);
    play.wait('c', 1);
    play.wait('d', 1);
    play.end();
    expect(play.log).toEqual(['a@0', 'b@1010', 'c@1010', 'd@1010']);
  });

  it('counts weights', () => {
    expect(timesOf('10/s', 4, 5)).toEqual([0, 505, 1010, 1515]);
    expect(timesOf('10/s', 4, 10)).toEqual([0, 1010, 2020, 3030]);
    expect(timesOf('10/s', 4, 0.5)).toEqual([0, 50.5, 101, 151.5]);
    expect(timesOf({ limit: 10, burst: 5 }, 4, 3)).toEqual([0, 101, 404, 1010]);
  });

  it('is exact with weights that are no sums of powers of two', () => {
    expect(timesOf({ limit: 1, burst: 1 }, 25, 0.1).filter((time) => time === 0)).toHaveLength(10);
    const weights = [0.2, 2.2, 0.6]; // 3.0000000000000004 by the sum of floats
    const window = new SlidingWindow({ limit: 3, perMs: 1000, burst: 3 });
    for (const weight of weights) {
      expect(window.hasRoom(weight, weight)).toBe(true);
      window.add(weight, weight);
    }
    expect(window.totalAt(5000)).toBe(0);
  });

  it('refuses a weight that can never pass', () => {
    const { limiter } = new Play('200k/m');
    const error = expect.objectContaining({
      code: 'limit',
      class: 'permanent',
      message: 'weighs 300,000, more than the 200,000 that the limit lets through in 1m',
    });
    expect(() => limiter.try(300_000)).toThrow(error);
    expect(() => limiter.wait(() => undefined, { weight: 300_000 })).toThrow(error);
    expect(limiter.waiting).toBe(0);
    expect(limiter.try(200_000)).toBe(true);
  });

  it.each([0, -1, NaN, Infinity])('refuses %s as a weight', (weight) => {
    const { limiter } = new Play('2/s');
    const error = expect.objectContaining({
      code: 'usage',
      message: `expected a weight to be a number above 0, got ${weight} (number)`,
    });
    expect(() => limiter.try(weight)).toThrow(error);
    expect(() => limiter.wait(() => undefined, { weight })).toThrow(error);
    expect(() => limiter.giveBack(weight)).toThrow(error);
    expect(limiter.waiting).toBe(0);
  });

  it.each([['2 a second'], [5], [{ limit: 2, burst: 3 }], [{}]])('refuses %j as a rate', (rate) => {
    const error = expect.objectContaining({ code: 'usage', message: expect.stringContaining('limiter: ') as string });
    expect(() => new Limiter(rate as Rate)).toThrow(error);
    expect(() => new Limiter('2/s').retune(rate as Rate)).toThrow(error);
  });

  it('has one timer while somebody waits, and none otherwise', () => {
    const play = new Play('2/s');
    play.limiter.try();
    expect(play.timers).toBe(0);
    const cancels = upTo(100).map((n) => play.wait(String(n)));
    expect(play.timers).toBe(1);
    play.to(600);
    expect(play.timers).toBe(1);
    for (const cancel of cancels) cancel();
    expect(play.timers).toBe(0);
    expect(play.log).toHaveLength(1);
    play.waitAll('ab');
    play.end();
    expect(play.timers).toBe(0);
    expect(play.limiter.waiting).toBe(0);
  });

  it('waits longer than a timer of Node can', () => {
    expect(timesOf('1/60d', 2)).toEqual([0, 60.6 * 86_400_000]);
  });
});

describe('Limiter, cancelled', () => {
  it('takes a waiting one out of the queue', () => {
    const play = new Play('2/s');
    play.waitAll('a');
    const cancel = play.wait('b');
    play.waitAll('c');
    play.to(300);
    cancel();
    cancel();
    expect(play.limiter.waiting).toBe(1);
    play.end();
    cancel();
    expect(play.log).toEqual(['a@0', 'c@505']);
  });

  it('lets the next one start earlier when a heavy one leaves', () => {
    const play = new Play({ limit: 10, burst: 10 });
    play.limiter.try(8);
    const cancel = play.wait('a', 5);
    play.wait('b', 2);
    play.to(300);
    cancel();
    expect(play.log).toEqual(['b@300']);
  });

  it('forgets what was cancelled, however many', () => {
    const play = new Play('1/h');
    play.limiter.try();
    const released = new Set<number>();
    for (const n of upTo(200_000)) {
      const cancel = play.limiter.wait(() => released.add(n));
      cancel();
    }
    expect(play.limiter.waiting).toBe(0);
    const cancels = upTo(100_000).map((n) => play.limiter.wait(() => released.add(n)));
    for (const n of upTo(100_000)) cancels[(n * 7919) % 100_000]!();
    expect(play.limiter.waiting).toBe(0);
    expect(play.timers).toBe(0);
    play.end();
    expect(released.size).toBe(0);
  });

  it('does nothing once the permit was taken', () => {
    const play = new Play('1/s');
    const cancel = play.wait('a');
    cancel();
    expect(play.limiter.try()).toBe(false);
  });
});

describe('Limiter, called from what it calls', () => {
  it('lets a hundred thousand through that each ask again, without a deeper stack', () => {
    const play = new Play('1000M/s');
    play.limiter.retune({ limit: 1e9, burst: 1e9 });
    let count = 0;
    const go = (): void => {
      if (++count < 100_000) play.limiter.wait(go);
    };
    play.limiter.wait(go);
    expect(count).toBe(100_000);
  });

  it('lets a long queue through at once when it may', () => {
    const play = new Play('1/h');
    play.limiter.try();
    for (const n of upTo(50_000)) play.wait(String(n));
    play.limiter.retune({ limit: 1e6, per: '1s', burst: 1e6 });
    expect(play.log).toHaveLength(50_000);
    expect(play.log.at(-1)).toBe('49999@0');
  });

  it('serves those first who waited already, and loses nobody', () => {
    const play = new Play({ limit: 100, burst: 2 });
    play.limiter.try();
    play.limiter.try();
    play.limiter.wait(() => {
      play.note('a');
      expect(play.limiter.try()).toBe(false);
      play.wait('d');
      cancel();
    });
    const cancel = play.wait('b');
    play.wait('c');
    play.end();
    expect(play.log).toEqual(['a@10.1', 'c@20.2', 'd@30.3']);
  });

  it('hands a permit on that is given back there', () => {
    const play = new Play('2/s');
    play.limiter.try();
    play.limiter.wait(() => play.limiter.giveBack());
    play.limiter.wait(() => play.limiter.giveBack());
    play.waitAll('cd');
    play.end();
    expect(play.log).toEqual(['c@505', 'd@1010']);
  });

  it('goes on with the others when one throws', () => {
    const play = new Play('2/s');
    const throwing = (): void => {
      play.waitAll('bc');
      throw new Error('broken');
    };
    expect(() => play.limiter.wait(throwing)).toThrow('broken');
    play.waitAll('d');
    play.end();
    expect(play.log).toEqual(['b@505', 'c@1010', 'd@1515']);
  });

  it('can be paused and retuned there', () => {
    const play = new Play('2/s');
    play.limiter.try();
    play.limiter.wait(() => {
      play.note('a');
      play.limiter.retune('1/s');
    });
    play.limiter.wait(() => {
      play.note('b');
      play.limiter.pauseFor(5000);
    });
    play.waitAll('cd');
    play.end();
    expect(play.log).toEqual(['a@505', 'b@1515', 'c@6515', 'd@7525']);
  });
});

describe('Limiter, given a permit back', () => {
  it('lets the next one have it at once', () => {
    const play = new Play('2/s');
    play.limiter.try();
    play.limiter.giveBack();
    expect(play.limiter.try()).toBe(true);
    play.waitAll('ab');
    play.to(200);
    play.limiter.giveBack();
    play.end();
    expect(play.log).toEqual(['a@200', 'b@705']);
  });

  it('leaves the window as if it had not been taken', () => {
    const play = new Play({ limit: 2, burst: 2 });
    play.limiter.try();
    play.to(500);
    play.limiter.try();
    play.limiter.giveBack();
    expect(play.limiter.try()).toBe(true);
    play.waitAll('ab');
    play.end();
    expect(play.log).toEqual(['a@1010', 'b@1510']);
  });

  it('takes one that was taken a while ago for the oldest, to be on the safe side', () => {
    const play = new Play({ limit: 2, burst: 2 });
    play.limiter.try();
    play.to(500);
    play.limiter.try();
    play.to(700);
    play.limiter.giveBack();
    expect(play.limiter.try()).toBe(true);
    play.waitAll('a');
    play.end();
    expect(play.log).toEqual(['a@1510']);
  });

  it('counts weights', () => {
    const play = new Play({ limit: 10, burst: 10 });
    play.limiter.try(4);
    play.limiter.try(4);
    play.wait('a', 6);
    play.limiter.giveBack(4);
    expect(play.log).toEqual(['a@0']);
  });

  it('takes nothing for it that is over anyway', () => {
    const play = new Play({ limit: 2, burst: 2 });
    play.limiter.try();
    play.to(500);
    play.limiter.try();
    play.to(1100);
    play.limiter.giveBack();
    expect([play.limiter.try(), play.limiter.try(), play.limiter.try()]).toEqual([true, true, false]);
  });

  it('gives no more than there is', () => {
    const play = new Play({ limit: 2, burst: 2 });
    play.limiter.try();
    play.limiter.giveBack(50);
    expect([play.limiter.try(), play.limiter.try(), play.limiter.try()]).toEqual([true, true, false]);
  });

  it('does not end a pause', () => {
    const play = new Play({ limit: 3, burst: 3 });
    play.limiter.try();
    play.limiter.pauseFor(2000);
    play.limiter.giveBack();
    play.waitAll('abc');
    play.end();
    expect(play.log).toEqual(['a@2000', 'b@2336.667', 'c@2673.333']);
  });
});

describe('Limiter, paused', () => {
  it('starts nothing before it is over, and spaces what comes then', () => {
    const play = new Play('2/s');
    play.limiter.try();
    play.waitAll('ab');
    play.to(100);
    play.limiter.pauseFor(3000);
    play.waitAll('c');
    expect(play.limiter.try()).toBe(false);
    play.to(3099);
    expect(play.log).toEqual([]);
    play.end();
    expect(play.log).toEqual(['a@3100', 'b@3605', 'c@4110']);
  });

  it('is not there for those who try while nobody waits', () => {
    const play = new Play('2/s');
    play.limiter.pauseFor(1000);
    play.to(999);
    expect(play.limiter.try()).toBe(false);
    play.to(1000);
    expect(play.limiter.try()).toBe(true);
    expect(play.limiter.try()).toBe(false);
  });

  it('only lengthens', () => {
    const play = new Play('2/s');
    play.limiter.pauseFor(3000);
    play.limiter.pauseFor(1000);
    play.limiter.pauseFor(-5);
    play.waitAll('ab');
    play.to(2000);
    play.limiter.pauseFor(500);
    play.limiter.pauseFor(2000);
    play.end();
    expect(play.log).toEqual(['a@4000', 'b@4505']);
  });

  it('does not start earlier what is due later', () => {
    const play = new Play('1/m');
    play.limiter.try();
    play.waitAll('a');
    play.limiter.pauseFor(100);
    play.end();
    expect(play.log).toEqual(['a@60600']);
  });

  it('has no burst when it is over', () => {
    const play = new Play({ limit: 10, burst: 5 });
    play.limiter.pauseFor(2000);
    play.waitAll('abc');
    play.end();
    expect(play.log).toEqual(['a@2000', 'b@2101', 'c@2202']);
  });

  it('lets no part of a start through, either', () => {
    const play = new Play({ limit: 10, burst: 3 });
    play.limiter.pauseFor(3000);
    play.limiter.pauseFor(1000);
    play.wait('a', 0.5);
    play.to(2990);
    expect(play.limiter.try(0.5)).toBe(false);
    play.end();
    expect(play.log).toEqual(['a@3000']);
  });

  it('is no start, when the rate is changed after it', () => {
    const play = new Play('2/s');
    play.limiter.pauseFor(3000);
    play.to(3100);
    play.limiter.retune('1/h');
    expect(play.limiter.try()).toBe(true);
  });

  it('makes up for nothing that was late before', () => {
    const play = new Play('100/s');
    play.limiter.try();
    play.waitAll('abcd');
    play.jump(40);
    play.limiter.pauseFor(1000);
    play.end();
    expect(play.log[0]).toBe('a@1040');
    expect(play.times[1]! - play.times[0]!).toBeCloseTo(10.1);
  });

  it.each([NaN, Infinity, -Infinity])('refuses %s', (ms) => {
    expect(() => new Play('2/s').limiter.pauseFor(ms)).toThrow(expect.objectContaining({ code: 'usage' }));
  });
});

describe('Limiter, retuned', () => {
  it('lets those that wait start sooner', () => {
    const play = new Play('2/s');
    play.waitAll('abcd');
    play.to(50);
    play.limiter.retune('10/s');
    play.end();
    expect(play.log).toEqual(['a@0', 'b@101', 'c@202', 'd@303']);
  });

  it('lets the first one go at once when it is overdue by the new rate', () => {
    const play = new Play('1/m');
    play.waitAll('abc');
    play.to(5000);
    play.limiter.retune('2/s');
    play.end();
    expect(play.log).toEqual(['a@0', 'b@5000', 'c@5505']);
  });

  it('lets those that wait start later', () => {
    const play = new Play('10/s');
    play.waitAll('abcd');
    play.to(150);
    play.limiter.retune('2/s');
    play.end();
    expect(play.log).toEqual(['a@0', 'b@101', 'c@1010', 'd@1515']);
  });

  it('goes by the new rate from then on', () => {
    const play = new Play('1/s');
    play.limiter.retune('4/s');
    play.waitAll('abc');
    play.to(300);
    play.limiter.retune({ limit: 4, burst: 4 });
    play.waitAll('de');
    play.end();
    expect(play.log).toEqual(['a@0', 'b@252.5', 'c@300', 'd@300', 'e@1010']);
  });

  it('still counts what was started', () => {
    const play = new Play({ limit: 5, burst: 5 });
    play.waitAll('abcde');
    play.to(100);
    play.limiter.retune({ limit: 3, burst: 3 });
    play.waitAll('f');
    play.to(1009);
    expect(play.log).toHaveLength(5);
    play.end();
    expect(play.log.at(-1)).toBe('f@1010');
  });

  it('holds nothing against what starts later than a window', () => {
    const play = new Play({ limit: 1000, burst: 1000 });
    play.limiter.try(1000);
    play.waitAll('ab');
    play.limiter.retune('1/m');
    play.end();
    expect(play.log).toEqual(['a@60600', 'b@121200']);
  });

  it('keeps a pause', () => {
    const play = new Play('1/s');
    play.limiter.pauseFor(2000);
    play.limiter.retune({ limit: 100, burst: 100 });
    play.waitAll('ab');
    play.end();
    expect(play.log).toEqual(['a@2000', 'b@2010.1']);
  });

  it('tells those that can never pass any more, in their turn, and lets the others go on', () => {
    const play = new Play({ limit: 10, burst: 10 });
    play.limiter.try(10);
    const errors: (BatchxError | undefined)[] = [];
    play.wait('a', 2);
    play.limiter.wait((error) => errors.push(error), { weight: 8 });
    play.wait('b', 5);
    play.limiter.retune({ limit: 5, burst: 5 });
    play.end();
    expect(errors).toEqual([expect.objectContaining({ code: 'limit', class: 'permanent' })]);
    expect(play.log).toEqual(['a@1010', 'b@2020']);
  });
});

describe('Limiter, when timers are late', () => {
  it('is no later for each timer that is late', () => {
    const play = new Play('100/s', () => 7);
    for (const n of upTo(500)) play.wait(String(n));
    play.end();
    // Only the window adds up: what was late is in it until a window later.
    for (const [n, time] of play.times.entries()) {
      expect(time - n * 10.1).toBeGreaterThanOrEqual(0);
      expect(time - n * 10.1).toBeLessThan(7.002 * (1 + Math.floor(n / 100)));
    }
  });

  it('reaches 98 % of 1,000/s for 20 s with timers that are late by a few milliseconds, and sometimes by 40', () => {
    let timer = 0;
    const play = new Play('1000/s', () => (++timer % 500 === 0 ? 40 : ((timer * 7919) % 50) / 10));
    for (const n of upTo(20_000)) play.wait(String(n));
    play.end();
    const { times } = play;
    expect(times.at(-1)).toBeLessThan(20_000 / 0.98);
    times.slice(1000).forEach((time, n) => expect(time - times[n]!).toBeGreaterThan(1009.99));
  });

  it('lets those follow each other at once that a late timer has held up', () => {
    const play = new Play('100/s');
    play.waitAll('abcdefgh');
    play.jump(35);
    play.end();
    expect(play.log.slice(0, 6)).toEqual(['a@0', 'b@45.1', 'c@45.1', 'd@45.1', 'e@45.1', 'f@50.5']);
  });

  it('does not make up for more than 50 ms', () => {
    const play = new Play('100/s');
    for (const n of upTo(40)) play.wait(String(n));
    play.jump(300);
    play.end();
    const { times } = play;
    expect(times[1]).toBe(310.1);
    expect(times.filter((time) => time === 310.1)).toHaveLength(5);
  });

  it.each<[Rate]>([['1/s'], ['10/s'], ['100/s'], ['1000/s']])(
    'has no burst after the process stood still: %j',
    (rate) => {
      const play = new Play(rate);
      for (const n of upTo(30)) play.wait(String(n));
      const before = play.log.length;
      play.jump(10_000);
      play.end();
      const { times } = play;
      expect(times[before]).toBeGreaterThanOrEqual(10_000);
      const limit = Number((rate as string).split('/')[0]);
      for (let n = before + 1; n < times.length; n++) {
        expect(times[n]! - times[n - 1]!).toBeCloseTo(1010 / limit, 2);
      }
    },
  );

  it('gives those nothing in advance who come after a while', () => {
    const play = new Play('100/s', () => 30);
    play.waitAll('a');
    play.to(5000);
    play.waitAll('bc');
    play.end();
    expect(play.log).toEqual(['a@0', 'b@5000', 'c@5040.1']);
  });

  it('looks at the clock for each start, as what it calls may take long', () => {
    const play = new Play({ limit: 2, per: '1s', burst: 2 });
    play.limiter.pauseFor(1);
    for (const name of 'abc') {
      play.limiter.wait(() => {
        play.note(name);
        play.jump(600);
      });
    }
    play.end();
    expect(play.log).toEqual(['a@1', 'b@601', 'c@1201']);
    play.waitAll('d');
    play.end();
    expect(play.log.at(-1)).toBe('d@1801');
  });

  it('makes up for the time since when a call was wanted, if that is said', () => {
    const play = new Play('100/s');
    play.limiter.try();
    play.to(12);
    play.limiter.wait(() => play.note('a'), { since: 0 });
    play.limiter.wait(() => play.note('b'), { since: 0 });
    play.end();
    expect(play.log).toEqual(['a@12', 'b@20.2']);
  });
});

describe('Limiter, by key', () => {
  it('has an account and a queue for each', () => {
    const play = new Play('2/s');
    const [a, b] = [play.limiter.of('a'), play.limiter.of('b')];
    for (const n of [1, 2]) {
      play.wait(`a${n}`, 1, a);
      play.wait(`b${n}`, 1, b);
      play.wait(`-${n}`);
    }
    expect(play.limiter.of('a').try()).toBe(false);
    expect([a.waiting, b.waiting, play.limiter.waiting]).toEqual([1, 1, 3]);
    play.end();
    expect(play.log).toEqual(['a1@0', 'b1@0', '-1@0', 'a2@505', 'b2@505', '-2@505']);
  });

  it('is retuned for all keys, also for those that come later', () => {
    const play = new Play('2/s');
    play.limiter.of('a').try();
    play.wait('a', 1, play.limiter.of('a'));
    play.limiter.retune('10/s');
    play.limiter.of('b').try();
    play.wait('b', 1, play.limiter.of('b'));
    play.end();
    expect(play.log).toEqual(['a@101', 'b@101']);
  });

  it('is paused for all keys, also for those that come later, or for one', () => {
    const play = new Play('2/s');
    const b = play.limiter.of('b');
    b.try();
    play.limiter.pauseFor(1000);
    play.wait('b', 1, b);
    play.wait('c', 1, play.limiter.of('c'));
    play.limiter.of('c').pauseFor(2000);
    play.limiter.of('c').pauseFor(10);
    play.wait('-');
    play.end();
    expect(play.log).toEqual(['b@1000', '-@1000', 'c@2000']);
  });

  it('is retuned for one key, until all are', () => {
    const play = new Play('2/s');
    play.limiter.of('a').retune('10/s');
    for (const n of upTo(5000)) play.limiter.of(`k${n}`).try();
    play.to(10_000);
    for (const n of upTo(5000)) play.limiter.of(`l${n}`).try();
    expect(play.limiter.of('a').try()).toBe(true);
    play.to(10_101);
    expect(play.limiter.of('a').try()).toBe(true);
    play.limiter.retune('1/s');
    play.to(11_110);
    expect(play.limiter.of('a').try()).toBe(false);
    play.to(11_111);
    expect(play.limiter.of('a').try()).toBe(true);
  });

  it('is asked of the same account by whoever kept it, although idle ones are forgotten', () => {
    const play = new Play('1/s');
    const kept = play.limiter.of('kept');
    kept.try();
    play.to(5000);
    for (const n of upTo(3000)) play.limiter.of(`k${n}`).try(); // there are that many: the idle one is forgotten
    expect(kept.try()).toBe(true);
    expect(play.limiter.of('kept').try()).toBe(false);
  });

  describe('remembers one', () => {
    /** As many others as it takes for idle ones to be forgotten. */
    const others = (play: Play): void => {
      for (const n of upTo(2000)) expect(play.limiter.of(`k${n}`).waiting).toBe(0);
    };

    it('that has something in its window', () => {
      const play = new Play({ limit: 2, per: '1m', burst: 2 });
      const a = play.limiter.of('a');
      a.try();
      play.to(40_000);
      others(play);
      expect([a.try(), a.try()]).toEqual([true, false]);
    });

    it('that is paused, and has no burst to give when that is over', () => {
      const play = new Play({ limit: 10, burst: 10 });
      const a = play.limiter.of('a');
      a.pauseFor(1000);
      others(play);
      expect(a.try()).toBe(false);
      play.to(1000);
      others(play);
      expect([a.try(), a.try()]).toEqual([true, false]);
    });

    it('that has one waiting for its slot', () => {
      const play = new Play('1/s');
      const a = play.limiter.of('a');
      const slot = new TestSlot(false);
      a.pauseFor(2000);
      a.wait(() => play.note('a'), { slot });
      play.to(9000);
      others(play);
      slot.give();
      expect(play.log).toEqual(['a@9000']);
      expect(a.try()).toBe(false);
    });
  });

  it('gives back for one', () => {
    const play = new Play('2/s');
    const a = play.limiter.of('a');
    a.try();
    play.limiter.try();
    a.giveBack();
    expect([a.try(), play.limiter.try()]).toEqual([true, false]);
  });

  it('is asked of the limiter when a key asks for another', () => {
    const play = new Play('1/s');
    play.limiter.of('b').try();
    expect(play.limiter.of('a').of('b').try()).toBe(false);
  });
});

describe('Limiter, with slots', () => {
  const waitWith = (play: Play, slot: TestSlot, name: string, limiter = play.limiter): (() => void) =>
    limiter.wait(() => play.note(name), { slot });

  it('keeps the slot while all wait for the same', () => {
    const play = new Play('1/m');
    const slot = new TestSlot();
    play.limiter.try();
    waitWith(play, slot, 'a');
    play.end();
    expect(slot.log).toEqual([]);
    expect(play.log).toEqual(['a@60600']);
  });

  it('gives it back when a key has to wait for more than a second, and has it again before its permit', () => {
    const play = new Play('1/m');
    const slot = new TestSlot(false);
    const a = play.limiter.of('a');
    a.try();
    waitWith(play, slot, 'a', a);
    expect(slot.log).toEqual(['park']);
    play.to(60_599);
    expect(slot.log).toEqual(['park']);
    play.to(60_600);
    expect(slot.log).toEqual(['park', 'unpark']);
    expect(play.log).toEqual([]);
    expect(a.waiting).toBe(1);
    play.to(61_000);
    slot.give();
    expect(play.log).toEqual(['a@61000']);
    expect(a.waiting).toBe(0);
  });

  it('takes the permit in the same moment when the slot is there', () => {
    const play = new Play('1/m');
    const slot = new TestSlot();
    const a = play.limiter.of('a');
    a.try();
    waitWith(play, slot, 'a', a);
    play.end();
    expect(slot.log).toEqual(['park', 'unpark']);
    expect(play.log).toEqual(['a@60600']);
  });

  it('lets the next one have the permit meanwhile, and is in front of the others then', () => {
    const play = new Play('1/m');
    const slot = new TestSlot(false);
    const a = play.limiter.of('a');
    a.try();
    waitWith(play, slot, 'first', a);
    play.wait('second', 1, a);
    play.wait('third', 1, a);
    play.to(70_000);
    expect(play.log).toEqual(['second@60600']);
    slot.give();
    expect(slot.log).toEqual(['park', 'unpark', 'park']); // the wait is long again
    play.to(121_200);
    expect(slot.log).toHaveLength(4);
    expect(play.log).toEqual(['second@60600', 'third@121200']);
    play.to(150_000);
    slot.give();
    play.to(181_800);
    slot.give();
    expect(play.log.at(-1)).toBe('first@181800');
  });

  it('keeps its place in front as long as it has the slot', () => {
    const play = new Play('4/s');
    const slots = [new TestSlot(false), new TestSlot(false)];
    const a = play.limiter.of('a');
    a.pauseFor(5000);
    waitWith(play, slots[0]!, 'a', a);
    waitWith(play, slots[1]!, 'b', a);
    play.wait('c', 1, a);
    play.wait('d', 1, a);
    play.to(5000);
    expect(play.log).toEqual(['c@5000']);
    for (const slot of slots) slot.give();
    play.end();
    expect(play.log).toEqual(['c@5000', 'a@5252.5', 'b@5505', 'd@5757.5']);
  });

  it('gives the slots of those back that wait when it is paused, if that is long', () => {
    const play = new Play('2/s');
    const [slot, other] = [new TestSlot(), new TestSlot()];
    play.limiter.try();
    waitWith(play, slot, 'a');
    waitWith(play, other, 'b');
    play.limiter.pauseFor(400);
    expect([slot.log, other.log]).toEqual([[], ['park']]); // 505 and 1010 ms
    play.limiter.pauseFor(2000);
    expect([slot.log, other.log]).toEqual([['park'], ['park']]);
    play.end();
    expect(play.log).toEqual(['a@2000', 'b@2505']);
    expect([slot.log, other.log]).toEqual([
      ['park', 'unpark'],
      ['park', 'unpark'],
    ]);
  });

  it('counts those in front for how long the wait will be', () => {
    const play = new Play('2/s');
    const slots = upTo(4).map(() => new TestSlot());
    const a = play.limiter.of('a');
    for (const [n, slot] of slots.entries()) waitWith(play, slot, String(n), a);
    expect(slots.map(({ log }) => log.length)).toEqual([0, 0, 1, 1]); // 0, 505, 1010 and 1515 ms
  });

  it('asks for no slot again when it is cancelled, and needs none that comes too late', () => {
    const play = new Play('1/m');
    const [slot, late] = [new TestSlot(false), new TestSlot(false)];
    const a = play.limiter.of('a');
    a.try();
    const cancel = waitWith(play, slot, 'a', a);
    const cancelLate = waitWith(play, late, 'b', a);
    cancel();
    play.to(60_600);
    cancelLate();
    expect(a.waiting).toBe(0);
    late.give();
    play.end();
    expect([slot.log, late.log]).toEqual([['park'], ['park', 'unpark']]);
    expect(play.log).toEqual([]);
    expect(a.try()).toBe(true);
  });

  it('tells one that has become too heavy while it asked for its slot', () => {
    const play = new Play({ limit: 10, per: '1m', burst: 10 });
    const slot = new TestSlot(false);
    const a = play.limiter.of('a');
    const errors: unknown[] = [];
    a.try(10);
    a.wait((error) => errors.push(error?.code), { slot, weight: 8 });
    play.to(60_600);
    play.limiter.retune('5/m');
    slot.give();
    expect(errors).toEqual(['limit']);
    expect(a.waiting).toBe(0);
    expect(play.log).toEqual([]);
  });
});

describe('Limiter, whatever comes', () => {
  interface Started {
    readonly at: number;
    readonly weight: number;
  }

  /** The most that was started in any window. */
  function most(starts: readonly Started[], perMs: number): number {
    let highest = 0;
    let sum = 0;
    let from = 0;
    for (const { at, weight } of starts) {
      sum += weight;
      while (at - starts[from]!.at >= perMs) sum -= starts[from++]!.weight;
      highest = Math.max(highest, sum);
    }
    return highest;
  }

  const op = fc.oneof(
    { weight: 8, arbitrary: fc.record({ do: fc.constant('wait' as const), weight: fc.integer({ min: 1, max: 4 }) }) },
    { weight: 3, arbitrary: fc.record({ do: fc.constant('try' as const), weight: fc.integer({ min: 1, max: 4 }) }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('refuse' as const), weight: fc.integer({ min: 1, max: 4 }) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('refuse late' as const), ms: fc.nat(90) }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('cancel' as const), which: fc.nat(50) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('pause' as const), ms: fc.nat(150) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('slower' as const) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('jump' as const), ms: fc.nat(400) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('park' as const), weight: fc.integer({ min: 1, max: 4 }) }) },
  );

  it('never lets more than the limit into any window, and lets nobody wait for ever', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(60), op), { maxLength: 80 }),
        fc.integer({ min: 4, max: 12 }),
        fc.nat(12),
        fc.boolean(),
        fc.nat(20),
        (ops, limit, burst, keyed, late) => {
          const rate = (most: number): Rate => ({
            limit: most,
            per: '100ms',
            ...(burst > 0 && { burst: Math.min(burst, most) }),
          });
          const play = new Play(rate(limit), () => late);
          const limiter = keyed ? play.limiter.of('key') : play.limiter;
          let allowed = limit;
          let pausedUntil = 0;
          const starts: Started[] = [];
          const cancels: (() => void)[] = [];
          const slots: TestSlot[] = [];
          let waiting = 0;
          const start = (weight: number): void => {
            const at = play.scheduler.now();
            expect(at).toBeGreaterThanOrEqual(pausedUntil - 1e-6);
            starts.push({ at, weight });
            const sum = starts.reduce((total, other) => total + (at - other.at < 100 ? other.weight : 0), 0);
            expect(sum).toBeLessThanOrEqual(allowed);
          };
          const wait = (weight: number, slot?: TestSlot): void => {
            waiting++;
            let told = false;
            const cancel = limiter.wait(
              () => {
                told = true;
                waiting--;
                start(weight);
              },
              slot === undefined ? { weight } : { weight, slot },
            );
            cancels.push(() => {
              if (!told) waiting--;
              told = true;
              cancel();
            });
          };
          for (const [gap, step] of ops) {
            play.to(play.scheduler.now() + gap);
            if (step.do === 'wait') wait(step.weight);
            else if (step.do === 'try') {
              if (limiter.try(step.weight)) start(step.weight);
            } else if (step.do === 'refuse') limiter.wait(() => limiter.giveBack(step.weight), { weight: step.weight });
            else if (step.do === 'refuse late') {
              const since = play.scheduler.now();
              const late = (): void =>
                void play.scheduler.schedule(
                  () => {
                    // It is to be told before the window is over: a clock that jumps may be past that.
                    if (play.scheduler.now() - since < 100) limiter.giveBack();
                  },
                  Math.max(0, step.ms - 20),
                );
              if (limiter.try()) late();
            } else if (step.do === 'cancel') cancels[step.which]?.();
            else if (step.do === 'pause') {
              limiter.pauseFor(step.ms);
              pausedUntil = Math.max(pausedUntil, play.scheduler.now() + step.ms);
            } else if (step.do === 'slower' && allowed > 4) {
              allowed--;
              play.limiter.retune(rate(allowed));
            } else if (step.do === 'jump') play.jump(step.ms);
            else if (step.do === 'park') {
              const slot = new TestSlot(false);
              slots.push(slot);
              wait(step.weight, slot);
            }
            if (slots.length > 3) slots.shift()!.give();
          }
          while (play.timers > 0 || limiter.waiting > 0) {
            play.end();
            for (const slot of slots) slot.give();
          }
          expect(waiting).toBe(0);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('holds what was started by another rate against the next one', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(60), fc.integer({ min: 1, max: 9 }), fc.nat(4)), { maxLength: 40 }),
        (steps) => {
          const play = new Play({ limit: 9, per: '100ms', burst: 9 });
          let allowed = 9;
          const starts: Started[] = [];
          for (const [gap, limit, count] of steps) {
            play.to(play.scheduler.now() + gap);
            allowed = limit;
            play.limiter.retune({ limit, per: '100ms', burst: limit });
            for (let n = 0; n < count; n++) {
              play.limiter.wait(() => {
                const at = play.scheduler.now();
                starts.push({ at, weight: 1 });
                expect(starts.filter((other) => at - other.at < 100).length).toBeLessThanOrEqual(allowed);
              });
            }
          }
          play.end();
          expect(play.limiter.waiting).toBe(0);
        },
      ),
    );
  });

  it('holds with a limit so high that starts are kept in groups', () => {
    const play = new Play({ limit: 5000, per: '1s', burst: 5000 });
    const starts: Started[] = [];
    const next = (n: number): void => {
      play.limiter.wait(() => {
        starts.push({ at: play.scheduler.now(), weight: 1 });
        if (starts.length < 40_000) play.scheduler.schedule(() => next(n + 1), (n % 7) / 50);
      });
    };
    for (const n of upTo(20)) next(n);
    play.end();
    expect(most(starts, 1009.99)).toBeLessThanOrEqual(5000);
    expect(starts.at(-1)!.at).toBeLessThan(8 * 1010 * 1.01);
  });

  it('serves in order, and loses no more than 1 % of the rate to late timers and groups', () => {
    const rates = fc.record({
      limit: fc.oneof(fc.integer({ min: 1, max: 50 }), fc.constantFrom(1000, 3000)),
      per: fc.constantFrom('100ms', '1s', '5s'),
      bursting: fc.boolean(),
    });
    fc.assert(
      fc.property(
        rates,
        fc.array(fc.nat(40), { minLength: 1, maxLength: 20 }),
        ({ limit, per, bursting }, lateness) => {
          let timer = 0;
          const play = new Play(
            { limit, per, ...(bursting && { burst: limit }) },
            () => lateness[timer++ % lateness.length]!,
          );
          const count = limit * 5 + 1;
          const order: number[] = [];
          for (const n of upTo(count)) play.limiter.wait(() => order.push(n));
          play.end();
          expect(order).toEqual(upTo(count));
          const perMs = per === '100ms' ? 100 : Number(per.slice(0, 1)) * 1000;
          // A start that is late holds up the one a window later; those between are none the later for it.
          expect(play.now).toBeLessThanOrEqual(5 * (perMs * 1.01 * 1.01 + Math.max(...lateness)) + 50);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('keeps the same memory whatever the limit', () => {
    const window = new SlidingWindow({ limit: 200_000, perMs: 60_000, burst: 0 });
    let highest = 0;
    for (let n = 0; n < 600_000; n++) {
      if (window.hasRoom(1, n * 0.25)) window.add(1, n * 0.25);
      highest = Math.max(highest, window.entries);
    }
    expect(highest).toBeLessThan(2100);
  });

  it('forgets a group no sooner than the latest of it', () => {
    const window = new SlidingWindow({ limit: 2000, perMs: 100_000, burst: 0 });
    for (let n = 0; n < 1024; n++) window.add(1, n);
    window.add(1, 5000);
    window.add(1, 5090);
    window.add(1, 5180);
    expect(window.entries).toBe(1026);
    expect(window.totalAt(101_000 + 5089)).toBe(3);
    expect(window.totalAt(101_000 + 5090)).toBe(1);
    expect(window.totalAt(101_000 + 5180)).toBe(0);
  });

  it('forgets a group no later for one that was given back after it', () => {
    const window = new SlidingWindow({ limit: 2000, perMs: 100_000, burst: 0 });
    for (let n = 0; n < 1024; n++) window.add(1, n);
    window.add(1, 5000);
    window.remove(1, 5000);
    window.add(1, 5000);
    expect(window.totalAt(101_000 + 1023)).toBe(1);
  });
});
