import { Observable, type Subscriber } from 'rxjs';
import * as z from 'zod';
import { BatchxError } from './errors.js';
import { isPromiseLike } from './promise.js';
import { findRooms, type Room, roomsAnnounced, withoutRooms } from './rooms.js';
import { abortSignal, expectFunction, given, parseOptions } from './schema.js';

/** What a source gives: an array of values for each read. */
export type Blocks<T> = Iterable<readonly T[]> | AsyncIterable<readonly T[]>;

export interface PullOptions<T> {
  /** The rooms to respect, instead of those that are found below the subscription. */
  readonly rooms?: readonly Room[];
  /** When it fires, nothing more is read or emitted and the Observable completes. */
  readonly stop?: AbortSignal | undefined;
  /** Sees each value just before it is emitted. */
  readonly onEmit?: (value: T) => void;
  /** Told when the sequence is at its end, just before the Observable completes; not when that ends for another reason. */
  readonly onEnd?: (() => void) | undefined;
}

const pullOptions = z.strictObject({
  rooms: given('an array of rooms', Array.isArray).optional(),
  stop: abortSignal().optional(),
  onEmit: given('a function', (value) => typeof value === 'function').optional(),
  onEnd: given('a function', (value) => typeof value === 'function').optional(),
});

/**
 * Turns a pulled sequence of blocks into an Observable of their values that reads only while there is room below.
 *
 * Emits the values one by one and asks for the next block once the last one has been emitted and no operator below is
 * full. Holds one block. `open` is called for each subscription and is given a signal that fires when the
 * subscription ends, so that a read that is blocked can be given up. What the sequence throws becomes the error.
 *
 * @example
 * import { pull } from 'batchx';
 *
 * const pages = pull(async function* () {
 *   for (let page = 1; page <= 3; page++) yield [page * 10, page * 10 + 1];
 * });
 * pages.subscribe((value) => console.log(value)); // 10, 11, 20, 21, 30, 31
 */
export function pull<T>(open: (signal: AbortSignal) => Blocks<T>, options: PullOptions<T> = {}): Observable<T> {
  expectFunction(open, 'pull');
  parseOptions(pullOptions, options, 'pull');
  return new Observable<T>((subscriber) => {
    const puller = new Puller(subscriber, options);
    withoutRooms(() => {
      puller.start(open);
    });
    return () => {
      puller.end();
    };
  });
}

type Pulled<T> = IteratorResult<readonly T[], unknown>;

class Puller<T> {
  readonly #subscriber: Subscriber<T>;
  readonly #rooms: readonly Room[];
  readonly #onEmit: ((value: T) => void) | undefined;
  readonly #onEnd: (() => void) | undefined;
  readonly #stop: AbortSignal | undefined;
  readonly #ended = new AbortController();
  #iterator: Iterator<readonly T[]> | AsyncIterator<readonly T[]> | undefined;
  #block: readonly T[] = [];
  #next = 0;
  #waitsIn: Room | undefined;
  /** True while the loop runs or a read is under way: whoever frees room then must not start it once more. */
  #busy = true;

  constructor(subscriber: Subscriber<T>, { rooms, stop, onEmit, onEnd }: PullOptions<T>) {
    this.#subscriber = subscriber;
    this.#rooms = rooms ?? findRooms(subscriber);
    this.#onEmit = onEmit;
    this.#onEnd = onEnd;
    this.#stop = stop;
  }

  start(open: (signal: AbortSignal) => Blocks<T>): void {
    if (this.#stop?.aborted === true) {
      this.#subscriber.complete();
      return;
    }
    this.#stop?.addEventListener('abort', this.#complete);
    try {
      const blocks = open(this.#ended.signal);
      this.#iterator =
        Symbol.asyncIterator in blocks
          ? blocks[Symbol.asyncIterator]()
          : (blocks as Iterable<readonly T[]>)[Symbol.iterator]();
    } catch (error) {
      this.#subscriber.error(error);
      return;
    }
    this.#run();
  }

  /** Gives up the room that is waited for, the read under way and the sequence itself. */
  end(): void {
    this.#stop?.removeEventListener('abort', this.#complete);
    this.#waitsIn?.forget(this.#resume);
    this.#waitsIn = undefined;
    this.#block = [];
    const iterator = this.#iterator;
    this.#iterator = undefined;
    this.#ended.abort();
    if (iterator?.return === undefined) return;
    // The subscription is over: nobody is left to be told of an error of the clean-up.
    void Promise.resolve()
      .then(() => iterator.return?.())
      .catch(() => undefined);
  }

  readonly #complete = (): void => {
    this.#subscriber.complete();
  };

  readonly #resume = (): void => {
    this.#waitsIn = undefined;
    if (this.#busy) return;
    if (roomsAnnounced()) withoutRooms(() => this.#run());
    else this.#run();
  };

  #run(): void {
    this.#busy = true;
    const subscriber = this.#subscriber;
    while (!subscriber.closed) {
      while (this.#next < this.#block.length) {
        if (this.#mustWait()) return;
        const value = this.#block[this.#next++] as T;
        this.#onEmit?.(value);
        subscriber.next(value);
        if (subscriber.closed) return;
      }
      if (this.#mustWait()) return;
      let pulled: Pulled<T> | PromiseLike<Pulled<T>>;
      try {
        pulled = (this.#iterator as Iterator<readonly T[]>).next();
      } catch (error) {
        subscriber.error(error);
        return;
      }
      if (isPromiseLike<Pulled<T>>(pulled)) {
        pulled.then(this.#arrived, this.#failed);
        return;
      }
      if (!this.#accept(pulled)) return;
    }
  }

  readonly #arrived = (pulled: Pulled<T>): void => {
    if (!this.#subscriber.closed && this.#accept(pulled)) this.#run();
  };

  readonly #failed = (error: unknown): void => {
    this.#subscriber.error(error);
  };

  #accept(pulled: Pulled<T>): boolean {
    if (pulled.done === true) {
      this.#iterator = undefined;
      this.#onEnd?.();
      this.#subscriber.complete();
      return false;
    }
    if (!Array.isArray(pulled.value)) {
      this.#subscriber.error(
        new BatchxError('usage', `expected a block, which is an array of values, got a ${typeof pulled.value}`),
      );
      return false;
    }
    this.#block = pulled.value;
    this.#next = 0;
    return true;
  }

  /** Whether a room is full; then the loop goes on when it has space again. */
  #mustWait(): boolean {
    const rooms = this.#rooms;
    for (let i = 0; i < rooms.length; i++) {
      const room = rooms[i] as Room;
      if (!room.full) continue;
      this.#waitsIn = room;
      this.#busy = false;
      room.whenFree(this.#resume);
      return true;
    }
    return false;
  }
}
