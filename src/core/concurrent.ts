import { type Observable, Subscriber, type Subscription } from 'rxjs';
import { BatchxError } from './errors.js';
import { weightOf } from './item.js';
import { Ring } from './ring.js';
import { findRooms, Room, roomFor, ROOMS, roomsAnnounced, withoutRooms, withRooms } from './rooms.js';
import type { Slot } from './slot.js';

/** How calls run side by side. */
export interface ConcurrencyOptions {
  /**
   * How many calls may run at once; 4 unless said. With an Observable nothing starts before its first number, 0
   * pauses, a lower number cancels nothing, completing keeps the last one, and an error ends the stream.
   */
  readonly concurrency?: number | Observable<number>;
  /** Emit in the order of the source instead of as results come; false unless said. */
  readonly ordered?: boolean;
  /** How many calls may be parked in long waits at once; 1,000 unless said. */
  readonly maxWaiting?: number;
  /** When it fires, values that wait are dropped; what runs goes on. */
  readonly stop?: AbortSignal;
}

export interface ConcurrentSettings {
  readonly concurrency: number | Observable<number>;
  readonly ordered: boolean;
  readonly maxWaiting: number;
  readonly stop: AbortSignal | undefined;
}

/** Checks the options and fills in their defaults. */
export function concurrentSettings(options: ConcurrencyOptions): ConcurrentSettings {
  const { concurrency = 4, ordered = false, maxWaiting = 1000, stop } = options;
  if (
    typeof concurrency === 'number' &&
    !(concurrency === Infinity || (Number.isInteger(concurrency) && concurrency > 0))
  ) {
    throw new BatchxError(
      'usage',
      `expected \`concurrency\` to be a whole number of at least 1, got ${String(concurrency)}`,
    );
  }
  return { concurrency, ordered, maxWaiting, stop };
}

/** What a call tells its engine. */
export interface Engine<R> {
  emit(job: Job<R>, result: R): void;
  done(job: Job<R>): void;
  watch(job: Job<R>): void;
  park(job: Job<R>): void;
  unpark(job: Job<R>): void;
}

/**
 * The engine of operators that run calls side by side: a queue, a cap, and a line that keeps the order.
 *
 * Values wait in the operator's room; running calls hold slots; results that wait for their turn are in the room too.
 * A subclass starts one call and tells of its end through `emit` and `done`, at once or later.
 */
export abstract class Concurrent<T, R> implements Engine<R> {
  readonly room: Room;
  protected readonly out: Subscriber<R>;
  protected readonly below: readonly Room[];
  readonly #queue = new Ring<T>();
  readonly #returning = new Ring<Job<R>>();
  /** The calls in the order of their values, the next to be emitted first; only when ordered. */
  readonly #line: Ring<Job<R>> | undefined;
  readonly #signals = new Set<Job<R>>();
  readonly #maxWaiting: number;
  #cap = 0;
  #active = 0;
  #parked = 0;
  #sourceDone = false;
  #stopped = false;
  #draining = false;
  #advancing = false;

  constructor(out: Subscriber<R>, options: ConcurrentSettings) {
    this.out = out;
    this.below = findRooms(out);
    this.#line = options.ordered ? new Ring() : undefined;
    this.#maxWaiting = options.maxWaiting;
    this.room = new Room(roomFor(0));
  }

  /** Starts the call for one value; what it throws ends the stream. */
  protected abstract launch(value: T, job: Job<R>): void;

  /** Subscribes to the source through this engine. */
  run(source: Observable<T>, { concurrency, stop }: ConcurrentSettings): void {
    const { out } = this;
    if (typeof concurrency === 'number') this.#setCap(concurrency);
    else
      withoutRooms(() => {
        this.#follow(concurrency);
      });
    if (out.closed) return;
    if (stop?.aborted === true) this.#stop();
    stop?.addEventListener('abort', this.#stop);
    const upstream = new Upstream(this, out);
    withRooms([this.room, ...this.below], () => source.subscribe(upstream));
    // Added after the upstream, so that nothing arrives any more when the rest is torn down.
    out.add(() => {
      stop?.removeEventListener('abort', this.#stop);
      this.#tearDown();
    });
  }

  /** A value has arrived. */
  push(value: T): void {
    if (this.#stopped) return;
    if (this.#active < this.#cap && this.#queue.length === 0) this.#start(value);
    else {
      this.room.take(weightOf(value));
      this.#queue.push(value);
    }
  }

  /** The source is complete. */
  end(): void {
    this.#sourceDone = true;
    this.#settle();
  }

  /** A result of a call: emitted now, or held until the calls before it are done. */
  emit(job: Job<R>, result: R): void {
    if (this.#line === undefined || (job.held === undefined && this.#line.peek() === job)) this.#pass(result);
    else {
      (job.held ??= []).push(result);
      job.heldRoom?.take(1);
    }
  }

  /** A call is over: its slot goes to the next value. */
  done(job: Job<R>): void {
    if (job.over || this.out.closed) return;
    job.over = true;
    if (job.parked) this.#parked--;
    else this.#active--;
    this.#signals.delete(job);
    if (this.#line !== undefined) {
      if (this.#line.peek() === job) this.#advance();
      else this.room.take(job.weight);
    }
    this.#drain();
  }

  fail(error: unknown): void {
    this.out.error(error);
  }

  /** What is below may be told of a result while a source is being subscribed to, whose rooms are no concern of it. */
  #pass(result: R): void {
    if (roomsAnnounced()) this.#passApart(result);
    else this.out.next(result);
  }

  // A function of its own, as `#launchApart`: a closure beside the usual way would cost that way, too.
  #passApart(result: R): void {
    withoutRooms(() => this.out.next(result));
  }

  get ordered(): boolean {
    return this.#line !== undefined;
  }

  /** Remembers that the call's signal has to fire when the subscription ends. */
  watch(job: Job<R>): void {
    if (this.out.closed) job.abort();
    else if (!job.over) this.#signals.add(job);
  }

  park(job: Job<R>): void {
    if (job.parked || job.over || this.#parked >= this.#maxWaiting) return;
    job.parked = true;
    this.#parked++;
    this.#active--;
    this.#drain();
  }

  unpark(job: Job<R>): void {
    this.#returning.push(job);
    this.#drain();
  }

  #start(value: T): void {
    this.#active++;
    const job = new Job<R>(this, weightOf(value));
    this.#line?.push(job);
    try {
      if (roomsAnnounced()) this.#launchApart(value, job);
      else this.launch(value, job);
    } catch (error) {
      this.fail(error);
    }
  }

  #launchApart(value: T, job: Job<R>): void {
    withoutRooms(() => this.launch(value, job));
  }

  /** Gives free slots to parked calls that want to go on, then to waiting values; then lets more be read. */
  #drain(): void {
    if (this.#draining) return;
    this.#draining = true;
    while (this.#active < this.#cap && !this.out.closed) {
      const returning = this.#returning.shift();
      if (returning !== undefined) {
        this.#resume(returning);
        continue;
      }
      if (this.#queue.length === 0) break;
      const value = this.#queue.shift() as T;
      this.room.release(weightOf(value));
      this.#start(value);
    }
    this.#draining = false;
    this.room.wake();
    this.#settle();
  }

  #resume(job: Job<R>): void {
    const go = job.takeReturn();
    if (job.over || go === undefined) return;
    job.parked = false;
    this.#parked--;
    this.#active++;
    go();
  }

  /** The first in line is done: emits what the next ones hold, up to the first that still runs. */
  #advance(): void {
    if (this.#advancing || this.#line === undefined) return;
    this.#advancing = true;
    while (this.#line.peek()?.over === true && !this.out.closed) {
      this.#line.shift();
      const next = this.#line.peek();
      if (next === undefined) break;
      // A call that was over before its turn has been counted; one that ends while it is emitted here has not.
      const counted = next.over;
      const held = next.held;
      // Emitting may bring more results of the same call: they are appended, and the loop finds them.
      for (let i = 0; held !== undefined && i < held.length && !this.out.closed; i++) this.#pass(held[i] as R);
      if (this.out.closed) break;
      next.held = undefined;
      if (counted) this.room.release(next.weight);
      next.heldRoom?.give(next.heldRoom.held);
    }
    this.#advancing = false;
  }

  #settle(): void {
    if (!this.#sourceDone || this.#active > 0 || this.#parked > 0 || this.#queue.length > 0 || this.#draining) return;
    if (this.#advancing) return;
    withoutRooms(() => this.out.complete());
  }

  #setCap(cap: number): void {
    if (!(cap >= 0) || (cap !== Infinity && !Number.isInteger(cap))) {
      throw new BatchxError('usage', `expected a concurrency to be a whole number of at least 0, got ${String(cap)}`);
    }
    this.#cap = cap;
    this.room.setLimit(roomFor(cap));
  }

  #follow(caps: Observable<number>): void {
    let said = false;
    const follower: Subscription = caps.subscribe({
      next: (cap) => {
        said = true;
        try {
          this.#setCap(cap);
        } catch (error) {
          this.fail(error);
          return;
        }
        this.#drain();
      },
      error: (error: unknown) => {
        this.fail(error);
      },
      complete: () => {
        if (!said)
          this.fail(
            new BatchxError('usage', 'expected the concurrency Observable to emit a number, it completed without one'),
          );
      },
    });
    this.out.add(follower);
  }

  readonly #stop = (): void => {
    this.#stopped = true;
    while (this.#queue.length > 0) this.room.release(weightOf(this.#queue.shift()));
    // Those that wait for room would wait for ever: what they bring now is dropped.
    this.#drain();
  };

  #tearDown(): void {
    this.#queue.clear();
    for (let job = this.#line?.shift(); job !== undefined; job = this.#line?.shift())
      job.heldRoom?.give(job.heldRoom.held);
    this.#returning.clear();
    this.room.give(this.room.held);
    for (const job of this.#signals) job.abort();
    this.#signals.clear();
  }
}

/** One running call. */
export class Job<R> implements Slot {
  readonly weight: number;
  /** Results that wait for the calls before this one; only when ordered. */
  held: R[] | undefined = undefined;
  /** Where the held results count, so that a pulled inner source pauses. */
  heldRoom: Room | undefined = undefined;
  over = false;
  parked = false;
  readonly #engine: Engine<R>;
  #controller: AbortController | undefined = undefined;
  #go: (() => void) | undefined = undefined;

  constructor(engine: Engine<R>, weight: number) {
    this.#engine = engine;
    this.weight = weight;
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      this.#engine.watch(this);
    }
    return this.#controller.signal;
  }

  abort(): void {
    this.#controller?.abort(new BatchxError('aborted', 'the call is not wanted any more'));
  }

  park(): void {
    this.#engine.park(this);
  }

  unpark(go: () => void): void {
    if (!this.parked) {
      go();
      return;
    }
    this.#go = go;
    this.#engine.unpark(this);
  }

  takeReturn(): (() => void) | undefined {
    const go = this.#go;
    this.#go = undefined;
    return go;
  }
}

/** What the source of an engine sees: ends with the source, while the engine may go on. */
class Upstream<T, R> extends Subscriber<T> {
  readonly [ROOMS]: readonly Room[];
  readonly #engine: Concurrent<T, R>;

  constructor(engine: Concurrent<T, R>, out: Subscriber<R>) {
    super(out);
    this.#engine = engine;
    this[ROOMS] = [engine.room];
  }

  protected override _next(value: T): void {
    this.#engine.push(value);
  }

  protected override _complete(): void {
    this.unsubscribe();
    this.#engine.end();
  }
}
