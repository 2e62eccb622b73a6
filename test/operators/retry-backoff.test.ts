import fc from 'fast-check';
import { defer, from, NEVER, Observable, of, take, throwError, toArray } from 'rxjs';
import { catchError, map } from 'rxjs/operators';
import { describe, expect, it } from 'vitest';
import type { ErrorClass } from '../../src/core/error-class.js';
import { BatchxError } from '../../src/core/errors.js';
import { Backoff } from '../../src/core/policy/backoff.js';
import { Breaker } from '../../src/core/policy/breaker.js';
import { Deadline } from '../../src/core/policy/deadline.js';
import { Limiter } from '../../src/core/policy/limiter.js';
import { pull } from '../../src/core/pull.js';
import type { Slot } from '../../src/core/slot.js';
import { mapConcurrent } from '../../src/operators/flow/map-concurrent.js';
import { circuitBreaker } from '../../src/operators/policies/circuit-breaker.js';
import { rateLimit } from '../../src/operators/policies/rate-limit.js';
import { retryBackoff, type RetryOptions } from '../../src/operators/policies/retry-backoff.js';
import { timeLimit } from '../../src/operators/policies/time-limit.js';
import { fakeRuntime } from '../../src/testing/fake-runtime.js';
import { marbles } from '../../src/testing/marbles.js';
import { Clock } from '../core/policy/play.js';
import { record, upTo } from './helpers.js';

const ofClass = (kind: ErrorClass, retryAfterMs?: number): BatchxError =>
  new BatchxError('http', kind, { class: kind, ...(retryAfterMs !== undefined && { retryAfterMs }) });
const plain = { initial: '2ms', jitter: 'none' } as const;

/** A slot that says what was asked of it. */
class TestSlot implements Slot {
  readonly signal = new AbortController().signal;
  readonly log: string[] = [];
  go: (() => void) | undefined;
  hold = (): void => undefined;
  park = (): void => {
    this.log.push('park');
  };
  unpark = (go: () => void): void => {
    this.log.push('unpark');
    this.go = go;
  };
}

describe('retryBackoff', () => {
  it(
    'subscribes again after waits that grow',
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const call = cold(' --#');
      const expected = '  --2ms--4ms--8ms--#'
        .replaceAll('2ms', '--')
        .replaceAll('4ms', '----')
        .replaceAll('8ms', '--------');
      const subs = ['     ^-!', '    ----^-!', '    ----------^-!', '    --------------------^-!'];
      expectObservable(call.pipe(retryBackoff({ retries: 3, ...plain }, {}, fakeRuntime()))).toBe(expected);
      expectSubscriptions(call.subscriptions).toBe(subs);
    }),
  );

  it(
    'emits what the call emits, of each attempt, and completes with it',
    marbles(({ cold, expectObservable }) => {
      const calls = [cold('-a-#'), cold('-b-|')];
      const call = defer(() => calls.shift() as Observable<string>);
      expectObservable(call.pipe(retryBackoff(plain, {}, fakeRuntime()))).toBe('-a----b-|');
    }),
  );

  it(
    'passes empty, endless and well ended calls on, and an error when there are no retries',
    marbles(({ cold, expectObservable }) => {
      const runtime = fakeRuntime();
      expectObservable(cold('--|').pipe(retryBackoff(3, {}, runtime))).toBe('--|');
      expectObservable(cold('-a-').pipe(retryBackoff(3, {}, runtime))).toBe('-a-');
      expectObservable(cold('-ab(c|)').pipe(retryBackoff(3, {}, runtime))).toBe('-ab(c|)');
      expectObservable(cold('-a#').pipe(retryBackoff(0, {}, runtime))).toBe('-a#');
    }),
  );

  it(
    'ends the call, or the wait, when it is left',
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const call = cold('--#');
      const left = call.pipe(retryBackoff({ retries: 9, ...plain }, {}, fakeRuntime()));
      expectObservable(left, '-----!').toBe('-');
      expectSubscriptions(call.subscriptions).toBe(['^-!', '----^!']);
      const other = cold('--#');
      expectObservable(other.pipe(retryBackoff({ retries: 9, ...plain }, {}, fakeRuntime())), '---!').toBe('-');
      expectSubscriptions(other.subscriptions).toBe(['^-!']);
    }),
  );

  it('leaves no timer when it is left in a wait', () => {
    const clock = new Clock();
    const failing = throwError(() => new Error('no')).pipe(retryBackoff(3, {}, clock.runtime()));
    const subscription = failing.subscribe();
    expect(clock.scheduler.actions).toHaveLength(1);
    subscription.unsubscribe();
    expect(clock.scheduler.actions).toEqual([]);
  });

  it('counts anew for each subscription, and shares what it was given', () => {
    let calls = 0;
    const call = defer(() => {
      calls++;
      return throwError(() => new Error('no'));
    });
    const clock = new Clock();
    const tried = call.pipe(retryBackoff(new Backoff({ retries: 2, ...plain }, clock.runtime()), {}, clock.runtime()));
    record(tried);
    record(tried);
    clock.scheduler.flush();
    expect(calls).toBe(6);
  });

  it('tries synchronous failures again without a deeper stack, and leaves no timer', () => {
    const clock = new Clock();
    let left = 20_000;
    const call = defer(() => (left-- > 0 ? throwError(() => new Error('no')) : of('done')));
    const seen = record(call.pipe(retryBackoff({ retries: Infinity, initial: '0ms' }, {}, clock.runtime())));
    clock.scheduler.flush();
    expect(seen.values).toEqual(['done']);
    expect(clock.scheduler.actions).toEqual([]);
  });

  it('leaves an endless synchronous call in the middle', () => {
    const endless = new Observable<number>((subscriber) => {
      for (let n = 0; !subscriber.closed; n++) subscriber.next(n);
    });
    expect(record(endless.pipe(retryBackoff(3), take(3)))).toMatchObject({ values: [0, 1, 2] });
  });

  it.each(['permanent', 'bug', 'fatal', 'cancelled'] as const)('does not try %s errors again', (kind) => {
    const error = ofClass(kind);
    expect(record(throwError(() => error).pipe(retryBackoff(3)))).toMatchObject({ error });
  });

  it('does not try again what a breaker refuses: that is for the breaker to say', async () => {
    const clock = new Clock();
    const breaker = new Breaker({ onOpen: 'fail' }, clock.runtime());
    breaker.forceOpen();
    const seen = record(of(1).pipe(circuitBreaker(breaker), retryBackoff(3, { breaker }, clock.runtime())));
    await clock.play();
    expect(seen).toMatchObject({ error: { code: 'open' } });
    expect(clock.now).toBe(0);
  });

  it('goes by `retryIf` instead, and passes on what that throws', () => {
    const clock = new Clock();
    const seen: unknown[] = [];
    const retryIf = (error: unknown, attempt: number): boolean => {
      seen.push([(error as Error).message, attempt]);
      return attempt < 3;
    };
    record(throwError(() => ofClass('permanent')).pipe(retryBackoff(9, { retryIf }, clock.runtime())));
    clock.scheduler.flush();
    expect(seen).toEqual([
      ['permanent', 1],
      ['permanent', 2],
      ['permanent', 3],
    ]);
    const fault = new Error('in retryIf');
    const broken = (): never => {
      throw fault;
    };
    expect(record(throwError(() => 'no').pipe(retryBackoff(9, { retryIf: broken })))).toMatchObject({ error: fault });
  });

  it('never undercuts a Retry-After, which costs no retries', () => {
    const clock = new Clock();
    const calls: number[] = [];
    const call = defer(() => {
      calls.push(clock.now);
      return calls.length < 4 ? throwError(() => ofClass('throttled', 5_000)) : of('done');
    });
    record(call.pipe(retryBackoff({ retries: 0 }, {}, clock.runtime({ random: () => 0.5 }))));
    clock.scheduler.flush();
    expect(calls).toEqual([0, 5_250, 10_500, 15_750]);
  });

  it('looks at the budget before it waits', () => {
    const clock = new Clock();
    let calls = 0;
    const call = defer(() => {
      calls++;
      return throwError(() => new Error('no'));
    });
    const options = { retries: 9, initial: '100ms', jitter: 'none', deadline: '1s' } as const;
    record(call.pipe(retryBackoff(options, {}, clock.runtime())));
    clock.scheduler.flush();
    expect([calls, clock.now]).toEqual([4, 700]);
  });

  it('does not count what it waits for a breaker against the budget', async () => {
    const clock = new Clock();
    const runtime = clock.runtime({ random: () => 0 });
    const breaker = new Breaker({ window: 1, minCalls: 1, halfOpen: 1, open: '30s' }, runtime);
    const calls: number[] = [];
    const call = defer(() => {
      calls.push(clock.now);
      return calls.length < 3 ? throwError(() => new Error('down')) : of('done');
    });
    const backoff = { retries: 1, initial: '1s', jitter: 'none', deadline: '2s' } as const;
    const seen = record(call.pipe(circuitBreaker(breaker), retryBackoff(backoff, { breaker }, runtime)));
    await clock.play();
    expect(seen.values).toEqual(['done']);
    expect(calls).toEqual([0, 30_000, 90_000]);
  });

  describe('with a slot', () => {
    const wait = (options: object, error: unknown = new Error('no')): [Clock, TestSlot, () => void] => {
      const clock = new Clock();
      const slot = new TestSlot();
      const call = throwError(() => error).pipe(
        retryBackoff({ retries: 1, jitter: 'none', ...options }, { slot }, clock.runtime()),
      );
      const subscription = call.subscribe({ error: () => slot.log.push(`failed at ${clock.now}`) });
      return [clock, slot, () => subscription.unsubscribe()];
    };

    it('keeps it for a second', () => {
      const [clock, slot] = wait({ initial: '1s' });
      clock.scheduler.flush();
      expect(slot.log).toEqual(['failed at 1000']);
    });

    it('gives it back for longer, and waits for it again', () => {
      const [clock, slot] = wait({ initial: '1001ms' });
      clock.scheduler.flush();
      expect(slot.log).toEqual(['park', 'unpark']);
      clock.jump(500);
      slot.go?.();
      expect(slot.log).toEqual(['park', 'unpark', 'failed at 1501']);
    });

    it('asks for it when it is left, as what comes then runs in it; and needs it no more', () => {
      const [, slot, leave] = wait({ initial: '5s' });
      leave();
      expect(slot.log).toEqual(['park', 'unpark']);
      slot.go?.();
      expect(slot.log).toEqual(['park', 'unpark']);
      const [clock, asked, leaveLater] = wait({ initial: '5s' });
      clock.scheduler.flush();
      leaveLater();
      asked.go?.();
      expect(asked.log).toEqual(['park', 'unpark']);
    });
  });

  it('finds none of the rooms of those amid whose subscription it goes on', async () => {
    const clock = new Clock();
    const slot = new TestSlot();
    let read = 0;
    let attempt = 0;
    const inner = pull(() => [upTo(1000)], { onEmit: () => read++ });
    const call = defer(() => (++attempt === 1 ? throwError(() => new Error('no')) : inner));
    record(call.pipe(retryBackoff({ initial: '5s', jitter: 'none' }, { slot }, clock.runtime())));
    await clock.play();
    // In the middle of a subscription that announces a room, which is full by then.
    const opening = new Observable<number>((subscriber) => {
      for (let n = 0; n < 200; n++) subscriber.next(n);
      slot.go?.();
    });
    opening.pipe(mapConcurrent(() => NEVER, 1)).subscribe();
    expect(read).toBe(1000);
  });

  it('says what is wrong with its options when it is made', () => {
    const asked = 'retry: expected how often to try again, such as 3, or { retries, initial, factor, max, ... }';
    expect(() => retryBackoff('3' as never)).toThrow(`${asked}, got "3"`);
    expect(() => retryBackoff({ tries: 3 } as never)).toThrow('retry: Unrecognized key: "tries"');
    const wrong: [object, string][] = [
      [{ slot: 1 }, '`slot`: expected the slot of the call, got 1 (number)'],
      [{ breaker: true }, '`breaker`: expected a Breaker, got true (boolean)'],
      [{ retryIf: /x/ }, '`retryIf`: expected a function of the error, got a value of class RegExp'],
    ];
    for (const [options, message] of wrong) {
      expect(() => retryBackoff(3, options as RetryOptions)).toThrow(`retryBackoff: ${message}`);
    }
  });
});

describe('the operators of a call together', () => {
  const acts = fc.record({
    does: fc.constantFrom('ok', 'ok', 'fails', 'fails', 'stops', 'returns', 'throws'),
    ms: fc.constantFrom(0, 1, 20, 150, 700, 1_400, 5_000),
    error: fc.constantFrom('transient', 'unprocessed', 'permanent', 'throttled', 'ambiguous'),
  });
  const worlds = fc.record({
    scripts: fc.array(fc.array(acts, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 8 }),
    concurrency: fc.integer({ min: 1, max: 4 }),
    maxWaiting: fc.constantFrom(0, 1, 2, 1000),
    ordered: fc.boolean(),
    keys: fc.constantFrom(0, 1, 3),
    retry: fc.record({
      retries: fc.integer({ min: 0, max: 3 }),
      initial: fc.constantFrom('0ms', '30ms', '900ms', '3s'),
      maxThrottleWait: fc.constantFrom('0s', '4s'),
    }),
    timeout: fc.constantFrom('100ms', '1s', '1h'),
    rate: fc.constantFrom('1/s', '20/s'),
    breaker: fc.constantFrom({}, { window: 2, minCalls: 1, halfOpen: 1, open: '2s', maxOpen: '4s' } as const),
    leaveAt: fc.option(fc.nat(8_000), { nil: Infinity }),
  });

  it('end each call, keep within the concurrency, and leave nothing behind', () =>
    fc.assert(
      fc.asyncProperty(worlds, async (world) => {
        const { scripts, concurrency, maxWaiting, ordered, keys, retry, timeout, rate, leaveAt } = world;
        const clock = new Clock();
        const runtime = clock.runtime();
        const [limiter, breaker] = [new Limiter(rate, runtime), new Breaker(world.breaker, runtime)];
        const [inTime, backoff] = [new Deadline(timeout, runtime), new Backoff(retry, runtime)];
        const attempts = scripts.map(() => 0);
        let running = 0;
        let most = 0;
        const call = (n: number): Observable<string> =>
          new Observable((subscriber) => {
            const script = scripts[n] ?? [];
            const { does, ms, error } =
              script[Math.min((attempts[n] as number)++, script.length - 1)] ?? (acts as never);
            const thrown = new BatchxError('http', error, {
              class: error,
              ...(error === 'throttled' && { retryAfterMs: 1_700 }),
            });
            most = Math.max(most, ++running);
            subscriber.add(() => running--);
            const end = (): void => {
              if (does === 'fails' || does === 'throws') subscriber.error(thrown);
              else if (does !== 'stops') {
                subscriber.next('ok');
                subscriber.complete();
              } else subscriber.error(ofClass('permanent'));
            };
            if (does === 'returns' || does === 'throws') end();
            else subscriber.add(clock.scheduler.schedule(end, ms));
          });
        const done: number[] = [];
        let ended: unknown;
        const subscription = from(scripts.keys())
          .pipe(
            mapConcurrent(
              (n, slot) => {
                const key = keys === 0 ? {} : { key: `host ${n % keys}` };
                const own = keys === 0 ? breaker : breaker.of(`host ${n % keys}`);
                return call(n).pipe(
                  timeLimit(inTime, runtime),
                  rateLimit(limiter, { slot, ...key }),
                  circuitBreaker(breaker, { slot, ...key }),
                  retryBackoff(backoff, { slot, breaker: own }, runtime),
                  toArray(),
                  catchError((error: unknown) => {
                    if (error instanceof BatchxError && error.class === 'fatal') throw error;
                    return of(error);
                  }),
                  map(() => n),
                );
              },
              { concurrency, maxWaiting, ordered },
            ),
          )
          .subscribe({
            next: (n) => done.push(n),
            error: (error: unknown) => (ended = error),
            complete: () => (ended = 'complete'),
          });
        if (leaveAt < Infinity) clock.scheduler.schedule(() => subscription.unsubscribe(), leaveAt);
        await clock.play(3_600_000);
        expect(new Set(done).size).toBe(done.length);
        expect(most).toBeLessThanOrEqual(concurrency);
        if (ended === 'complete') expect(done).toHaveLength(scripts.length);
        else if (leaveAt === Infinity) expect(ended).toMatchObject({ code: 'halted' });
        expect([running, clock.scheduler.actions, limiter.waiting, breaker.waiting]).toEqual([0, [], 0, 0]);
      }),
      { numRuns: Number(process.env['RUNS'] ?? 100) },
    ));
});
