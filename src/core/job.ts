import { BatchxError } from './errors.js';
import type { Room } from './rooms.js';
import type { Slot } from './slot.js';

/** What a call tells its engine. */
export interface Engine<R> {
  emit(job: Job<R>, result: R): void;
  done(job: Job<R>): void;
  watch(job: Job<R>): void;
  park(job: Job<R>): void;
  unpark(job: Job<R>): void;
  hold(end: PromiseLike<unknown>): void;
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

  hold(end: PromiseLike<unknown>): void {
    this.#engine.hold(end);
  }

  takeReturn(): (() => void) | undefined {
    const go = this.#go;
    this.#go = undefined;
    return go;
  }
}
