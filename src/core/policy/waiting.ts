import type { WaitReason } from '../events.js';

/** Takes a wait back. */
export type Cancel = () => void;

/** What is waited for. */
export interface WaitFor {
  readonly reason: WaitReason;
  /** The name of the rate or the breaker. */
  readonly of?: string | undefined;
  /** How long it will take at least, in milliseconds, where that is known; asked only when somebody listens. */
  readonly ms?: (() => number | undefined) | undefined;
  /** How long a pause lasts that is to be over first, in milliseconds: until then the reason is that. */
  readonly pausedMs?: (() => number) | undefined;
}

/** Told of a wait when it has begun, and when it is over. */
export interface WaitListener {
  began(wait: WaitFor): void;
  over(wait: WaitFor): void;
}

/** The one wait that a call is in, ended by whoever is first: what it waits for, or the end of the run. */
export class Waiting {
  readonly #stopping: AbortSignal;
  readonly #dropped: () => void;
  readonly #listener: WaitListener | undefined;
  #cancel: Cancel | undefined = undefined;

  /** `dropped` is told instead of those who wait when the run is stopping. */
  constructor(stopping: AbortSignal, dropped: () => void, listener?: WaitListener) {
    this.#stopping = stopping;
    this.#dropped = dropped;
    this.#listener = listener;
  }

  /** Begins to wait: `start` is given what ends the wait, and gives what takes it back. */
  begin<T extends unknown[]>(
    wait: WaitFor,
    start: (go: (...args: T) => void) => Cancel,
    then: (...args: T) => void,
  ): void {
    if (this.#stopping.aborted) {
      this.#dropped();
      return;
    }
    let over = false;
    let told = false;
    const stop = (): void => {
      over = true;
      this.#end();
      if (told) this.#listener?.over(wait);
    };
    const cancel = start((...args) => {
      if (over) return;
      stop();
      then(...args);
    });
    if (over) return;
    this.#cancel = () => {
      stop();
      cancel();
    };
    this.#stopping.addEventListener('abort', this.#drop);
    told = this.#listener !== undefined;
    this.#listener?.began(wait);
  }

  /** Takes the wait back, if there is one. */
  cancel(): void {
    this.#cancel?.();
  }

  readonly #drop = (): void => {
    this.cancel();
    this.#dropped();
  };

  #end(): void {
    if (this.#cancel === undefined) return;
    this.#cancel = undefined;
    this.#stopping.removeEventListener('abort', this.#drop);
  }
}
