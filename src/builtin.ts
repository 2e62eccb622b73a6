import { createRegistry } from './core/registry.js';
import { filterStep } from './operators/steps/filter.js';
import { mapStep } from './operators/steps/map.js';
import { jsonlSink } from './sinks/jsonl.js';
import { jsonlSource } from './sources/jsonl.js';

/** Every component that ships with batchx. */
export const builtin = createRegistry([jsonlSource, mapStep, filterStep, jsonlSink]);
