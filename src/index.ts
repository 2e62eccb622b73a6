export { batch, batchFlow, type BatchOptions } from './operators/flow/batch.js';
export { counted, type CountedOptions } from './operators/flow/counted.js';
export { dedupe, dedupeFlow, type DedupeOptions } from './operators/flow/dedupe.js';
export { mapConcurrent, type MapConcurrentOptions } from './operators/flow/map-concurrent.js';
export { type Parts, split, splitFlow } from './operators/flow/split.js';
export { tee } from './operators/flow/tee.js';
export { toItems } from './operators/flow/to-items.js';
export { filterItems, filterStep } from './operators/steps/filter.js';
export { mapItems, mapStep } from './operators/steps/map.js';
export { type JsonSchema, validate, validateStep } from './operators/steps/validate.js';
export { csv, type CsvOptions, csvSource } from './sources/csv.js';
export { json, type JsonOptions, jsonSource } from './sources/json.js';
export { jsonl, type JsonlOptions, jsonlSource } from './sources/jsonl.js';
export { lines, linesSource } from './sources/lines.js';
export { literals, literalsSource } from './sources/literals.js';
export { toArray, type ToArrayOptions } from './sinks/array.js';
export { csvSink, type CsvSinkOptions, toCsv } from './sinks/csv.js';
export { failedSink, toFailed } from './sinks/failed.js';
export { jsonSink, toJson } from './sinks/json.js';
export { jsonlSink, toJsonl } from './sinks/jsonl.js';
export { linesSink, toLines } from './sinks/lines.js';
export { type Blocks, pull, type PullOptions } from './core/pull.js';
export { aggregate } from './sinks/aggregate.js';
export { count, countAggregator } from './sinks/count.js';
export { type Group, groupBy, groupByAggregator, type GroupByOptions } from './sinks/group-by.js';
export { reduce, reduceAggregator } from './sinks/reduce.js';
export { type Stats, stats, statsAggregator } from './sinks/stats.js';
export type { Aggregated, Aggregator, Shape, Tally } from './core/aggregator.js';
export type { StandardSchema } from './core/standard-schema.js';
export { Account, type Counts } from './core/account.js';
export type { ConcurrencyOptions } from './core/concurrency.js';
export {
  type AggregatorDefinition,
  type AnyDefinition,
  defineAggregator,
  defineFlow,
  defineSink,
  defineSource,
  defineStep,
  type Definition,
  type FlowDefinition,
  type SinkDefinition,
  type SourceDefinition,
  type StepDefinition,
} from './core/define.js';
export { BatchxError, type BatchxErrorOptions, type ErrorCode } from './core/errors.js';
export type { EventMap, EventName, Events } from './core/events.js';
export { Item, type ItemExtra, type Metadata, type Place, type SkipReason } from './core/item.js';
export { type DataOf, Outcome, type OutcomeOf } from './core/outcome.js';
export type { Status } from './core/item.js';
export { createRuntime, type Runtime } from './core/runtime.js';
export { type SinkOptions, toSink } from './core/sink.js';
export { sinkOf } from './core/sink-of.js';
export type { SinkWriter } from './core/sink-writer.js';
export type { Slot } from './core/slot.js';
export { fromSource } from './core/source.js';
export type { Gives, StepFunction } from './core/step.js';
