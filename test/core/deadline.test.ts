import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Deadline, type Running } from 'batchx';
import { fakeRuntime } from 'batchx/testing';
import fc from 'fast-check';
import { type SchedulerAction, type SchedulerLike, Subscription, VirtualTimeScheduler } from 'rxjs';
import { describe, expect, it } from 'vitest';
import type { BatchxError } from '../../src/core/errors.js';
import { monotonic } from '../../src/core/monotonic.js';

const day = 24 * 60 * 60 * 1000;

/** A deadline in virtual time: what was late and when, and how many timers were made and are armed. */
function play(limit: string) {
  const virtual = new VirtualTimeScheduler();
  const timers = { made: 0, armed: 0, longest: 0 };
  const thrown: unknown[] = [];
  /** By how much the clock has jumped: what a timer does not see that counts only while the process runs. */
  let stopped = 0;
  const watched: SchedulerLike = {
    now: () => virtual.now(),
    schedule<T>(work: (this: SchedulerAction<T>, state?: T) => void, delay = 0, state?: T): Subscription {
      timers.made++;
      timers.armed++;
      timers.longest = Math.max(timers.longest, delay);
      const over = new Subscription(() => timers.armed--);
      const fire = function (this: SchedulerAction<T>, value?: T): void {
        over.unsubscribe();
        try {
          work.call(this, value);
        } catch (error) {
          thrown.push(error);
        }
      };
      over.add(virtual.schedule(fire, delay, state));
      return over;
    },
  };
  const scheduler = monotonic(watched, () => virtual.now() + stopped);
  const deadline = new Deadline(limit, fakeRuntime({ scheduler }));
  const late: string[] = [];
  const errors: BatchxError[] = [];
  const start = (name: string): Running =>
    deadline.start((error) => {
      late.push(`${name} ${scheduler.now()}`);
      errors.push(error);
    });
  const at = (time: number, work: () => void): void => void virtual.schedule(work, time - virtual.now());
  /** An attempt that runs from `from` to `to`, if it is let. */
  const attempt = (name: string, from: number, to: number, succeeds = true): void =>
    at(from, () => {
      const running = start(name);
      at(to, () => deadline.end(running, succeeds));
    });
  const stop = (ms: number): void => void (stopped += ms);
  return { virtual, scheduler, timers, deadline, late, errors, thrown, start, at, attempt, stop };
}

describe('Deadline', () => {
  it('tells an attempt that it is late when its time is over, once', () => {
    const { virtual, start, late, errors } = play('10s');
    start('a');
    virtual.flush();
    expect(late).toEqual(['a 10000']);
    expect(errors[0]).toMatchObject({ code: 'timeout', class: 'ambiguous', message: 'took longer than 10s' });
  });

  it('leaves alone what ends before', () => {
    const { virtual, attempt, late } = play('10s');
    attempt('a', 0, 9999);
    attempt('b', 1, 9999, false);
    attempt('c', 2, 10_003);
    virtual.flush();
    expect(late).toEqual(['c 10002']);
  });

  it('tells those that run side by side in their order of start, whoever ends between them', () => {
    const { virtual, attempt, late } = play('100ms');
    attempt('first', 0, 50);
    attempt('a', 1, 1000);
    attempt('middle', 2, 40);
    attempt('b', 3, 1000);
    attempt('c', 3, 1000);
    attempt('last', 4, 30);
    attempt('d', 200, 1000);
    virtual.flush();
    expect(late).toEqual(['a 101', 'b 103', 'c 103', 'd 300']);
  });

  it('may be ended twice, and once it was late', () => {
    const { virtual, deadline, start, at, late } = play('100ms');
    const a = start('a');
    const b = start('b');
    deadline.end(a, true);
    deadline.end(a, true);
    at(200, () => deadline.end(b, true));
    at(250, () => start('c'));
    virtual.flush();
    expect(late).toEqual(['b 100', 'c 350']);
  });

  it('lets a call that is told begin and end others', () => {
    const { virtual, deadline, start, at, late, timers, thrown } = play('100ms');
    deadline.start(() => {
      start('retry');
      deadline.end(b, false);
    });
    const b = start('b');
    at(50, () => start('c'));
    at(120, () => expect(timers.armed).toBe(1));
    virtual.flush();
    expect(late).toEqual(['c 150', 'retry 200']);
    expect(thrown).toEqual([]);
  });

  it('goes on with the others when a callback throws', () => {
    const { virtual, deadline, start, late, thrown } = play('100ms');
    deadline.start(() => {
      throw new Error('broken');
    });
    start('b');
    virtual.flush();
    expect(thrown).toEqual([new Error('broken')]);
    expect(late).toEqual(['b 100']);
  });

  it.each([60, 24.8551])('waits %d days', (days) => {
    const { virtual, start, late, timers } = play(`${days}d`);
    start('a');
    virtual.flush();
    expect(late).toHaveLength(1);
    expect(Number(late[0]?.slice(2))).toBeCloseTo(days * day, 3);
    expect(timers.longest).toBeLessThan(2 ** 31);
  });

  it('has one timer, however many run, and none once nothing does', () => {
    const { virtual, deadline, start, timers } = play('10s');
    const many = Array.from({ length: 1000 }, (_, n) => start(String(n)));
    expect(timers).toMatchObject({ made: 1, armed: 1 });
    for (const running of many.slice(1)) deadline.end(running, true);
    expect(timers).toMatchObject({ made: 1, armed: 1 });
    deadline.end(many[0] as Running, true);
    for (let n = 0; n < 1000; n++) deadline.end(start('next'), true);
    expect(timers).toMatchObject({ made: 2, armed: 2 });
    virtual.flush();
    expect(timers).toMatchObject({ made: 2, armed: 0 });
    expect(virtual.now()).toBe(0);
  });

  it('keeps its timer when the oldest ends and when the next one follows at once', () => {
    const { virtual, attempt, timers } = play('900ms');
    for (let n = 0; n < 100; n++) attempt(String(n), n, n + 5);
    for (let n = 0; n < 100; n++) attempt(`one by one ${n}`, 200 + n, 201 + n);
    virtual.flush();
    // One for each time that nothing ran for a moment, and those that fired.
    expect(timers.made).toBeLessThan(110);
    expect(timers.armed).toBe(0);
  });

  it('judges what follows at once when nothing else runs', () => {
    const { virtual, deadline, start, at, late } = play('100ms');
    const a = start('a');
    at(30, () => {
      deadline.end(a, true);
      start('b');
    });
    virtual.flush();
    expect(late).toEqual(['b 130']);
  });

  it('has no timer while there is no limit', () => {
    const { virtual, start, timers, late } = play('300%');
    start('a');
    virtual.flush();
    expect([timers.made, late]).toEqual([0, []]);
  });

  it('each attempt ends or is late, at its time', () => {
    const attempts = fc.array(fc.tuple(fc.nat(5000), fc.integer({ min: 1, max: 4000 })), { maxLength: 40 });
    fc.assert(
      fc.property(attempts, fc.integer({ min: 1, max: 3000 }), (plan, limit) => {
        const { virtual, attempt, late, timers } = play(`${limit}ms`);
        plan.forEach(([from, took], n) => attempt(String(n), from, from + took));
        virtual.flush();
        const expected = plan.flatMap(([from, took], n) => (took > limit ? [`${n} ${from + limit}`] : []));
        // What ends in the very moment in which its time is over may be counted either way.
        const surely = late.filter((line) => plan[Number.parseInt(line)]?.[1] !== limit);
        expect(surely.sort()).toEqual(expected.sort());
        expect(timers.armed).toBe(0);
      }),
    );
  });

  it('keeps nothing of attempts that have ended or were late', async () => {
    setFlagsFromString('--expose-gc');
    const gc = runInNewContext('gc') as () => void;
    const { virtual, deadline, start } = play('100ms');
    const handles: Running[] = [];
    const call = (): WeakRef<object> => {
      const what = { held: true };
      handles.push(deadline.start(() => void (what.held = false)));
      return new WeakRef(what);
    };
    start('before');
    const ended = call();
    const after = start('after');
    const late = call();
    deadline.end(handles[0] as Running, true);
    deadline.end(after, true);
    virtual.flush();
    const runs = call();
    await new Promise((resolve) => setImmediate(resolve));
    gc();
    expect([ended.deref(), late.deref(), runs.deref()]).toEqual([undefined, undefined, { held: true }]);
    expect(handles).toHaveLength(3);
  });
});

describe('Deadline of a percentage', () => {
  it('has no limit before the first success; failures and those that were late do not count', () => {
    const { virtual, deadline, attempt, late, at, errors } = play('200%');
    const limits: number[] = [];
    const look = (time: number): void => at(time, () => limits.push(deadline.limitMs));
    attempt('failed', 0, 10, false);
    attempt('slow', 0, 100_000);
    look(20);
    attempt('a', 100, 2200); // took 2,100: the others may take 4,200
    look(2300);
    attempt('b', 5000, 9100);
    attempt('c', 6000, 12_000);
    look(20_000);
    virtual.flush();
    expect(late).toEqual(['slow 4200', 'c 10200']);
    expect(limits).toEqual([Infinity, 4200, 4200]);
    expect(errors.map(({ message }) => message)).toEqual([
      'took longer than 200% of the median (2.1s): 4.2s',
      'took longer than 200% of the median (2.1s): 4.2s',
    ]);
  });

  it('judges what runs by the present limit, which falls and rises', () => {
    const { virtual, attempt, late } = play('150%');
    attempt('a', 0, 10_000);
    attempt('b', 0, 10_000);
    attempt('slow', 0, 100_000); // 15,000 at first
    for (const n of [1, 2, 3]) attempt(`quick ${n}`, 10_000, 11_000 + n); // then the median is 1,003
    virtual.flush();
    expect(late).toHaveLength(1);
    const [name, time] = late[0]?.split(' ') ?? [];
    expect(name).toBe('slow');
    // Looked at each second.
    expect(Number(time)).toBeGreaterThanOrEqual(11_003);
    expect(Number(time)).toBeLessThanOrEqual(12_003);
  });

  it('is of the lower one of the two in the middle, of all successes', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 100_000 }), { minLength: 1, maxLength: 60 }), (all) => {
        const { deadline } = play('300%');
        for (const took of all)
          deadline.end(
            deadline.start(() => undefined, 0),
            true,
            took,
          );
        const sorted = all.toSorted((a, b) => a - b);
        expect(deadline.limitMs).toBeCloseTo(3 * (sorted[Math.floor((all.length - 1) / 2)] as number), 6);
      }),
    );
  });

  it('counts less than a millisecond as one', () => {
    const { deadline } = play('300%');
    deadline.end(
      deadline.start(() => undefined, 5),
      true,
      5,
    );
    expect(deadline.limitMs).toBe(3);
  });

  it('reads the clock itself where it is not given', () => {
    const { virtual, deadline, attempt } = play('110%');
    attempt('a', 7, 1007);
    virtual.flush();
    expect(deadline.limitMs).toBeCloseTo(1100);
  });
});

describe('Deadline and a process that was stopped', () => {
  it('gives the time back to all that run, and hears first what has come meanwhile', () => {
    const { virtual, attempt, start, stop, at, late } = play('10s');
    attempt('answered', 100, 9999.5); // its answer is there when the process goes on
    at(200, () => start('a'));
    at(500, () => start('b'));
    at(9999, () => stop(3_600_000));
    virtual.flush();
    expect(late).toEqual(['a 3611100', 'b 3611100']);
  });

  it('counts the rest of the time from then on', () => {
    const { virtual, attempt, at, stop, late } = play('10s');
    attempt('a', 0, 100_000);
    attempt('b', 2500, 100_000);
    at(3001, () => stop(50_000)); // the next look is at 4,000, and 50 s late
    virtual.flush();
    expect(late).toEqual(['a 60000', 'b 62500']);
  });

  it('does not count the time for the median', () => {
    const { virtual, deadline, attempt, at, stop } = play('200%');
    attempt('first', 0, 4000);
    attempt('second', 4000, 10_000);
    at(6001, () => stop(60_000));
    virtual.flush();
    attempt('third', virtual.now(), virtual.now() + 6000);
    virtual.flush();
    expect(deadline.limitMs).toBe(12_000);
  });

  it('takes two seconds for a machine that is busy', () => {
    const { virtual, start, at, stop, late } = play('10s');
    start('a');
    at(9500, () => stop(1999));
    virtual.flush();
    expect(late).toEqual(['a 11999']);
  });

  it('counts what was begun while the process was stopped from now on, and not from later', () => {
    const { virtual, start, at, stop, late } = play('10s');
    start('a');
    at(9001, () => {
      stop(5000);
      start('b');
    });
    virtual.flush();
    expect(late).toEqual(['a 16000', 'b 25000']);
  });

  it('still ends a call when the process hardly ever listens', () => {
    const { virtual, start, at, stop, late } = play('10s');
    start('a');
    for (let n = 0; n < 1000; n++) at(n * 1000 + 500, () => stop(3000));
    virtual.flush();
    expect(late).toHaveLength(1);
    // Of every four seconds one counts, and each second time that it listens it judges.
    expect(Number(late[0]?.slice(2))).toBeLessThan(100_000);
  });
});

describe('the limit of a Deadline', () => {
  it.each(['0.5s', '500ms', '2m', '1.5h', '1d', '100.5%', '300%'])('may be %s', (limit) => {
    expect(() => new Deadline(limit)).not.toThrow();
  });

  it.each([
    '',
    '10',
    '10 s',
    '-1s',
    '1e3s',
    '0s',
    '0.0ms',
    '100%',
    '50%',
    '0%',
    '-300%',
    '300 %',
    '%',
    's',
    10,
    undefined,
  ])('may not be %j', (limit) => {
    expect(() => new Deadline(limit as string)).toThrow(
      expect.objectContaining({
        code: 'usage',
        message: expect.stringMatching(
          /^Deadline: expected a time such as "10s", or a percentage above 100 such as "300%", got [^;]*$/,
        ),
      }),
    );
  });
});
