import { Breaker, BatchxError, type BreakerOptions, circuitBreaker, mapConcurrent } from 'batchx';
import { fakeRuntime, marbles } from 'batchx/testing';
import { catchError, concat, defer, EMPTY, NEVER, Observable, of, Subject, take, throwError, timeout } from 'rxjs';
import { describe, expect, it } from 'vitest';
import type { Slot } from '../../src/core/slot.js';
import { inVirtualTime, record } from './helpers.js';

const opensAtOnce: BreakerOptions = { window: 1, open: '11ms', halfOpen: 1, maxHalfOpen: '1s' };

const closed = (options: BreakerOptions = opensAtOnce): Breaker =>
  new Breaker(options, fakeRuntime({ random: () => 0 }));

function opened(options: BreakerOptions = opensAtOnce): Breaker {
  const breaker = closed(options);
  fail(breaker);
  return breaker;
}

const fail = (breaker: Breaker): void => breaker.record(breaker.try(), 'failure', 0);

/** A slot that tells what is done with it, and gives itself back when it is told to. */
function fakeSlot(clock: () => number) {
  const log: string[] = [];
  const returns: (() => void)[] = [];
  const slot: Slot = {
    signal: new AbortController().signal,
    park: () => void log.push(`parked at ${clock()}`),
    unpark: (go) => {
      log.push(`asked at ${clock()}`);
      returns.push(go);
    },
    hold: () => undefined,
  };
  return { slot, log, giveBack: () => returns.shift()?.() };
}

describe('circuitBreaker, closed', () => {
  it(
    'emits what the call emits, and records its success when it completes',
    marbles(({ cold, expectObservable, expectSubscriptions, flush }) => {
      const breaker = closed();
      const call = cold('    -a-b-|');
      const subs = '         ^----!';
      const expected = '     -a-b-|';
      expectObservable(call.pipe(circuitBreaker(breaker))).toBe(expected);
      expectSubscriptions(call.subscriptions).toBe(subs);
      flush();
      expect(breaker.counts).toMatchObject({ calls: 1, failures: 0, ignored: 0 });
      expect(breaker.idle).toBe(true);
    }),
  );

  it(
    'passes an error, and records a failure of the server',
    marbles(({ cold, expectObservable, expectSubscriptions, flush }) => {
      const breaker = closed();
      const call = cold('    -a-#');
      expectObservable(call.pipe(circuitBreaker(breaker))).toBe('-a-#');
      expectSubscriptions(call.subscriptions).toBe('         ^--!');
      flush();
      expect(breaker.state).toBe('open');
    }),
  );

  it(
    'passes a call that is empty or never does anything',
    marbles(({ cold, expectObservable, flush }) => {
      const breaker = closed();
      expectObservable(cold('|').pipe(circuitBreaker(breaker))).toBe('|');
      expectObservable(cold('-').pipe(circuitBreaker(breaker))).toBe('-');
      flush();
      expect([breaker.counts.calls, breaker.idle]).toEqual([1, false]);
    }),
  );

  it(
    'ignores a call that is left before it has given anything',
    marbles(({ cold, expectObservable, expectSubscriptions, flush }) => {
      const breaker = closed();
      const call = cold('    ---a|');
      expectObservable(call.pipe(circuitBreaker(breaker)), '^-!').toBe('');
      expectSubscriptions(call.subscriptions).toBe('^-!');
      flush();
      expect(breaker.counts).toMatchObject({ calls: 0, ignored: 1 });
      expect(breaker.idle).toBe(true);
    }),
  );

  it(
    'takes a value for a success when the subscriber wants no more',
    marbles(({ cold, expectObservable, expectSubscriptions, flush }) => {
      const breaker = closed();
      const call = cold('    --a--b|');
      expectObservable(call.pipe(circuitBreaker(breaker), take(1))).toBe('--(a|)');
      expectSubscriptions(call.subscriptions).toBe('^-!');
      flush();
      expect(breaker.counts).toMatchObject({ calls: 1, failures: 0, ignored: 0 });
    }),
  );

  it('leaves an endless synchronous call in the middle', () => {
    const breaker = closed();
    let emitted = 0;
    const endless = new Observable<number>((subscriber) => {
      while (!subscriber.closed) subscriber.next(emitted++);
    });
    expect(record(endless.pipe(circuitBreaker(breaker), take(3)))).toMatchObject({ values: [0, 1, 2] });
    expect(emitted).toBe(3);
    expect(breaker.counts).toMatchObject({ calls: 1, failures: 0 });
  });

  it('asks again for each subscription', () => {
    const breaker = closed({ ...opensAtOnce, onOpen: 'fail' });
    let made = 0;
    const call = defer(() => (made++, throwError(() => new Error('down')))).pipe(circuitBreaker(breaker));
    expect(record(call)).toMatchObject({ error: { message: 'down' } });
    expect(record(call)).toMatchObject({ error: { code: 'open' } });
    expect(made).toBe(1);
  });

  it('has recorded before the subscriber is told', () => {
    const breaker = closed();
    const seen: string[] = [];
    const look = (): void => void seen.push(breaker.state);
    throwError(() => new Error())
      .pipe(circuitBreaker(breaker))
      .subscribe({ error: look });
    const half = closed();
    fail(half);
    half.reset();
    of(1)
      .pipe(circuitBreaker(half))
      .subscribe({ complete: () => seen.push(`${half.counts.calls}`) });
    expect(seen).toEqual(['open', '2']);
  });

  it('times calls by the clock of its breaker', () =>
    inVirtualTime((scheduler) => {
      const breaker = new Breaker({ window: 1, slowCall: '5ms' }, fakeRuntime({ scheduler }));
      const call = new Subject<number>();
      call.pipe(circuitBreaker(breaker)).subscribe();
      scheduler.schedule(() => call.complete(), 5);
      const slow = new Subject<number>();
      scheduler.schedule(() => void slow.pipe(circuitBreaker(breaker)).subscribe(), 10);
      scheduler.schedule(() => {
        expect(breaker.state).toBe('closed');
        slow.complete();
        expect([breaker.state, breaker.counts.slow]).toEqual(['open', 1]);
      }, 16);
    }));
});

describe('circuitBreaker, errors', () => {
  const after = (error: unknown, isFailure?: (error: unknown) => boolean) => {
    const breaker = closed();
    const call = throwError(() => error).pipe(circuitBreaker(breaker, isFailure && { isFailure }));
    const { error: told } = record(call);
    expect(breaker.idle || breaker.state === 'open').toBe(true); // the ticket is back
    return { told, state: breaker.state, ignored: breaker.counts.ignored };
  };

  it.each([
    ['transient', 'open'],
    ['unprocessed', 'open'],
    ['ambiguous', 'open'],
    ['throttled', 'closed'],
    ['permanent', 'closed'],
    ['bug', 'closed'],
    ['resource', 'closed'],
    ['fatal', 'closed'],
    ['cancelled', 'closed'],
  ] as const)('by its class: %s leaves it %s', (kind, state) => {
    const error = new BatchxError('http', 'no', { class: kind });
    expect(after(error)).toEqual({ told: error, state, ignored: state === 'open' ? 0 : 1 });
  });

  it('by `isFailure` instead', () => {
    const permanent = new BatchxError('http', 'no', { class: 'permanent' });
    const transient = new BatchxError('http', 'no', { class: 'transient' });
    expect(after(permanent, (error) => error === permanent).state).toBe('open');
    expect(after(transient, (error) => error === permanent)).toMatchObject({ state: 'closed', ignored: 1 });
  });

  it('passes what `isFailure` throws, and gives the ticket back', () => {
    const thrown = new Error('mine');
    const isFailure = (): boolean => {
      throw thrown;
    };
    expect(after(new Error('down'), isFailure)).toEqual({ told: thrown, state: 'closed', ignored: 1 });
    const breaker = closed();
    record(
      concat(
        of(1),
        throwError(() => new Error('down')),
      ).pipe(circuitBreaker(breaker, { isFailure })),
    );
    expect(breaker.counts).toMatchObject({ calls: 0, ignored: 1 });
  });
});

describe('circuitBreaker, open', () => {
  it(
    'does what its picture shows',
    marbles(({ cold, expectObservable, expectSubscriptions, flush }) => {
      const breaker = opened();
      const call = cold('               --a|');
      const subs = '         -----------^--!';
      const expected = '     -------------a|';
      expectObservable(call.pipe(circuitBreaker(breaker))).toBe(expected);
      expectSubscriptions(call.subscriptions).toBe(subs);
      flush();
      expect(breaker.state).toBe('closed');
    }),
  );

  it(
    'lets as many calls try the server as it may, and the others after them, in order',
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const breaker = opened();
      const call = cold('               --x|');
      const first = '        -----------^--!';
      const others = '       --------------^--!';
      expectObservable(call.pipe(circuitBreaker(breaker))).toBe('-------------x|');
      expectObservable(call.pipe(circuitBreaker(breaker))).toBe('----------------x|');
      expectObservable(call.pipe(circuitBreaker(breaker))).toBe('----------------x|');
      expectSubscriptions(call.subscriptions).toBe([first, others, others]);
    }),
  );

  it(
    'waits on while those that try the server fail',
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const breaker = opened();
      const call = cold('               --#');
      // Open for 11 ms, then for twice as long.
      expectObservable(call.pipe(circuitBreaker(breaker))).toBe('-------------#');
      expectObservable(cold('x|').pipe(circuitBreaker(breaker))).toBe('35ms x|');
      expectSubscriptions(call.subscriptions).toBe('-----------^-!');
    }),
  );

  it(
    'ends the wait, and the timer, when it is left',
    marbles(({ cold, expectObservable, expectSubscriptions, flush }) => {
      const breaker = opened();
      const call = cold('    a|');
      expectObservable(call.pipe(circuitBreaker(breaker)), '^-----!').toBe('');
      expectSubscriptions(call.subscriptions).toBe([]);
      flush();
      expect([breaker.waiting, breaker.state]).toEqual([0, 'open']);
    }),
  );

  it(
    'gives the permit to the next one when a call that tries the server is left',
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const breaker = opened();
      const call = cold('               -----x|');
      expectObservable(call.pipe(circuitBreaker(breaker)), '^-------------!').toBe('');
      expectObservable(call.pipe(circuitBreaker(breaker))).toBe('-------------------x|');
      expectSubscriptions(call.subscriptions).toBe(['-----------^--!', '--------------^-----!']);
    }),
  );

  it(
    'emits a result that comes too late for the breaker',
    marbles(({ cold, expectObservable, flush }) => {
      const breaker = closed();
      expectObservable(cold('---a|').pipe(circuitBreaker(breaker))).toBe('---a|');
      expectObservable(cold('-#').pipe(circuitBreaker(breaker))).toBe('-#');
      flush();
      expect([breaker.state, breaker.counts.late, breaker.counts.calls]).toEqual(['open', 1, 1]);
    }),
  );

  it.each([
    ['fail', 'open', true],
    ['halt', 'halted', false],
  ] as const)('with %s the call is not made: code %s', (onOpen, code, retryable) => {
    const call = defer(() => {
      throw new Error('it was made');
    });
    const error = record(call.pipe(circuitBreaker(opened({ ...opensAtOnce, onOpen })))).error as BatchxError;
    expect([error.code, error.retryable]).toEqual([code, retryable]);
  });

  it(
    'ends with code `halted` after `maxWait`',
    marbles(({ cold, expectObservable, flush }) => {
      const breaker = opened({ ...opensAtOnce, maxWait: '6ms' });
      const code = catchError((error: BatchxError) => of(`${error.code}: ${error.message}`));
      const values = { e: 'halted: the breaker has been open for 6ms' };
      expectObservable(cold('a|').pipe(circuitBreaker(breaker), code)).toBe('------(e|)', values);
      flush();
      expect(breaker.waiting).toBe(0);
    }),
  );

  it('keeps its slot: no more is read while the one server is down', () =>
    inVirtualTime((scheduler) => {
      const breaker = new Breaker(opensAtOnce, fakeRuntime({ scheduler, random: () => 0 }));
      fail(breaker);
      const started: string[] = [];
      of(1, 2, 3, 4)
        .pipe(
          mapConcurrent((n, slot) => {
            started.push(`${n} at ${scheduler.now()}`);
            return of(n).pipe(circuitBreaker(breaker, { slot }));
          }, 2),
        )
        .subscribe();
      expect(started).toEqual(['1 at 0', '2 at 0']);
      scheduler.flush();
      expect(started).toEqual(['1 at 0', '2 at 0', '3 at 11', '4 at 11']);
    }));
});

describe('circuitBreaker, with a key', () => {
  it('gives its slot to calls of other keys', () =>
    inVirtualTime((scheduler) => {
      const hosts = new Breaker(opensAtOnce, fakeRuntime({ scheduler, random: () => 0 }));
      fail(hosts.of('down'));
      const done: string[] = [];
      of('down', 'down', 'down', 'a', 'b', 'c')
        .pipe(mapConcurrent((key, slot) => of(key).pipe(circuitBreaker(hosts, { key, slot })), 1))
        .subscribe((key) => done.push(`${key} at ${scheduler.now()}`));
      scheduler.flush();
      expect(done).toEqual(['a at 0', 'b at 0', 'c at 0', 'down at 11', 'down at 11', 'down at 11']);
    }));

  const waiting = (test: (all: ReturnType<typeof setUp>) => void) => () => inVirtualTime((s) => test(setUp(s)));
  const setUp = (scheduler: Parameters<Parameters<typeof inVirtualTime>[0]>[0], options = opensAtOnce) => {
    const hosts = new Breaker(options, fakeRuntime({ scheduler, random: () => 0 }));
    const lane = hosts.of('a');
    fail(lane);
    const slot = fakeSlot(() => scheduler.now());
    const call = new Subject<number>();
    const guarded = call.pipe(circuitBreaker(hosts, { key: 'a', slot: slot.slot }));
    const to = (time: number): void => {
      scheduler.maxFrames = time;
      scheduler.flush();
      scheduler.frame = time;
    };
    return { lane, ...slot, call, guarded, to };
  };

  it(
    'starts with its slot, once it is asked for again',
    waiting(({ lane, log, giveBack, call, guarded, to }) => {
      const seen = record(guarded);
      to(50);
      expect([log, call.observed, lane.state]).toEqual([['parked at 0', 'asked at 11'], false, 'half-open']);
      giveBack();
      call.next(1);
      call.complete();
      expect([seen.values, lane.state]).toEqual([[1], 'closed']);
      expect(log).toHaveLength(2);
      expect(lane.counts).toMatchObject({ calls: 2, ignored: 0, late: 0 });
    }),
  );

  it(
    'asks again when the breaker has opened while it waited for its slot, and parks once more',
    waiting(({ lane, log, giveBack, call, guarded, to }) => {
      record(guarded);
      to(11);
      lane.forceOpen();
      to(20);
      giveBack();
      expect([log, call.observed]).toEqual([['parked at 0', 'asked at 11', 'parked at 20'], false]);
      to(30);
      lane.reset();
      giveBack();
      expect([log.at(-1), call.observed]).toEqual(['asked at 30', true]);
    }),
  );

  it(
    'waits on when another call has taken the permit',
    waiting(({ lane, log, guarded, to }) => {
      lane.wait(() => lane.try());
      record(guarded);
      to(11);
      expect(log).toEqual(['parked at 0']);
      to(1011); // the permit is lost, and it opens for 22 ms
      to(1033);
      expect(log).toEqual(['parked at 0', 'asked at 1033']);
    }),
  );

  it(
    'gives the permit back when it is left while it waits for its slot',
    waiting(({ lane, log, giveBack, call, guarded, to }) => {
      const subscription = guarded.subscribe();
      to(11);
      expect(lane.try()).toBe(0);
      subscription.unsubscribe();
      expect([lane.try() > 0, lane.counts.ignored]).toEqual([true, 0]);
      giveBack();
      expect([log.length, call.observed]).toEqual([2, false]);
    }),
  );

  it(
    'asks for its slot when it is left while it waits, as whatever goes on runs in it',
    waiting(({ lane, log, guarded, to }) => {
      const subscription = guarded.subscribe();
      to(5);
      subscription.unsubscribe();
      expect([log, lane.waiting]).toEqual([['parked at 0', 'asked at 5'], 0]);
    }),
  );

  it('has its slot when it fails', () =>
    inVirtualTime((scheduler) => {
      const { log, giveBack, guarded, to } = setUp(scheduler, { ...opensAtOnce, maxWait: '6ms' });
      const seen = record(guarded);
      to(6);
      expect([log, seen.length]).toEqual([['parked at 0', 'asked at 6'], 0]);
      giveBack();
      expect(seen.error).toMatchObject({ code: 'halted', message: 'the breaker of a has been open for 6ms' });
    }));

  it('keeps within the cap, whatever becomes of calls that wait', () =>
    inVirtualTime((scheduler) => {
      const hosts = new Breaker(opensAtOnce, fakeRuntime({ scheduler, random: () => 0 }));
      fail(hosts.of('down'));
      let running = 0;
      let most = 0;
      const work = (ms: number) =>
        new Observable<number>((subscriber) => {
          most = Math.max(most, ++running);
          const timer = scheduler.schedule(() => subscriber.complete(), ms);
          return () => {
            running--;
            timer.unsubscribe();
          };
        });
      let completed = false;
      of('down', 'down', 'down', 'up', 'up', 'up')
        .pipe(
          mapConcurrent((key, slot) => {
            const call = work(4).pipe(circuitBreaker(hosts, { key, slot }));
            return key === 'up' ? call : call.pipe(timeout({ first: 13, scheduler, with: () => EMPTY }));
          }, 1),
        )
        .subscribe({ complete: () => (completed = true) });
      scheduler.flush();
      expect([most, running, completed]).toEqual([1, 0, true]);
    }));
});

describe('circuitBreaker, options', () => {
  const bad = (value: unknown): never => value as never;
  it.each([
    [() => circuitBreaker(bad(true)), 'circuitBreaker: expected a Breaker'],
    [() => circuitBreaker(closed(), bad({ key: 5 })), 'circuitBreaker: `key`: '],
    [() => circuitBreaker(closed(), bad({ slot: {} })), 'circuitBreaker: `slot`: expected the slot of the call'],
    [() => circuitBreaker(closed(), bad({ isFailure: 5 })), 'circuitBreaker: `isFailure`: expected a function'],
    [() => circuitBreaker(closed(), bad({ kay: '' })), 'circuitBreaker: Unrecognized key: "kay"'],
  ])('refuses what is wrong when it is made: %#', (make, message) => {
    expect(make).toThrow(expect.objectContaining({ code: 'usage', message: expect.stringContaining(message) }));
  });

  it('is the same breaker for calls that share it, and others are not affected', () => {
    const [one, other] = [closed({ ...opensAtOnce, onOpen: 'fail' }), closed()];
    const down = throwError(() => new Error('down'));
    record(down.pipe(circuitBreaker(one)));
    expect(record(of(1).pipe(circuitBreaker(one))).error).toMatchObject({ code: 'open' });
    expect(record(concat(of(1), NEVER).pipe(circuitBreaker(other))).values).toEqual([1]);
  });
});
