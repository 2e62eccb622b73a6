import { BatchxError } from '../errors.js';

/** Why a run is to end before it is done: its signal has fired, or what it needs has failed. */
export class GiveUp {
  /** Rejects with the reason. */
  readonly reason: Promise<never>;
  readonly #signal: AbortSignal;
  readonly #fired: () => void;
  #reject!: (reason: unknown) => void;
  #decided = false;

  constructor(signal: AbortSignal) {
    this.reason = new Promise((_, reject) => {
      this.#reject = reject;
    });
    // Nobody listens before the program has been started.
    this.reason.catch(() => undefined);
    this.#signal = signal;
    this.#fired = () => this.because(reasonOf(signal));
    signal.addEventListener('abort', this.#fired);
  }

  get decided(): boolean {
    return this.#decided;
  }

  /** The first reason counts. */
  because(reason: unknown): void {
    this.#decided = true;
    this.#reject(reason);
  }

  close(): void {
    this.#signal.removeEventListener('abort', this.#fired);
  }
}

export const reasonOf = ({ reason }: AbortSignal): BatchxError =>
  reason instanceof BatchxError
    ? reason
    : new BatchxError('aborted', 'the program was ended before it was done', { cause: reason });
