/** What a running call holds: one of the places that its operator's concurrency allows. */
export interface Slot {
  /** Fires when the call is not wanted any more: the subscription ended, or the run is aborted. Made on first use. */
  readonly signal: AbortSignal;
  /**
   * Gives the place to others while this call only waits. Does nothing while as many calls wait as the operator
   * allows, so that waiting ones stay bounded too.
   */
  park(): void;
  /** Asks for a place again and calls `go` once there is one: at once when the call is not parked. */
  unpark(go: () => void): void;
}
