import fc from 'fast-check';
import { type SchedulerAction, type SchedulerLike, Subscription } from 'rxjs';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { fakeRuntime } from 'batchx/testing';
import { BatchxError, type ErrorCode } from '../../src/core/errors.js';
import { Breaker, breakerOptions, type BreakerOptions, type BreakerTransition } from '../../src/core/policy/breaker.js';
import { TimeWindow } from '../../src/core/policy/breaker-window.js';
import { verdictOf } from '../../src/core/policy/verdict.js';

/** A clock that is set by hand: it goes on step by step, or jumps, as when the machine was asleep. */
class Clock implements SchedulerLike {
  #now = 0;
  #timers: { readonly due: number; readonly work: () => void }[] = [];
  /** How many timers were ever set. */
  set = 0;

  readonly now = (): number => this.#now;

  get pending(): number {
    return this.#timers.length;
  }

  schedule<T>(work: (this: SchedulerAction<T>, state?: T) => void, delay = 0): Subscription {
    this.set++;
    const timer = { due: this.#now + delay, work };
    this.#timers.push(timer);
    return new Subscription(() => (this.#timers = this.#timers.filter((other) => other !== timer)));
  }

  /** Each timer fires at its time. */
  to(time: number): void {
    for (let next = this.#next(time); next !== undefined; next = this.#next(time)) {
      this.#now = Math.max(this.#now, next.due);
      next.work();
    }
    this.#now = time;
  }

  /** All that is due fires at the end. */
  jumpTo(time: number): void {
    this.#now = time;
    this.to(time);
  }

  #next(time: number) {
    const due = this.#timers.filter(({ due }) => due <= time).sort((a, b) => a.due - b.due);
    if (due[0] !== undefined) this.#timers = this.#timers.filter((timer) => timer !== due[0]);
    return due[0];
  }
}

function setUp(options: BreakerOptions | true = true, random = () => 0) {
  const clock = new Clock();
  const breaker = new Breaker(options, fakeRuntime({ scheduler: clock, random }));
  const told: BreakerTransition[] = [];
  breaker.on((transition) => told.push(transition));
  /** Calls that start and end at once: `.` a success, `x` a failure, `s` a slow success, `X` a slow failure, `-` ignored. */
  const calls = (results: string): void => {
    for (const result of results) {
      const ticket = breaker.try();
      expect(ticket, `a ticket for a call in ${results}`).toBeGreaterThan(0);
      const verdict = result === '-' ? 'ignored' : 'xX'.includes(result) ? 'failure' : 'success';
      breaker.record(ticket, verdict, 'sX'.includes(result) ? 60_001 : 60_000);
    }
  };
  /** Waits as a caller does, and notes how it went on. */
  const waiter = (name: string, log: string[], then: (ticket: number) => void = () => undefined): (() => void) => {
    let cancel = (): void => undefined;
    const wait = (): void => {
      cancel = breaker.wait((error) => {
        if (error !== undefined) {
          log.push(`${name}: ${error.code} at ${clock.now()}`);
          return;
        }
        const ticket = breaker.try();
        if (ticket === 0) wait();
        else {
          log.push(`${name} at ${clock.now()}`);
          then(ticket);
        }
      });
    };
    wait();
    return () => cancel();
  };
  return { clock, breaker, told, calls, waiter };
}

const small: BreakerOptions = { window: 4, minCalls: 4 };

describe('Breaker, closed', () => {
  it('gives tickets that are above 0, and counts', () => {
    const { breaker, calls } = setUp();
    calls('..x-');
    expect(breaker.state).toBe('closed');
    expect(breaker.counts).toEqual({ calls: 3, failures: 1, slow: 0, ignored: 1, late: 0, rejected: 0 });
  });

  it.each([
    ['one below the threshold', '50%', '....xxx', 'closed'],
    ['at the threshold', '50%', '...xxx', 'open'],
    ['above it', '50%', '..xxxx', 'open'],
    ['just below a fraction', '33.4%', '....xx', 'closed'],
    ['just above a fraction', '33.3%', '....xx', 'open'],
    ['one short of all', '100%', '.xxxxx', 'closed'],
    ['all', '100%', 'xxxxxx', 'open'],
  ])('%s', (_, failureRate, results, state) => {
    const { breaker, calls } = setUp({ window: '60s', minCalls: results.length, failureRate });
    calls(results);
    expect(breaker.state).toBe(state);
  });

  it('compares exactly: 7 of 10,000 are 0.07 %', () => {
    const { breaker } = setUp({ window: 10_000, minCalls: 10_000, failureRate: '0.07%' });
    for (let n = 1; n < 10_000; n++) breaker.record(breaker.try(), n <= 7 ? 'failure' : 'success', 0);
    expect(breaker.state).toBe('closed');
    breaker.record(breaker.try(), 'success', 0);
    expect(breaker.state).toBe('open');
  });

  it('judges from `minCalls` results on, 10 unless said, and not by those that are ignored', () => {
    const { breaker, calls } = setUp();
    calls('xxxxxxxxx----');
    expect(breaker.state).toBe('closed');
    calls('x');
    expect(breaker.state).toBe('open');
  });

  it('judges by a success too', () => {
    const { breaker, calls, told } = setUp();
    calls('xxxxx....');
    expect(breaker.state).toBe('closed');
    calls('.');
    expect(breaker.state).toBe('open');
    expect(told).toEqual([
      { from: 'closed', to: 'open', at: 0, reason: 'failure-rate', calls: 10, failures: 5, openForMs: 30_000 },
    ]);
  });

  it('needs no more results than its window has', () => {
    const { breaker, calls } = setUp({ window: 5, minCalls: 100 });
    calls('xxxx');
    expect(breaker.state).toBe('closed');
    calls('x');
    expect(breaker.state).toBe('open');
  });

  it('forgets what is more than a window of 20 results ago', () => {
    const { breaker, calls } = setUp({ failureRate: '50%' });
    calls('.....xxxx' + '.'.repeat(16)); // the first 5 are gone
    calls('xxxxx'); // the last one drives out the 4th failure: 5 of 20
    expect(breaker.toJSON().state).toBe('closed');
    calls('xxxx');
    expect(breaker.state).toBe('closed'); // 9 of 20
    calls('x');
    expect(breaker.state).toBe('open');
  });

  it('keeps slow calls apart, and does not look at them unless told what is slow', () => {
    const blind = setUp();
    blind.calls('s'.repeat(40));
    expect(blind.breaker.state).toBe('closed');
    expect(blind.breaker.counts.slow).toBe(0);

    const { breaker, calls, told } = setUp({ slowCall: '60s' });
    calls('.sssssssssssssssssss'); // 19 of 20, and the one took just 60 s
    expect(breaker.state).toBe('closed');
    calls('s');
    expect(told).toMatchObject([{ to: 'open', reason: 'slow-rate', calls: 20, failures: 0 }]);
    expect(breaker.counts).toMatchObject({ calls: 21, failures: 0, slow: 20 });
  });

  it('lets slow calls leave the window too', () => {
    const { breaker, calls } = setUp({ ...small, slowCall: '60s', slowRate: '75%' });
    calls('ss..ss');
    expect(breaker.state).toBe('closed');
    calls('s');
    expect(breaker.state).toBe('open');
  });
});

describe('Breaker, a window of time', () => {
  const options: BreakerOptions = { window: '10s', minCalls: 2, failureRate: '100%' };

  it.each([
    [0, 9999, 'open'],
    [0, 10_000, 'closed'],
    [999, 9999, 'open'],
    [999, 10_000, 'closed'],
    [1000, 10_999, 'open'],
    [1000, 11_000, 'closed'],
    [0, 1_000_000, 'closed'],
  ])('holds a result of %d ms at %d ms: %s', (first, second, state) => {
    const { breaker, clock, calls } = setUp(options);
    clock.to(first);
    calls('x');
    clock.to(second);
    calls('x');
    expect(breaker.state).toBe(state);
  });

  it('leaves by whole seconds, however often it is asked', () => {
    const { breaker, clock, calls } = setUp({ window: '3s', minCalls: 6, failureRate: '50%' });
    for (const [at, results, state] of [
      [500, 'xx', 'closed'],
      [1500, 'x.', 'closed'],
      [2999, '.', 'closed'], // 5 results
      [3000, '..', 'closed'], // 5: the 2 of the first second are gone
      [3001, '.', 'closed'], // 1 of 6
      [4000, 'xx', 'closed'], // 2 of 6: those of the 2nd second are gone
      [5000, 'x', 'open'], // 3 of 6: the one of the 3rd second is gone
    ] as const) {
      clock.to(at);
      calls(results);
      expect(breaker.state, `at ${at}`).toBe(state);
    }
  });

  it('holds what a list of all results would', () => {
    const anyResult = fc.record({
      after: fc.constantFrom(0, 1, 500, 999, 1000, 2500, 7000),
      failed: fc.boolean(),
      slow: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 4 }), fc.array(anyResult, { maxLength: 40 }), (seconds, results) => {
        const window = new TimeWindow(seconds);
        const all: { readonly second: number; readonly failed: boolean; readonly slow: boolean }[] = [];
        let now = 0;
        const compare = (): void => {
          const second = Math.floor(now / 1000);
          const held = all.filter((result) => second - result.second < seconds);
          const { calls, failures, slow } = window;
          expect([calls, failures, slow]).toEqual([
            held.length,
            held.filter(({ failed }) => failed).length,
            held.filter(({ slow }) => slow).length,
          ]);
        };
        for (const { after, failed, slow } of results) {
          window.expire((now += after));
          compare();
          window.add(failed, slow, now);
          all.push({ second: Math.floor(now / 1000), failed, slow });
          compare();
        }
        window.clear();
        window.expire(now + 1);
        expect([window.calls, window.failures, window.slow]).toEqual([0, 0, 0]);
      }),
    );
  });

  it('takes a time that was read earlier for the newest', () => {
    const { breaker } = setUp({ ...options, minCalls: 3 });
    for (const now of [5000, 3999, 14_999]) breaker.record(breaker.try(), 'failure', 0, now);
    expect(breaker.state).toBe('open');
  });

  it('works on a clock that is below 0', () => {
    const { breaker } = setUp(options);
    const [a, b] = [breaker.try(), breaker.try()];
    breaker.record(a, 'failure', 0, -15_500);
    breaker.record(b, 'failure', 0, -6001);
    expect(breaker.state).toBe('open');
  });
});

describe('Breaker, open', () => {
  it('lets nothing start before its time is over, and does nothing by itself', () => {
    const { breaker, clock, calls } = setUp(small);
    calls('xxxx');
    expect(breaker.try()).toBe(0);
    clock.to(29_999);
    expect([breaker.try(), breaker.state]).toEqual([0, 'open']);
    clock.to(30_000);
    expect(breaker.state).toBe('open');
    expect(breaker.try()).toBeGreaterThan(0);
    expect(breaker.state).toBe('half-open');
    expect(breaker.counts.rejected).toBe(2);
    expect(clock.set).toBe(0);
  });

  it('drops results of calls that were begun before', () => {
    const { breaker, clock, calls } = setUp(small);
    const tickets = [1, 2, 3, 4, 5].map(() => breaker.try());
    calls('xxxx');
    breaker.record(tickets[0]!, 'success', 0);
    breaker.record(tickets[1]!, 'failure', 0);
    breaker.record(tickets[2]!, 'ignored', 0);
    expect(breaker.counts).toEqual({ calls: 4, failures: 4, slow: 0, ignored: 0, late: 3, rejected: 0 });
    expect(breaker.hasSuccessSince(0)).toBe(false);
    clock.to(30_000);
    calls('...');
    expect(breaker.state).toBe('closed');
    breaker.record(tickets[3]!, 'failure', 0);
    breaker.record(0, 'failure', 0);
    expect(breaker.counts).toMatchObject({ failures: 4, late: 5 });
  });

  it.each([
    [0, 30_000],
    [0.5, 31_500],
    [1 - Number.EPSILON, 33_000],
  ])('is up to a tenth longer by chance, never shorter: %d', (random, openForMs) => {
    const { breaker, clock, calls, told } = setUp(small, () => random);
    calls('xxxx');
    expect(told[0]!.openForMs).toBeCloseTo(openForMs, 6);
    clock.to(openForMs - 1);
    expect(breaker.try()).toBe(0);
    clock.to(openForMs);
    expect(breaker.try()).toBeGreaterThan(0);
  });

  it('doubles its time up to 5 minutes as long as the server is down, and starts over when it is back', () => {
    const { breaker, clock, calls, told } = setUp(small);
    calls('xxxx');
    for (const seconds of [30, 60, 120, 240, 300, 300]) {
      clock.to(clock.now() + seconds * 1000 - 1);
      expect(breaker.try(), `at ${clock.now()}`).toBe(0);
      clock.to(clock.now() + 1);
      calls('xxx');
    }
    expect(breaker.toJSON()).toMatchObject({ state: 'open', openForMs: 300_000, remainingMs: 300_000 });
    clock.to(clock.now() + 300_000);
    calls('...');
    calls('xxxx');
    const opened = told.filter(({ to }) => to === 'open').map(({ openForMs }) => openForMs / 1000);
    expect(opened).toEqual([30, 60, 120, 240, 300, 300, 300, 30]);
  });

  it('is not limited below the time that was asked for', () => {
    const { clock, calls, told } = setUp({ ...small, open: '10m' });
    calls('xxxx');
    clock.to(600_000);
    calls('xxx');
    expect(told.map(({ openForMs }) => openForMs)).toEqual([600_000, 0, 600_000]);
  });
});

describe('Breaker, half-open', () => {
  const halfOpen = (options: BreakerOptions = small) => {
    const all = setUp(options);
    all.calls('xxxx');
    all.clock.to(30_000);
    all.told.length = 0;
    return all;
  };

  it('lets 3 calls start, and closes when they did well', () => {
    const { breaker, calls, told } = halfOpen();
    const tickets = [1, 2, 3].map(() => breaker.try());
    expect(breaker.try()).toBe(0);
    breaker.record(tickets[0]!, 'success', 0);
    expect(breaker.try()).toBe(0); // 3 in all, not 3 at once
    breaker.record(tickets[1]!, 'failure', 0);
    expect(breaker.state).toBe('half-open');
    breaker.record(tickets[2]!, 'success', 0);
    expect(breaker.state).toBe('closed');
    expect(told).toEqual([
      { from: 'open', to: 'half-open', at: 30_000, reason: 'open-over', calls: 4, failures: 4, openForMs: 0 },
      { from: 'half-open', to: 'closed', at: 30_000, reason: 'recovered', calls: 3, failures: 1, openForMs: 0 },
    ]);
    calls('xxx'); // the window is empty again
    expect(breaker.state).toBe('closed');
    calls('x');
    expect(breaker.state).toBe('open');
  });

  it.each([
    ['.xx', 'open', 'failure-rate'],
    ['xx.', 'open', 'failure-rate'],
    ['..x', 'closed', 'recovered'],
    ['sss', 'open', 'slow-rate'],
    ['ss.', 'closed', 'recovered'],
    ['-.-.-.', 'closed', 'recovered'],
  ])('decides on 3 results, and not before: %s', (results, state, reason) => {
    const { breaker, calls, told } = halfOpen({ ...small, slowCall: '60s' });
    calls(results.slice(0, -1));
    expect(breaker.state).toBe('half-open');
    calls(results.slice(-1));
    expect(breaker.state).toBe(state);
    expect(told.at(-1)!.reason).toBe(reason);
  });

  it('decides on as many as it lets start, whatever `minCalls` and the window are', () => {
    const { breaker, clock, calls } = setUp({ window: 2, minCalls: 2, halfOpen: 5 });
    calls('xx');
    clock.to(30_000);
    calls('xxx.');
    expect(breaker.state).toBe('half-open');
    calls('.');
    expect(breaker.state).toBe('open');
  });

  it('takes a permit back that was not used', () => {
    const { breaker } = halfOpen();
    const tickets = [1, 2, 3].map(() => breaker.try());
    breaker.record(tickets[0]!, 'ignored', 0);
    expect(breaker.try()).toBeGreaterThan(0);
    expect(breaker.try()).toBe(0);
    expect(breaker.state).toBe('half-open');
  });

  it('opens again when calls are lost, and their tickets are void', () => {
    const { breaker, clock, calls, told } = halfOpen();
    const tickets = [1, 2, 3].map(() => breaker.try());
    breaker.record(tickets[0]!, 'success', 0);
    breaker.record(tickets[1]!, 'success', 0);
    clock.to(89_999);
    expect([breaker.try(), breaker.valid(tickets[2]!), breaker.state]).toEqual([0, true, 'half-open']);
    clock.to(90_000);
    expect([breaker.valid(tickets[2]!), breaker.state]).toEqual([false, 'open']);
    expect(told.at(-1)).toEqual({
      from: 'half-open',
      to: 'open',
      at: 90_000,
      reason: 'half-open-over',
      calls: 2,
      failures: 0,
      openForMs: 60_000,
    });
    breaker.record(tickets[2]!, 'failure', 0);
    expect([breaker.state, breaker.counts.late]).toEqual(['open', 1]);
    clock.to(150_000);
    calls('...'); // all 3 permits are there again
    expect(breaker.state).toBe('closed');
  });

  it('counts its time from the first call that runs, and not while none does', () => {
    const { breaker, clock, calls, told } = halfOpen();
    const [a, b] = [breaker.try(), breaker.try()];
    clock.to(50_000);
    breaker.record(a, 'success', 20_000);
    clock.to(60_000);
    breaker.record(b, 'success', 30_000);
    clock.to(10_000_000);
    expect(breaker.try()).toBeGreaterThan(0);
    expect(breaker.state).toBe('half-open');
    clock.to(10_059_999);
    expect([breaker.try(), breaker.state]).toEqual([0, 'half-open']);
    clock.to(10_060_000);
    expect([breaker.try(), breaker.state]).toEqual([0, 'open']);
    clock.to(10_120_000);
    calls('...');
    expect(told.map(({ to, at }) => `${to} at ${at}`)).toEqual([
      'half-open at 30000',
      'open at 10060000',
      'half-open at 10120000',
      'closed at 10120000',
    ]);
  });

  it('does not count the time of calls that have their place and wait for something else', () => {
    const { breaker, clock } = halfOpen();
    const [a, b, c] = [breaker.reserve(), breaker.reserve(), breaker.reserve()];
    expect([breaker.try(), breaker.reserve()]).toEqual([0, 0]);
    breaker.begin(a);
    clock.to(31_000);
    breaker.record(a, 'success', 1000);
    clock.to(200_000);
    expect([breaker.valid(b), breaker.valid(c), breaker.try()]).toEqual([true, true, 0]);
    breaker.giveBack(c);
    expect(breaker.counts.ignored).toBe(0);
    expect(breaker.try()).toBeGreaterThan(0); // lost
    clock.to(259_999);
    expect(breaker.valid(b)).toBe(true);
    breaker.begin(b);
    clock.to(260_000);
    expect([breaker.valid(b), breaker.state]).toEqual([false, 'open']);
  });

  it('wakes those who wait when one that had its place began, and was lost', () => {
    const { breaker, clock, waiter } = halfOpen({ ...small, halfOpen: 1, maxWait: '1h' });
    const log: string[] = [];
    const ticket = breaker.reserve();
    waiter('a', log);
    clock.to(1_000_000);
    expect([log, clock.pending]).toEqual([[], 0]);
    breaker.begin(ticket);
    clock.to(2_000_000);
    expect(log).toEqual(['a at 1120000']); // lost after 60 s, and open for 60 s
  });

  it('closes when calls that went well were only too slow', () => {
    const { breaker, clock, told } = halfOpen();
    const tickets = [1, 2, 3].map(() => breaker.try());
    clock.to(90_000);
    expect([breaker.try(), breaker.state]).toEqual([0, 'open']);
    clock.to(120_000);
    breaker.record(tickets[0]!, 'success', 90_000);
    expect([breaker.state, breaker.counts.late]).toEqual(['half-open', 0]);
    const another = breaker.try();
    expect(another).toBeGreaterThan(0);
    clock.to(121_000);
    breaker.record(tickets[1]!, 'success', 91_000);
    breaker.record(another, 'ignored', 0);
    expect(breaker.state).toBe('half-open');
    breaker.record(tickets[2]!, 'success', 91_000);
    expect(told.slice(1)).toEqual([
      { from: 'half-open', to: 'open', at: 90_000, reason: 'half-open-over', calls: 0, failures: 0, openForMs: 60_000 },
      { from: 'open', to: 'half-open', at: 120_000, reason: 'late-success', calls: 0, failures: 0, openForMs: 0 },
      { from: 'half-open', to: 'closed', at: 121_000, reason: 'recovered', calls: 3, failures: 0, openForMs: 0 },
    ]);
  });

  it('goes on where it was: what came in time counts with what came late, and its time was not over', () => {
    const { breaker, clock, calls, told } = halfOpen();
    const tickets = [1, 2, 3].map(() => breaker.try());
    clock.to(89_999);
    breaker.record(tickets[0]!, 'failure', 0);
    breaker.record(tickets[1]!, 'failure', 0);
    clock.to(90_000);
    breaker.record(tickets[2]!, 'success', 60_000);
    expect(told.at(-1)).toMatchObject({ to: 'open', at: 90_000, reason: 'failure-rate', calls: 3, openForMs: 60_000 });
    clock.to(150_000);
    calls('...');
    expect(breaker.state).toBe('closed');
  });

  it('wakes as many as may start when a late one went well', () => {
    const { breaker, clock, waiter } = halfOpen();
    const log: string[] = [];
    const tickets = [1, 2, 3].map(() => breaker.try());
    for (const name of 'abcd') waiter(name, log);
    clock.to(100_000);
    breaker.record(tickets[0]!, 'success', 70_000);
    expect(log).toEqual(['a at 100000', 'b at 100000']);
  });

  it('counts a slow one that went well however late, until those after it were judged', () => {
    const { breaker, clock, calls } = halfOpen();
    const tickets = [1, 2, 3].map(() => breaker.try());
    clock.to(90_000);
    expect(breaker.try()).toBe(0);
    clock.to(150_000);
    const next = breaker.try();
    breaker.record(tickets[0]!, 'success', 120_000);
    expect([breaker.state, breaker.counts.late]).toEqual(['half-open', 0]);
    calls('-');
    const last = breaker.try();
    expect([last > 0, breaker.try()]).toEqual([true, 0]);
    breaker.record(tickets[1]!, 'failure', 120_000); // dropped
    expect([breaker.state, breaker.counts.late]).toEqual(['half-open', 1]);
    breaker.record(next, 'failure', 0);
    expect(breaker.state).toBe('half-open');
    breaker.record(last, 'failure', 0);
    expect(breaker.state).toBe('open'); // 2 of 3 failed
    breaker.record(tickets[2]!, 'success', 0);
    expect([breaker.state, breaker.counts.late]).toEqual(['open', 2]);
  });

  it('counts none that is late when a person has decided meanwhile', () => {
    for (const command of ['forceOpen', 'disable', 'reset'] as const) {
      const { breaker, clock, calls } = halfOpen();
      const tickets = [1, 2, 3].map(() => breaker.try());
      clock.to(90_000);
      expect(breaker.try()).toBe(0);
      breaker[command]();
      const { state } = breaker;
      breaker.record(tickets[0]!, 'success', 60_000);
      expect([breaker.state, breaker.counts.late]).toEqual([state, 1]);
      breaker.reset();
      calls('xxxx');
      breaker.record(tickets[1]!, 'success', 60_000);
      expect([breaker.state, breaker.counts.late]).toEqual(['open', 2]);
    }
  });

  it('takes a jump of the clock for one step', () => {
    const { breaker, clock, told } = halfOpen();
    clock.jumpTo(10_000_000); // far over what half-open would have lasted, too
    expect(breaker.try()).toBeGreaterThan(0);
    expect(told).toMatchObject([{ to: 'half-open', at: 10_000_000 }]);
    clock.jumpTo(20_000_000);
    expect(breaker.try()).toBe(0);
    expect(told.slice(1)).toMatchObject([{ to: 'open', at: 20_000_000, openForMs: 60_000 }]);
    expect(breaker.toJSON().remainingMs).toBe(60_000);
  });
});

describe('Breaker, by command', () => {
  it('is forced open until it is reset', () => {
    const { breaker, clock, calls, told } = setUp(small);
    const ticket = breaker.try();
    breaker.forceOpen();
    breaker.forceOpen();
    expect([breaker.state, breaker.try(), breaker.valid(ticket)]).toEqual(['forced-open', 0, false]);
    clock.jumpTo(1e9);
    expect([breaker.try(), breaker.state, breaker.refusal()]).toEqual([0, 'forced-open', undefined]);
    breaker.record(ticket, 'success', 0);
    expect(breaker.counts.late).toBe(1);
    breaker.reset();
    expect(breaker.state).toBe('closed');
    calls('xxxx');
    expect(told.map(({ to, reason }) => [to, reason])).toEqual([
      ['forced-open', 'forced'],
      ['closed', 'reset'],
      ['open', 'failure-rate'],
    ]);
  });

  it('is disabled until it is reset: everything starts, nothing is judged, and it is still counted', () => {
    const { breaker, clock, calls, told } = setUp(small);
    calls('xxxx');
    breaker.disable();
    clock.to(1e9);
    calls('xxxxxxxxxx-');
    expect([breaker.state, breaker.valid(breaker.try())]).toEqual(['disabled', true]);
    expect(breaker.counts).toMatchObject({ calls: 14, failures: 14, ignored: 1, rejected: 0 });
    breaker.record(breaker.try(), 'success', 0);
    expect(breaker.hasSuccessSince(1e9)).toBe(true);
    breaker.reset();
    calls('xxx');
    expect(breaker.state).toBe('closed');
    expect(told.map(({ to }) => to)).toEqual(['open', 'disabled', 'closed']);
  });

  it('forgets its window and the doubling when it is reset, closed or not', () => {
    const { breaker, clock, calls, told } = setUp(small);
    const ticket = breaker.try();
    calls('xxx');
    breaker.reset();
    calls('xxx');
    breaker.record(ticket, 'failure', 0);
    expect([breaker.state, breaker.counts.late, told.length]).toEqual(['closed', 1, 0]);
    calls('x');
    clock.to(30_000);
    calls('xxx');
    breaker.reset();
    calls('xxxx');
    expect(told.at(-1)).toMatchObject({ to: 'open', openForMs: 30_000 });
  });
});

describe('Breaker, hasSuccessSince', () => {
  it('goes by when the call began', () => {
    const { breaker, clock } = setUp(small);
    const sinces = (...times: number[]) => times.map((time) => breaker.hasSuccessSince(time));
    expect(sinces(-1e9)).toEqual([false]);
    clock.to(100);
    breaker.record(breaker.try(), 'success', 0);
    expect(sinces(99, 100, 101)).toEqual([true, true, false]);
    clock.to(200);
    breaker.record(breaker.try(), 'failure', 0);
    breaker.record(breaker.try(), 'ignored', 0);
    expect(sinces(100, 101)).toEqual([true, false]);
    breaker.record(breaker.try(), 'success', 50);
    expect(sinces(150, 151)).toEqual([true, false]);
    breaker.record(breaker.try(), 'success', 180); // began before
    expect(sinces(150, 151)).toEqual([true, false]);
    breaker.record(breaker.try(), 'success', 10, 190); // the caller's time counts
    expect(sinces(180, 181)).toEqual([true, false]);
  });
});

describe('Breaker, those who wait', () => {
  const open = (options: BreakerOptions = small) => {
    const all = setUp(options);
    all.calls('xxxx');
    return all;
  };

  it('wakes as many as may start when its time is over, all when it closes, in order, with one timer', () => {
    const { breaker, clock, waiter } = open();
    const log: string[] = [];
    const tickets: number[] = [];
    for (const name of 'abcdefg') waiter(name, log, (ticket) => tickets.push(ticket));
    expect([clock.set, breaker.waiting]).toEqual([1, 7]);
    clock.to(29_999);
    expect(log).toEqual([]);
    clock.to(30_000);
    expect(log).toEqual(['a at 30000', 'b at 30000', 'c at 30000']);
    expect([clock.set, clock.pending]).toEqual([2, 1]);
    clock.to(31_000);
    for (const ticket of tickets.splice(0, 2)) breaker.record(ticket, 'success', 0);
    expect(log).toHaveLength(3);
    breaker.record(tickets.shift()!, 'success', 0);
    expect(log.slice(3)).toEqual(['d at 31000', 'e at 31000', 'f at 31000', 'g at 31000']);
    expect([breaker.state, breaker.waiting, clock.pending]).toEqual(['closed', 0, 0]);
  });

  it('wakes the next one for a permit that is given back', () => {
    const { breaker, clock, waiter } = open();
    const log: string[] = [];
    const tickets: number[] = [];
    for (const name of 'abcde') waiter(name, log, (ticket) => tickets.push(ticket));
    clock.to(30_000);
    breaker.record(tickets[1]!, 'ignored', 0);
    expect(log).toEqual(['a at 30000', 'b at 30000', 'c at 30000', 'd at 30000']);
    breaker.record(tickets[0]!, 'failure', 0);
    expect(log).toHaveLength(4);
  });

  it('lets them wait on when it opens again, and wakes the next ones in time', () => {
    const { breaker, clock, waiter } = open();
    const log: string[] = [];
    for (const name of 'abcdefgh') waiter(name, log, (ticket) => breaker.record(ticket, 'failure', 0));
    clock.to(30_000);
    expect([log, breaker.state]).toEqual([['a at 30000', 'b at 30000', 'c at 30000'], 'open']);
    clock.to(89_999);
    expect(log).toHaveLength(3);
    clock.to(90_000);
    expect(log.slice(3)).toEqual(['d at 90000', 'e at 90000', 'f at 90000']);
    clock.to(210_000);
    expect(log.slice(6)).toEqual(['g at 210000', 'h at 210000']);
    expect(clock.pending).toBe(0);
  });

  it('goes on by itself when permits are lost', () => {
    const { clock, waiter, told } = open();
    const log: string[] = [];
    for (const name of 'abcd') waiter(name, log);
    clock.to(1e6);
    expect(log.slice(3)).toEqual(['d at 150000']);
    expect(told.map(({ to, at }) => `${to} at ${at}`)).toEqual([
      'open at 0',
      'half-open at 30000',
      'open at 90000',
      'half-open at 150000',
    ]);
  });

  it('serves one that comes when the time is just over, and those who wait as far as there are permits', () => {
    const { breaker, clock, waiter } = open();
    const log: string[] = [];
    for (const name of 'abcd') waiter(name, log);
    clock.to(29_999);
    // The timer is late: a newcomer is first.
    const { now } = clock;
    (clock as { now: () => number }).now = () => 30_000;
    expect(breaker.try()).toBeGreaterThan(0);
    waiter('e', log);
    (clock as { now: () => number }).now = now;
    clock.to(30_000);
    expect(log).toEqual(['a at 30000', 'b at 30000']);
    expect(breaker.waiting).toBe(3);
  });

  it('wakes them on a clock with fractions, whatever rounding does to a time', () => {
    for (let n = 0; n < 500; n++) {
      const { clock, calls, waiter } = setUp(small);
      const log: string[] = [];
      clock.to(n * 12.3456789);
      calls('xxxx');
      clock.to(n * 13.3);
      waiter('a', log);
      clock.to(n * 12.3456789 + 30_001);
      expect(log).toHaveLength(1);
    }
  });

  it('takes a jump over all its times for one step', () => {
    const { breaker, clock, waiter } = open();
    const log: string[] = [];
    for (const name of 'abcd') waiter(name, log);
    clock.jumpTo(3_600_000);
    // Open for longer than `maxWait`, but nobody has tried.
    expect([log, breaker.state]).toEqual([['a at 3600000', 'b at 3600000', 'c at 3600000'], 'half-open']);
  });

  it('does not recurse, however many wait', () => {
    const { breaker, clock, waiter } = open({ ...small, halfOpen: 1 });
    const log: string[] = [];
    for (let n = 0; n < 20_000; n++) waiter(`${n}`, log, (ticket) => breaker.record(ticket, 'ignored', 0));
    clock.to(30_000);
    expect(log).toEqual(Array.from({ length: 20_000 }, (_, n) => `${n} at 30000`));
    expect(breaker.waiting).toBe(0);
  });

  it('wakes no more when those that it woke make it open again', () => {
    const { breaker, clock, waiter } = open({ ...small, halfOpen: 1 });
    const log: string[] = [];
    let results = '.xxxx';
    for (const name of 'abcdefgh') {
      waiter(name, log, (ticket) => {
        breaker.record(ticket, results.startsWith('.') ? 'success' : 'failure', 0);
        results = results.slice(1);
      });
    }
    clock.to(30_000);
    expect(log).toEqual(['a', 'b', 'c', 'd', 'e'].map((name) => `${name} at 30000`));
    expect([breaker.state, breaker.waiting, breaker.counts.rejected]).toEqual(['open', 3, 0]);
  });

  it('asks one that waits again once in a round', () => {
    const { breaker } = open();
    let asked = 0;
    const again = (): void => {
      breaker.wait(() => {
        asked++;
        again();
      });
    };
    again();
    breaker.reset();
    expect([asked, breaker.waiting]).toEqual([1, 1]);
  });

  it('forgets one that is cancelled, and its timer with the last one', () => {
    const { breaker, clock, waiter } = open();
    const log: string[] = [];
    const cancels = ['a', 'b', 'c'].map((name) => waiter(name, log));
    cancels[0]!();
    cancels[0]!();
    cancels[2]!();
    expect(clock.pending).toBe(1);
    clock.to(30_000);
    expect(log).toEqual(['b at 30000']);
    const cancel = waiter('d', log);
    expect(clock.pending).toBe(1);
    cancel();
    expect([clock.pending, breaker.waiting]).toEqual([0, 0]);
  });

  it('may be cancelled by the one before', () => {
    const { breaker, clock, waiter } = open();
    const log: string[] = [];
    let cancel = (): void => undefined;
    waiter('a', log, () => cancel());
    cancel = waiter('b', log);
    waiter('c', log);
    clock.to(30_000);
    expect([log, breaker.waiting]).toEqual([['a at 30000', 'c at 30000'], 0]);
  });

  it('calls one that need not wait at the next turn, and not at once', () => {
    const { clock, waiter } = setUp();
    const log: string[] = [];
    waiter('a', log);
    expect(log).toEqual([]);
    clock.to(0);
    expect(log).toEqual(['a at 0']);
    waiter('b', log);
    clock.to(0);
    expect(log).toEqual(['a at 0', 'b at 0']);
  });

  it('wakes all when it is reset or disabled, none when it is forced open', () => {
    for (const command of ['reset', 'disable'] as const) {
      const { breaker, clock, waiter } = open();
      const log: string[] = [];
      breaker.forceOpen();
      for (const name of 'abcde') waiter(name, log);
      expect(clock.pending).toBe(0); // nothing to wait for but a person
      clock.to(1e9);
      expect(log).toEqual([]);
      breaker[command]();
      expect(log).toEqual(['a', 'b', 'c', 'd', 'e'].map((name) => `${name} at 1000000000`));
    }
  });

  it('lets them wait on when it is forced open, however long it has been open', () => {
    const { breaker, clock, waiter } = open();
    const log: string[] = [];
    waiter('a', log);
    clock.to(20_000);
    breaker.forceOpen();
    expect(clock.pending).toBe(0);
    clock.to(1e9);
    breaker.reset();
    expect(log).toEqual(['a at 1000000000']);
  });

  it('keeps the others when one throws', () => {
    const { breaker, clock } = open();
    const log: number[] = [];
    breaker.wait(() => {
      throw new Error('mine');
    });
    breaker.wait(() => log.push(clock.now()));
    expect(() => breaker.disable()).toThrow('mine');
    expect([breaker.state, breaker.waiting]).toEqual(['disabled', 1]);
    breaker.reset();
    expect(log).toEqual([0]);
  });
});

describe('Breaker, when waiting has an end', () => {
  it('halts those who wait once it has been open for `maxWait`', () => {
    const { breaker, clock, waiter } = setUp({ ...small, maxWait: '15m', open: '20m', maxOpen: '20m' });
    const log: string[] = [];
    breaker.record(breaker.try(), 'failure', 0);
    clock.to(100_000);
    for (let n = 0; n < 3; n++) breaker.record(breaker.try(), 'failure', 0);
    waiter('a', log);
    clock.to(500_000);
    waiter('b', log);
    expect(breaker.refusal()).toBeUndefined();
    clock.to(999_999);
    expect(log).toEqual([]);
    clock.to(1_000_000);
    expect(log).toEqual(['a: halted at 1000000', 'b: halted at 1000000']);
    const refusal = breaker.refusal()!;
    expect([refusal.code, refusal.class, refusal.message]).toEqual([
      'halted',
      'fatal',
      'the breaker has been open for 15m',
    ]);
    waiter('c', log);
    clock.to(1_000_001);
    expect(log.slice(2)).toEqual(['c: halted at 1000000']);
    expect(clock.pending).toBe(0);
  });

  it('counts from when it first opened without a success since, over all that it tried', () => {
    const { breaker, clock, waiter } = setUp({ ...small, maxWait: '15m' });
    const log: string[] = [];
    const failing = (ticket: number): void => breaker.record(ticket, 'failure', 0);
    for (let n = 0; n < 4; n++) failing(breaker.try());
    for (let n = 0; n < 30; n++) waiter(`${n}`, log, failing);
    clock.to(2_000_000);
    // 30, 60, 120, 240 and 300 s are 750 s; the next 300 s would end at 1,050 s.
    expect(log.filter((line) => !line.includes('halted')).map((line) => Number(line.split(' at ')[1]) / 1000)).toEqual(
      [30, 90, 210, 450, 750].flatMap((at) => [at, at, at]),
    );
    expect(log.slice(15)).toEqual(Array.from({ length: 15 }, (_, n) => `${n + 15}: halted at 900000`));
  });

  it('counts anew after a success, also one that did not close it', () => {
    const { breaker, clock, waiter } = setUp({ ...small, maxWait: '60s' });
    const log: string[] = [];
    for (let n = 0; n < 4; n++) breaker.record(breaker.try(), 'failure', 0);
    clock.to(30_000);
    breaker.record(breaker.try(), 'failure', 0);
    breaker.record(breaker.try(), 'success', 0);
    breaker.record(breaker.try(), 'failure', 0);
    waiter('a', log);
    clock.to(89_999);
    expect([breaker.state, log]).toEqual(['open', []]);
    clock.to(90_000);
    expect(log).toEqual(['a at 90000']); // its time is over just then, and trying is better than to give up
  });

  it('counts anew after a call that went well but took too long to try the server', () => {
    const { breaker, clock, waiter } = setUp({ ...small, maxWait: '100s' });
    const log: string[] = [];
    const before = breaker.try();
    for (let n = 0; n < 4; n++) breaker.record(breaker.try(), 'failure', 0);
    clock.to(30_000);
    const slow = breaker.try();
    clock.to(90_000);
    expect(breaker.try()).toBe(0);
    clock.to(99_999);
    for (const waits of ['a', 'b', 'c', 'd']) waiter(waits, log, (ticket) => breaker.record(ticket, 'failure', 0));
    breaker.record(slow, 'success', 69_999);
    // Those that tried after it have failed.
    expect([log.splice(0), breaker.state]).toEqual([['a at 99999', 'b at 99999'], 'open']);
    // It was begun before the outage, and says nothing of it.
    breaker.record(before, 'success', 100_000);
    clock.to(159_998);
    expect(log).toEqual([]);
    clock.to(159_999);
    expect(log).toEqual(['c at 159999', 'd at 159999']);
  });

  it('takes one that was judged too late to count for a sign of life', () => {
    const { breaker, clock, calls, waiter } = setUp({ ...small, maxWait: '12m', open: '5m' });
    const log: string[] = [];
    const before = breaker.try();
    calls('xxxx');
    clock.to(300_000);
    const slow = breaker.try();
    clock.to(360_000);
    expect(breaker.try()).toBe(0);
    clock.to(659_999);
    waiter('a', log, (ticket) => breaker.record(ticket, 'failure', 0));
    waiter('b', log, (ticket) => breaker.record(ticket, 'failure', 0));
    waiter('c', log, (ticket) => breaker.record(ticket, 'failure', 0));
    clock.to(660_000);
    expect([log.splice(0).length, breaker.state]).toEqual([3, 'open']);
    breaker.record(slow, 'success', 360_000);
    expect([breaker.state, breaker.counts.late]).toEqual(['open', 1]);
    // It was begun before the outage, and says nothing of it.
    breaker.record(before, 'success', 660_001);
    waiter('d', log);
    clock.to(960_000);
    expect(log).toEqual(['d at 960000']);
  });

  it('takes a success of a call from before the outage for no sign of life', () => {
    const { breaker, clock, calls, waiter } = setUp({ ...small, maxWait: '100s', open: '5m' });
    const log: string[] = [];
    const before = breaker.try();
    clock.to(10);
    calls('xxxx');
    waiter('a', log);
    clock.to(50_000);
    breaker.record(before, 'success', 50_000);
    clock.to(200_000);
    expect(log).toEqual(['a: halted at 100010']);
  });

  it('waits for the calls that try the server, and halts when they fail', () => {
    const { breaker, clock, waiter } = setUp({ ...small, maxWait: '40s' });
    const log: string[] = [];
    for (let n = 0; n < 4; n++) breaker.record(breaker.try(), 'failure', 0);
    const tickets: number[] = [];
    for (const name of 'abcde') waiter(name, log, (ticket) => tickets.push(ticket));
    clock.to(50_000);
    expect(log).toHaveLength(3);
    for (const ticket of tickets) breaker.record(ticket, 'failure', 0);
    expect(log.slice(3)).toEqual(['d: halted at 50000', 'e: halted at 50000']);
    expect(clock.pending).toBe(0);
  });

  it('does not count what a person has forced', () => {
    const { breaker, clock, waiter, calls } = setUp(small);
    const log: string[] = [];
    calls('xxxx');
    breaker.forceOpen();
    clock.to(2_000_000);
    breaker.reset();
    calls('xxxx');
    waiter('a', log);
    clock.to(2_030_000);
    expect(log).toEqual(['a at 2030000']);
  });
});

describe('Breaker, onOpen', () => {
  it.each([
    ['fail', 'open', 'transient'],
    ['halt', 'halted', 'fatal'],
  ] as const)('%s', (onOpen, code, kind) => {
    const { breaker, clock, calls, waiter } = setUp({ ...small, onOpen });
    const log: string[] = [];
    expect(breaker.refusal()).toBeUndefined();
    calls('xxxx');
    clock.to(1001);
    const refusal = breaker.refusal()!;
    expect([refusal.code, refusal.class, refusal.message]).toEqual([
      code,
      kind,
      'the breaker is open for another 29 s',
    ]);
    waiter('a', log);
    expect(log).toEqual([]);
    clock.to(1001);
    expect(log).toEqual([`a: ${code} at 1001`]);

    clock.to(30_000);
    const tickets = [1, 2, 3].map(() => breaker.try());
    expect([breaker.try(), breaker.refusal()]).toEqual([0, undefined]); // beyond the permits they wait
    waiter('b', log);
    waiter('c', log);
    for (const ticket of tickets) breaker.record(ticket, 'failure', 0);
    expect(log.slice(1)).toEqual([`b: ${code} at 30000`, `c: ${code} at 30000`]);

    breaker.forceOpen();
    expect(breaker.refusal()).toMatchObject({ code, class: kind, message: 'the breaker was forced open' });
    breaker.disable();
    expect(breaker.refusal()).toBeUndefined();
    expect(clock.pending).toBe(0);
  });

  it('tells those who wait when permits are lost, or it is forced open', () => {
    for (const forced of [false, true]) {
      const { breaker, clock, calls, waiter } = setUp({ ...small, onOpen: 'fail' });
      const log: string[] = [];
      calls('xxxx');
      clock.to(30_000);
      for (let n = 0; n < 3; n++) breaker.try();
      waiter('a', log);
      if (forced) breaker.forceOpen();
      clock.to(90_000);
      expect(log).toEqual([forced ? 'a: open at 30000' : 'a: open at 90000']);
    }
  });
});

describe('Breaker, on', () => {
  it('tells each listener once, and not after it has ended', () => {
    const { breaker } = setUp();
    const log: string[] = [];
    const listener = ({ to }: BreakerTransition): void => void log.push(to);
    const ends = [breaker.on(listener), breaker.on(listener)];
    breaker.disable();
    ends[0]!();
    breaker.forceOpen();
    ends[1]!();
    breaker.reset();
    expect(log).toEqual(['disabled', 'disabled', 'forced-open']);
  });

  it('may be answered with a command', () => {
    const { breaker, calls, told } = setUp(small);
    breaker.on(({ to }) => to === 'open' && breaker.reset());
    calls('xxxx');
    expect([breaker.state, told.map(({ to }) => to)]).toEqual(['closed', ['open', 'closed']]);
    calls('xxx');
    expect(breaker.state).toBe('closed');
  });
});

describe('Breaker, on, with a listener that throws', () => {
  it('goes on, tells the others, and warns', () => {
    const clock = new Clock();
    const runtime = fakeRuntime({ scheduler: clock, random: () => 0 });
    const warnings: string[] = [];
    runtime.events.on('batch:warning', ({ message }) => warnings.push(message));
    const breaker = new Breaker({ ...small, halfOpen: 1 }, runtime);
    const told: string[] = [];
    breaker.on(() => {
      throw new Error('mine');
    });
    breaker.on(({ to }) => told.push(to));
    const log: number[] = [];
    for (let n = 0; n < 4; n++) breaker.record(breaker.try(), 'failure', 0);
    breaker.wait(() => breaker.record(breaker.try(), 'success', 0));
    breaker.wait(() => log.push(clock.now()));
    clock.to(30_000);
    breaker.of('a').forceOpen();
    expect([told, log, breaker.state]).toEqual([['open', 'half-open', 'closed', 'forced-open'], [30_000], 'closed']);
    expect(warnings).toEqual([
      ...Array<string>(3).fill('a listener of the breaker has thrown: mine'),
      'a listener of the breaker of a has thrown: mine',
    ]);
  });
});

describe('Breaker, by command, with lanes', () => {
  it('sets all lanes, those to come too', () => {
    const { breaker, clock, told } = setUp(small);
    const log: string[] = [];
    const [a] = [breaker.of('a')];
    for (let n = 0; n < 4; n++) a.record(a.try(), 'failure', 0);
    breaker.forceOpen();
    expect([a.state, breaker.of('b').state, breaker.of('b').try()]).toEqual(['forced-open', 'forced-open', 0]);
    for (const lane of [a, breaker.of('b')]) lane.wait(() => log.push(`${lane.try() > 0}`));
    clock.to(1e9);
    expect(log).toEqual([]);
    breaker.reset();
    expect([log, a.state, breaker.of('b').state, breaker.of('c').state]).toEqual([
      ['true', 'true'],
      'closed',
      'closed',
      'closed',
    ]);
    breaker.disable();
    expect([a.state, breaker.of('d').state]).toEqual(['disabled', 'disabled']);
    expect(told.map(({ to }) => to)).toEqual([
      ...['open', 'forced-open', 'forced-open'],
      ...['closed', 'closed', 'closed'],
      ...['disabled', 'disabled', 'disabled', 'disabled'],
    ]);
  });

  it('to a lane is for that key alone, and not forgotten', () => {
    const { breaker } = setUp(small);
    breaker.forceOpen();
    breaker.of('well').reset();
    breaker.of('gone').disable();
    for (let n = 0; n < 5000; n++) breaker.of(`host ${n}`);
    expect([breaker.of('well').state, breaker.of('gone').state, breaker.of('host 1').state, breaker.state]).toEqual([
      'closed',
      'disabled',
      'forced-open',
      'forced-open',
    ]);
    breaker.reset();
    expect([breaker.of('well').state, breaker.of('gone').state]).toEqual(['closed', 'closed']);
  });

  it('does not keep those that are as all are', () => {
    const { breaker } = setUp(small);
    breaker.disable();
    const lane = breaker.of('a');
    const running = breaker.of('b');
    running.try();
    for (let n = 0; n < 5000; n++) breaker.of(`host ${n}`);
    expect([breaker.of('a') === lane, breaker.of('b') === running]).toEqual([false, true]);
  });

  it('is saved and restored with them', () => {
    const { breaker } = setUp(small);
    breaker.of('a').forceOpen();
    breaker.forceOpen();
    breaker.of('well').reset();
    const saved: unknown = JSON.parse(JSON.stringify(breaker));
    expect(saved).toMatchObject({ state: 'forced-open', lanes: [['well', { state: 'closed' }]] });
    const { breaker: next } = setUp(small);
    const before = next.of('before');
    next.restore(saved);
    expect([before.state, next.of('a').state, next.of('well').state]).toEqual(['forced-open', 'forced-open', 'closed']);
    next.restore({ ...next.toJSON(), state: 'closed', lanes: [] });
    expect([before.state, next.of('a').state]).toEqual(['closed', 'closed']);
  });
});

describe('Breaker, lanes', () => {
  it('has a state for each key, and tells which', () => {
    const { breaker, calls, clock } = setUp({ ...small, onOpen: 'fail' });
    const log: (string | undefined)[][] = [];
    breaker.on(({ to }, key) => log.push([key, to]));
    const lane = breaker.of('shop.example');
    for (let n = 0; n < 4; n++) lane.record(lane.try(), 'failure', 0);
    expect(breaker.of('shop.example')).toBe(lane);
    expect([lane.state, breaker.of('other.example').state, breaker.state]).toEqual(['open', 'closed', 'closed']);
    expect(lane.refusal()?.message).toBe('the breaker of shop.example is open for another 30 s');
    calls('xxxx');
    clock.to(30_000);
    expect(lane.try()).toBeGreaterThan(0);
    expect(log).toEqual([
      ['shop.example', 'open'],
      [undefined, 'open'],
      ['shop.example', 'half-open'],
    ]);
  });

  it('has nothing to remember when all went well, or trouble is long ago', () => {
    const { breaker, clock, calls, waiter } = setUp(small);
    expect(breaker.idle).toBe(true);
    const ticket = breaker.try();
    expect(breaker.idle).toBe(false);
    breaker.record(ticket, 'success', 0);
    expect(breaker.idle).toBe(true);
    calls('x');
    expect(breaker.idle).toBe(false);
    breaker.reset();
    expect(breaker.idle).toBe(true);
    calls('xxxx');
    const cancel = waiter('a', []);
    clock.to(1000);
    cancel();
    expect(breaker.idle).toBe(false);
    clock.to(719_999);
    expect(breaker.idle).toBe(false);
    clock.to(720_000);
    expect(breaker.idle).toBe(true);
    breaker.forceOpen();
    expect(breaker.idle).toBe(false);
    breaker.disable();
    expect(breaker.idle).toBe(false);
    breaker.reset();
    expect(breaker.idle).toBe(true);
    waiter('b', []);
    expect(breaker.idle).toBe(false);
  });

  it('forgets lanes with nothing to remember, and keeps those that are open', () => {
    const { breaker } = setUp(small);
    const down = breaker.of('down');
    for (let n = 0; n < 4; n++) down.record(down.try(), 'failure', 0);
    const well = breaker.of('well');
    for (let n = 0; n < 5000; n++) breaker.of(`host ${n}`);
    expect(breaker.of('down')).toBe(down);
    expect(breaker.of('well')).not.toBe(well);
  });
});

describe('Breaker, saved and restored', () => {
  const reload = (breaker: Breaker, options: BreakerOptions = small) => {
    const saved: unknown = JSON.parse(JSON.stringify(breaker));
    const all = setUp(options);
    all.clock.to(5_000_000); // another process, another clock
    all.breaker.restore(saved);
    return all;
  };

  it('says what it is', () => {
    const { breaker, clock, calls } = setUp(small);
    calls('.-xxx');
    breaker.try();
    clock.to(10_000);
    expect(JSON.parse(JSON.stringify(breaker))).toEqual({
      state: 'open',
      remainingMs: 20_000,
      openForMs: 30_000,
      counts: { calls: 4, failures: 3, slow: 0, ignored: 1, late: 0, rejected: 1 },
    });
    clock.to(50_000);
    expect(breaker.toJSON().remainingMs).toBe(0);
  });

  it.each([0, 1, 29_999, 30_000, 40_000])('is open for the rest of its time: saved after %d ms', (after) => {
    const { breaker, clock, calls } = setUp(small);
    calls('xxxx');
    clock.to(after);
    const again = reload(breaker);
    const rest = Math.max(0, 30_000 - after);
    expect(again.told).toMatchObject([{ from: 'closed', to: 'open', reason: 'restored', openForMs: rest }]);
    const log: string[] = [];
    if (rest > 0) {
      again.clock.to(5_000_000 + rest - 1);
      expect(again.breaker.try()).toBe(0);
      again.waiter('a', log);
    }
    again.clock.to(5_000_000 + rest);
    again.calls(rest > 0 ? 'xx' : 'xxx');
    if (rest > 0) expect(log).toEqual([`a at ${5_000_000 + rest}`]);
    else expect(again.told.at(-1)).toMatchObject({ to: 'open', openForMs: 60_000 });
  });

  it('goes on with the doubling, within the limits of its own options', () => {
    const { breaker, clock, calls } = setUp(small);
    calls('xxxx');
    clock.to(30_000);
    calls('xxx');
    const { breaker: next, clock: later, calls: call, told } = reload(breaker);
    later.to(5_060_000);
    expect(next.try()).toBeGreaterThan(0);
    next.reset();
    expect(told).toHaveLength(3);
    call('xxxx');
    expect(told.at(-1)!.openForMs).toBe(30_000);

    for (const [options, openForMs] of [
      [{ ...small, open: '70s' }, 70_000],
      [{ ...small, open: '1s', maxOpen: '2s' }, 2000],
      [small, 60_000],
    ] as const) {
      expect(reload(breaker, options).breaker.toJSON()).toMatchObject({ remainingMs: 60_000, openForMs });
    }
  });

  it('tries the server at once when it was half-open', () => {
    const { breaker, clock, calls } = setUp(small);
    calls('xxxx');
    clock.to(30_000);
    breaker.try();
    const { breaker: next, told } = reload(breaker);
    expect(next.state).toBe('open');
    expect(next.try()).toBeGreaterThan(0);
    expect(told.map(({ to }) => to)).toEqual(['open', 'half-open']);
    const { breaker: other } = setUp(small);
    other.restore({ ...breaker.toJSON(), remainingMs: 5000 });
    expect(other.try()).toBeGreaterThan(0);
  });

  it('begins to count `maxWait` anew, and is not forgotten', () => {
    const { breaker, calls } = setUp(small);
    calls('xxxx');
    const { breaker: next, clock, waiter } = reload(breaker, { ...small, maxWait: '10s' });
    expect(next.idle).toBe(false);
    const log: string[] = [];
    waiter('a', log);
    clock.to(6_000_000);
    expect(log).toEqual(['a: halted at 5010000']);
  });

  it.each(['closed', 'forced-open', 'disabled'] as const)('stays %s', (state) => {
    const { breaker, calls } = setUp(small);
    calls('xxx');
    if (state === 'forced-open') breaker.forceOpen();
    if (state === 'disabled') breaker.disable();
    const { breaker: next, calls: call } = reload(breaker);
    expect(next.state).toBe(state);
    expect(next.try() > 0).toBe(state !== 'forced-open');
    if (state !== 'forced-open') call('xxx'); // the window is empty
    expect(next.state).toBe(state);
    expect(next.counts.calls).toBe(state === 'forced-open' ? 0 : 3);
  });

  it('wakes those who wait when what was saved lets them start', () => {
    const { breaker, calls, waiter } = setUp(small);
    const saved = breaker.toJSON();
    const log: string[] = [];
    calls('xxxx');
    waiter('a', log);
    breaker.restore(saved);
    expect(log).toEqual(['a at 0']);
  });

  it('keeps the lanes that are not closed', () => {
    const { breaker } = setUp(small);
    breaker.of('well').record(breaker.of('well').try(), 'success', 0);
    breaker.of('__proto__').forceOpen();
    const { breaker: next } = reload(breaker);
    expect([next.of('well').state, next.of('__proto__').state, next.state]).toEqual([
      'closed',
      'forced-open',
      'closed',
    ]);
    expect(next.toJSON().lanes).toMatchObject([['__proto__', { state: 'forced-open' }]]);
  });

  const good = setUp().breaker.toJSON();
  it.each<[string, unknown, string]>([
    ['nothing', undefined, 'expected object, received undefined'],
    ['a text', 'open', 'expected object, received string'],
    ['no state', { ...good, state: undefined }, '`state`: '],
    ['another state', { ...good, state: 'ajar' }, '`state`: '],
    ['a time below 0', { ...good, remainingMs: -1 }, '`remainingMs`: '],
    ['no number', { ...good, remainingMs: 'soon' }, '`remainingMs`: '],
    ['an endless time', { ...good, openForMs: Infinity }, '`openForMs`: '],
    ['wrong counts', { ...good, counts: { ...good.counts, late: 0.5 } }, '`counts.late`: '],
    ['no counts', { ...good, counts: undefined }, '`counts`: '],
    ['more than there is', { ...good, until: 5 }, 'Unrecognized key: "until"'],
    ['a lane that is none', { ...good, lanes: [['a', { ...good, state: 5 }]] }, '`lanes.0.1.state`: '],
  ])('refuses %s, and stays as it was', (_, saved, message) => {
    const { breaker, told } = setUp();
    let thrown: BatchxError | undefined;
    try {
      breaker.restore(saved);
    } catch (error) {
      thrown = error as BatchxError;
    }
    expect(thrown?.code).toBe('usage');
    expect(thrown?.message).toContain('a saved breaker: ');
    expect(thrown?.message).toContain(message);
    expect([breaker.state, told]).toEqual(['closed', []]);
  });
});

describe('breaker options', () => {
  it('has defaults, for which `true` stands too', () => {
    expect(breakerOptions.parse({})).toEqual({
      window: 20,
      minCalls: 10,
      failureRate: '50%',
      slowRate: '100%',
      open: '30s',
      maxOpen: '5m',
      halfOpen: 3,
      maxHalfOpen: '60s',
      onOpen: 'wait',
      maxWait: '15m',
    });
    expect(new Breaker().state).toBe('closed');
    expect(new Breaker(true).state).toBe('closed');
  });

  it('may be parsed again, and has a JSON Schema and a text for each', () => {
    const parsed = breakerOptions.parse({ window: '60s', slowCall: '1s', failureRate: '12.5%' });
    expect(breakerOptions.parse(parsed)).toEqual(parsed);
    expect(z.toJSONSchema(breakerOptions, { io: 'input' })).toMatchObject({ additionalProperties: false });
    for (const [name, field] of Object.entries(breakerOptions.shape)) expect(field.description, name).toMatch(/\.$/);
  });

  const share = 'expected a share of more than 0% and at most 100%, such as "50%", got';
  const window =
    'expected a whole number of calls of at least 1, or a time of whole seconds up to "1h" such as "60s", got';
  const time = 'expected a time such as "500ms", "2s" or "1.5m", got';
  it.each<[unknown, string]>([
    [{ failureRate: 50 }, `\`failureRate\`: ${share} 50 (number)`],
    [{ failureRate: 0.5 }, `\`failureRate\`: ${share} 0.5 (number)`],
    [{ failureRate: '50' }, `\`failureRate\`: ${share} "50"`],
    [{ failureRate: '0%' }, `\`failureRate\`: ${share} "0%"`],
    [{ failureRate: '100.001%' }, `\`failureRate\`: ${share} "100.001%"`],
    [{ slowRate: '-5%' }, `\`slowRate\`: ${share} "-5%"`],
    [{ window: 0 }, `\`window\`: ${window} 0 (number)`],
    [{ window: 1.5 }, `\`window\`: ${window} 1.5 (number)`],
    [{ window: '1500ms' }, `\`window\`: ${window} "1500ms"`],
    [{ window: '20' }, `\`window\`: ${window} "20"`],
    [{ window: '61m' }, `\`window\`: ${window} "61m"`],
    [{ window: true }, `\`window\`: ${window} true (boolean)`],
    [{ open: '0s' }, '`open`: expected a time longer than 0, got "0s"'],
    [{ open: 30 }, `\`open\`: ${time} 30 (number)`],
    [{ maxHalfOpen: 'long' }, `\`maxHalfOpen\`: ${time} "long"`],
    [{ maxWait: '' }, `\`maxWait\`: ${time} ""`],
  ])('refuses %o', (options, message) => {
    expect(() => new Breaker(options as BreakerOptions)).toThrow(
      expect.objectContaining({ code: 'usage', message: `breaker: ${message}` }),
    );
  });

  it.each<[unknown, string]>([
    [{ minCalls: 0 }, '`minCalls`: '],
    [{ halfOpen: 0 }, '`halfOpen`: '],
    [{ onOpen: 'panic' }, '`onOpen`: '],
    [{ opeFor: '1s' }, 'Unrecognized key: "opeFor"'],
    [false, 'Invalid input: expected object, received boolean'],
  ])('refuses %o', (options, message) => {
    expect(() => new Breaker(options as BreakerOptions)).toThrow(`breaker: ${message}`);
  });
});

describe('verdictOf', () => {
  it.each([
    ['transient', 'failure'],
    ['unprocessed', 'failure'],
    ['ambiguous', 'failure'],
    ['throttled', 'ignored'],
    ['permanent', 'ignored'],
    ['bug', 'ignored'],
    ['resource', 'ignored'],
    ['fatal', 'ignored'],
    ['cancelled', 'ignored'],
  ] as const)('%s: %s', (kind, verdict) => {
    expect(verdictOf(new BatchxError('http' satisfies ErrorCode, '', { class: kind }))).toBe(verdict);
  });

  it('knows errors of others by what they are', () => {
    expect(verdictOf(Object.assign(new Error(), { code: 'ECONNREFUSED' }))).toBe('failure');
    expect(verdictOf(Object.assign(new Error(), { code: 'EMFILE' }))).toBe('ignored');
    expect(verdictOf(new TypeError('x is not a function'))).toBe('ignored');
    expect(verdictOf('gone')).toBe('failure');
  });
});

describe('Breaker, against a simple model of the table', () => {
  interface Result {
    readonly at: number;
    readonly failed: boolean;
    readonly slow: boolean;
  }

  /** Says again what the table says, with lists and no cleverness. */
  class Model {
    now = 0;
    state = 'closed';
    until = 0;
    doublings = 0;
    /** Counts the states, so that tickets of earlier ones are known. */
    era = 1;
    results: Result[] = [];
    /** Tickets of this state that are out, and how many of them are of calls that run. */
    out = 0;
    running = 0;
    /** The state in which what was tried was last found to be bad. */
    judged = 0;
    waiting: number[] = [];
    outage: number | undefined = undefined;
    counts = { calls: 0, failures: 0, slow: 0, ignored: 0, late: 0, rejected: 0 };
    readonly events: string[] = [];
    readonly tickets: { readonly era: number; begun: boolean }[] = [];
    readonly woken: string[] = [];
    readonly with: Options;
    constructor(options: Options) {
      this.with = options;
    }

    go(state: string, why: 'bad' | 'on' | '' = ''): void {
      if (state !== this.state) this.events.push(`${this.state} -> ${state} at ${this.now}`);
      this.state = state;
      this.era++;
      this.out = this.running = 0;
      if (why === 'bad') this.judged = this.era;
      if ((state === 'half-open' && why !== 'on') || state === 'closed') this.results = [];
      if (state === 'closed') this.doublings = 0;
      if (state === 'open') {
        const asked = Math.min(this.with.open * 2 ** this.doublings, this.with.maxOpen);
        this.until = this.now + asked + asked / 20;
        this.outage ??= this.now;
      }
      if (state === 'half-open') this.until = Infinity;
    }

    tick(): void {
      if (this.state === 'open' && this.now >= this.until) this.go('half-open');
      else if (this.state === 'half-open' && this.now >= this.until) {
        this.doublings++;
        this.go('open');
      }
    }

    get free(): number {
      if (this.state === 'half-open') return Math.max(0, this.with.halfOpen - this.out - this.results.length);
      return this.state === 'closed' || this.state === 'disabled' ? Infinity : 0;
    }

    try(begins = true): boolean {
      this.tick();
      if (this.free === 0) {
        this.counts.rejected++;
        return false;
      }
      this.out++;
      this.tickets.push({ era: this.era, begun: false });
      if (begins) this.begin(this.tickets.length - 1);
      return true;
    }

    begin(index: number): void {
      const ticket = this.tickets[index]!;
      ticket.begun = true;
      if (ticket.era !== this.era) return;
      this.running++;
      if (this.state === 'half-open' && this.running === 1) this.until = this.now + this.with.maxHalfOpen;
    }

    giveBack(index: number): void {
      if (this.state === 'half-open') this.tick();
      const [ticket] = this.tickets.splice(index, 1);
      if (ticket!.era === this.era) this.out--;
      this.wake();
    }

    record(index: number, result: 'success' | 'failure' | 'ignored', slow: boolean): void {
      if (this.state === 'half-open') this.tick();
      const [ticket] = this.tickets.splice(index, 1);
      const tries = this.state === 'open' || this.state === 'half-open';
      if (ticket!.era !== this.era && result === 'success' && tries && ticket!.era > this.judged) {
        if (this.state === 'open') {
          this.doublings--;
          this.go('half-open', 'on');
        }
        this.judge(false, slow);
      } else if (ticket!.era !== this.era) {
        this.counts.late++;
        const began = this.now - (slow ? 1001 : 1000);
        if (result === 'success' && this.outage !== undefined && began >= this.outage) this.outage = this.now;
      } else {
        this.out--;
        this.running--;
        if (this.state === 'half-open' && this.running === 0) this.until = Infinity;
        if (result === 'ignored') this.counts.ignored++;
        else this.judge(result === 'failure', slow);
      }
      this.wake();
    }

    judge(failed: boolean, slow: boolean): void {
      const { window, minCalls, failureRate, slowRate, halfOpen } = this.with;
      this.counts.calls++;
      if (failed) this.counts.failures++;
      else this.outage = undefined;
      if (slow) this.counts.slow++;
      if (this.state === 'disabled') return;
      this.results.push({ at: this.now, failed, slow });
      let seen = this.results;
      if (this.state === 'closed') {
        const second = (at: number): number => Math.floor(at / 1000);
        if (typeof window === 'number') seen = seen.slice(-window);
        else seen = seen.filter(({ at }) => second(this.now) - second(at) < Number.parseInt(window));
        const enough = typeof window === 'number' ? Math.min(minCalls, window) : minCalls;
        if (seen.length < enough) return;
      } else if (seen.length < halfOpen) return;
      const share = (some: Result[]): number => (100 * some.length) / seen.length;
      const bad =
        share(seen.filter((result) => result.failed)) >= failureRate ||
        share(seen.filter((result) => result.slow)) >= slowRate;
      if (bad && this.state === 'half-open') this.doublings++;
      if (bad) this.go('open', 'bad');
      else if (this.state === 'half-open') this.go('closed');
    }

    command(state: string): void {
      this.outage = undefined;
      if (state === 'closed' || state !== this.state) this.go(state);
      this.wake();
    }

    get over(): boolean {
      return this.state === 'open' && this.outage !== undefined && this.now >= this.outage + this.with.maxWait;
    }

    /** Each that is woken takes a ticket. */
    wake(): void {
      while (this.waiting.length > 0 && (this.over || this.free > 0)) {
        const id = this.waiting.shift()!;
        this.woken.push(`${id} ${this.over ? 'halted' : 'goes'} at ${this.now}`);
        if (!this.over) this.try();
      }
    }

    wait(id: number): void {
      this.waiting.push(id);
    }

    to(time: number, jump: boolean): void {
      while (this.waiting.length > 0) {
        const due = [this.now]; // those that need not wait
        if (this.free === 0 && !this.over) {
          due.pop();
          if (this.state === 'open' || this.state === 'half-open') due.push(this.until);
          if (this.state === 'open' && this.outage !== undefined) due.push(this.outage + this.with.maxWait);
        }
        const next = Math.min(...due);
        if (next > time) break;
        this.now = jump ? time : Math.max(this.now, next);
        this.tick();
        this.wake();
      }
      this.now = time;
    }
  }

  interface Options {
    readonly window: number | string;
    readonly minCalls: number;
    readonly failureRate: number;
    readonly slowRate: number;
    readonly open: number;
    readonly maxOpen: number;
    readonly halfOpen: number;
    readonly maxHalfOpen: number;
    readonly maxWait: number;
  }

  const rate = fc.constantFrom(1, 25, 50, 60, 100);
  const anyOptions: fc.Arbitrary<Options> = fc.record({
    window: fc.oneof(fc.integer({ min: 1, max: 6 }), fc.constantFrom('1s', '2s', '5s')),
    minCalls: fc.integer({ min: 1, max: 7 }),
    failureRate: rate,
    slowRate: rate,
    open: fc.constantFrom(1000, 2000, 4000),
    maxOpen: fc.constantFrom(4000, 6000),
    halfOpen: fc.integer({ min: 1, max: 3 }),
    maxHalfOpen: fc.constantFrom(500, 3000),
    maxWait: fc.constantFrom(1000, 10_000, 20_000),
  });
  type Step =
    | { readonly do: 'try' | 'reserve' | 'wait' | 'valid' | 'forceOpen' | 'disable' | 'reset' }
    | { readonly do: 'begin' | 'giveBack'; readonly which: number }
    | {
        readonly do: 'record';
        readonly which: number;
        readonly result: 'success' | 'failure' | 'ignored';
        readonly slow: boolean;
      }
    | { readonly do: 'advance'; readonly ms: number | 'until'; readonly jump: boolean };
  const result = fc.constantFrom<'success' | 'failure' | 'ignored'>('success', 'failure', 'failure', 'ignored');
  const anyStep: fc.Arbitrary<Step> = fc.oneof(
    { weight: 12, arbitrary: fc.record({ do: fc.constant('try' as const) }) },
    {
      weight: 12,
      arbitrary: fc.record({ do: fc.constant('record' as const), which: fc.nat(), result, slow: fc.boolean() }),
    },
    { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('wait' as const, 'valid' as const) }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('reserve' as const) }) },
    {
      weight: 3,
      arbitrary: fc.record({ do: fc.constantFrom('begin' as const, 'giveBack' as const), which: fc.nat() }),
    },
    {
      weight: 4,
      arbitrary: fc.record({
        do: fc.constant('advance' as const),
        ms: fc.oneof(fc.constantFrom(1, 499, 500, 1000, 'until' as const), fc.nat(30_000)),
        jump: fc.boolean(),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ do: fc.constantFrom('forceOpen' as const, 'disable' as const, 'reset' as const) }),
    },
  );
  const untilOf = ({ now, until }: Model): number => (until === Infinity ? now : Math.max(now, until));
  const named = { forceOpen: 'forced-open', disable: 'disabled', reset: 'closed' };

  it('does the same in every state, at every step', () => {
    const seen = new Set<string>();
    fc.assert(
      fc.property(anyOptions, fc.array(anyStep, { minLength: 60, maxLength: 120 }), (options, steps) => {
        const model = new Model(options);
        const { breaker, clock, told } = setUp(
          {
            ...options,
            failureRate: `${options.failureRate}%`,
            slowRate: `${options.slowRate}%`,
            slowCall: '1s',
            open: `${options.open}ms`,
            maxOpen: `${options.maxOpen}ms`,
            maxHalfOpen: `${options.maxHalfOpen}ms`,
            maxWait: `${options.maxWait}ms`,
          },
          () => 0.5,
        );
        const tickets: number[] = [];
        const woken: string[] = [];
        let id = 0;
        /** One of the tickets of a kind. */
        const any = (which: number, kind: (ticket: (typeof model.tickets)[number]) => boolean): number | undefined => {
          const all = [...model.tickets.keys()].filter((index) => kind(model.tickets[index]!));
          return all[which % all.length];
        };
        for (const step of steps) {
          switch (step.do) {
            case 'try': {
              const ticket = breaker.try();
              if (ticket > 0) tickets.push(ticket);
              if (ticket > 0 !== model.try()) throw new Error(`a ticket of ${ticket} at ${clock.now()}`);
              break;
            }
            case 'wait': {
              const own = id++;
              breaker.wait((error) => {
                woken.push(`${own} ${error === undefined ? 'goes' : error.code} at ${clock.now()}`);
                if (error === undefined) tickets.push(breaker.try());
              });
              model.wait(own);
              break;
            }
            case 'valid':
              if (model.state === 'half-open') model.tick();
              for (const [index, ticket] of tickets.entries()) {
                if (breaker.valid(ticket) !== (model.tickets[index]!.era === model.era)) throw new Error('not valid');
              }
              if (tickets.length === 0) breaker.valid(1);
              break;
            case 'reserve': {
              const ticket = breaker.reserve();
              if (ticket > 0) tickets.push(ticket);
              if (ticket > 0 !== model.try(false)) throw new Error(`a place of ${ticket} at ${clock.now()}`);
              break;
            }
            case 'begin': {
              const index = any(step.which, (ticket) => !ticket.begun);
              if (index === undefined) break;
              model.begin(index);
              breaker.begin(tickets[index]!);
              break;
            }
            case 'giveBack': {
              const index = any(step.which, (ticket) => !ticket.begun);
              if (index === undefined) break;
              const [ticket] = tickets.splice(index, 1);
              model.giveBack(index);
              breaker.giveBack(ticket!);
              break;
            }
            case 'record': {
              const index = any(step.which, (ticket) => ticket.begun);
              if (index === undefined) break;
              const [ticket] = tickets.splice(index, 1);
              // First the model's list: who is woken by this appends to both.
              model.record(index, step.result, step.slow);
              breaker.record(ticket!, step.result, step.slow ? 1001 : 1000);
              break;
            }
            case 'advance': {
              const time = step.ms === 'until' ? untilOf(model) : model.now + step.ms;
              if (step.jump) clock.jumpTo(time);
              else clock.to(time);
              model.to(time, step.jump);
              break;
            }
            default:
              breaker[step.do]();
              model.command(named[step.do]);
          }
          const is = [breaker.state, breaker.toJSON().remainingMs, breaker.waiting, told.length, woken.length];
          const remaining = model.state === 'open' ? Math.max(0, model.until - model.now) : 0;
          const { waiting, events } = model;
          expect(is).toEqual([model.state, remaining, waiting.length, events.length, model.woken.length]);
        }
        expect(breaker.counts).toEqual(model.counts);
        expect(told.map(({ from, to, at }) => `${from} -> ${to} at ${at}`)).toEqual(model.events);
        expect(woken).toEqual(model.woken);
        for (const { from, to, reason } of told) seen.add(`${from} -> ${to}: ${reason}`);
        if (woken.some((line) => line.includes('halted'))) seen.add('halted');
      }),
      { numRuns: 250 },
    );
    // The property is worth what it reaches.
    expect([...seen].sort()).toEqual(
      expect.arrayContaining([
        'closed -> open: failure-rate',
        'closed -> open: slow-rate',
        'half-open -> closed: recovered',
        'half-open -> open: failure-rate',
        'half-open -> open: half-open-over',
        'half-open -> open: slow-rate',
        'halted',
        'open -> half-open: late-success',
        'open -> half-open: open-over',
      ]),
    );
  });
});
