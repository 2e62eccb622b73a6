import { describe, expect, it } from 'vitest';
import { Gate } from '../../../src/core/policy/gate.js';
import { Clock } from './play.js';
import { type Made, Scene } from './scene.js';

const tooMany = (): Error => Object.assign(new Error('EMFILE: too many open files'), { code: 'EMFILE' });
const names = (count: number): string => Array.from({ length: count }, (_, n) => `i${n}`).join(' ');

/** Calls that each need one of so many descriptors, for 100 ms. */
const needing =
  (descriptors: (s: Scene) => number) =>
  (_: Made, s: Scene): unknown =>
    s.running > descriptors(s) ? s.fail(1, tooMany()) : s.ok(100);

describe('when the machine has run out of something', () => {
  it('runs fewer at once, fails no item and spends no retries', async () => {
    const scene = new Scene(
      names(60),
      needing(() => 4),
      { concurrency: 16, retry: 0 },
    );
    await scene.play();
    expect(scene.out.size).toBe(60);
    expect([...scene.out.values()].filter(({ error }) => error !== undefined)).toEqual([]);
    expect(scene.timers).toBe(0);
    // 60 calls of 100 ms, at most four at once: 1.5 s at best.
    expect(scene.clock.now).toBeLessThan(3_500);
  });

  it('needs no policies for that', async () => {
    const scene = new Scene(
      names(8),
      needing(() => 2),
      { concurrency: 8 },
    );
    await scene.play();
    expect([...scene.out.values()].filter(({ error }) => error !== undefined)).toEqual([]);
  });

  it('recovers: more run at once as calls go well', async () => {
    let most = 0;
    const scene = new Scene(
      names(400),
      (made, s) => {
        if (s.clock.now > 3_000) most = Math.max(most, s.running);
        return needing(({ clock }) => (clock.now < 1_000 ? 2 : 100))(made, s);
      },
      { concurrency: 8 },
    );
    await scene.play();
    expect(scene.out.size).toBe(400);
    expect(most).toBe(8);
  });

  it('tries it by time when none of ours runs, and ends the run when that is of no use', async () => {
    const scene = new Scene('a b', (_, s) => s.fail(1, tooMany()), { concurrency: 2 });
    await scene.play();
    const calls = scene.log.filter((line) => !line.includes(':'));
    // Two fail together; from then on one at a time.
    expect(calls).toEqual(['0 a', '0 b', '251 a', '502 b', '753 a', '1004 b', '1255 a', '1506 b', '1757 a']);
    expect(scene.end).toMatchObject({
      code: 'output',
      class: 'fatal',
      message:
        'EMFILE: too many open files; none of our calls runs that could free any: raise the limit, as with `ulimit -n`',
    });
    expect([scene.pending, scene.timers]).toEqual([['a', 'b'], 0]);
  });

  it('forgets how often that was when one call went well', async () => {
    let calls = 0;
    const scene = new Scene(names(4), (_, s) => (++calls % 7 === 0 ? s.ok(1) : s.fail(1, tooMany())), {
      concurrency: 1,
    });
    await scene.play();
    expect(scene.end).toBe('complete');
    expect(calls).toBe(28);
  });

  it('does not hold up others by one that waits for its time no more', async () => {
    // All fail at first. The one that is to try again by time runs out of its own.
    const scene = new Scene('a b c', ({ attempt }, s) => (attempt === 1 ? s.fail(1, tooMany()) : s.ok(10)), {
      concurrency: 3,
      deadline: '200ms',
    });
    await scene.play();
    expect(scene.end).toBe('complete');
    expect(scene.out.size).toBe(3);
    expect(scene.timers).toBe(0);
    const mixed = new Scene('a b c', ({ attempt }, s) => (attempt === 1 ? s.fail(1, tooMany()) : s.ok(10)), {
      concurrency: 3,
    });
    await mixed.play();
    expect([...mixed.out.values()].filter(({ error }) => error !== undefined)).toEqual([]);
  });

  it('is not held up by calls that wait for a permit, and for the slot of the one that waits for them', async () => {
    // c is told to wait for its permit without its slot. When it is due a has that slot, and no file.
    const scene = new Scene(
      'x a c',
      ({ name, attempt }, s) => {
        if (name === 'a' && attempt === 1) throw tooMany();
        return s.ok(1);
      },
      { concurrency: 1, key: () => 'one', rate: '1/s' },
    );
    await scene.play();
    expect([scene.pending, scene.end]).toEqual([[], 'complete']);
  });

  it('is not held up by calls that wait for a breaker', async () => {
    // a waits behind the breaker of its key; b, which failed for lack of files, is not to wait for it.
    const key = (item: { data: unknown }): string => item.data as string;
    const scene = new Scene(
      'a b',
      ({ name, attempt }, s) => {
        if (name === 'a') return attempt === 1 ? s.fail(5, new Error('down')) : s.ok(1);
        return attempt === 1 ? s.fail(10, tooMany()) : s.ok(1);
      },
      {
        concurrency: 2,
        retry: { initial: '0ms' },
        key,
        breaker: { window: 1, minCalls: 1, open: '1m', halfOpen: 1 },
      },
    );
    expect((await scene.play()).slice(0, 4)).toEqual(['0 a', '0 b', '260 b', '261 b=ok']);
  });
});

describe('Gate', () => {
  it('lets everything pass as long as nothing is amiss', () => {
    const gate = new Gate(new Clock().scheduler);
    for (let n = 0; n < 1000; n++) expect(gate.enter()).toBe(true);
  });

  it('passes the turn of one that is not wanted any more on to the next', () => {
    const gate = new Gate(new Clock().scheduler);
    for (let n = 0; n < 3; n++) gate.enter();
    expect(gate.starve()).toBe(true);
    const told: string[] = [];
    const wait = (name: string, enters: boolean): (() => void) =>
      gate.wait(() => {
        told.push(name);
        if (enters) gate.enter();
      });
    wait('not wanted', false);
    const cancel = wait('cancelled', true);
    wait('wanted', true);
    wait('last', true);
    cancel();
    gate.leave();
    expect(told).toEqual([]); // one still runs, and no more may
    gate.leave();
    expect(told).toEqual(['not wanted', 'wanted']);
    expect(gate.waiting).toBe(1);
  });

  it('has no timer while nobody waits, and lets nobody in before its time', () => {
    const clock = new Clock();
    const gate = new Gate(clock.scheduler);
    gate.enter();
    gate.starve();
    expect([gate.enter(), clock.scheduler.actions]).toEqual([false, []]);
    const told: number[] = [];
    const cancel = gate.wait(() => told.push(clock.now));
    expect(clock.scheduler.actions).toHaveLength(1);
    cancel();
    expect(clock.scheduler.actions).toHaveLength(0);
    gate.wait(() => told.push(clock.now));
    clock.scheduler.flush();
    expect(told).toEqual([250]);
    expect(gate.enter()).toBe(true);
  });
});
