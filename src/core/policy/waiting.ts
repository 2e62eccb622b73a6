/** Takes a wait back. */
export type Cancel = () => void;

/** The one wait that a call is in, ended by whoever is first: what it waits for, or the end of the run. */
export class Waiting {
  readonly #stopping: AbortSignal;
  readonly #dropped: () => void;
  #cancel: Cancel | undefined = undefined;

  /** `dropped` is told instead of those who wait when the run is stopping. */
  constructor(stopping: AbortSignal, dropped: () => void) {
    this.#stopping = stopping;
    this.#dropped = dropped;
  }

  /** Begins to wait: `start` is given what ends the wait, and gives what takes it back. */
  begin<T extends unknown[]>(start: (go: (...args: T) => void) => Cancel, then: (...args: T) => void): void {
    if (this.#stopping.aborted) {
      this.#dropped();
      return;
    }
    let over = false;
    const stop = (): void => {
      over = true;
      this.#end();
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
