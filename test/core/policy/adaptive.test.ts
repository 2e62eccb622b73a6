import { describe, expect, it, vi } from 'vitest';
import { BatchxError } from '../../../src/core/errors.js';
import { AdaptiveConcurrency, loadOf } from '../../../src/core/policy/adaptive.js';
import { Scene } from './scene.js';
import { chance, play } from './server.js';

const even = (ms: number) => () => ms;

/** Between four fifths and six fifths of `ms`, so that no two calls take the same time. */
function uneven(ms: number): () => number {
  const random = chance();
  return () => ms * (0.8 + 0.4 * random());
}

/** Some take very long: the deviation is as large as the mean. */
function wild(ms: number): () => number {
  const random = chance();
  return () => -ms * Math.log(1 - random());
}

describe('AdaptiveConcurrency', () => {
  // The band in which it settles: from 0.8 of what makes the server busy to 1.5 times that, and one.
  it.each([1, 2, 5, 10, 20, 40])('settles near the knee of a server that works on %i at once', (n) => {
    const adaptive = new AdaptiveConcurrency({ max: 100 });
    const played = play(adaptive, 5000, { workers: () => n, service: even(100) });
    expect(played.within(Math.floor(0.8 * n), 1.5 * n + 1, 600)).toBe(1);
    expect(played.within(n, 1.5 * n + 1, 600)).toBeGreaterThan(0.85);
    // The best that any cap could do is n calls in 100 ms.
    expect(played.ms).toBeLessThan((5000 / n) * 100 * 1.1);
  });

  it.each([5, 10, 20])('does so when calls take uneven times: %i at once', (n) => {
    const played = play(new AdaptiveConcurrency({ max: 100 }), 5000, { workers: () => n, service: uneven(100) });
    expect(played.within(Math.floor(0.7 * n), 1.5 * n + 1, 600)).toBe(1);
    expect(played.ms).toBeLessThan((5000 / n) * 100 * 1.1);
  });

  it('keeps a server busy whose times are wild, at three quarters at least', () => {
    const played = play(new AdaptiveConcurrency({ max: 100 }), 8000, { workers: () => 20, service: wild(100) });
    expect(played.ms).toBeLessThan((8000 / 20) * 100 * 1.33);
    expect(played.within(10, 41, 600)).toBeGreaterThan(0.95);
  });

  it('rests: once settled it tries another cap ever more seldom', () => {
    const { caps } = play(new AdaptiveConcurrency({ max: 100 }), 12_000, { workers: () => 10, service: even(100) });
    const tries = (from: number, to: number): number => caps.filter(({ ended }) => ended >= from && ended < to).length;
    expect(tries(1000, 6000)).toBeLessThan(20);
    expect(tries(6000, 11_000)).toBeLessThan(20);
  });

  it('grows to its maximum within a hundred calls where nothing is in the way, and stays', () => {
    const adaptive = new AdaptiveConcurrency({ max: 50 });
    const { caps } = play(adaptive, 3000, { workers: () => 1000, service: uneven(100) });
    expect(adaptive.cap).toBe(50);
    expect(caps.at(-1)?.ended).toBeLessThan(150);
  });

  it('follows when the server works on fewer: within ten calls for each that ran', () => {
    const workers = (ended: number): number => (ended < 3000 ? 20 : 5);
    const played = play(new AdaptiveConcurrency({ max: 100 }), 5000, { workers, service: uneven(100) });
    expect(played.within(14, 31, 600, 3000)).toBeGreaterThan(0.95);
    expect(played.within(3, 8, 3200, 5000)).toBe(1);
    expect(played.ms).toBeLessThan((3000 / 20 + 2000 / 5) * 100 * 1.1);
  });

  it('follows when it works on more', () => {
    const workers = (ended: number): number => (ended < 1000 ? 5 : 20);
    const adaptive = new AdaptiveConcurrency({ max: 100 });
    const played = play(adaptive, 4000, { workers, service: uneven(100) });
    expect(played.within(16, 31, 2200, 4000)).toBe(1);
  });

  it('takes calls that have become slower by themselves for what they are', () => {
    const service = (ended: number): number => (ended < 1500 ? 100 : 300);
    const adaptive = new AdaptiveConcurrency({ max: 30 });
    const played = play(adaptive, 4000, { workers: () => 1000, service });
    expect(adaptive.cap).toBe(30);
    expect(played.within(30, 30, 1900)).toBe(1);
  });

  it('backs off by half from what is too much, and comes back to just below it', () => {
    const adaptive = new AdaptiveConcurrency({ max: 100 });
    const played = play(adaptive, 6000, { workers: () => 1000, service: uneven(100), room: () => 10 });
    const cut = played.caps.findIndex(({ cap }) => cap === 16);
    expect(played.caps[cut + 1]?.cap).toBe(8);
    expect(played.within(8, 10, 1000)).toBeGreaterThan(0.9);
    // Each try costs one refusal.
    expect(played.refused).toBeLessThan(40);
  });

  it('comes back after an outage in which everything was too much', () => {
    const adaptive = new AdaptiveConcurrency({ max: 20 });
    const room = (ended: number): number => (ended > 1000 && ended < 1200 ? 0 : Infinity);
    const played = play(adaptive, 3000, { workers: () => 1000, service: uneven(100), room });
    expect(Math.min(...played.caps.map(({ cap }) => cap))).toBe(1);
    expect(played.within(20, 20, 1800)).toBe(1);
  });

  it('never leaves its bounds', () => {
    const adaptive = new AdaptiveConcurrency({ min: 3, max: 7 });
    const slow = play(adaptive, 500, { workers: () => 1, service: even(10) });
    const quick = play(new AdaptiveConcurrency({ min: 3, max: 7 }), 500, { workers: () => 99, service: even(10) });
    const refusing = play(new AdaptiveConcurrency({ min: 3, max: 7 }), 500, {
      workers: () => 9,
      service: even(10),
      room: () => 1,
    });
    const all = [slow, quick, refusing].flatMap(({ caps }) => caps.map(({ cap }) => cap));
    expect([Math.min(...all), Math.max(...all)]).toEqual([3, 7]);
  });

  it('does not grow while fewer run than may', () => {
    const adaptive = new AdaptiveConcurrency({ max: 50 });
    for (let call = 0; call < 500; call++) adaptive.record(adaptive.start(), 'success', 10);
    expect(adaptive.cap).toBe(4);
  });

  it('halves once for all that ran, and when most attempts are late', () => {
    const adaptive = new AdaptiveConcurrency({ min: 16, max: 64 });
    const halved = new AdaptiveConcurrency({ max: 64 });
    const all = Array.from({ length: 16 }, () => adaptive.start());
    for (const ticket of all) adaptive.record(ticket, 'overload', 5);
    expect(adaptive.cap).toBe(16);
    const four = Array.from({ length: 4 }, () => halved.start());
    for (const ticket of four.slice(0, 3)) halved.record(ticket, 'overload', 5);
    expect(halved.cap).toBe(2);
    const late = new AdaptiveConcurrency({ max: 64 });
    for (let n = 0; n < 3; n++) late.record(late.start(), 'late', 1000);
    expect(late.cap).toBe(4);
    late.record(late.start(), 'late', 1000);
    expect(late.cap).toBe(2);
  });

  it('goes by the class of an error', () => {
    const of = (kind: 'throttled' | 'unprocessed' | 'resource' | 'transient' | 'permanent' | 'ambiguous') =>
      loadOf(new BatchxError('http', 'no', { class: kind }));
    expect([of('throttled'), of('unprocessed'), of('resource')]).toEqual(['overload', 'overload', 'overload']);
    expect([of('transient'), of('permanent'), of('ambiguous')]).toEqual(['ignored', 'ignored', 'ignored']);
    expect(loadOf(new BatchxError('timeout', 'late'))).toBe('late');
    expect(loadOf(Object.assign(new Error('no files'), { code: 'EMFILE' }))).toBe('overload');
  });

  it('refuses bounds that are none', () => {
    const make = (options: object) => () => new AdaptiveConcurrency(options as { max: number });
    expect(make({ max: 0 })).toThrow(BatchxError);
    expect(make({ max: 2, min: 3 })).toThrow('expected `min` to be at most `max`');
    expect(make({ max: 2.5 })).toThrow(BatchxError);
    expect(make({ max: 2, most: 3 })).toThrow(BatchxError);
  });

  it('gives the cap that it has to whoever comes, and each new one until that leaves', () => {
    const adaptive = new AdaptiveConcurrency({ max: 8 });
    const seen: number[] = [];
    const following = adaptive.caps.subscribe((cap) => seen.push(cap));
    adaptive.record(adaptive.start(), 'overload', 1);
    following.unsubscribe();
    adaptive.record(adaptive.start(), 'overload', 1);
    expect(seen).toEqual([4, 2]);
    expect(adaptive.cap).toBe(1);
  });
});

describe('a step with an AdaptiveConcurrency', () => {
  /** A server that works on some at once, for calls on the clock of a scene. */
  const knee = (workers: number, ms: number) => {
    let free = Array.from({ length: workers }, () => 0);
    return ({ clock }: Scene): Promise<void> => {
      free = free.sort((a, b) => a - b);
      const begin = Math.max(clock.now, free[0] ?? 0);
      free[0] = begin + ms;
      return clock.sleep(begin + ms - clock.now);
    };
  };
  const names = (count: number): string => Array.from({ length: count }, (_, n) => n).join(' ');

  it('runs as many calls at once as are of use', async () => {
    const busy = new AdaptiveConcurrency({ max: 50 });
    const server = knee(8, 100);
    const scene = new Scene(names(600), (_, s) => server(s).then(() => 1), { concurrency: busy });
    await scene.play();
    expect(scene.out.size).toBe(600);
    expect(busy.cap).toBeGreaterThanOrEqual(8);
    expect(busy.cap).toBeLessThanOrEqual(13);
    expect(scene.clock.now).toBeLessThan((600 / 8) * 100 * 1.1);
  });

  it('is told of attempts that are throttled, and of their retries', async () => {
    const busy = new AdaptiveConcurrency({ max: 50 });
    const throttled = new BatchxError('http', '429', { class: 'throttled' });
    const scene = new Scene(names(200), (_, s) => (s.running > 6 ? s.fail(5, throttled) : s.ok(100)), {
      concurrency: busy,
      retry: 3,
    });
    await scene.play();
    expect([...scene.out.values()].every(({ live }) => live)).toBe(true);
    expect(busy.cap).toBeGreaterThanOrEqual(3);
    expect(busy.cap).toBeLessThanOrEqual(7);
  });

  it('forgets calls that are left when the stream is', async () => {
    const busy = new AdaptiveConcurrency({ max: 8 });
    const told = vi.spyOn(busy, 'record');
    const scene = new Scene(names(20), (_, s) => s.ok(100), { concurrency: busy });
    scene.at(50, () => scene.subscription.unsubscribe());
    await scene.play(60);
    expect(told.mock.calls).toEqual([1, 2, 3, 4].map((ticket) => [ticket, 'ignored', 50]));
  });
});
