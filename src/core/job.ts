import { BatchxError } from './errors.js';
import type { Room } from './rooms.js';
import type { Slot, SlotWatcher } from './slot.js';

/** What a call tells its engine. */
export interface Engine<R> {
  /** Whether what it runs is not wanted any more. */
  readonly closed: boolean;
  emit(job: Job<R>, result: R): void;
  done(job: Job<R>): void;
  watch(job: Job<R>): void;
  park(job: Job<R>): void;
  lend(job: Job<R>): void;
  unpark(job: Job<R>): void;
  hold(job: Job<R>, end: PromiseLike<unknown>): void;
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
  /** Its place in the list of those that are to be told when they are not wanted any more. */
  listed = false;
  before: Job<R> | undefined = undefined;
  after: Job<R> | undefined = undefined;
  /** How much work keeps a slot although it was told to stop. */
  holding = 0;
  readonly #engine: Engine<R>;
  #controller: AbortController | undefined = undefined;
  #watcher: SlotWatcher | undefined = undefined;
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

  get wanted(): boolean {
    return !this.#engine.closed;
  }

  /** Has `watcher` told when the signal fires, or would. */
  watch(watcher: SlotWatcher): void {
    this.#watcher = watcher;
    this.#engine.watch(this);
  }

  abort(): void {
    this.#controller?.abort(new BatchxError('aborted', 'the call is not wanted any more'));
    this.#watcher?.abandoned();
  }

  park(): void {
    this.#engine.park(this);
  }

  lend(): void {
    this.#engine.lend(this);
  }

  unpark(go: () => void): void {
    this.#go = go;
    this.#engine.unpark(this);
  }

  hold(end: PromiseLike<unknown>): void {
    this.#engine.hold(this, end);
  }

  takeReturn(): (() => void) | undefined {
    const go = this.#go;
    this.#go = undefined;
    return go;
  }
}
