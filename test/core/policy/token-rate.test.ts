import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { BatchxError } from '../../../src/core/errors.js';
import { weighing } from '../../../src/core/policy/cost.js';
import { Limiter } from '../../../src/core/policy/limiter.js';
import { attempts } from '../../../src/core/policy/attempts.js';
import { Item } from '../../../src/core/item.js';
import type { Rate } from '../../../src/core/rate.js';
import { upTo } from '../../operators/helpers.js';
import { TestSlot, Timeline } from '../timeline.js';
import { Clock } from './play.js';
import { Scene } from './scene.js';

/** A limiter of requests and tokens in virtual time, and what it let through when. */
class Play extends Timeline {
  readonly limiter: Limiter;
  readonly log: string[] = [];
  readonly starts: { readonly at: number; readonly weight: number }[] = [];

  constructor(rate: Rate, lateness?: () => number) {
    super(lateness);
    this.limiter = new Limiter(rate, this.runtime);
  }

  wait(name: string, weight: number, slot?: TestSlot): () => void {
    return this.limiter.wait(() => this.started(name, weight), { weight, slot });
  }

  started(name: string, weight: number): void {
    this.log.push(`${name}@${this.now}`);
    this.starts.push({ at: this.scheduler.now(), weight });
  }
}

const both = { requests: '2/s', tokens: '100/s' };

describe('a limit of requests and tokens', () => {
  it.each<[string, Rate, Record<string, number>, string[]]>([
    ['of both', both, { a: 10, b: 80, c: 10, d: 10 }, ['a@0', 'b@505', 'c@1313', 'd@1818']],
    ['the requests', both, { a: 1, b: 1, c: 1 }, ['a@0', 'b@505', 'c@1010']],
    ['the tokens', both, { a: 100, b: 100, c: 100 }, ['a@0', 'b@1010', 'c@2020']],
    ['the tokens alone', { tokens: '100/s' }, { a: 50, b: 20, c: 100 }, ['a@0', 'b@505', 'c@1515']],
    ['the requests, what costs nothing', both, { a: 100, b: 0, c: 0, d: 1 }, ['a@0', 'b@505', 'c@1010', 'd@1515']],
    ['both, in parts of a token', both, { a: 0.5, b: 99.5 }, ['a@0', 'b@505']],
  ])('lets through what there is room for in %s', (_, rate, weights, log) => {
    const play = new Play(rate);
    for (const [name, weight] of Object.entries(weights)) play.wait(name, weight);
    play.end();
    expect(play.log).toEqual(log);
    expect(play.timers).toBe(0);
  });

  it('takes from neither as long as the other has no room, and then from both', () => {
    const play = new Play({ requests: '1000/s', tokens: '100/s' });
    play.wait('a', 100);
    const cancel = play.wait('heavy', 100);
    play.to(500);
    // Had it taken its request while it waits for tokens, that would be lost now.
    cancel();
    play.wait('b', 1);
    play.wait('c', 1);
    play.end();
    expect(play.log).toEqual(['a@0', 'b@1010', 'c@1020.1']);
  });

  it('keeps the order: one that costs little does not pass by one that waits', () => {
    const play = new Play({ requests: '100/s', tokens: '100/s' });
    for (const [name, weight] of Object.entries({ a: 90, b: 90, c: 1, d: 1 })) play.wait(name, weight);
    expect(play.limiter.try(0)).toBe(false);
    play.end();
    // The window has room for b when a has left it; c and d come behind.
    expect(play.log.map((each) => each[0])).toEqual(['a', 'b', 'c', 'd']);
    expect(play.log[1]).toBe('b@1010');
  });

  it('gives both back for a start that is not made, and pauses both', () => {
    const play = new Play(both);
    expect(play.limiter.try(100)).toBe(true);
    play.limiter.giveBack(100);
    expect(play.limiter.try(100)).toBe(true);
    play.limiter.pauseFor(5000);
    play.wait('a', 1);
    expect([play.limiter.pausedMs, play.limiter.readyIn()]).toEqual([5000, 5000]);
    play.end();
    expect(play.log).toEqual(['a@5000']);
  });

  it('has accounts of its own for each key, which wait for nobody else', () => {
    const play = new Play(both);
    const of = (key: string, name: string): void => {
      play.limiter.of(key).wait(() => play.started(name, 100), { weight: 100 });
    };
    of('x', 'x1');
    of('x', 'x2');
    of('y', 'y1');
    play.end();
    expect(play.log).toEqual(['x1@0', 'y1@0', 'x2@1010']);
  });

  it('tells how long the last of those who wait will wait', () => {
    const play = new Play({ requests: '2/s', tokens: '1M/s' });
    for (const name of 'abcd') play.wait(name, 1);
    expect(play.limiter.readyIn()).toBe(1515);
    const heavy = new Play({ requests: '1000/s', tokens: '100/s' });
    for (const name of 'abc') heavy.wait(name, 50);
    expect(heavy.limiter.readyIn()).toBeCloseTo(505 + 99 * 10.1);
  });

  it('gives the slot back by how long both will take', () => {
    const play = new Play({ requests: '10/s', tokens: '10/s' });
    const slots = upTo(4).map(() => new TestSlot(false));
    for (const [n, slot] of slots.entries())
      play.limiter.of('x').wait(() => play.started(String(n), 5), { weight: 5, slot });
    expect(slots.map(({ log }) => log.length)).toEqual([0, 0, 1, 1]);
  });

  it('refuses at once what can never pass', () => {
    const { limiter } = new Play({ requests: '500/m', tokens: '200k/m' });
    const refused = (weight: number): BatchxError => {
      try {
        limiter.try(weight);
      } catch (error) {
        return error as BatchxError;
      }
      throw new Error('it was not refused');
    };
    expect(refused(200_001)).toMatchObject({
      code: 'limit',
      class: 'permanent',
      message: 'costs 200,001 tokens, more than the 200,000 that the limit lets through in 1m',
    });
    expect(refused(-1).code).toBe('usage');
    expect(refused(NaN).code).toBe('usage');
    expect(limiter.try(200_000)).toBe(true);
  });

  it('goes on at another rate of its kind, and refuses one of another', () => {
    const play = new Play(both);
    play.wait('a', 100);
    play.wait('b', 100);
    play.limiter.retune({ requests: '10/s', tokens: '1000/s' });
    play.end();
    expect(play.log).toEqual(['a@0', 'b@101']);
    for (const rate of ['2/s', { tokens: '5/s' }]) {
      expect(() => play.limiter.retune(rate)).toThrow('limiter: expected a rate of { requests, tokens }');
    }
  });

  it.each([
    [{ requests: '2/s' }, '`tokens`'],
    [{ tokens: 'many' }, 'expected a rate such as'],
    [{ tokens: '2/s', burst: 5 }, 'burst'],
  ])('refuses %j', (rate, message) => {
    expect(() => new Limiter(rate as Rate)).toThrow(message);
  });
});

describe('what a call has really cost', () => {
  it('is put right: more makes those behind it wait, less lets them start earlier', () => {
    const play = new Play({ tokens: '100/s' });
    play.limiter.try(10);
    play.limiter.settle(40, 0);
    play.wait('more', 10);
    play.to(600);
    expect(play.log).toEqual(['more@505']);

    const less = new Play({ tokens: '100/s' });
    less.limiter.try(100);
    less.wait('less', 60);
    less.to(200);
    less.limiter.settle(-80, 0);
    less.end();
    expect(less.log).toEqual(['less@202']);
  });

  it('may be more than the limit: the window is full for as long as that takes', () => {
    const play = new Play({ tokens: '100/s' });
    play.limiter.try(100);
    play.limiter.settle(250, 0);
    play.wait('a', 1);
    play.end();
    expect(play.log).toEqual(['a@3535']);
  });

  it('gives nothing back that has left the window already', () => {
    const play = new Play({ tokens: '100/s' });
    play.limiter.try(50);
    play.to(1500);
    play.limiter.try(50);
    play.limiter.settle(-50, 0);
    play.wait('a', 100);
    play.end();
    expect(play.log).toEqual(['a@2510']);
  });

  it('refuses what is no weight', () => {
    expect(() => new Limiter({ tokens: '1/s' }).settle(NaN, 0)).toThrow('expected a weight');
  });
});

describe('neither window is ever overrun', () => {
  const amount = fc.integer({ min: 1, max: 20 });
  it('whatever is wanted, given up, given back and settled, and each call has its turn', () =>
    fc.assert(
      fc.property(
        amount,
        fc.integer({ min: 1, max: 60 }),
        fc.array(
          fc.record({
            after: fc.integer({ min: 0, max: 400 }),
            weight: fc.integer({ min: 0, max: 60 }),
            end: fc.constantFrom('start', 'start', 'start', 'give up', 'give back', 'try'),
          }),
          { minLength: 1, maxLength: 40 },
        ),
        fc.array(fc.integer({ min: 0, max: 30 }), { minLength: 1, maxLength: 5 }),
        (requests, tokens, calls, late) => {
          let n = 0;
          const play = new Play(
            { requests: `${requests}/s`, tokens: `${tokens}/s` },
            () => late[n++ % late.length] ?? 0,
          );
          const order: number[] = [];
          let time = 0;
          let expected = 0;
          for (const [index, { after, weight, end }] of calls.entries()) {
            time += after;
            play.to(time);
            const wanted = Math.min(weight, tokens);
            const go = (): void => {
              if (end === 'give back') play.limiter.giveBack(wanted);
              else {
                order.push(index);
                play.started(String(index), wanted);
              }
            };
            if (end === 'try') {
              // Whoever only tries may start when nobody waits.
              if (play.limiter.try(wanted)) play.started(String(index), wanted);
              continue;
            }
            const cancel = play.limiter.wait(go, { weight: wanted });
            const had = order.length;
            if (end === 'give up') cancel();
            if (end === 'start' || order.length > had || order.includes(index)) expected++;
          }
          play.end();
          // Nobody is forgotten, and nobody passes by another.
          expect(order).toHaveLength(expected);
          expect(order).toEqual([...order].sort((a, b) => a - b));
          expect([play.limiter.waiting, play.timers]).toEqual([0, 0]);
          for (const { at } of play.starts) {
            const within = play.starts.filter((start) => start.at > at - 1000 && start.at <= at);
            expect(within.length).toBeLessThanOrEqual(requests);
            expect(within.reduce((sum, { weight }) => sum + weight, 0)).toBeLessThanOrEqual(tokens + 1e-6);
          }
        },
      ),
      { numRuns: 300 },
    ));

  it('and no start is later than either limit makes it', () =>
    fc.assert(
      fc.property(
        amount,
        fc.integer({ min: 1, max: 60 }),
        fc.array(fc.nat({ max: 60 }), { maxLength: 30 }),
        (requests, tokens, given) => {
          const weights = given.map((weight) => Math.min(weight, tokens));
          const play = new Play({ requests: `${requests}/s`, tokens: `${tokens}/s` });
          for (const [index, weight] of weights.entries()) play.wait(String(index), weight);
          play.end();
          let requestsUntil = 0;
          let tokensUntil = 0;
          for (const [index, weight] of weights.entries()) {
            const { at } = play.starts[index] as { at: number };
            // When what has to leave the window has left it.
            let room = 0;
            for (let over = weight - tokens, i = index - 1; i >= 0 && room === 0; i--) {
              const before = play.starts[i] as { at: number; weight: number };
              over += before.weight;
              if (over > 1e-6) room = before.at + 1010;
            }
            const spaced = Math.max(requestsUntil, weight === 0 ? 0 : tokensUntil);
            // What came late by the window may be owed up to 50 ms by what was spaced before it.
            expect(at).toBeLessThanOrEqual(Math.max(spaced, room) + 50);
            requestsUntil = Math.max(requestsUntil, at) + 1010 / requests;
            if (weight > 0) tokensUntil = Math.max(tokensUntil, at) + (weight * 1010) / tokens;
          }
        },
      ),
      { numRuns: 300 },
    ));
});

describe('the calls of a step', () => {
  it('take one request and their weight, in whatever number they run', async () => {
    const scene = new Scene(
      'a b c d',
      (_, scene) => scene.ok(10),
      ({ runtime }) => ({
        concurrency: 4,
        rate: new Limiter({ requests: '10/s', tokens: '100/s' }, runtime),
        weight: ({ data }) => ({ a: 10, b: 60, c: 10, d: 101 })[data as 'a'] ?? 1,
      }),
    );
    const log = await scene.play();
    expect(log).toEqual([
      '0 a',
      '0 d=failed: costs 101 tokens, more than the 100 that the limit lets through in 1s',
      '10 a=ok',
      '101 b',
      '111 b=ok',
      '707 c',
      '717 c=ok',
      '717 complete',
    ]);
  });

  /** A step whose calls cost what their answer says; gives when each began. */
  async function begun(before: (data: number) => number | undefined, tokens = '100/s'): Promise<number[]> {
    const clock = new Clock();
    const runtime = clock.runtime();
    const limiter = new Limiter({ tokens }, runtime);
    const times: number[] = [];
    const run = async ({ data }: Item): Promise<unknown> => {
      times.push(clock.now);
      await clock.sleep(1);
      return data;
    };
    const cost = weighing(
      { before: ({ data }) => before(data as number), after: (result) => result as number },
      limiter,
    );
    const tried = attempts(run, { limiter, repeatable: true, ...cost }, runtime);
    for (const [seq, data] of [50, 50, 50].entries()) {
      await clock.until(Promise.resolve(tried(Item.of(data, { seq }), new TestSlot())));
    }
    return times.map(Math.round);
  }

  it('are weighed by an estimate first, and by the answer then', async () => {
    expect(await begun((data) => data)).toEqual([0, 505, 1010]);
    // Each is only known afterwards: then those behind it have to wait for it.
    expect(await begun(() => 1)).toEqual([0, 505, 1010]);
    // Too much keeps others away, though not those behind them.
    expect(await begun(() => 100)).toEqual([0, 1010, 2020]);
  });

  it('are taken for the average where nothing is known before', async () => {
    expect(await begun(() => undefined)).toEqual([0, 505, 1011]);
  });

  it('never fail for an estimate of ours', async () => {
    const limiter = new Limiter({ tokens: '100/s' });
    const { weight, spent } = weighing({ before: () => undefined, after: (result) => result as number }, limiter);
    expect(weight?.(Item.of(1))).toBe(1);
    spent?.(500);
    expect(weight?.(Item.of(1))).toBe(100);
    for (const odd of [NaN, -1, Infinity]) expect(spent?.(odd)).toBeUndefined();
  });
});
