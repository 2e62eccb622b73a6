import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ErrorClass } from '../../../src/core/error-class.js';
import { BatchxError } from '../../../src/core/errors.js';
import { Backoff, type BackoffOptions } from '../../../src/core/policy/backoff.js';
import { Breaker } from '../../../src/core/policy/breaker.js';
import { Outage } from '../../../src/core/policy/outage.js';
import { failureOf, Tries } from '../../../src/core/policy/tries.js';
import { fakeRuntime } from '../../../src/testing/fake-runtime.js';
import { Clock } from './play.js';
import { type Made, Scene } from './scene.js';

const ofClass = (kind: ErrorClass, retryAfterMs?: number): BatchxError =>
  new BatchxError('http', kind, { class: kind, ...(retryAfterMs !== undefined && { retryAfterMs }) });
const system = (code: string): Error => Object.assign(new Error(code), { code });
const plain = { initial: '100ms', jitter: 'none' } as const;

/** The waits before each of so many retries. */
const waits = (backoff: Backoff, count: number): (number | undefined)[] =>
  Array.from({ length: count }, (_, n) => backoff.delay(n + 1));

describe('Backoff', () => {
  it('doubles the wait up to the most, without jitter', () => {
    const steps = [100, 200, 400, 800, 1000, 1000];
    expect(waits(new Backoff({ ...plain, max: '1s' }), 6)).toEqual(steps);
    expect(waits(new Backoff({ jitter: 'none' }), 8)).toEqual([500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
    expect(waits(new Backoff({ ...plain, factor: 1 }), 3)).toEqual([100, 100, 100]);
    expect(waits(new Backoff({ ...plain, initial: '1m' }), 2)).toEqual([30_000, 30_000]);
  });

  it('waits any part of that by chance', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), fc.nat(20), (chance, n) => {
        const most = Math.min(30_000, 500 * 2 ** n);
        const backoff = new Backoff({}, fakeRuntime({ random: () => chance }));
        expect(backoff.delay(n + 1)).toBe(chance * most);
      }),
    );
    const runtime = fakeRuntime();
    const backoff = new Backoff({}, runtime);
    const some = Array.from({ length: 200 }, () => backoff.delay(2) as number);
    expect(Math.min(...some)).toBeLessThan(50);
    expect(Math.max(...some)).toBeGreaterThan(950);
    expect(Math.max(...some)).toBeLessThan(1000);
  });

  it('is finite for any retry', () => {
    for (const initial of ['0ms', '1ms', '500ms', '1d'] as const) {
      for (const factor of [1, 2, 100]) {
        for (const retry of [1, 1025, 1e9]) {
          const wait = new Backoff({ initial, factor, jitter: 'none' }).delay(retry);
          expect(wait).toBeGreaterThanOrEqual(0);
          expect(wait).toBeLessThanOrEqual(30_000);
        }
      }
    }
  });

  it('never undercuts what was asked for, and adds up to 10 %', () => {
    const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
    fc.assert(
      fc.property(chance, fc.nat(600_000), fc.integer({ min: 1, max: 30 }), (random, asked, retry) => {
        const backoff = new Backoff({}, fakeRuntime({ random: () => random }));
        const wait = backoff.delay(retry, asked) as number;
        expect(wait).toBeGreaterThanOrEqual(asked);
        expect(wait).toBeLessThanOrEqual(Math.max(asked * 1.1, backoff.longest(retry)));
        expect(wait).toBeGreaterThanOrEqual(backoff.delay(retry) as number);
      }),
    );
  });

  it('spreads what was asked for, so that not all come back at once', () => {
    for (const [random, wait] of [
      [0, 100_000],
      [0.5, 105_000],
      [0.999, 109_990],
    ] as const) {
      expect(new Backoff({}, fakeRuntime({ random: () => random })).delay(1, 100_000)).toBeCloseTo(wait, 6);
    }
  });

  it('gives up when it is asked for too much, or waits', () => {
    const asked = 3_600_000;
    expect(new Backoff({}, fakeRuntime()).delay(1, asked)).toBeUndefined();
    expect(new Backoff({}, fakeRuntime()).delay(1, 600_000)).toBeGreaterThanOrEqual(600_000);
    expect(new Backoff({}, fakeRuntime()).delay(1, 600_001)).toBeUndefined();
    expect(new Backoff({ maxRetryAfter: '1h' }, fakeRuntime()).delay(1, asked)).toBeGreaterThanOrEqual(asked);
    expect(new Backoff({ onLongRetryAfter: 'wait' }, fakeRuntime()).delay(1, asked)).toBeGreaterThanOrEqual(asked);
  });

  it('says what is wrong with its options', () => {
    const make = (options: unknown): Backoff => new Backoff(options as BackoffOptions);
    const asked = 'retry: expected how often to try again, such as 3, or { retries, initial, factor, max, ... }, got';
    expect(() => make('3')).toThrow(`${asked} "3"`);
    expect(() => make(null)).toThrow(`${asked} null`);
    expect(() => make(-1)).toThrow(
      'retry: `retries`: expected a whole number of at least 0, or Infinity, got -1 (number)',
    );
    expect(() => make({ tries: 3 })).toThrow('retry: Unrecognized key: "tries"');
    expect(() => make({ initial: 100 })).toThrow(
      'retry: `initial`: expected a time such as "500ms", "2s" or "1.5m", got 100',
    );
    expect(make(Infinity).retries).toBe(Infinity);
  });
});

describe('what is tried again', () => {
  const once = async (error: unknown, options = {}): Promise<string[]> => {
    const scene = new Scene('a', (_, s) => s.fail(10, error), { retry: { retries: 1, ...plain }, ...options });
    return scene.play();
  };
  const tried = (message: string): string[] => ['0 a', '110 a', `120 a=failed: ${message}`, '120 complete'];
  const untried = (message: string): string[] => ['0 a', `10 a=failed: ${message}`, '10 complete'];

  it.each(['transient', 'unprocessed', 'ambiguous'] as const)('%s errors', async (kind) => {
    expect(await once(ofClass(kind))).toEqual(tried(kind));
  });

  it.each(['permanent', 'bug'] as const)('not %s ones', async (kind) => {
    expect(await once(ofClass(kind))).toEqual(untried(kind));
  });

  it('errors that say nothing of themselves, and those of the network', async () => {
    expect(await once(new Error('boom'))).toEqual(tried('boom'));
    expect(await once('text')).toEqual(tried('text'));
    expect(await once(system('ECONNREFUSED'))).toEqual(tried('ECONNREFUSED'));
    expect(await once(system('ECONNRESET'))).toEqual(tried('ECONNRESET'));
    expect(await once(new TypeError('fetch failed', { cause: system('ENOTFOUND') }))).toEqual(
      tried('fetch failed: ENOTFOUND'),
    );
  });

  it('not faults of the program, nor a full disk', async () => {
    expect(await once(new TypeError('x'))).toEqual(untried('TypeError: x'));
    expect(await once(new RangeError('x'))).toEqual(untried('RangeError: x'));
    expect(await once(system('ENOSPC'))).toEqual(untried('ENOSPC'));
  });

  it('not fatal ones, which end the stream, nor cancelled ones, whose items stay pending', async () => {
    expect(await once(new BatchxError('usage', 'wrong'))).toEqual(['0 a', '10 error: wrong']);
    expect(await once(new BatchxError('aborted', 'not wanted'))).toEqual(['0 a', '10 complete']);
  });

  it('takes nothing from errors of others but their code and that of their cause', async () => {
    const odd = { retryAfterMs: '5', class: 'fatal', inDoubt: true, retryable: false, haltAfter: 1 };
    expect(await once(Object.assign(new Error('odd'), odd), { rate: '100/s' })).toEqual(tried('odd'));
    expect(await once({ ...odd, message: 'odd', code: 5 }, { rate: '100/s' })).toEqual(
      tried(
        '{"retryAfterMs":"5","class":"fatal","inDoubt":true,"retryable":false,"haltAfter":1,"message":"odd","code":5}',
      ),
    );
  });

  it('with `effect: once` only what was surely not done', async () => {
    const options = { effect: 'once' } as const;
    for (const kind of ['unprocessed'] as const) expect(await once(ofClass(kind), options)).toEqual(tried(kind));
    expect(await once(system('ECONNREFUSED'), options)).toEqual(tried('ECONNREFUSED'));
    const wrapped = new BatchxError('http', 'no connection', { class: 'transient', cause: system('ENOTFOUND') });
    expect(await once(wrapped, options)).toEqual(tried('no connection'));
    expect(await once(ofClass('permanent'), options)).toEqual(untried('permanent'));
  });

  it.each<[string, unknown, string]>([
    ['an answer such as 502', ofClass('transient'), 'transient'],
    ['an answer that was cut off', ofClass('ambiguous'), 'ambiguous'],
    ['what says nothing of itself', new Error('boom'), 'boom'],
    ['what is no error', 'text', 'text'],
    ['a fault in the code, which may come after the call', new TypeError('x'), 'TypeError: x'],
    ['an abort of its own', Object.assign(new Error('gone'), { name: 'AbortError' }), 'AbortError: gone'],
    ['a full disk', system('ENOSPC'), 'ENOSPC'],
  ])('with `effect: once` leaves in doubt, untried: %s', async (_, error, message) => {
    const ends = ['0 a', `10 a=in-doubt: ${message}`, '10 complete'];
    expect(await once(error, { effect: 'once' })).toEqual(ends);
    expect(await once(error, { effect: 'once', retry: undefined })).toEqual(ends);
  });

  it('with `effect: once` ends failed what was surely not done, when its retries run out', async () => {
    const options = { effect: 'once', retry: undefined } as const;
    for (const error of [ofClass('unprocessed'), ofClass('permanent'), system('ECONNREFUSED')]) {
      expect(await once(error, options)).toEqual(untried(error.message));
    }
    const invalid = new TypeError('bad URL', { cause: new TypeError('no scheme') });
    expect(await once(invalid, options)).toEqual(untried('TypeError: bad URL: no scheme'));
  });

  it('without it nothing is in doubt', async () => {
    const failed = (await once(ofClass('ambiguous'), { retry: undefined }))[1];
    expect(failed).toBe('10 a=failed: ambiguous');
  });

  it('with `effect: once` leaves in doubt what may have been done', async () => {
    const options = { effect: 'once' } as const;
    const error = new BatchxError('http', 'cut off', { class: 'ambiguous', where: 'POST /pay', haltAfter: 3 });
    for (const retry of [{ retry: undefined }, {}]) {
      const scene = new Scene('a', (_, s) => s.fail(10, error), { retry: 3, ...options, ...(retry as object) });
      expect(await scene.play()).toEqual(['0 a', '10 a=in-doubt: cut off', '10 complete']);
      expect(scene.out.get('a')?.error).toMatchObject({
        code: 'http',
        class: 'ambiguous',
        inDoubt: true,
        where: 'POST /pay',
        haltAfter: 3,
      });
    }
    expect(await once(system('ECONNRESET'), options)).toEqual(['0 a', '10 a=in-doubt: ECONNRESET', '10 complete']);
    const scene = new Scene('a', (_, s) => s.hang(), { ...options, timeout: '1s', retry: 3 });
    expect((await scene.play())[1]).toBe('1000 a=in-doubt: took longer than 1s');
  });
});

describe('the waits of a step', () => {
  it('are exact, and give the slot to others when they are longer than a second', async () => {
    const behave = ({ name }: Made, s: Scene): unknown => (name === 'a' ? s.fail(10, ofClass('transient')) : s.ok(100));
    const scene = new Scene('a b c', behave, {
      concurrency: 1,
      retry: { retries: 3, initial: '500ms', jitter: 'none' },
    });
    const said: unknown[] = [];
    scene.runtime.events.on('batch:attempt', ({ item, attempt, waitMs }) => said.push([item.id, attempt, waitMs]));
    expect(await scene.play()).toEqual([
      '0 a',
      '510 a', // 500 ms: it kept its slot
      '1520 a', // 1,000 ms: still
      '1530 b', // 2,000 ms: others have it
      '1630 b=ok',
      '1630 c',
      '1730 c=ok',
      '3530 a',
      '3540 a=failed: transient',
      '3540 complete',
    ]);
    expect(said).toEqual([
      ['a', 1, 500],
      ['a', 2, 1000],
      ['a', 3, 2000],
    ]);
    expect(scene.most).toBe(1);
  });

  it('come back in turn, before new items', async () => {
    const behave = ({ name, attempt }: Made, s: Scene): unknown =>
      name < 'c' && attempt === 1 ? s.fail(0, ofClass('throttled', 2_000)) : s.ok(1_500);
    const scene = new Scene('a b c d e', behave, { concurrency: 1, retry: 1 });
    expect((await scene.play()).filter((line) => !/[=m]/.test(line))).toEqual([
      '0 a',
      '0 b',
      '0 c',
      '1500 d',
      '3000 a',
      '4500 b',
      '6000 e',
    ]);
  });

  it('are no longer than the budget, which is looked at before', async () => {
    const retry = { ...plain, retries: 10, deadline: '1s' } as const;
    const scene = new Scene('a', (_, s) => s.fail(10, ofClass('transient')), { retry });
    // 100, 200, 400, and 800 would end at 1,540.
    expect(await scene.play()).toEqual(['0 a', '110 a', '320 a', '730 a', '740 a=failed: transient', '740 complete']);
  });

  it('do not count against the budget while the breaker is open', async () => {
    const breaker = { window: 1, minCalls: 1, halfOpen: 1, open: '30s' };
    const scene = new Scene('a', ({ attempt }, s) => (attempt < 3 ? s.fail(10, ofClass('transient')) : s.ok(10)), {
      breaker,
      retry: { retries: 3, initial: '20s', max: '20s', jitter: 'none', deadline: '1s' },
    });
    expect(await scene.play()).toEqual(['0 a', '30010 a', '90020 a', '90030 a=ok', '90030 complete']);
  });
});

describe('being told to wait', () => {
  it('costs no retries until `maxThrottleWait`, and then it does', async () => {
    const retry = { retries: 2, maxThrottleWait: '10s' } as const;
    const scene = new Scene('a', (_, s) => s.fail(0, ofClass('throttled', 4_000)), { retry });
    // Twice for nothing; 12 s would be too long: two retries.
    expect((await scene.play()).filter((line) => !line.includes('='))).toEqual([
      '0 a',
      '4000 a',
      '8000 a',
      '12000 a',
      '16000 a',
      '16000 complete',
    ]);
    expect(scene.out.get('a')?.error?.message).toBe('throttled');
  });

  it('costs them at once when a single wait is longer than that', async () => {
    const retry = { retries: 0, maxThrottleWait: '1s' } as const;
    const scene = new Scene('a', (_, s) => s.fail(0, ofClass('throttled', 4_000)), { retry });
    expect(await scene.play()).toEqual(['0 a', '0 a=failed: throttled', '0 complete']);
  });

  it('waits longer each time when it is not said how long', async () => {
    const behave = ({ attempt }: Made, s: Scene): unknown => (attempt < 6 ? s.fail(0, ofClass('throttled')) : s.ok(0));
    const scene = new Scene('a', behave, { retry: { retries: 0, ...plain } });
    expect((await scene.play()).slice(0, 6)).toEqual(['0 a', '100 a', '300 a', '700 a', '1500 a', '3100 a']);
  });

  it('heeds a Retry-After of any error', async () => {
    const behave = ({ attempt }: Made, s: Scene): unknown =>
      attempt === 1 ? s.fail(0, ofClass('unprocessed', 700)) : s.ok(0);
    expect((await new Scene('a', behave, { retry: plain }).play())[1]).toBe('700 a');
  });

  it('takes what is no time for nothing said', async () => {
    for (const wrong of [Number.NaN, -1, Infinity]) {
      const behave = ({ attempt }: Made, s: Scene): unknown =>
        attempt === 1 ? s.fail(0, ofClass('unprocessed', wrong)) : s.ok(0);
      const scene = new Scene('a', behave, { retry: plain, rate: { limit: 100, burst: 100 } });
      expect((await scene.play())[1]).toBe('100 a');
    }
  });

  it.each([undefined, 0])('waits also without retries (%j), and not for ever', async (retry) => {
    const soon = ({ attempt }: Made, s: Scene): unknown =>
      attempt < 3 ? s.fail(10, ofClass('throttled', 60_000)) : s.ok(10);
    expect((await new Scene('a', soon, { retry, effect: 'once' }).play()).slice(1)).toEqual([
      '60010 a',
      '120020 a',
      '120030 a=ok',
      '120030 complete',
    ]);
    const never = new Scene('a', (_, s) => s.fail(10, ofClass('throttled', 60_000)), { retry });
    // 15 minutes of waiting.
    expect((await never.play()).slice(-3)).toEqual(['900150 a', '900160 a=failed: throttled', '900160 complete']);
    const failed = new Scene('a', (_, s) => s.fail(10, ofClass('unprocessed')), { retry });
    expect((await failed.play())[1]).toBe('10 a=failed: unprocessed');
  });

  it('gives up when it is asked for too much, or waits', async () => {
    const behave = ({ attempt }: Made, s: Scene): unknown =>
      attempt === 1 ? s.fail(0, ofClass('throttled', 3_600_000)) : s.ok(0);
    const given = new Scene('a', behave, { retry: { maxRetryAfter: '5m' } });
    expect((await given.play())[1]).toBe('0 a=failed: throttled; asked to wait 1h, more than `maxRetryAfter` 5m');
    expect(given.out.get('a')!.error).toMatchObject({ code: 'http', class: 'throttled', retryAfterMs: 3_600_000 });
    const patient = { onLongRetryAfter: 'wait', maxThrottleWait: '2h' } as const;
    expect((await new Scene('a', behave, { retry: patient }).play())[1]).toBe('3600000 a');
  });
});

describe('telling an outage from a fault of the item', () => {
  /** A call that fails each 100 ms, from 0; gives the waits. */
  function failing(breaker: Breaker, clock: Clock, options: BackoffOptions = { retries: 1, ...plain }) {
    const backoff = new Backoff(options, clock.runtime());
    let tries: Tries | undefined;
    return (error: unknown = ofClass('transient')): number | BatchxError | undefined => {
      clock.jump(100);
      const failure = failureOf(error, clock.now, breaker);
      tries ??= new Tries(backoff, breaker, clock.now - 100, clock.now);
      return tries.after(failure);
    };
  }
  const pass = (breaker: Breaker): void => breaker.record(breaker.try(), 'success', 1);

  it('tries as often again as there are retries, while nothing else is known', () => {
    const clock = new Clock();
    const fail = failing(new Breaker(true, clock.runtime()), clock, { retries: 2, ...plain });
    expect([fail(), fail(), fail(), fail(), fail()]).toEqual([100, 200, 400, 800, undefined]);
  });

  it('no more when a call that was begun later has gone well', () => {
    const clock = new Clock();
    const breaker = new Breaker(true, clock.runtime());
    const fail = failing(breaker, clock);
    expect(fail()).toBe(100);
    clock.jump(10);
    pass(breaker);
    expect(fail()).toBeUndefined();
  });

  it('not because of a call that went well before: the outage came in between', () => {
    const clock = new Clock();
    const breaker = new Breaker(true, clock.runtime());
    const fail = failing(breaker, clock);
    clock.jump(50);
    // Begun after the call that is to fail, and over before that.
    pass(breaker);
    clock.jump(-50);
    expect([fail(), fail()]).toEqual([100, 200]);
  });

  it('goes on while others fail too, though not for ever', () => {
    const clock = new Clock();
    const breaker = new Breaker({ window: 1_000_000, minCalls: 1_000_000 }, clock.runtime());
    const fail = failing(breaker, clock);
    expect(fail()).toBe(100);
    let more = 0;
    for (; fail() !== undefined; more++) Outage.of(breaker).failed({}, clock.now);
    expect(more).toBe(20);
  });

  it('goes on as long as the breaker is not closed, and spends no retries on that', () => {
    const clock = new Clock();
    const breaker = new Breaker(true, clock.runtime());
    breaker.forceOpen();
    const fail = failing(breaker, clock);
    for (let n = 0; n < 50; n++) expect(fail()).toBeGreaterThanOrEqual(100);
    breaker.reset();
    expect(fail()).toBeGreaterThanOrEqual(100);
    pass(breaker);
    expect(fail()).toBeUndefined();
  });

  it('ends the run instead when that takes too long, however short the breaker is open each time', async () => {
    const breaker = { window: 1, minCalls: 1, halfOpen: 1, open: '2s', maxOpen: '4s', maxWait: '5m' };
    const scene = new Scene('a', (_, s) => s.fail(10, ofClass('transient')), { breaker, retry: 3 });
    await scene.play(3_600_000);
    expect(scene.end).toMatchObject({ code: 'halted', message: 'the breaker has been open for 5m' });
    expect([scene.pending, scene.timers]).toEqual([['a'], 0]);
    expect(scene.clock.now - 3_600_000).toBe(0);
    expect(Number(scene.log.at(-1)?.split(' ')[0])).toBeLessThan(6 * 60_000);
    // With `fail` it has its retries, and no more.
    const failing = new Scene('a', (_, s) => s.fail(10, ofClass('transient')), {
      breaker: { ...breaker, onOpen: 'fail' },
      retry: { retries: 3, initial: '10s', jitter: 'none' },
    });
    expect((await failing.play()).filter((line) => !line.includes('='))).toHaveLength(5);
  });

  it('not when the breaker is disabled', () => {
    const clock = new Clock();
    const breaker = new Breaker(true, clock.runtime());
    breaker.disable();
    const fail = failing(breaker, clock);
    expect([fail(), fail()]).toEqual([100, undefined]);
  });

  it('not for errors that an outage does not give, nor without retries', () => {
    const clock = new Clock();
    const breaker = new Breaker(true, clock.runtime());
    breaker.forceOpen();
    expect(failing(breaker, clock, { retries: 0 })()).toBeUndefined();
    const throttled = failing(breaker, clock, { retries: 1, maxThrottleWait: '0s', ...plain });
    expect([throttled(ofClass('throttled')), throttled(ofClass('throttled'))]).toEqual([100, undefined]);
  });
});
