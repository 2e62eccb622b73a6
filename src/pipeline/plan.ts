import type { PolicyOptions } from '../core/policy/policy-options.js';
import type { HaltRule } from './halt-rule.js';

/** A component by its name, with the options that its schema will parse. */
export interface Use {
  readonly name: string;
  readonly options: Readonly<Record<string, unknown>>;
  /** How the calls of a step are tried. */
  readonly policies?: PolicyOptions | undefined;
}

/** What a run consists of: the form into which commands, and files, are brought before they are compiled. */
export interface Plan {
  readonly name: string;
  /** Read one after another. */
  readonly sources: readonly Use[];
  /** Read no more items than this. */
  readonly limit?: number | undefined;
  /** Whether items that an earlier run left in doubt are run again. */
  readonly retryInDoubt?: boolean | undefined;
  readonly steps: readonly Use[];
  readonly concurrency?: number | undefined;
  readonly ordered: boolean;
  /** When to end before the input does; no rules for never. */
  readonly halt: readonly HaltRule[];
  /**
   * Whether items are counted for that when their turn to be written comes, instead of as they are done: with `ordered`,
   * all that come before the one that halts are written then. True where rows go out in order, false where a call has
   * effects of its own.
   */
  readonly haltInTurn?: boolean | undefined;
  /** How many items there are, where that is known before they are read. */
  readonly total?: number | undefined;
  /** In their order; the last one settles the items. */
  readonly sinks: readonly Use[];
}
