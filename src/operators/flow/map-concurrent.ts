import { from, Observable, type ObservableInput, type ObservedValueOf, type OperatorFunction, Subscriber } from 'rxjs';
import {
  Concurrent,
  type ConcurrencyOptions,
  concurrentSettings,
  type ConcurrentSettings,
  type Engine,
  type Job,
} from '../../core/concurrent.js';
import { isPromiseLike } from '../../core/promise.js';
import { Room, ROOMS, roomsAnnounced, withoutRooms, withRooms } from '../../core/rooms.js';
import type { Slot } from '../../core/slot.js';

export interface MapConcurrentOptions extends ConcurrencyOptions {
  /** How many results a running inner source may have ready before its turn, when `ordered`; 64 unless said. */
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
 * source   -a--b--c-------|
 * project   a: ---A|   b: -B|   c: -C|      concurrency 2
 * result   ----(AB)---C---|
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
  const given = typeof options === 'number' ? { concurrency: options } : options;
  const settings = concurrentSettings(given);
  const buffer = given.buffer ?? 64;
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
    const inner = roomsAnnounced() ? withoutRooms(() => project(value, job)) : project(value, job);
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
