import type { DataFunction } from '../core/expression.js';
import type { Item } from '../core/item.js';
import type { CacheOptions } from '../core/cache/cache.js';
import type { AdaptiveOptions } from '../core/policy/adaptive.js';
import type { PolicyOptions } from '../core/policy/policy-options.js';
import type { Told } from './dry-step.js';
import type { HaltRule } from './halt-rule.js';

/** A component by its name, with the options that its schema will parse. */
export interface Use {
  readonly name: string;
  readonly options: Readonly<Record<string, unknown>>;
}

/** A step, with what a pipeline says of it besides its options. */
export interface StepUse extends Use {
  /** An operator on the stream of items instead of a step. */
  readonly kind?: 'flow' | undefined;
  /** What a call of it costs of a rate that counts tokens, where its options do not say; a number, or by the item. */
  readonly cost?: number | DataFunction | undefined;
  /** What it is called; its name unless said. */
  readonly label?: string | undefined;
  /** How its calls are tried. */
  readonly policies?: PolicyOptions | undefined;
  /** Whose rate and breaker it is, where each key has its own. */
  readonly key?: ((item: Item) => string) | undefined;
  /** How many items its stage works on at once, or between which bounds that is found out: it begins a stage of its own. */
  readonly concurrency?: number | AdaptiveOptions | undefined;
  /** Where its results are kept. */
  readonly cache?: CacheUse | undefined;
  readonly ordered?: boolean | undefined;
  /** The name under which its result stands beside the data; without it the result replaces them. */
  readonly output?: string | undefined;
  /** Which items it is for; the others pass by. */
  readonly when?: DataFunction | undefined;
  /** An item goes on as it was when this step fails for it, with a warning. */
  readonly optional?: boolean | undefined;
  /** JSON Schemas, or their paths, that the data have to fit before it, and its result after it. */
  readonly accepts?: unknown;
  readonly returns?: unknown;
  /** Whether items that do not fit them go on all the same, with a warning. */
  readonly lenient?: boolean | undefined;
  /** What its templates may name besides an item, where that is not what all may. */
  readonly context?: Readonly<Record<string, unknown>> | undefined;
  /** What it does, as its user has said it; its options unless said, whose functions say less. */
  readonly says?: unknown;
  /** It is told what the step would do for an item, and nothing is done. */
  readonly tell?: ((told: Told) => void) | undefined;
}

/** Where the results of a step are kept, and of what calls. */
export interface CacheUse extends CacheOptions {
  /** What tells the calls of this step from those of others. */
  readonly of: unknown;
  /** What makes its calls equal; what the step says that their results depend on unless given. */
  readonly key?: ((item: Item) => string) | undefined;
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
  readonly steps: readonly StepUse[];
  /** How many items each stage works on at once; what is found out is so for each step that reaches outside. */
  readonly concurrency?: number | AdaptiveOptions | undefined;
  /** Whether items keep their order. Unless said, they do in stages whose steps only work in memory. */
  readonly ordered?: boolean | undefined;
  /** When to end before the input does; no rules for never. */
  readonly halt: readonly HaltRule[];
  /**
   * Whether items are counted for that when their turn to be written comes, instead of as they are done: with `ordered`,
   * all that come before the one that halts are written then. True where rows go out in order, false where a call has
   * effects of its own.
   */
  readonly haltInTurn?: boolean | undefined;
  /** Whether failures that every further item would have too end the run as well; true unless said. */
  readonly haltAlike?: boolean | undefined;
  /** How many items there are, where that is known before they are read. */
  readonly total?: number | undefined;
  /** What is written besides the sinks: the report, and the folder that all outputs lie in. */
  readonly writes?: readonly string[] | undefined;
  /** In their order; the last one settles the items. */
  readonly sinks: readonly Use[];
}
