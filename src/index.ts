export { batch, batchFlow, type BatchOptions } from './operators/flow/batch.js';
export { counted, type CountedOptions } from './operators/flow/counted.js';
export { dedupe, dedupeFlow, type DedupeOptions } from './operators/flow/dedupe.js';
export { mapConcurrent, type MapConcurrentOptions } from './operators/flow/map-concurrent.js';
export { retryInDoubt, retryInDoubtFlow } from './operators/flow/retry-in-doubt.js';
export { type Parts, split, splitFlow } from './operators/flow/split.js';
export { tee } from './operators/flow/tee.js';
export { toItems } from './operators/flow/to-items.js';
export { retryBackoff, type RetryOptions } from './operators/policies/retry-backoff.js';
export { Backoff, type BackoffOptions } from './core/policy/backoff.js';
export { filterItems, filterStep } from './operators/steps/filter.js';
export { exec, execStep, type ExecStepOptions } from './operators/steps/exec.js';
export { http, httpStep, type HttpStepOptions } from './operators/steps/http.js';
export type { HttpResponse } from './operators/steps/http-rules.js';
export { mapItems, mapStep } from './operators/steps/map.js';
export { type Resolved, step, type StepOptions } from './operators/steps/step.js';
export { type JsonSchema, validate, validateStep } from './operators/steps/validate.js';
export { writeItems, writeStep } from './operators/steps/write.js';
export { argumentLists, type ArgumentList, type ArgumentsOptions, argumentsSource } from './sources/arguments.js';
export { csv, type CsvOptions, csvSource } from './sources/csv.js';
export { files, type FilesOptions, filesSource } from './sources/files.js';
export { json, type JsonOptions, jsonSource } from './sources/json.js';
export { jsonl, type JsonlOptions, jsonlSource } from './sources/jsonl.js';
export { lines, linesSource } from './sources/lines.js';
export { literals, literalsSource } from './sources/literals.js';
export { toArray, type ToArrayOptions } from './sinks/array.js';
export { csvSink, type CsvSinkOptions, toCsv } from './sinks/csv.js';
export { commandOutputSink, type CommandOutputOptions, toCommandOutput } from './sinks/command-output.js';
export { commandFilesSink, toCommandFiles } from './sinks/command-files.js';
export { joblogSink, toJoblog } from './sinks/joblog.js';
export { outcomesSink, toOutcomes } from './sinks/outcomes.js';
export { failedSink, toFailed } from './sinks/failed.js';
export { filesSink, toFiles } from './sinks/files.js';
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
export type { Cleanup } from './core/cleanup.js';
export { type Cause, Causes } from './report/causes.js';
export { type Report, reportSchema } from './report/report-schema.js';
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
export type { ErrorClass } from './core/error-class.js';
export { CommandError, CommandResult } from './core/command-result.js';
export type { EventMap, EventName, Events } from './core/events.js';
export type { FileEntry } from './core/file-entry.js';
export { Item, type ItemExtra, type Metadata, type Place, type SkipReason } from './core/item.js';
export type { FileContent, ItemFileOptions } from './core/item-files.js';
export { type DataOf, Outcome, type OutcomeOf } from './core/outcome.js';
export type { Status } from './core/item.js';
export { fileName } from './core/output-path.js';
export { createRuntime, type Runtime } from './core/runtime.js';
export { type SinkOptions, toSink } from './core/sink.js';
export { sinkOf } from './core/sink-of.js';
export type { SinkWriter } from './core/sink-writer.js';
export type { Slot } from './core/slot.js';
export { fromSource } from './core/source.js';
export type { Gives, StepFunction } from './core/step.js';
export { rateLimit, rateLimitFlow, type RateLimitOptions } from './operators/policies/rate-limit.js';
export { timeLimit } from './operators/policies/time-limit.js';
export { adaptiveConcurrency } from './operators/policies/adaptive-concurrency.js';
export { cached } from './operators/policies/cached.js';
export { Cache, type CacheOptions } from './core/cache/cache.js';
export { AdaptiveConcurrency, type AdaptiveOptions, type AttemptLoad } from './core/policy/adaptive.js';
export { Limiter, type WaitOptions } from './core/policy/limiter.js';
export type { StepCost } from './core/policy/cost.js';
export type { Rate, RateOptions, TokenRateOptions } from './core/rate.js';
export { Deadline, type Running } from './core/policy/deadline.js';
export type { PolicyDefaults } from './core/policy/policy-options.js';
export { type AnswerLike, responseError, type ResponseErrorOptions } from './core/response-error.js';
export { type AnswerHeaders, retryAfterOf } from './core/retry-after.js';
export type { Argument } from './core/command/argument.js';
export { Arguments } from './core/command/arguments.js';
export { type Command, type CommandOptions, compileCommand } from './core/command/compile-command.js';
export { printableCommand } from './core/command/printable-command.js';
export type { Values as CommandValues } from './core/command/values.js';
export { splitWords } from './core/command/words.js';
export { circuitBreaker, type CircuitBreakerOptions } from './operators/policies/circuit-breaker.js';
export {
  Breaker,
  type BreakerCounts,
  type BreakerListener,
  type BreakerOptions,
  type BreakerReason,
  type BreakerTransition,
  type SavedBreaker,
} from './core/policy/breaker.js';
export { NotStarted } from './core/process/not-started.js';
export type { Captured, ProcessEnd, ProcessSpec, ProcessStarter } from './core/process/process.js';
export { spawnProcesses } from './core/process/spawn-processes.js';
export { type BatchInput, type BatchOutput, type BatchResult, runBatch } from './run-batch.js';
export { runPipeline } from './run-pipeline.js';
export type { PipelineOptions } from './pipeline/file/open-pipeline.js';
export { readItems, type ReadOptions, readStep } from './operators/steps/read.js';
export { useStep } from './operators/steps/use.js';
export { manifest, manifestSource } from './sources/manifest.js';
