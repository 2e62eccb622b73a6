import type { OperatorFunction } from 'rxjs';
import type * as z from 'zod';
import type { AggregateSpec, Aggregator, Shape } from './aggregator.js';
import type { Item } from './item.js';
import type { ItemOutput } from './item-output.js';
import type { StepCost } from './policy/cost.js';
import type { PolicyDefaults } from './policy/policy-options.js';
import type { Blocks } from './pull.js';
import type { Runtime } from './runtime.js';
import type { Slot } from './slot.js';
import type { SinkWriter, Takes } from './sink-writer.js';
import type { Gives, StepFunction } from './step.js';

/** What every component says of itself; checks, help, JSON Schema and reference pages are made from it. */
export interface Definition<S extends z.ZodObject = z.ZodObject> {
  /** What it is called, in kebab-case; its file has the same name. */
  readonly name: string;
  readonly status: 'experimental' | 'stable' | 'deprecated';
  /** One sentence, with a full stop. */
  readonly summary: string;
  readonly options: S;
  /** The key that it is known by in a pipeline file; its name in camelCase unless said. */
  readonly verb?: string;
  /** The option that is written behind the name in a pipeline file, as in `exec: gzip {}`; without it all of them are. */
  readonly main?: string;
  readonly examples: readonly { readonly title: string; readonly options: z.input<S> }[];
}

/** How a component writes a file for each item. */
export interface Writes<S extends z.ZodObject = z.ZodObject> {
  /** The options that may say where; where none of them does it writes none. */
  readonly options: readonly string[];
  /** Gives where the file of an item would be, without touching anything: it can be asked before a run. */
  at(options: z.output<S>, runtime: Runtime): (item: Item) => ItemOutput;
}

/** Makes items. */
export interface SourceDefinition<S extends z.ZodObject = z.ZodObject> extends Definition<S> {
  readonly kind: 'source';
  /** The fields that the data of each of its items have, where that is so for all of them. */
  readonly fields?: readonly string[];
  /** The files that it reads: they may be read before a run too, for the fields that their records have. */
  files?(options: z.output<S>): readonly string[];
  /** Whether the file at an absolute path would be among those that it reads, where `files` does not tell. */
  covers?(options: z.output<S>, path: string): boolean;
  /** Whether its options name the file at an absolute path, and do not only match it, where `files` does not tell. */
  names?(options: z.output<S>, path: string): boolean;
  /** Throws when what it reads is surely not there, where `files` does not tell. Asked before anything is opened. */
  ready?(options: z.output<S>): Promise<unknown>;
  /** How many items it makes, where its options alone say so. */
  total?(options: z.output<S>): number;
  /** Opens the input and gives its items, a block for each read. The signal fires when nobody wants them any more. */
  open(options: z.output<S>, runtime: Runtime, signal: AbortSignal): Blocks<Item>;
}

/** One operation on one item. Consecutive ones share a slot. */
export interface StepDefinition<S extends z.ZodObject = z.ZodObject> extends Definition<S> {
  readonly kind: 'step';
  readonly gives: Gives;
  /**
   * In a pipeline file the result stands beside the data under this name, and as `result`, instead of in their place. An
   * operator in code always replaces the data.
   */
  readonly output?: string;
  /** How many items a stage of a pipeline works on at once for its sake, unless said: a number, or as many as the machine has for commands. */
  readonly workers?: number | 'processors';
  /** Whether it reaches outside, so that the policies at the top of a pipeline file hold for it. */
  readonly reachesOut?: boolean;
  /** Where it writes a file for each item, if it does. */
  readonly writes?: Writes<S>;
  /** The programs that have to be installed for it. */
  programs?(options: z.output<S>): readonly string[];
  /** How its calls are tried where the user says nothing; `policiesWith` puts both together. */
  policies?(options: z.output<S>, runtime: Runtime): PolicyDefaults;
  /** What its calls cost, for rates that count tokens; undefined when its options do not say. */
  cost?(options: z.output<S>): StepCost | undefined;
  /** Loads what its calls need, before the first one: it would be late otherwise, with the permit of its rate spent. */
  load?(): Promise<unknown>;
  /** Throws when code of the user's that it runs, such as a module, cannot be used. Asked before anything is opened. */
  ready?(options: z.output<S>, runtime: Runtime): Promise<unknown>;
  create(options: z.output<S>, runtime: Runtime): StepFunction;
  /**
   * What the result for an item depends on, as plain data: what a cache finds it by. Throws for options with which results
   * cannot be kept; those of a step without it never can.
   */
  cacheKey?(options: z.output<S>, runtime: Runtime): (item: Item) => unknown;
  /** Tells in a line what it would do for an item, and does nothing: for a dry run. Steps without it are run there. */
  tell?(options: z.output<S>, runtime: Runtime): (item: Item, slot: Slot) => string | Promise<string>;
}

/** An operator on the stream of items: it may change how many there are. */
export interface FlowDefinition<S extends z.ZodObject = z.ZodObject> extends Definition<S> {
  readonly kind: 'flow';
  /** Whether it makes parts of an item, each of which is known by itself to a job. */
  readonly splits?: boolean;
  /**
   * Whether it makes one item of several, which are its parents: a job then knows them as done as long as all of them are
   * as they were, and has what was made of them.
   */
  readonly gathers?: boolean;
  /** Whether what becomes of an item depends on those before it: a job then has them come by with what was `seen` of them. */
  readonly remembers?: boolean;
  /**
   * Whether each item goes on by itself, or does so once `runtime.durable.onAlone` tells: a job can find the item then at
   * which its process dies, by doing it alone.
   */
  readonly oneByOne?: boolean;
  create(options: z.output<S>, runtime: Runtime): OperatorFunction<Item, Item>;
}

/** Takes finished items. */
export interface SinkDefinition<S extends z.ZodObject = z.ZodObject> extends Definition<S> {
  readonly kind: 'sink';
  /** Which items it is given to write: those that went well, those that failed, or both. */
  readonly takes: Takes;
  /** Where it writes a file for each item, if it does. */
  readonly writes?: Writes<S>;
  /**
   * Whether what it writes is seen at once, or is made anew by each run of a job, and not added to what earlier ones have
   * written: then it is given what those have done, too. What is written to `-` is, unless it says otherwise.
   */
  shown?(options: z.output<S>): boolean;
  /** Whether it tells what was done, time after time, and is not made anew when something is done again. */
  readonly log?: boolean;
  open(options: z.output<S>, runtime: Runtime): SinkWriter | Promise<SinkWriter>;
}

/** Makes one value of all items. */
export interface AggregatorDefinition<S extends z.ZodObject = z.ZodObject> extends Definition<S> {
  readonly kind: 'aggregator';
  /** `shapeOf` makes the aggregators that the options name, for those that are made of others. */
  create(options: z.output<S>, shapeOf: (spec: AggregateSpec) => Shape): Aggregator;
}

/** A component of any kind. */
export type AnyDefinition = SourceDefinition | StepDefinition | FlowDefinition | SinkDefinition | AggregatorDefinition;

/**
 * Defines a source; the types of its options come from the schema. `fromSource` makes an Observable of it.
 *
 * @example
 * import { defineSource, fromSource, Item } from 'batchx';
 * import * as z from 'zod';
 *
 * const numbers = defineSource({
 *   name: 'numbers',
 *   status: 'stable',
 *   summary: 'Counts from 1.',
 *   options: z.strictObject({ to: z.int().min(1).describe('The last number.') }),
 *   examples: [{ title: 'One to ten', options: { to: 10 } }],
 *   *open({ to }) {
 *     for (let n = 1; n <= to; n++) yield [Item.of(n, { seq: n - 1 })]; // blocks: here of one item each
 *   },
 * });
 * fromSource(numbers, { to: 3 }).subscribe(({ data }) => console.log(data)); // 1, 2, 3
 */
export const defineSource = <S extends z.ZodObject>(
  definition: Omit<SourceDefinition<S>, 'kind'>,
): SourceDefinition<S> => ({
  kind: 'source',
  ...definition,
});

/**
 * Defines a step: `create` gives the function that is run for each item.
 *
 * @example
 * import { createRuntime, defineStep, literals, mapItems, toArray } from 'batchx';
 * import * as z from 'zod';
 *
 * const roundStep = defineStep({
 *   name: 'round',
 *   status: 'stable',
 *   summary: 'Rounds a number.',
 *   gives: 'data',
 *   options: z.strictObject({ digits: z.int().min(0).default(0).describe('How many digits stay.') }),
 *   examples: [{ title: 'Cents', options: { digits: 2 } }],
 *   create: ({ digits }) => ({ data }) => Number(Number(data).toFixed(digits)),
 * });
 * const round = roundStep.create({ digits: 1 }, createRuntime());
 * literals([1.25, 2.71])
 *   .pipe(mapItems((_, item, slot) => round(item, slot)), toArray())
 *   .subscribe((rounded) => console.log(rounded)); // [ 1.3, 2.7 ]
 */
export const defineStep = <S extends z.ZodObject>(definition: Omit<StepDefinition<S>, 'kind'>): StepDefinition<S> => ({
  kind: 'step',
  ...definition,
});

/**
 * Defines an operator on the stream of items. It must give back every item that it takes, or one that stands for it.
 *
 * @example
 * import { createRuntime, defineFlow, literals, toArray } from 'batchx';
 * import { map } from 'rxjs';
 * import * as z from 'zod';
 *
 * const sampleFlow = defineFlow({
 *   name: 'sample',
 *   status: 'stable',
 *   summary: 'Lets one item of many go on, and skips the others.',
 *   options: z.strictObject({ every: z.int().min(1).describe('One of how many.') }),
 *   examples: [{ title: 'A tenth', options: { every: 10 } }],
 *   create: ({ every }) => (items) =>
 *     items.pipe(map((item, i) => (item.live && i % every !== 0 ? item.skip('filtered') : item))),
 * });
 * literals(['a', 'b', 'c'])
 *   .pipe(sampleFlow.create({ every: 2 }, createRuntime()), toArray())
 *   .subscribe((sample) => console.log(sample)); // [ 'a', 'c' ]
 */
export const defineFlow = <S extends z.ZodObject>(definition: Omit<FlowDefinition<S>, 'kind'>): FlowDefinition<S> => ({
  kind: 'flow',
  ...definition,
});

/**
 * Defines a sink. `sinkOf` makes an operator of it.
 *
 * @example
 * import { defineSink, literals, sinkOf } from 'batchx';
 * import * as z from 'zod';
 *
 * const consoleSink = defineSink({
 *   name: 'console',
 *   status: 'stable',
 *   summary: 'Prints the data of each item.',
 *   takes: 'ok',
 *   options: z.strictObject({ prefix: z.string().default('').describe('What stands before it.') }),
 *   examples: [{ title: 'Marked', options: { prefix: '> ' } }],
 *   open: ({ prefix }) => ({
 *     write: (items) => items.forEach(({ data }) => console.log(`${prefix}${String(data)}`)),
 *     close: () => undefined,
 *   }),
 * });
 * literals(['a', 'b']).pipe(sinkOf(consoleSink, { prefix: '> ' })).subscribe(); // > a, > b
 */
export const defineSink = <S extends z.ZodObject>(definition: Omit<SinkDefinition<S>, 'kind'>): SinkDefinition<S> => ({
  kind: 'sink',
  ...definition,
});

/**
 * Defines an aggregator: `create` gives what `aggregate` and `groupBy` take.
 *
 * @example
 * import { aggregate, defineAggregator, literals } from 'batchx';
 * import * as z from 'zod';
 *
 * const longestAggregator = defineAggregator({
 *   name: 'longest',
 *   status: 'stable',
 *   summary: 'The length of the longest text.',
 *   options: z.strictObject({}),
 *   examples: [{ title: 'Of all', options: {} }],
 *   create: () => () => {
 *     let most = 0;
 *     return { add: (data) => void (most = Math.max(most, String(data).length)), result: () => most };
 *   },
 * });
 * const longest = longestAggregator.create({}, () => ({}));
 * literals(['pear', 'fig']).pipe(aggregate(longest)).subscribe((length) => console.log(length)); // 4
 */
export const defineAggregator = <S extends z.ZodObject>(
  definition: Omit<AggregatorDefinition<S>, 'kind'>,
): AggregatorDefinition<S> => ({
  kind: 'aggregator',
  ...definition,
});
