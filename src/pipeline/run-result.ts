import type { Counts } from '../core/account.js';
import type { BatchxError } from '../core/errors.js';
import type { Halted } from './halt.js';

/** How a run ended. */
export interface RunResult {
  readonly counts: Counts;
  /** Why it was ended before its input was, if it was; running calls and the sinks had their end all the same. */
  readonly halted: Halted | undefined;
  /** True when it was told to stop. */
  readonly interrupted: boolean;
  /** How many files were found that it, or a run before it, had written itself: they are no items. */
  readonly own?: number | undefined;
  /** Why it could not go on. */
  readonly error: BatchxError | undefined;
}
