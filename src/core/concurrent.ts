import type { Observable, Subscriber } from 'rxjs';
import { type ConcurrentSettings, followCaps } from './concurrency.js';
import { weightOf } from './item.js';
import { type Engine, Job } from './job.js';
import { JobList } from './job-list.js';
import { Line } from './line.js';
import { pass } from './pass.js';
import { Ring } from './ring.js';
import { findRooms, Room, roomFor, roomsAnnounced, withoutRooms } from './rooms.js';
import { type Intake, subscribeThrough } from './upstream.js';

/** So many turns of promises a call that was given up has to say what became of it: more than lie between it and us. */
const LAST_WORDS = 64;

/**
 * The engine of operators that run calls side by side: a queue, a cap, and a line that keeps the order.
 *
 * Values wait in the operator's room; running calls hold slots; results that wait for their turn are in the room too.
 * A subclass starts one call and tells of its end through `emit` and `done`, at once or later.
 */
export abstract class Concurrent<T, R> implements Engine<R>, Intake<T> {
  readonly room: Room;
  protected readonly out: Subscriber<R>;
  protected readonly below: readonly Room[];
  readonly #queue = new Ring<T>();
  readonly #returning = new Ring<Job<R>>();
  /** Only when ordered. */
  readonly #line: Line<R> | undefined;
  /** Those that are to be told when they are not wanted any more. */
  readonly #watched = new JobList<R>();
  /** Those that wait and are not parked, as no more may be. */
  readonly #crowd = new Set<Job<R>>();
  /** Those that wait and give their slot to whoever asks for one again. */
  readonly #lenders = new Set<Job<R>>();
  readonly #maxWaiting: number;
  #cap = 0;
  #active = 0;
  #parked = 0;
  /** How many of the parked ones ask for a slot. */
  #asking = 0;
  /** Slots kept by work that goes on although its call is over. */
  #heldOver = 0;
  #sourceDone = false;
  #stopped = false;
  #givenUp = false;
  #draining = false;

  constructor(out: Subscriber<R>, options: ConcurrentSettings) {
    this.out = out;
    this.below = findRooms(out);
    this.room = new Room(roomFor(0));
    this.#line = options.ordered ? new Line(out, this.room) : undefined;
    this.#maxWaiting = options.maxWaiting;
  }

  /** Starts the call for one value, with no rooms around it; what it throws ends the stream. */
  protected abstract launch(value: T, job: Job<R>): void;

  /** Subscribes to the source through this engine. */
  run(source: Observable<T>, { concurrency, stop }: ConcurrentSettings): void {
    const { out } = this;
    if (typeof concurrency === 'number') this.#setCap(concurrency);
    else withoutRooms(() => this.#follow(concurrency));
    if (out.closed) return;
    if (stop?.aborted === true) this.#refuse();
    stop?.addEventListener('abort', this.#refuse);
    subscribeThrough(source, this, out, [this.room]);
    // After the sources above have been told: they would take the room that is given back for more to read.
    stop?.addEventListener('abort', this.#stop);
    if (this.#stopped) this.#stop();
    // Added after the upstream, so that nothing arrives any more when the rest is torn down.
    out.add(() => {
      stop?.removeEventListener('abort', this.#refuse);
      stop?.removeEventListener('abort', this.#stop);
      this.#tearDown();
    });
  }

  /** A value has arrived. */
  next(value: T): void {
    if (this.#stopped) {
      if (this.#givenUp && this.settled(value)) pass(this.out, value as unknown as R);
      return;
    }
    if (this.#hasSlot && this.#queue.length === 0) this.#start(value);
    else {
      this.room.take(weightOf(value));
      this.#queue.push(value);
    }
  }

  /** The source is complete. */
  complete(): void {
    this.#sourceDone = true;
    this.#settle();
  }

  /** A result of a call: emitted now, or held until the calls before it are done. */
  emit(job: Job<R>, result: R): void {
    if (this.#line === undefined) pass(this.out, result);
    else this.#line.emit(job, result);
  }

  /** A call is over: its slot goes to the next value. */
  done(job: Job<R>): void {
    if (job.over || this.out.closed) return;
    job.over = true;
    if (job.parked) {
      if (job.takeReturn() !== undefined) this.#asking--;
      this.#parked--;
      this.#parkCrowd();
    } else {
      this.#active--;
      this.#crowd.delete(job);
      this.#lenders.delete(job);
    }
    if (job.holding === 0) this.#watched.remove(job);
    this.#line?.done(job);
    this.#drain();
  }

  /**
   * Ends with what is done, in its order; what runs is given up, and its signals fire. A call that has something to say
   * of that is heard still, as long as it says it at once.
   */
  giveUp(): void {
    if (this.out.closed || this.#givenUp) return;
    this.#givenUp = true;
    // What comes back from a wait is given up too: stopping would let it go on.
    this.#returning.clear();
    this.#stop();
    this.#abortAll();
    let turns = LAST_WORDS;
    const end = (): void => {
      if (this.out.closed) return;
      if (--turns > 0) {
        queueMicrotask(end);
        return;
      }
      this.#line?.flush();
      withoutRooms(() => this.out.complete());
    };
    end();
  }

  protected get givenUp(): boolean {
    return this.#givenUp;
  }

  /** Whether a value needs no call, so that it may go on when no more are made. */
  protected settled(_: T): boolean {
    return false;
  }

  fail(error: unknown): void {
    this.out.error(error);
  }

  get ordered(): boolean {
    return this.#line !== undefined;
  }

  /** Remembers that the call's signal has to fire when the subscription ends. */
  watch(job: Job<R>): void {
    if (this.closed) job.abort();
    else if (!job.over) this.#watched.add(job);
  }

  park(job: Job<R>): void {
    if (job.parked || job.over) return;
    this.#crowd.add(job);
    this.#parkCrowd();
    this.#drain();
  }

  lend(job: Job<R>): void {
    if (job.parked || job.over) return;
    this.#lenders.add(job);
    if (this.#asking > 0) this.#drain();
  }

  unpark(job: Job<R>): void {
    if (!job.parked) {
      this.#crowd.delete(job);
      this.#lenders.delete(job);
      if (this.#heldOver === 0 || this.#active + this.#heldOver <= this.#cap) {
        job.takeReturn()?.();
        return;
      }
      // Work that it has left behind is in its place.
      this.#setAside(job);
    }
    this.#returning.push(job);
    this.#asking++;
    this.#parkCrowd();
    this.#drain();
  }

  hold(job: Job<R>, end: PromiseLike<unknown>): void {
    this.#heldOver++;
    job.holding++;
    const over = (): void => {
      this.#heldOver--;
      if (--job.holding === 0 && job.over) this.#watched.remove(job);
      this.#drain();
    };
    end.then(over, over);
  }

  get closed(): boolean {
    return this.out.closed;
  }

  #setAside(job: Job<R>): void {
    job.parked = true;
    this.#parked++;
    this.#active--;
  }

  /**
   * Parks those that wait, as many as may be. Whoever asks for a slot counts no more: those that hold one only to wait
   * may wait for just that one, as calls behind a breaker do for those in front.
   */
  #parkCrowd(): void {
    for (const job of this.#crowd) {
      if (this.#parked - this.#asking >= this.#maxWaiting) return;
      this.#crowd.delete(job);
      this.#setAside(job);
    }
  }

  get #hasSlot(): boolean {
    return this.#active + this.#heldOver < this.#cap;
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

  // A function of its own: a closure beside the usual way would cost that way, too.
  #launchApart(value: T, job: Job<R>): void {
    withoutRooms(() => this.launch(value, job));
  }

  /** Gives free slots to parked calls that want to go on, then to waiting values; then lets more be read. */
  #drain(): void {
    if (this.#draining) return;
    this.#draining = true;
    while (!this.out.closed && (this.#hasSlot || this.#borrow())) {
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

  /** Takes the slot of one that lends it, where somebody asks for one. */
  #borrow(): boolean {
    if (this.#asking === 0) return false;
    for (const job of this.#lenders) {
      this.#lenders.delete(job);
      this.#setAside(job);
      if (this.#hasSlot) return true;
    }
    return false;
  }

  #resume(job: Job<R>): void {
    const go = job.takeReturn();
    if (go === undefined) return;
    this.#asking--;
    job.parked = false;
    this.#parked--;
    this.#active++;
    go();
  }

  #settle(): void {
    if (!this.#sourceDone || this.#active > 0 || this.#parked > 0 || this.#queue.length > 0 || this.#draining) return;
    if (this.#line?.advancing === true) return;
    withoutRooms(() => this.out.complete());
  }

  #setCap(cap: number): void {
    this.#cap = cap;
    this.room.setLimit(roomFor(cap));
  }

  #follow(caps: Observable<number>): void {
    const set = (cap: number): void => {
      this.#setCap(cap);
      this.#drain();
    };
    this.out.add(followCaps(caps, set, (error) => this.fail(error)));
  }

  readonly #refuse = (): void => {
    this.#stopped = true;
  };

  readonly #stop = (): void => {
    this.#stopped = true;
    while (this.#queue.length > 0) this.room.release(weightOf(this.#queue.shift()));
    // Those that wait for room would wait for ever: what they bring now is dropped.
    this.#drain();
  };

  #tearDown(): void {
    this.#queue.clear();
    this.#line?.clear();
    this.#returning.clear();
    this.#crowd.clear();
    this.#lenders.clear();
    this.room.give(this.room.held);
    this.#abortAll();
  }

  #abortAll(): void {
    for (let job = this.#watched.first; job !== undefined; job = this.#watched.first) {
      this.#watched.remove(job);
      job.abort();
    }
  }
}
