import { type SchedulerLike, VirtualTimeScheduler } from 'rxjs';
import { monotonic } from '../../src/core/monotonic.js';
import type { Slot } from '../../src/core/slot.js';
import { fakeRuntime } from '../../src/testing/fake-runtime.js';

/** Virtual time that is played up to a moment, with a clock that may jump between timers, and timers that are late. */
export class Timeline {
  readonly #virtual = new VirtualTimeScheduler(undefined, Infinity);
  #jumped = 0;
  readonly scheduler: SchedulerLike;
  readonly runtime;

  constructor(lateness: () => number = () => 0) {
    const clock = monotonic(this.#virtual, () => this.#virtual.now() + this.#jumped);
    this.scheduler = {
      now: clock.now,
      schedule: (work, delay = 0, state) => clock.schedule(work, delay + lateness(), state as never),
    };
    this.runtime = fakeRuntime({ scheduler: this.scheduler });
  }

  get now(): number {
    return Math.round(this.scheduler.now() * 1e3) / 1e3;
  }

  /** How many timers are set. */
  get timers(): number {
    return this.#virtual.actions.length;
  }

  /** The clock goes on by so much at once; timers fire so much later than they should. */
  jump(ms: number): void {
    this.#jumped += ms;
  }

  /** Runs what is due up to a time, and stands there. */
  to(time: number): void {
    this.#virtual.maxFrames = time - this.#jumped;
    this.#virtual.flush();
    this.#virtual.frame = time - this.#jumped;
  }

  /** Runs all that is left. */
  end(): void {
    this.#virtual.maxFrames = Infinity;
    this.#virtual.flush();
  }
}

/** A slot that tells what is asked of it, and is given again when the test says so, or at once. */
export class TestSlot implements Slot {
  readonly log: string[] = [];
  readonly signal = new AbortController().signal;
  readonly #atOnce: boolean;
  #go: (() => void) | undefined = undefined;

  constructor(atOnce = true) {
    this.#atOnce = atOnce;
  }

  park(): void {
    this.log.push('park');
  }

  unpark(go: () => void): void {
    this.log.push('unpark');
    if (this.#atOnce) go();
    else this.#go = go;
  }

  /** The slot is there again. */
  give(): void {
    const go = this.#go;
    this.#go = undefined;
    go?.();
  }

  hold(): void {
    this.log.push('hold');
  }
}
