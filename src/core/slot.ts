/** What a running call holds: one of the places that its operator's concurrency allows. */
export interface Slot {
  /** Fires when the call is not wanted any more: the subscription ended, or the run is aborted. Made on first use. */
  readonly signal: AbortSignal;
  /**
   * Calls `stop` when the signal fires, or would: cheaper than a signal, where there is this. The latest one is called, at
   * once when the call is not wanted any more already.
   */
  onStop?(stop: (reason: unknown) => void): void;
  /**
   * What was prepared since the call was begun, such as a connection, is there: it goes out now. A permit counts from
   * then. Only the first time tells.
   */
  sent?(): void;
  /** How long the attempt may take, in milliseconds, where that is limited; then the signal fires. */
  readonly limitMs?: number | undefined;
  /**
   * Gives the place to others while this call only waits. While as many calls wait as the operator allows it keeps the
   * place until one of them asks for its own again, so that waiting ones stay bounded too.
   */
  park(): void;
  /** Gives the place only to calls that ask for theirs again, while this one waits: nothing new begins meanwhile. */
  lend?(): void;
  /** Asks for a place again and calls `go` once there is one: at once when the call has its own still. */
  unpark(go: () => void): void;
  /**
   * Keeps the place until `end` is settled, even when the call's result is there before: for work that goes on although
   * it was told to stop. The end of the stream does not wait for it.
   */
  hold(end: PromiseLike<unknown>): void;
}

/** What runs a slot's call for others, and is told once when that is not wanted any more. */
export interface SlotWatcher {
  abandoned(): void;
}
