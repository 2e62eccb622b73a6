/** What stops a wait, and takes it back. */
export type Cancel = () => void;

/** The one wait that a call is in, ended by whoever is first: what it waits for, or a signal. */
export class Waiting {
  #cancel: Cancel | undefined = undefined;
  readonly #signals: () => readonly AbortSignal[];
  readonly #dropped: () => void;

  /** `dropped` is told when a signal has ended a wait. */
  constructor(signals: () => readonly AbortSignal[], dropped: () => void) {
    this.#signals = signals;
    this.#dropped = dropped;
  }

  /** Begins to wait, unless a signal has fired: `start` is given what ends the wait, and gives what takes it back. */
  begin<T extends unknown[]>(start: (go: (...args: T) => void) => Cancel, then: (...args: T) => void): void {
    const signals = this.#signals();
    if (signals.some(({ aborted }) => aborted)) {
      this.#dropped();
      return;
    }
    let over = false;
    const cancel = start((...args) => {
      over = true;
      this.#end();
      then(...args);
    });
    if (over) return;
    this.#cancel = cancel;
    for (const signal of signals) signal.addEventListener('abort', this.#drop);
  }

  /** Takes the wait back, if there is one. */
  cancel(): void {
    const cancel = this.#cancel;
    this.#end();
    cancel?.();
  }

  readonly #drop = (): void => {
    if (this.#cancel === undefined) return;
    this.cancel();
    this.#dropped();
  };

  #end(): void {
    if (this.#cancel === undefined) return;
    this.#cancel = undefined;
    for (const signal of this.#signals()) signal.removeEventListener('abort', this.#drop);
  }
}
