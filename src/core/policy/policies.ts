import type { Item } from '../item.js';
import type { AdaptiveConcurrency } from './adaptive.js';
import type { Backoff } from './backoff.js';
import type { Breaker } from './breaker.js';
import type { Deadline } from './deadline.js';
import type { Limiter } from './limiter.js';

/** How the calls of a step are tried. What is missing is not done. */
export interface Policies {
  /** What the step is called, for those who listen. */
  readonly name?: string | undefined;
  /** Ends an attempt that takes too long. */
  readonly timeout?: Deadline | undefined;
  /** How long an item may take in all, with its retries and waits, in milliseconds. */
  readonly deadlineMs?: number | undefined;
  readonly limiter?: Limiter | undefined;
  readonly breaker?: Breaker | undefined;
  readonly backoff?: Backoff | undefined;
  /** Is told of each attempt; whoever runs the calls follows its cap. */
  readonly adaptive?: AdaptiveConcurrency | undefined;
  /** Which server a call goes to: each has its own breaker, and is paused alone. Those of one `key` unless said. */
  readonly server?: ((item: Item) => string) | undefined;
  /** What is paused when a server says when to come back, by `server`; the limiter unless said. */
  readonly pauses?: Limiter | undefined;
  /** Whose limit and breaker it is, where each key has its own. */
  readonly key?: ((item: Item) => string) | undefined;
  /** How many permits an item takes; 1 unless said. */
  readonly weight?: ((item: Item) => number) | undefined;
  /** How many it has taken, where the result of the call tells. */
  readonly spent?: ((result: unknown) => number | undefined) | undefined;
  /** False when a call that may have been done must not be done twice: then it ends in doubt. */
  readonly repeatable: boolean;
}
