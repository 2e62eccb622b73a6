import {
  defer,
  type MonoTypeOperatorFunction,
  Observable,
  type OperatorFunction,
  type Subscriber,
  Subscription,
} from 'rxjs';
import { Item } from '../../core/item.js';
import { detached } from '../../core/origin.js';
import { Outcome } from '../../core/outcome.js';
import { findRooms, type Room, withoutRooms } from '../../core/rooms.js';
import { expectFunction } from '../../core/schema.js';
import { type Intake, subscribeThrough } from '../../core/upstream.js';

/**
 * Gives every value to each branch as well, then lets it go on, at once and in order.
 *
 * A branch is an operator, such as a sink or a pipe that ends in one; what it emits is not used. A slow branch holds
 * the source back through its rooms, as the main stream does. Completes when the source and all branches have; an error
 * of the source is passed on once the branches have ended, so that sinks write what came before it; an error of a
 * branch is one of the stream. A branch that completes early gets no more. Unsubscribing ends the branches. Nothing is
 * held. A branch has to subscribe to its source at once, or its rooms are not found.
 *
 * Each item is accounted for once, by the main stream: branches get copies for which nobody asks.
 *
 * ```
 * source      -a-b-c-|
 * branch      -a-b-c----|      takes a while to close
 * tee         -a-b-c----|
 * ```
 *
 * @example
 * import { jsonl, mapItems, tee, toJsonl } from 'batchx';
 *
 * jsonl<{ total: number }>('orders.jsonl')
 *   .pipe(tee(toJsonl('copy.jsonl')), mapItems(({ total }) => total * 1.19), toJsonl('gross.jsonl'))
 *   .subscribe();
 */
export function tee<T>(...branches: readonly OperatorFunction<T, unknown>[]): MonoTypeOperatorFunction<T> {
  for (const branch of branches) expectFunction(branch, 'tee');
  return (source) =>
    new Observable((subscriber) => {
      const teeing = new Teeing(subscriber);
      for (const branch of branches) teeing.branch(branch);
      if (!subscriber.closed) subscribeThrough(source, teeing, subscriber, [...teeing.rooms]);
      // Added after the source: a branch that is left makes room, and nothing may be read into that.
      subscriber.add(teeing.branches);
    });
}

class Teeing<T> implements Intake<T> {
  readonly rooms = new Set<Room>();
  readonly branches = new Subscription();
  readonly #out: Subscriber<T>;
  /** Where branches take their values; replaced, never changed, so that a loop over it is undisturbed. */
  #ports: readonly Subscriber<T>[] = [];
  #running = 0;
  /** Values that came while another one was given out. */
  readonly #waiting: T[] = [];
  #giving = false;
  #ended: { readonly error?: unknown } | undefined;

  constructor(out: Subscriber<T>) {
    this.#out = out;
  }

  branch(operator: OperatorFunction<T, unknown>): void {
    if (this.#out.closed) return;
    this.#running++;
    const over = (): void => {
      this.#running--;
      this.#settle();
    };
    const error = (thrown: unknown): void => {
      if (this.#ended !== undefined && 'error' in this.#ended) over();
      else this.#out.error(thrown);
    };
    const results = defer(() => operator(this.#port));
    this.branches.add(withoutRooms(() => results.subscribe({ error, complete: over })));
  }

  readonly #port = new Observable<T>((subscriber) => {
    for (const room of findRooms(subscriber)) this.rooms.add(room);
    this.#ports = [...this.#ports, subscriber];
    if (this.#ended !== undefined) this.#close(subscriber, this.#ended);
    return () => {
      this.#ports = this.#ports.filter((port) => port !== subscriber);
    };
  });

  next(value: T): void {
    this.#waiting.push(value);
    if (this.#giving) return;
    this.#giving = true;
    while (this.#waiting.length > 0) this.#give(this.#waiting.shift() as T);
    this.#giving = false;
    if (this.#ended !== undefined) this.#finish(this.#ended);
  }

  error(error: unknown): void {
    this.#end({ error });
  }

  complete(): void {
    this.#end({});
  }

  #give(value: T): void {
    if (this.#ports.length > 0) {
      const copy = detach(value);
      for (const port of this.#ports) port.next(copy);
    }
    this.#out.next(value);
  }

  #end(end: { readonly error?: unknown }): void {
    this.#ended = end;
    if (!this.#giving) this.#finish(end);
  }

  #finish(end: { readonly error?: unknown }): void {
    for (const port of this.#ports) this.#close(port, end);
    this.#settle();
  }

  #close(port: Subscriber<T>, end: { readonly error?: unknown }): void {
    if ('error' in end) port.error(end.error);
    else port.complete();
  }

  #settle(): void {
    if (this.#ended === undefined || this.#running > 0 || this.#giving) return;
    if ('error' in this.#ended) this.#out.error(this.#ended.error);
    else this.#out.complete();
  }
}

/** A copy that does not touch the account. */
function detach<T>(value: T): T {
  if (value instanceof Item) return value.withExtra({ origin: detached }) as T;
  if (value instanceof Outcome) return new Outcome(detach(value.item), value.status) as T;
  return value;
}
