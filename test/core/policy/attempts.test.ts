import { concat, from, Observable, Subject, takeUntil } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { BatchxError } from '../../../src/core/errors.js';
import { Item } from '../../../src/core/item.js';
import { attempts } from '../../../src/core/policy/attempts.js';
import { Breaker } from '../../../src/core/policy/breaker.js';
import { Limiter } from '../../../src/core/policy/limiter.js';
import type { Policies } from '../../../src/core/policy/policies.js';
import { policiesOf } from '../../../src/core/policy/policy-options.js';
import { pull } from '../../../src/core/pull.js';
import type { Slot } from '../../../src/core/slot.js';
import { step } from '../../../src/operators/steps/step.js';
import { fakeRuntime } from '../../../src/testing/fake-runtime.js';
import { Clock } from './play.js';
import { type Made, Scene } from './scene.js';

const down = (): Error => new BatchxError('http', 'answered 503', { class: 'unprocessed' });
const busy = (retryAfterMs: number): Error =>
  new BatchxError('http', 'answered 429', { class: 'throttled', retryAfterMs });
const plain = { initial: '100ms', jitter: 'none' } as const;

describe('without a wait', () => {
  const free: Slot = {
    signal: new AbortController().signal,
    park: () => undefined,
    unpark: (go) => go(),
    hold: () => undefined,
  };
  const armed = (runtime = fakeRuntime()): Policies =>
    policiesOf({ timeout: '10s', deadline: '1m', rate: '1/s', breaker: true, retry: 3, effect: 'writes' }, runtime);

  it('gives what the work gives at once, and no promise', () => {
    const { scheduler } = new Clock();
    const runtime = fakeRuntime({ scheduler });
    expect(attempts(({ data }) => [data], armed(runtime), runtime)(Item.of(1), free)).toEqual([1]);
    scheduler.flush();
    expect(scheduler.frame).toBe(0);
  });

  it('throws at once what is not tried again', () => {
    const { scheduler } = new Clock();
    const runtime = fakeRuntime({ scheduler });
    const fault = new TypeError('x is undefined');
    const run = attempts(
      () => {
        throw fault;
      },
      armed(runtime),
      runtime,
    );
    expect(() => run(Item.of(1), free)).toThrow(fault);
  });

  it('waits for thenables of any make, and fails for one whose `then` throws', async () => {
    const runtime = fakeRuntime();
    const ask = (work: unknown): unknown => attempts(() => work, { repeatable: true }, runtime)(Item.of(1), free);
    const hasty = {
      then(go: (value: unknown) => void) {
        go(1);
        go(2);
      },
    };
    expect(await ask(hasty)).toBe(1);
    const broken = {
      then() {
        throw new Error('no');
      },
    };
    await expect(ask(broken)).rejects.toThrow('no');
    const trap = {
      get then(): never {
        throw new Error('never');
      },
    };
    expect(() => ask(trap)).toThrow('never');
  });
});

describe('the order: deadline ( retry ( slot ( breaker ( permit ( timeout ( call ))))))', () => {
  it('takes a permit for each attempt, as the last thing before the call', async () => {
    const scene = new Scene('a b', ({ attempt }, s) => (attempt < 2 ? s.fail(10, down()) : s.ok(10)), {
      concurrency: 2,
      rate: '1/s',
      retry: plain,
    });
    // a: its retry is due at 110 and waits for a permit behind b.
    expect(await scene.play()).toEqual([
      '0 a',
      '1010 b',
      '2020 a',
      '2030 a=ok',
      '3030 b',
      '3040 b=ok',
      '3040 complete',
    ]);
  });

  it('asks the breaker before the limit: while it is open nobody waits for a permit', async () => {
    let limiter: Limiter | undefined;
    const waiting: number[] = [];
    const scene = new Scene(
      'a b c d',
      ({ name }, s) => (name === 'a' ? s.fail(10, down()) : s.ok(10)),
      ({ clock }) => {
        const runtime = clock.runtime({ random: () => 0 });
        limiter = new Limiter('10/s', runtime);
        const breaker = { window: 1, minCalls: 1, halfOpen: 1, open: '5s' };
        return { concurrency: 2, breaker: new Breaker(breaker, runtime), rate: limiter };
      },
    );
    for (const time of [50, 200, 4_000]) scene.at(time, () => waiting.push(limiter?.waiting ?? -1));
    await scene.play();
    // b waits for its permit when a opens the breaker. It is refused when it gets it, and gives it back; c was there first.
    expect(scene.log.slice(0, 4)).toEqual(['0 a', '10 a=failed: answered 503', '5010 c', '5020 c=ok']);
    expect(waiting).toEqual([1, 0, 0]);
  });

  it('hands the permit of a refused start to the next one, at that very instant', async () => {
    const clock = new Clock();
    const runtime = clock.runtime({ random: () => 0 });
    const limiter = new Limiter('1/s', runtime);
    const breaker = new Breaker({ window: 1, minCalls: 1, open: '1m' }, runtime);
    const log: string[] = [];
    const run = attempts(
      ({ id }) => {
        log.push(`${clock.now} ${id}`);
        return clock.sleep(10);
      },
      { limiter, breaker, repeatable: true },
      runtime,
    );
    const other = attempts(
      ({ id }) => {
        log.push(`${clock.now} ${id}`);
        return clock.sleep(10);
      },
      { limiter, repeatable: true },
      runtime,
    );
    limiter.try();
    const slot = new FreeSlot();
    void run(Item.of('', { id: 'behind the breaker' }), slot);
    void other(Item.of('', { id: 'behind the limit' }), slot);
    await clock.play(500);
    breaker.forceOpen();
    await clock.play(5_000);
    expect(log).toEqual(['1010 behind the limit']);
    expect(limiter.waiting).toBe(0);
    breaker.reset();
    await clock.play();
    expect(log).toEqual(['1010 behind the limit', '5000 behind the breaker']);
  });

  it('starts the timeout with the call, not with the wait for it', async () => {
    const scene = new Scene('a b c', (_, s) => s.ok(90), { concurrency: 3, rate: '1/s', timeout: '100ms' });
    await scene.play();
    expect(scene.out.size).toBe(3);
    expect([...scene.out.values()].every(({ error }) => error === undefined)).toBe(true);
  });

  it('takes the slot again before the permit: never waits for both', async () => {
    // a waits for long without its slot, which b and c use; when it is due b and c hold it.
    const scene = new Scene(
      'a b c',
      ({ name, attempt }, s) =>
        name === 'a' && attempt === 1 ? s.fail(10, busy(2_000)) : s.ok(name === 'a' ? 10 : 1_500),
      { concurrency: 1, retry: plain },
    );
    expect(await scene.play()).toEqual([
      '0 a',
      '10 b',
      '1510 b=ok',
      '1510 c',
      '3010 c=ok',
      '3010 a',
      '3020 a=ok',
      '3020 complete',
    ]);
  });

  it('pauses the limit for all when one is told to wait', async () => {
    const scene = new Scene(
      'a b c',
      ({ name, attempt }, s) => (name === 'a' && attempt === 1 ? s.fail(10, busy(500)) : s.ok(10)),
      { concurrency: 3, rate: '10/s', retry: plain },
    );
    expect(await scene.play()).toEqual([
      '0 a',
      '510 b',
      '520 b=ok',
      '611 c',
      '621 c=ok',
      '712 a',
      '722 a=ok',
      '722 complete',
    ]);
  });

  it('does not pause it for longer than any call would wait', async () => {
    const scene = new Scene('a b', ({ name }, s) => (name === 'a' ? s.fail(10, busy(86_400_000)) : s.ok(10)), {
      concurrency: 2,
      rate: '10/s',
      retry: plain,
    });
    expect(await scene.play()).toEqual([
      '0 a',
      '10 a=failed: answered 429; asked to wait 1d, more than `maxRetryAfter` 10m',
      '101 b',
      '111 b=ok',
      '111 complete',
    ]);
  });

  it('fails an item that the limit, lowered meanwhile, can never let through', async () => {
    let limiter: Limiter | undefined;
    const scene = new Scene(
      'a b',
      (_, s) => s.ok(10),
      ({ clock }) => {
        limiter = new Limiter('5/s', clock.runtime());
        return { concurrency: 2, rate: limiter, weight: () => 5 };
      },
    );
    scene.at(100, () => limiter?.retune('2/s'));
    await scene.play();
    expect(scene.log).toEqual([
      '0 a',
      '10 a=ok',
      '100 b=failed: weighs 5, more than the 2 that the limit lets through in 1s',
      '100 complete',
    ]);
  });

  it('takes keys and weights from the item; one that has none fails', async () => {
    const options = { concurrency: 5, rate: { limit: 2, burst: 2 }, retry: 0 };
    const key = ({ data }: Item): string => (data as string).slice(0, 1);
    const keyed = new Scene('a1 a2 a3 b1', (_, s) => s.ok(1), { ...options, key });
    expect((await keyed.play()).filter((line) => !line.includes('='))).toEqual([
      '0 a1',
      '0 a2',
      '0 b1',
      '1010 a3',
      '1011 complete',
    ]);
    const weight = ({ data }: Item): number => Number(data);
    const weighed = new Scene('1 2 0 3', (_, s) => s.ok(1), { ...options, weight });
    await weighed.play();
    expect(weighed.log.filter((line) => line.includes('failed'))).toEqual([
      '0 0=failed: expected `weight` to give a number above 0, got 0 (number)',
      '0 3=failed: weighs 3, more than the 2 that the limit lets through in 1s',
    ]);
    const without = new Scene('a', (_, s) => s.ok(1), { ...options, key: () => undefined as unknown as string });
    expect(await without.play()).toEqual(['0 a=failed: expected `key` to give text, got undefined', '0 complete']);
  });
});

class FreeSlot implements Slot {
  readonly signal = new AbortController().signal;
  park = (): void => undefined;
  unpark = (go: () => void): void => go();
  hold = (): void => undefined;
}

describe('a call in other streams', () => {
  it('finds none of the rooms of those amid whose subscription it is let through', async () => {
    const clock = new Clock();
    const runtime = clock.runtime();
    const limiter = new Limiter('1/s', runtime);
    const breaker = new Breaker(true, runtime);
    breaker.forceOpen();
    let read = 0;
    const inner = pull(() => [Array.from({ length: 1000 }, (_, n) => n)], { onEmit: () => read++ });
    const run = attempts(
      () => new Promise((resolve) => inner.subscribe({ complete: () => resolve(read) })),
      { limiter, breaker, repeatable: true },
      runtime,
    );
    const result = run(Item.of(1), new FreeSlot()) as Promise<unknown>;
    // In the middle of a subscription that announces a room, which is full by then.
    const opening = new Observable<never>(() => breaker.reset());
    const many = Array.from({ length: 200 }, (_, n) => String(n)).join(' ');
    const scene = new Scene(many, (_, s) => s.ok(100), {}, { source: (items) => concat(from(items), opening) });
    expect(read).toBe(1000);
    expect(await result).toBe(1000);
    scene.subscription.unsubscribe();
  });
});

describe('a breaker that all calls share', () => {
  it('pauses the reading while it is open: those that wait keep their slots', async () => {
    const clock = new Clock();
    const runtime = clock.runtime();
    const breaker = new Breaker(true, runtime);
    breaker.forceOpen();
    let read = 0;
    const source = pull(() => [Array.from({ length: 5_000 }, (_, n) => Item.of(n))], { onEmit: () => read++ });
    source.pipe(step((n) => clock.sleep(n), { concurrency: 4, breaker }, runtime)).subscribe();
    await clock.play(60_000);
    expect(read).toBeLessThan(100);
  });
});

describe('stopping', () => {
  const kinds: [string, (made: Made, scene: Scene) => unknown, object][] = [
    ['a backoff', (_, s) => s.fail(10, down()), { retry: { ...plain, initial: '900ms' } }],
    ['a long backoff, without a slot', (_, s) => s.fail(10, down()), { retry: { ...plain, initial: '20s' } }],
    ['a Retry-After', (_, s) => s.fail(10, busy(20_000)), { retry: 1 }],
    ['a permit', (_, s) => s.ok(10), { rate: '1/h' }],
    ['a breaker', (_, s) => s.ok(10), { breaker: 'forced' }],
    ['a breaker of a key', (_, s) => s.ok(10), { breaker: 'forced', key: () => 'host' }],
    ['a resource', (_, s) => s.fail(10, Object.assign(new Error('EMFILE'), { code: 'EMFILE' })), {}],
  ];

  it.each(kinds)('ends a wait for %s: the item stays pending, and nothing is left', async (_, behave, given) => {
    const objects: { limiter?: Limiter; breaker?: Breaker } = {};
    const scene = new Scene('a b c', behave, ({ clock }) => {
      const { breaker, rate, ...options } = given as { breaker?: string; rate?: string };
      const runtime = clock.runtime();
      if (rate !== undefined) (objects.limiter = new Limiter(rate, runtime)).try();
      if (breaker !== undefined) {
        objects.breaker = new Breaker(true, runtime);
        objects.breaker.of('host').forceOpen();
        objects.breaker.forceOpen();
      }
      return { concurrency: 3, ...options, rate: objects.limiter, breaker: objects.breaker };
    });
    await scene.play(100);
    scene.runtime.stop();
    await scene.play(100);
    expect(scene.pending).toEqual(['a', 'b', 'c']);
    expect(scene.end).toBe('complete');
    expect([scene.timers, objects.limiter?.waiting ?? 0, objects.breaker?.waiting ?? 0]).toEqual([0, 0, 0]);
    expect(objects.breaker?.of('host').waiting ?? 0).toBe(0);
  });

  it.each(kinds)('unsubscribing ends a wait for %s, and nothing is left', async (_, behave, given) => {
    const objects: { limiter?: Limiter; breaker?: Breaker } = {};
    const scene = new Scene('a b c', behave, ({ clock }) => {
      const { breaker, rate, ...options } = given as { breaker?: string; rate?: string };
      const runtime = clock.runtime();
      if (rate !== undefined) (objects.limiter = new Limiter(rate, runtime)).try();
      if (breaker !== undefined) {
        objects.breaker = new Breaker(true, runtime);
        objects.breaker.of('host').forceOpen();
        objects.breaker.forceOpen();
      }
      return { concurrency: 3, ...options, rate: objects.limiter, breaker: objects.breaker };
    });
    await scene.play(100);
    const calls = scene.log.length;
    scene.subscription.unsubscribe();
    expect([scene.timers, objects.limiter?.waiting ?? 0, objects.breaker?.waiting ?? 0]).toEqual([0, 0, 0]);
    expect(objects.breaker?.of('host').waiting ?? 0).toBe(0);
    await scene.play();
    expect(scene.log).toHaveLength(calls);
  });

  it('lets what runs end, and tries it no more', async () => {
    const scene = new Scene('a b', ({ name }, s) => (name === 'a' ? s.ok(50) : s.fail(50, down())), {
      concurrency: 2,
      retry: plain,
    });
    scene.at(20, () => scene.runtime.stop());
    expect(await scene.play()).toEqual(['0 a', '0 b', '50 a=ok', '50 complete']);
    expect(scene.pending).toEqual(['b']);
  });

  it('says nothing of an attempt that is not made', async () => {
    const scene = new Scene('a', (_, s) => s.fail(50, down()), { retry: plain });
    const said: unknown[] = [];
    scene.runtime.events.on('batch:attempt', ({ item, attempt, waitMs }) => said.push([item.id, attempt, waitMs]));
    scene.at(160, () => scene.runtime.stop());
    await scene.play();
    expect(said).toEqual([['a', 1, 100]]);
  });

  it('starts no call for those behind one that is dropped', async () => {
    // a tries whether the server is back, b waits for the breaker, c for a permit.
    const scene = new Scene('x a b c', ({ name }, s) => (name === 'x' ? s.fail(10, down()) : s.ok(10)), {
      concurrency: 3,
      rate: '10/s',
      breaker: { window: 1, minCalls: 1, halfOpen: 1, open: '1s' },
    });
    // a has the only ticket and waits for a permit, that of b and c is at hand when it is given back.
    await scene.play(1005);
    const before = scene.log.length;
    scene.runtime.stop();
    await scene.play();
    expect(scene.log.slice(before)).toEqual(['1005 complete']);
  });

  it('begins no wait', async () => {
    const clock = new Clock();
    const runtime = clock.runtime();
    const limiter = new Limiter('1/s', runtime);
    limiter.try();
    const run = attempts(() => 1, { limiter, repeatable: true }, runtime);
    runtime.stop();
    expect(() => run(Item.of(1), new FreeSlot())).toThrow(expect.objectContaining({ class: 'cancelled' }));
    expect([limiter.waiting, clock.scheduler.actions]).toEqual([0, []]);
    // What need not wait is still done: it may be the last step of an item that is under way.
    await clock.play(2_000);
    expect(run(Item.of(1), new FreeSlot())).toBe(1);
  });

  it('does not take a slot that comes free for a first attempt', async () => {
    // b waits for the breaker of its key without a slot; when it may go on the slot is c's.
    const key = ({ data }: Item): string => ((data as string) === 'c' ? 'up' : 'down');
    let breaker: Breaker | undefined;
    const scene = new Scene(
      'b c',
      ({ name }, s) => s.ok(name === 'c' ? 5_000 : 10),
      ({ clock }) => {
        breaker = new Breaker(true, clock.runtime());
        breaker.of('down').forceOpen();
        return { concurrency: 1, breaker, key };
      },
    );
    scene.at(1_000, () => breaker?.of('down').reset());
    scene.at(2_000, () => scene.runtime.stop());
    expect(await scene.play()).toEqual(['0 c', '5000 c=ok', '5000 complete']);
    expect(scene.pending).toEqual(['b']);
  });
});

describe('unsubscribing', () => {
  it('fires the signal of a running call, gives its ticket back and takes it off the list', async () => {
    const reasons: unknown[] = [];
    let breaker: Breaker | undefined;
    const scene = new Scene(
      'a b',
      ({ slot }, s) => {
        slot.signal.addEventListener('abort', () => reasons.push(slot.signal.reason));
        return s.hang();
      },
      ({ clock }) => ({
        concurrency: 2,
        timeout: '10m',
        deadline: '1h',
        breaker: (breaker = new Breaker(true, clock.runtime())),
      }),
    );
    await scene.play(100);
    scene.subscription.unsubscribe();
    expect(reasons).toEqual([
      expect.objectContaining({ code: 'aborted' }),
      expect.objectContaining({ code: 'aborted' }),
    ]);
    expect(breaker?.counts).toMatchObject({ ignored: 2, calls: 0 });
    await scene.play(101);
    expect(scene.timers).toBe(0);
  });

  it('does so for calls that never asked for a signal', async () => {
    let breaker: Breaker | undefined;
    const scene = new Scene(
      'a b',
      (_, s) => s.hang(),
      ({ clock }) => ({
        concurrency: 2,
        timeout: '10m',
        deadline: '1h',
        breaker: (breaker = new Breaker(true, clock.runtime())),
      }),
    );
    await scene.play(100);
    scene.subscription.unsubscribe();
    expect(breaker?.counts.ignored).toBe(2);
    await scene.play(101);
    expect(scene.timers).toBe(0);
  });

  it('starts none of the calls that wait for what is given back', async () => {
    const scene = new Scene('x y z a b c', ({ name }, s) => (name > 'w' ? s.fail(10, down()) : s.hang()), {
      concurrency: 3,
      breaker: { window: 1, minCalls: 1, halfOpen: 1, open: '1s' },
    });
    await scene.play(2_000);
    expect(scene.log.slice(6)).toEqual(['1010 a']);
    scene.subscription.unsubscribe();
    await scene.play(3_000);
    expect(scene.log.slice(6)).toEqual(['1010 a']);
    expect(scene.timers).toBe(0);
  });

  it('gives back the permits of those that are let through by it', async () => {
    let limiter: Limiter | undefined;
    const scene = new Scene(
      '5 1',
      (_, s) => s.ok(10),
      ({ runtime }) => {
        limiter = new Limiter({ limit: 5, burst: 5 }, runtime);
        limiter.try(3);
        return { concurrency: 2, rate: limiter, weight: ({ data }) => Number(data) };
      },
    );
    await scene.play(100);
    expect([limiter?.waiting, limiter?.try(2)]).toEqual([2, false]);
    // The heavy one is the first to go; then there is a permit for the other.
    scene.subscription.unsubscribe();
    expect([scene.log, limiter?.waiting, limiter?.try(2)]).toEqual([[], 0, true]);
  });

  it('in the middle of a call: what that gives is dropped', async () => {
    const results = [(s: Scene) => s.ok(10), (s: Scene) => s.fail(10, down()), () => 1];
    for (const result of results) {
      let signal: AbortSignal | undefined;
      const options = { timeout: '1m', deadline: '2m', rate: '10/s', breaker: true, retry: plain } as const;
      const scene: Scene = new Scene(
        'a',
        ({ attempt, slot }, s) => {
          if (attempt === 1) return s.fail(10, down());
          s.subscription.unsubscribe();
          ({ signal } = slot);
          return result(s);
        },
        options,
      );
      await scene.play();
      expect(scene.log).toEqual(['0 a', '110 a']);
      expect([scene.timers, signal?.aborted]).toEqual([0, true]);
    }
  });

  it('in the middle of the very first call', async () => {
    const clock = new Clock();
    const runtime = clock.runtime();
    const stop = new Subject<void>();
    const breaker = new Breaker(true, runtime);
    for (const result of [() => clock.sleep(10), () => Promise.reject(down()), () => 1]) {
      const call = (): unknown => {
        stop.next();
        return result();
      };
      const operator = step(call, { timeout: '1m', deadline: '2m', breaker, retry: 3 }, runtime);
      from([Item.of(1)])
        .pipe(operator, takeUntil(stop))
        .subscribe();
      await clock.play(clock.now + 50);
      expect(clock.scheduler.actions).toEqual([]);
    }
    expect(breaker.counts).toMatchObject({ ignored: 2, calls: 1 });
  });

  it('gives back a ticket of a half-open breaker that waits for its slot, so that another one is told', async () => {
    const clock = new Clock();
    const runtime = clock.runtime({ random: () => 0 });
    const breaker = new Breaker({ window: 1, minCalls: 1, halfOpen: 1, open: '1s' }, runtime);
    breaker.of('host').record(breaker.of('host').try(), 'failure', 0);
    const log: string[] = [];
    const run = attempts(
      ({ id }) => {
        log.push(`${clock.now} ${id}`);
        return clock.sleep(10);
      },
      { breaker, key: () => 'host', deadlineMs: 5_000, repeatable: true },
      runtime,
    );
    const slots = { a: new LateSlot(), b: new LateSlot() };
    const first = run(Item.of('', { id: 'a' }), slots.a) as Promise<unknown>;
    const second = run(Item.of('', { id: 'b' }), slots.b) as Promise<unknown>;
    void second;
    await clock.play(2_000);
    expect([slots.a.asked, slots.b.asked]).toEqual([true, false]);
    // Its time is over before it has a slot.
    const late = expect(first).rejects.toThrow('took longer than 5s with its retries and waits');
    await clock.play(6_500);
    await late;
    expect([breaker.of('host').state, slots.b.asked]).toEqual(['half-open', true]);
    slots.b.give();
    await clock.play();
    expect(log).toEqual(['6500 b']);
  });
});

describe('the ticket of a half-open breaker', () => {
  const late = { concurrency: 1, timeout: '1s' } as const;
  const drop = (scene: Scene): void => scene.subscription.unsubscribe();
  const stop = (scene: Scene): void => scene.runtime.stop();
  const never = (): void => undefined;
  const resource = Object.assign(new Error('EMFILE'), { code: 'EMFILE' });
  const ways: [string, (made: Made, scene: Scene) => unknown, object, (scene: Scene) => void][] = [
    ['a success', (_, s) => s.ok(10), {}, never],
    ['a success at once', () => 1, {}, never],
    ['a failure', (_, s) => s.fail(10, down()), {}, never],
    ['a permanent error', (_, s) => s.fail(10, new TypeError('x')), {}, never],
    ['a Retry-After', (_, s) => s.fail(10, busy(1_000)), {}, never],
    ['a call that was cancelled', (_, s) => s.fail(10, new BatchxError('aborted', 'x')), {}, never],
    ['a lack of resources', (_, s) => s.fail(10, resource), {}, stop],
    ['a timeout', ({ slot }, s) => s.hang(slot), late, never],
    ['a call that is left behind', (_, s) => s.hang(), late, never],
    ['unsubscribing from a call', (_, s) => s.hang(), {}, drop],
    ['unsubscribing from a wait for a permit', (_, s) => s.ok(10), { rate: 'paused' }, drop],
    ['stopping a wait for a permit', (_, s) => s.ok(10), { rate: 'paused' }, stop],
    ['a deadline in a wait for a permit', (_, s) => s.ok(10), { rate: 'paused', deadline: '5s' }, never],
    ['a deadline in a call', (_, s) => s.hang(), { deadline: '1s' }, never],
    ['a weight that no limit lets through', (_, s) => s.ok(10), { rate: '1/s', weight: () => 2 }, never],
  ];

  it.each(ways)('is given back by %s', async (_, behave, given, then) => {
    let breaker: Breaker | undefined;
    const scene = new Scene('a', behave, ({ runtime }) => {
      const { rate, ...options } = given as { rate?: string };
      breaker = new Breaker({ window: 1, minCalls: 1, halfOpen: 1, open: '1s', maxHalfOpen: '1h' }, runtime);
      breaker.record(breaker.try(), 'failure', 0);
      const limiter = rate === undefined ? undefined : new Limiter('1/s', runtime);
      if (rate === 'paused') limiter?.pauseFor(60_000);
      return { concurrency: 1, breaker, rate: limiter, ...options };
    });
    await scene.play(1_000);
    scene.at(1_500, () => then(scene));
    await scene.play(20_000);
    // It is half-open still, closed, or has been open again for long enough: in each case the next one may try.
    expect([breaker?.waiting, (breaker?.try() ?? 0) > 0]).toEqual([0, true]);
  });
});

/** A slot that is parked, and is given back only by hand. */
class LateSlot implements Slot {
  readonly signal = new AbortController().signal;
  #go: (() => void) | undefined;
  park = (): void => undefined;
  hold = (): void => undefined;
  unpark = (go: () => void): void => {
    this.#go = go;
  };

  get asked(): boolean {
    return this.#go !== undefined;
  }

  give(): void {
    this.#go?.();
  }
}
