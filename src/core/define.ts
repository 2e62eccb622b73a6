import type { OperatorFunction } from 'rxjs';
import type * as z from 'zod';
import type { Item } from './item.js';
import type { Blocks } from './pull.js';
import type { Runtime } from './runtime.js';
import type { SinkWriter } from './sink.js';
import type { Gives, StepFunction } from './step.js';

/** What every component says of itself; checks, help, JSON Schema and reference pages are made from it. */
export interface Definition<S extends z.ZodObject = z.ZodObject> {
  /** Its key in a pipeline and its file's name: kebab-case. */
  readonly name: string;
  readonly status: 'experimental' | 'stable' | 'deprecated';
  /** One sentence, with a full stop. */
  readonly summary: string;
  readonly options: S;
  readonly examples: readonly { readonly title: string; readonly options: z.input<S> }[];
}

/** Makes items: the beginning of a pipeline. */
export interface SourceDefinition<S extends z.ZodObject = z.ZodObject> extends Definition<S> {
  readonly kind: 'source';
  /** Opens the input and gives its items, a block for each read. The signal fires when nobody wants them any more. */
  open(options: z.output<S>, runtime: Runtime, signal: AbortSignal): Blocks<Item>;
}

/** One operation on one item. Consecutive ones share a slot. */
export interface StepDefinition<S extends z.ZodObject = z.ZodObject> extends Definition<S> {
  readonly kind: 'step';
  readonly gives: Gives;
  create(options: z.output<S>, runtime: Runtime): StepFunction;
}

/** An operator on the stream of items: it may change how many there are. */
export interface FlowDefinition<S extends z.ZodObject = z.ZodObject> extends Definition<S> {
  readonly kind: 'flow';
  create(options: z.output<S>, runtime: Runtime): OperatorFunction<Item, Item>;
}

/** Takes finished items out of the pipeline. */
export interface SinkDefinition<S extends z.ZodObject = z.ZodObject> extends Definition<S> {
  readonly kind: 'sink';
  /** Which items it is given to write: those that went well, or those that failed. */
  readonly takes: 'ok' | 'failed';
  open(options: z.output<S>, runtime: Runtime): SinkWriter | Promise<SinkWriter>;
}

export type AnyDefinition = SourceDefinition | StepDefinition | FlowDefinition | SinkDefinition;

/** Defines a source; the types of its options come from the schema. */
export const defineSource = <S extends z.ZodObject>(definition: Omit<SourceDefinition<S>, 'kind'>): SourceDefinition<S> => ({
  kind: 'source',
  ...definition,
});

/** Defines a step. */
export const defineStep = <S extends z.ZodObject>(definition: Omit<StepDefinition<S>, 'kind'>): StepDefinition<S> => ({
  kind: 'step',
  ...definition,
});

/** Defines an operator on the stream of items. */
export const defineFlow = <S extends z.ZodObject>(definition: Omit<FlowDefinition<S>, 'kind'>): FlowDefinition<S> => ({
  kind: 'flow',
  ...definition,
});

/** Defines a sink. */
export const defineSink = <S extends z.ZodObject>(definition: Omit<SinkDefinition<S>, 'kind'>): SinkDefinition<S> => ({
  kind: 'sink',
  ...definition,
});
