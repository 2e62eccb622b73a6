import type { SchedulerLike, Subscription } from 'rxjs';
import { BatchxError } from '../errors.js';
import { defaultRuntime, type Runtime } from '../runtime.js';
import { parseOptions } from '../schema.js';
import { Allowance, timeLimitText } from './allowance.js';
import { type Entry, RunningList } from './running-list.js';

/** So often what runs is looked at, at least; in milliseconds. */
const PULSE = 1000;
/** A timer that fires later than this by so many milliseconds says that the process was stopped, not that calls are slow. */
const JUMP = 2000;

type Late = (error: BatchxError) => void;

/** An attempt that runs under a `Deadline`. */
export interface Running {
  /** When it was begun, on the scheduler's clock; later by as long as the process was stopped meanwhile. */
  readonly startedAt: number;
}

/**
 * How long an attempt may take: a value that many calls share, in one list and with one timer for all that run.
 *
 * The limit is a time (`'10s'`), or a percentage (`'300%'`) of the median of how long the successful ones took so far;
 * then there is none before the first success, and all that run are judged by the present one. A median below a
 * millisecond counts as one. What runs is looked at when the oldest is due, and each second at least.
 *
 * When the clock has jumped by more than two seconds the process was stopped, or too busy to listen: as much time is
 * given back to all that run, and answers that have come meanwhile are heard before anything is given up. Memory is
 * held for what runs and for the median: it does not grow with the number of calls.
 *
 * @example
 * import { Deadline, jsonl, mapConcurrent, timeLimit } from 'batchx';
 * import { defer } from 'rxjs';
 *
 * const inTime = new Deadline('300%'); // three times as long as calls usually take
 * const check = async (url: string) => (await fetch(url)).status;
 * jsonl<{ url: string }>('urls.jsonl')
 *   .pipe(mapConcurrent(({ data }) => defer(() => check(data.url)).pipe(timeLimit(inTime)), 10))
 *   .subscribe((status) => console.log(status));
 */
export class Deadline {
  readonly #scheduler: SchedulerLike;
  readonly #allowed: Allowance;
  readonly #running = new RunningList<Late>();
  #timer: Subscription | undefined;
  /** When the timer should fire. */
  #due = 0;
  /** Whether the last look found that the clock had jumped: the next one judges in any case. */
  #jumped = false;
  #leaving = false;

  constructor(limit: string, runtime: Runtime = defaultRuntime()) {
    this.#allowed = new Allowance(parseOptions(timeLimitText(), limit, 'Deadline'));
    this.#scheduler = runtime.scheduler;
  }

  /** The present limit in milliseconds; infinite as long as there is none. */
  get limitMs(): number {
    return this.#allowed.ms;
  }

  /**
   * Counts an attempt as running from `now` on. Unless it is ended before, `onLate` is called once with the error, never
   * at once; it must not throw.
   */
  start(onLate: (error: BatchxError) => void, now = this.#scheduler.now()): Running {
    const entry = this.#running.push(now, onLate);
    if (this.#timer === undefined) this.#arm(now);
    return entry;
  }

  /** The attempt is over; does nothing when that is known already. Only successful ones are counted for the median. */
  end(running: Running, succeeded: boolean, now?: number): void {
    const entry = running as Entry<Late>;
    if (this.#running.remove(entry) === undefined) return;
    if (succeeded && this.#allowed.relative) this.#took(entry.startedAt, now ?? this.#scheduler.now());
    if (this.#running.head === undefined && this.#timer !== undefined && !this.#leaving) this.#leave();
  }

  #took(startedAt: number, now: number): void {
    this.#allowed.count(now - startedAt);
    if (this.#timer === undefined) this.#arm(now);
  }

  /** The timer is left as it is when the oldest ends: it looks again when it fires. */
  #arm(now: number): void {
    const { head } = this.#running;
    if (head === undefined || this.limitMs === Infinity) return;
    this.#wake(Math.max(0, Math.min(PULSE, head.startedAt + this.limitMs - now)), now);
  }

  #wake(delay: number, now: number): void {
    this.#due = now + delay;
    this.#timer = this.#scheduler.schedule(this.#look, delay);
  }

  readonly #look = (): void => {
    const now = this.#scheduler.now();
    const late = now - this.#due;
    const jump = late > JUMP;
    if (jump) this.#running.shift(late, now);
    const wait = jump && !this.#jumped && this.#running.head !== undefined;
    this.#jumped = wait;
    if (wait) this.#wake(PULSE, now);
    else this.#judge(now);
  };

  #judge(now: number): void {
    const limit = this.limitMs;
    try {
      for (let head = this.#running.head; head !== undefined; head = this.#running.head) {
        // The same sum as the timer was set by: another one could be rounded to just before its time, for ever.
        if (head.startedAt + limit - now > 0) break;
        this.#running.remove(head)?.(new BatchxError('timeout', this.#allowed.exceeded(now - head.startedAt)));
      }
    } finally {
      // Until here there was a timer for those that were begun by the calls above.
      this.#timer = undefined;
      this.#arm(now);
    }
  }

  /** A timer would keep the process alive; but the next attempt may be about to begin, and can use it. */
  #leave(): void {
    this.#leaving = true;
    this.#scheduler.schedule(() => {
      this.#leaving = false;
      if (this.#running.head !== undefined) return;
      this.#timer?.unsubscribe();
      this.#timer = undefined;
    });
  }
}
