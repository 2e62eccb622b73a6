import { from, Observable, type ObservableInput, type ObservedValueOf, type OperatorFunction, Subscriber } from 'rxjs';
import * as z from 'zod';
import {
  concurrencyOptions,
  type ConcurrencyOptions,
  type ConcurrentSettings,
  withDefaults,
} from '../../core/concurrency.js';
import { Concurrent } from '../../core/concurrent.js';
import type { Engine, Job } from '../../core/job.js';
import { isPromiseLike } from '../../core/promise.js';
import { Room, ROOMS, withRooms } from '../../core/rooms.js';
import { expectFunction, parseOptions } from '../../core/schema.js';
import type { Slot } from '../../core/slot.js';

const mapConcurrentOptions = z.strictObject({
  ...concurrencyOptions.shape,
  buffer: z.int().min(1).default(64).describe('How many results an inner source may have ready before its turn.'),
});

export interface MapConcurrentOptions extends ConcurrencyOptions {
  /**
   * How many results a running inner source may have ready before its turn, when `ordered`; 64 unless said. Then one
   * that was made by `pull` waits; one that pushes cannot be asked to, and what it emits is held however much it is.
   */
  readonly buffer?: number;
}

/**
 * Maps each value to an inner Observable (or promise, or iterable) and merges what they emit, running at most
 * `concurrency` of them at once and reading only a little ahead.
 *
 * It takes what rxjs `mergeMap` takes. What `mergeMap` does not do: values wait in a room of max(64, 2 x cap), and
 * sources made by `pull` stop reading when it is full. Results come as they are done, or with `ordered` in the order
 * of the source. The first error ends the stream and unsubscribes the rest; each call's `slot.signal` fires then.
 *
 * ```
 * source   -a-b-c-------|
 * a         ----A|
 * b           ----B|
 * c              ----C|      concurrency 2: starts when a is over
 * result   -----A-B--C--|
 * ```
 *
 * @example
 * import { mapConcurrent, pull } from 'batchx';
 *
 * pull(() => [[1, 2, 3]])
 *   .pipe(mapConcurrent(async (n) => n * 2, { concurrency: 2, ordered: true }))
 *   .subscribe((n) => console.log(n)); // 2, 4, 6
 */
export function mapConcurrent<T, O extends ObservableInput<unknown>>(
  project: (value: T, slot: Slot) => O,
  options: number | MapConcurrentOptions = {},
): OperatorFunction<T, ObservedValueOf<O>> {
  expectFunction(project, 'mapConcurrent');
  const given = typeof options === 'number' ? { concurrency: options } : options;
  const { buffer, ...rest } = parseOptions(mapConcurrentOptions, given, 'mapConcurrent');
  const settings = withDefaults(rest);
  return (source) =>
    new Observable((subscriber) => {
      const inner = project as (value: T, slot: Slot) => ObservableInput<ObservedValueOf<O>>;
      new Projecting(subscriber, settings, inner, buffer).run(source, settings);
    });
}

class Projecting<T, R> extends Concurrent<T, R> {
  readonly #project: (value: T, slot: Slot) => ObservableInput<R>;
  readonly #buffer: number;

  constructor(
    out: Subscriber<R>,
    options: ConcurrentSettings,
    project: (value: T, slot: Slot) => ObservableInput<R>,
    buffer: number,
  ) {
    super(out, options);
    this.#project = project;
    this.#buffer = buffer;
  }

  protected override launch(value: T, job: Job<R>): void {
    const project = this.#project;
    const inner = project(value, job);
    if (isPromiseLike<R>(inner)) {
      inner.then(
        (result) => {
          this.emit(job, result);
          this.done(job);
        },
        (error: unknown) => {
          this.fail(error);
        },
      );
      return;
    }
    const rooms: Room[] = [];
    if (this.ordered) {
      job.heldRoom = new Room(this.#buffer);
      rooms.push(job.heldRoom);
    }
    const subscriber = new Inner(this, job, this.out, rooms);
    withRooms([...rooms, ...this.below], () => from(inner).subscribe(subscriber));
  }
}

class Inner<R> extends Subscriber<R> {
  readonly [ROOMS]: readonly Room[];
  readonly #engine: Engine<R>;
  readonly #job: Job<R>;

  constructor(engine: Engine<R>, job: Job<R>, out: Subscriber<R>, rooms: readonly Room[]) {
    super(out);
    this.#engine = engine;
    this.#job = job;
    this[ROOMS] = rooms;
  }

  protected override _next(value: R): void {
    this.#engine.emit(this.#job, value);
  }

  protected override _complete(): void {
    this.unsubscribe();
    this.#engine.done(this.#job);
  }
}
