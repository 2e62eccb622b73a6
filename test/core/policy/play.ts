import { VirtualTimeScheduler } from 'rxjs';
import { wait } from '../../../src/core/wait.js';
import { type FakeRuntime, fakeRuntime, type FakeRuntimeOptions } from '../../../src/testing/fake-runtime.js';

/** A clock that stands until it is played, and promises that settle in between. */
export class Clock {
  readonly scheduler = new VirtualTimeScheduler(undefined, Infinity);

  get now(): number {
    return this.scheduler.now();
  }

  runtime(options: Omit<FakeRuntimeOptions, 'scheduler'> = {}): FakeRuntime {
    return fakeRuntime({ ...options, scheduler: this.scheduler });
  }

  /** A promise that is kept `ms` milliseconds later. */
  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = wait(ms, this.scheduler).subscribe(() => resolve());
      signal?.addEventListener('abort', () => {
        timer.unsubscribe();
        reject(signal.reason as Error);
      });
    });
  }

  /** Runs what is due, one action after another, with all promises settled before each; ends when nothing is left. */
  async play(until = Infinity): Promise<void> {
    const { scheduler } = this;
    for (;;) {
      await settled();
      const next = scheduler.actions[0];
      if (next === undefined || next.delay > until) break;
      scheduler.actions.shift();
      scheduler.frame = Math.max(scheduler.frame, next.delay);
      const error = next.execute(next.state as never, next.delay) as unknown;
      if (error !== undefined) throw error;
    }
    if (until !== Infinity) scheduler.frame = Math.max(scheduler.frame, until);
  }

  /** Plays until a promise is settled. */
  async until<T>(promise: Promise<T>): Promise<T> {
    void this.play();
    return promise;
  }

  /** The clock jumps, as when the machine was suspended: nothing runs meanwhile. */
  jump(ms: number): void {
    this.scheduler.frame += ms;
  }
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
