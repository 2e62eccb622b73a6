export { mapConcurrent, type MapConcurrentOptions } from './operators/flow/map-concurrent.js';
export { filterItems, filterStep } from './operators/steps/filter.js';
export { mapItems, mapStep } from './operators/steps/map.js';
export { jsonl, type JsonlOptions, jsonlSource } from './sources/jsonl.js';
export { jsonlSink, toJsonl } from './sinks/jsonl.js';
export { pull, type PullOptions } from './core/pull.js';
