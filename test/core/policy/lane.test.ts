import { describe, expect, it } from 'vitest';
import { Deadline } from '../../../src/core/policy/deadline.js';
import { Limiter } from '../../../src/core/policy/limiter.js';
import type { Slot } from '../../../src/core/slot.js';
import { Clock } from './play.js';

/** A slot that comes back at once, or when it is given. */
class TestSlot implements Slot {
  readonly signal = new AbortController().signal;
  readonly #soon: boolean;
  #go: (() => void) | undefined;

  constructor(soon: boolean) {
    this.#soon = soon;
  }

  park = (): void => undefined;
  hold = (): void => undefined;
  unpark = (go: () => void): void => {
    if (this.#soon) go();
    else this.#go = go;
  };

  get asked(): boolean {
    return this.#go !== undefined;
  }

  give(): void {
    const go = this.#go;
    this.#go = undefined;
    go?.();
  }
}

/** Calls that wait for the permits of a key, and when each started. */
function lane(rate: string) {
  const clock = new Clock();
  const limiter = new Limiter(rate, clock.runtime()).of('key');
  const log: string[] = [];
  limiter.try();
  const wait = (name: string, slot?: Slot): (() => void) =>
    limiter.wait(() => log.push(`${clock.now} ${name}`), { slot });
  const to = (time: number): void => {
    clock.scheduler.maxFrames = time;
    clock.scheduler.flush();
    clock.scheduler.frame = time;
  };
  return { limiter, log, wait, to };
}

describe('calls that wait for a permit without their slots', () => {
  it('are let through one after another, when their slots come back at once', () => {
    const { log, wait, to } = lane('1/s');
    const slots = ['a', 'b', 'c', 'd'].map((name) => {
      const slot = new TestSlot(true);
      wait(name, slot);
      return slot;
    });
    expect(slots).toHaveLength(4);
    to(10_000);
    expect(log).toEqual(['1010 a', '2020 b', '3030 c', '4040 d']);
  });

  it('are let through when they have come back to a line in which others wait without slots again', () => {
    const { limiter, log, wait, to } = lane('1/s');
    const [a, b] = [new TestSlot(false), new TestSlot(false)];
    wait('a', a);
    wait('b', b);
    wait('x');
    to(1_010);
    // x has its permit, as a has no slot yet. When that comes a has to wait for long again.
    expect([log, a.asked, b.asked]).toEqual([['1010 x'], true, false]);
    a.give();
    to(2_020);
    a.give();
    to(3_030);
    b.give();
    expect(log).toEqual(['1010 x', '2020 a', '3030 b']);
    expect(limiter.waiting).toBe(0);
  });

  it('ask for no more slots than there are permits within a second', () => {
    const { limiter, wait, to } = lane('4/s');
    limiter.pauseFor(5_000);
    const slots = Array.from({ length: 20 }, (_, n) => {
      const slot = new TestSlot(false);
      wait(String(n), slot);
      return slot;
    });
    to(5_000);
    expect(slots.filter(({ asked }) => asked)).toHaveLength(4);
    for (const slot of slots) slot.give();
    expect(slots.filter(({ asked }) => asked)).toHaveLength(0);
    to(20_000);
    for (let n = 0; n < 20; n++) {
      for (const slot of slots) slot.give();
      to(20_000 + n * 1_000);
    }
    expect(limiter.waiting).toBe(0);
  });

  it('do not keep one with a slot waiting that came later', () => {
    const { log, wait, to } = lane('1/s');
    const slot = new TestSlot(false);
    wait('a', slot);
    wait('b', new TestSlot(false));
    to(5_000);
    expect([log, slot.asked]).toEqual([[], true]);
    // It may hold just the slot that a waits for.
    wait('c');
    expect(log).toEqual(['5000 c']);
  });

  it('make way for the next one when they are cancelled while they ask', () => {
    const { log, wait, to } = lane('1/s');
    const [a, b] = [new TestSlot(false), new TestSlot(false)];
    const cancel = wait('a', a);
    wait('b', b);
    to(2_000);
    expect([a.asked, b.asked]).toEqual([true, false]);
    cancel();
    expect(b.asked).toBe(true);
    a.give();
    b.give();
    expect(log).toEqual(['2000 b']);
  });
});

describe('a Deadline', () => {
  it('is not just before its time for ever, whatever sums are rounded to', () => {
    for (const from of [997.6496234303978, 1798.9563325232805, 3364.749091294258, 4016.8407783076077]) {
      expect(from + 1000 - from).toBeLessThan(1000);
      const clock = new Clock();
      const deadline = new Deadline('1s', clock.runtime());
      let late = 0;
      clock.scheduler.frame = from;
      deadline.start(() => late++);
      for (let n = 0; n < 10 && late === 0; n++) {
        const action = clock.scheduler.actions.shift();
        clock.scheduler.frame = action?.delay ?? 0;
        action?.execute(action.state as never, action.delay);
      }
      expect([late, clock.now]).toEqual([1, from + 1000]);
    }
  });
});
