import { describe, expect, it } from 'vitest';
import { BatchxError } from '../../../src/core/errors.js';
import { Breaker } from '../../../src/core/policy/breaker.js';
import { type Made, Scene } from './scene.js';

const down = (): Error => new BatchxError('http', 'answered 503', { class: 'unprocessed' });
const plain = { initial: '100ms', jitter: 'none' } as const;

describe('the timeout of an attempt', () => {
  it('fires the signal with the error, and the item goes on once the call has ended', async () => {
    let reason: unknown;
    const behave = ({ slot }: Made, s: Scene): unknown => {
      slot.signal.addEventListener('abort', () => (reason = slot.signal.reason));
      return s.hang(slot, 300);
    };
    const scene = new Scene('a b', behave, { concurrency: 1, timeout: '1s' });
    expect(await scene.play()).toEqual([
      '0 a',
      '1300 a=failed: took longer than 1s',
      '1300 b',
      '2600 b=failed: took longer than 1s',
      '2600 complete',
    ]);
    expect(reason).toMatchObject({ code: 'timeout', class: 'ambiguous' });
    expect(scene.out.get('b')?.error).toBe(reason);
  });

  it('drops a result that comes while the call stops', async () => {
    const behave = async ({ slot }: Made, s: Scene): Promise<string> => {
      expect(slot.signal.aborted).toBe(false);
      await s.clock.sleep(1_200);
      return 'late';
    };
    const scene = new Scene('a', behave, { timeout: '1s' });
    expect(await scene.play()).toEqual(['0 a', '1200 a=failed: took longer than 1s', '1200 complete']);
  });

  it('fails with what the call itself says of it, if that is the same', async () => {
    class Detailed extends BatchxError {
      readonly output = 'half of it';
    }
    const behave = async ({ name, slot }: Made, s: Scene): Promise<never> => {
      await s.hang(slot).catch(() => undefined);
      throw name === 'a' ? new Detailed('timeout', 'too late', { class: 'ambiguous' }) : new Detailed('exec', 'killed');
    };
    const scene = new Scene('a b', behave, { timeout: '1s', effect: 'once' });
    expect((await scene.play()).slice(2)).toEqual([
      '1000 a=in-doubt: too late',
      '1000 b=in-doubt: took longer than 1s',
      '1000 complete',
    ]);
    expect(scene.out.get('a')?.error).toBeInstanceOf(Detailed);
    expect(scene.out.get('a')?.error).toMatchObject({ inDoubt: true, output: 'half of it' });
  });

  it('goes on after a second without a call that does not stop, which keeps its slot', async () => {
    const behave = ({ name, slot }: Made, s: Scene): unknown => {
      if (name !== 'a') return s.ok(100);
      expect(slot.signal.aborted).toBe(false);
      return s.ok(10_000);
    };
    const scene = new Scene('a b c', behave, { concurrency: 2, timeout: '5s' });
    scene.clock.scheduler.schedule(() => expect(scene.running).toBe(1), 1_000);
    const log = await scene.play();
    expect(log).toEqual([
      '0 a',
      '0 b',
      '100 b=ok',
      '100 c',
      '200 c=ok',
      '6000 a=failed: took longer than 5s',
      '6000 complete',
    ]);
    expect(scene.clock.now).toBe(10_000);
  });

  it('goes on at once without a call that never asked for its signal', async () => {
    const scene = new Scene('a b', ({ name }, s) => s.ok(name === 'a' ? 3_000 : 10), { concurrency: 1, timeout: '1s' });
    expect(await scene.play()).toEqual([
      '0 a',
      '1000 a=failed: took longer than 1s',
      // The slot is free when the call has ended.
      '3000 b',
      '3010 b=ok',
      '3010 complete',
    ]);
    expect(scene.most).toBe(1);
  });

  it('lets a call that never ends keep its slot for 60 s', async () => {
    const scene = new Scene('a b', ({ name }, s) => (name === 'a' ? s.hang() : s.ok(10)), {
      concurrency: 1,
      timeout: '1s',
    });
    expect(await scene.play()).toEqual([
      '0 a',
      '1000 a=failed: took longer than 1s',
      '61000 b',
      '61010 b=ok',
      '61010 complete',
    ]);
    expect(scene.timers).toBe(0);
  });

  it('tries again after a timeout, and does not hear the first call any more', async () => {
    const results: string[] = [];
    const behave = async ({ attempt }: Made, s: Scene): Promise<string> => {
      const result = (await s.ok(attempt === 1 ? 1_150 : 200, `from attempt ${attempt}`)) as string;
      results.push(result);
      return result;
    };
    const scene = new Scene('a', behave, { concurrency: 2, timeout: '1s', retry: plain });
    expect(await scene.play()).toEqual(['0 a', '1100 a', '1300 a=ok', '1300 complete']);
    expect(results).toEqual(['from attempt 1', 'from attempt 2']);
    expect(scene.out.get('a')?.data).toBe('from attempt 2');
  });

  it('waits for a slot of its own when the first call has kept the only one', async () => {
    const behave = ({ attempt }: Made, s: Scene): unknown => s.ok(attempt === 1 ? 5_000 : 10);
    for (const maxWaiting of [0, 1, 1000]) {
      const scene = new Scene('a', behave, { concurrency: 1, timeout: '1s', retry: plain, maxWaiting });
      expect(await scene.play()).toEqual(['0 a', '5000 a', '5010 a=ok', '5010 complete']);
      expect(scene.most).toBe(1);
    }
  });

  it('gives each attempt a signal of its own: that of a call left behind stays fired', async () => {
    const seen: unknown[] = [];
    const behave = async ({ attempt, slot }: Made, s: Scene): Promise<string> => {
      await s.clock.sleep(attempt === 1 ? 1_500 : 800);
      // The first call asks only now, while the second runs.
      seen.push([attempt, slot.signal.aborted]);
      return 'done';
    };
    const scene = new Scene('a', behave, { concurrency: 2, timeout: '1s', retry: plain });
    expect(await scene.play()).toEqual(['0 a', '1100 a', '1900 a=ok', '1900 complete']);
    expect(seen).toEqual([
      [1, true],
      [2, false],
    ]);
  });

  it('lets a synchronous call have its result, however long it took', async () => {
    const slow = ({ attempt }: Made, s: Scene): unknown => {
      s.clock.jump(5_000);
      if (attempt === 1) throw down();
      return 'done';
    };
    const scene = new Scene('a', slow, { timeout: '1s', retry: plain });
    expect(await scene.play()).toEqual(['0 a', '5100 a', '10100 a=ok', '10100 complete']);
    expect(scene.timers).toBe(0);
  });

  it('counts for the breaker as a failure, and only once', async () => {
    let breaker: Breaker | undefined;
    const scene = new Scene(
      'a',
      (_, s) => s.ok(5_000),
      ({ clock }) => ({ timeout: '1s', breaker: (breaker = new Breaker(true, clock.runtime())) }),
    );
    await scene.play();
    expect(breaker?.counts).toMatchObject({ calls: 1, failures: 1, late: 0 });
  });

  it('leaves no timer and no listener when it is unsubscribed from, whatever the call does', async () => {
    const deaf = ({ slot }: Made, s: Scene): unknown => (slot.signal.aborted ? undefined : s.hang());
    const calls = [(_: Made, s: Scene) => s.hang(), deaf];
    for (const call of calls) {
      for (const at of [500, 1_500, 2_500]) {
        const scene = new Scene('a b', call, { concurrency: 1, timeout: '1s', retry: 1 });
        await scene.play(at);
        scene.subscription.unsubscribe();
        await scene.play(at + 1);
        expect(scene.timers).toBe(0);
      }
    }
  });
});

describe('the deadline of an item', () => {
  const options = { concurrency: 1, deadline: '1s', retry: { ...plain, retries: 9, max: '100ms' } } as const;

  it('runs out during a call, which is told to stop', async () => {
    let reason: unknown;
    const behave = ({ slot }: Made, s: Scene): unknown => {
      slot.signal.addEventListener('abort', () => (reason = slot.signal.reason));
      return s.hang(slot, 200);
    };
    const scene = new Scene('a', behave, options);
    const message = 'took longer than 1s with its retries and waits';
    expect(await scene.play()).toEqual(['0 a', `1200 a=failed: ${message}`, '1200 complete']);
    expect(reason).toMatchObject({ code: 'timeout', message, class: 'permanent' });
    expect(scene.timers).toBe(0);
  });

  it('runs out during a call that does not listen, which keeps its slot', async () => {
    const scene = new Scene('a b', ({ name }, s) => s.ok(name === 'a' ? 3_000 : 10), options);
    expect(await scene.play()).toEqual([
      '0 a',
      '1000 a=failed: took longer than 1s with its retries and waits',
      '3000 b',
      '3010 b=ok',
      '3010 complete',
    ]);
  });

  it('ends the retries: none is begun that would wait for longer', async () => {
    const scene = new Scene('a', (_, s) => s.fail(210, down()), options);
    // 210, 100, 210, 100, 210, 100: at 830 there is no time for more than 100, and then for 70.
    expect(await scene.play()).toEqual([
      '0 a',
      '310 a',
      '620 a',
      '930 a',
      '1000 a=failed: took longer than 1s with its retries and waits',
      '1000 complete',
    ]);
    expect(scene.out.get('a')?.error?.cause).toMatchObject({ message: 'answered 503' });
    const short = new Scene('a', (_, s) => s.fail(300, down()), { ...options, deadline: '350ms' });
    expect(await short.play()).toEqual(['0 a', '300 a=failed: answered 503', '300 complete']);
  });

  it('runs out during a wait for a permit', async () => {
    const scene = new Scene('a b c', (_, s) => s.ok(10), { concurrency: 3, deadline: '1.5s', rate: '1/s' });
    expect(await scene.play()).toEqual([
      '0 a',
      '10 a=ok',
      '1010 b',
      '1020 b=ok',
      '1500 c=failed: took longer than 1.5s with its retries and waits',
      '1500 complete',
    ]);
    expect(scene.timers).toBe(0);
  });

  it('runs out during a wait for a slot', async () => {
    const behave = ({ name, attempt }: Made, s: Scene): unknown =>
      name === 'a' && attempt === 1 ? s.fail(10, down()) : s.ok(9_000);
    const scene = new Scene('a b', behave, {
      concurrency: 1,
      deadline: '10s',
      retry: { initial: '2s', jitter: 'none' },
    });
    expect(await scene.play()).toEqual([
      '0 a',
      '10 b',
      '9010 b=ok',
      '9010 a',
      '10000 a=failed: took longer than 10s with its retries and waits',
      '10000 complete',
    ]);
    const tight = new Scene('a b', behave, {
      concurrency: 1,
      deadline: '5s',
      retry: { initial: '2s', jitter: 'none' },
    });
    expect(await tight.play()).toEqual([
      '0 a',
      '10 b',
      '5000 a=failed: took longer than 5s with its retries and waits',
      '5010 b=failed: took longer than 5s with its retries and waits',
      '5010 complete',
    ]);
  });

  it('makes no attempt after the one during which it ran out, and counts it once', async () => {
    for (const timeout of ['900ms', '1s', '1100ms']) {
      const behave = ({ slot }: Made, s: Scene): unknown => s.hang(slot, 500);
      const scene = new Scene('a', behave, { ...options, timeout, retry: { initial: '0ms' } });
      const [first, last, ...rest] = await scene.play();
      expect([first, rest]).toEqual(['0 a', [expect.stringMatching(/complete/)]]);
      expect(last).toMatch(/a=failed: took longer than/);
    }
  });

  it('is the end, even while the breaker is not closed', async () => {
    const breaker = { window: 1, minCalls: 1, halfOpen: 1, open: '1s' };
    const behave = ({ attempt, slot }: Made, s: Scene): unknown =>
      attempt === 1 ? s.fail(10, down()) : s.hang(slot, 500);
    // The second call has 990 ms, and is told to stop before; it ends after them.
    const scene = new Scene('a', behave, { deadline: '1s', timeout: '900ms', breaker, retry: 9 });
    expect(await scene.play()).toEqual(['0 a', '1010 a', '2410 a=failed: took longer than 900ms', '2410 complete']);
  });

  it('stands still while the breaker is not closed', async () => {
    const breaker = { window: 1, minCalls: 1, halfOpen: 1, open: '30s' };
    const behave = ({ attempt }: Made, s: Scene): unknown => (attempt === 1 ? s.fail(400, down()) : s.hang());
    const scene = new Scene('a', behave, { deadline: '1s', breaker, retry: { initial: '20s', jitter: 'none' } });
    // It opens at 400 for 30 s, of which 20 are a backoff; 600 ms of its own are left then.
    expect(await scene.play()).toEqual([
      '0 a',
      '30400 a',
      '31000 a=failed: took longer than 1s with its retries and waits',
      '31000 complete',
    ]);
  });

  it('begins anew when the process was stopped', async () => {
    const scene = new Scene('a', (_, s) => s.ok(1_100), { deadline: '1s' });
    scene.at(500, () => scene.clock.jump(60_000));
    expect((await scene.play()).at(-1)).toBe('60500 complete');
    expect(scene.out.get('a')?.error).toBeUndefined();
  });

  it('leaves an item in doubt whose call must not be made twice', async () => {
    const behave = ({ name }: Made, s: Scene): unknown => (name === 'a' ? s.ok(3_000) : s.fail(900, down()));
    const scene = new Scene('a b', behave, { ...options, concurrency: 2, effect: 'once' });
    expect((await scene.play()).filter((line) => line.includes('='))).toEqual([
      // There is no time for a retry, and it is known that nothing was done.
      '900 b=failed: answered 503',
      '1000 a=in-doubt: took longer than 1s with its retries and waits',
    ]);
  });
});
