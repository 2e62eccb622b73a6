import { type Observable, Subscriber } from 'rxjs';
import { findRooms, type Room, ROOMS, roomsAnnounced, withoutRooms, withRooms } from './rooms.js';

/** What an operator does with what its source sends. Without `error` an error ends the operator at once. */
export interface Intake<T> {
  next(value: T): void;
  error?(error: unknown): void;
  complete(): void;
}

/**
 * Subscribes an operator to its source, so that pullers find its rooms and those below it.
 *
 * Operators above find `marks` too, as they walk down from subscriber to subscriber. What is torn down with `out` and
 * must come after the source has been left is to be added to `out` afterwards.
 */
export function subscribeThrough<T>(
  source: Observable<T>,
  intake: Intake<T>,
  out: Subscriber<never>,
  rooms: readonly Room[] = [],
  marks: Readonly<Record<symbol, unknown>> = {},
): void {
  const upstream = Object.assign(new Upstream(intake, out, rooms), marks);
  withRooms([...rooms, ...findRooms(out)], () => source.subscribe(upstream));
}

/** What a source sees of an operator. It ends with the source, while the operator may go on. */
class Upstream<T> extends Subscriber<T> {
  readonly [ROOMS]: readonly Room[];
  readonly #intake: Intake<T>;
  readonly #out: Subscriber<never>;

  constructor(intake: Intake<T>, out: Subscriber<never>, rooms: readonly Room[]) {
    super(out as Subscriber<unknown>);
    this.#intake = intake;
    this.#out = out;
    this[ROOMS] = rooms;
  }

  protected override _next(value: T): void {
    // A source that emits while it is subscribed to is still surrounded by the rooms that were announced to it.
    if (roomsAnnounced()) this.#nextApart(value);
    else this.#intake.next(value);
  }

  // A function of its own: a closure beside the usual way would cost that way, too.
  #nextApart(value: T): void {
    withoutRooms(() => this.#intake.next(value));
  }

  protected override _error(error: unknown): void {
    this.unsubscribe();
    withoutRooms(() => {
      if (this.#intake.error === undefined) this.#out.error(error);
      else this.#intake.error(error);
    });
  }

  protected override _complete(): void {
    this.unsubscribe();
    withoutRooms(() => this.#intake.complete());
  }
}
