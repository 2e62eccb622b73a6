import { createRegistry } from './core/registry.js';
import { batchFlow } from './operators/flow/batch.js';
import { dedupeFlow } from './operators/flow/dedupe.js';
import { splitFlow } from './operators/flow/split.js';
import { filterStep } from './operators/steps/filter.js';
import { mapStep } from './operators/steps/map.js';
import { validateStep } from './operators/steps/validate.js';
import { countAggregator } from './sinks/count.js';
import { csvSink } from './sinks/csv.js';
import { failedSink } from './sinks/failed.js';
import { groupByAggregator } from './sinks/group-by.js';
import { jsonSink } from './sinks/json.js';
import { jsonlSink } from './sinks/jsonl.js';
import { linesSink } from './sinks/lines.js';
import { reduceAggregator } from './sinks/reduce.js';
import { statsAggregator } from './sinks/stats.js';
import { csvSource } from './sources/csv.js';
import { jsonSource } from './sources/json.js';
import { jsonlSource } from './sources/jsonl.js';
import { linesSource } from './sources/lines.js';
import { literalsSource } from './sources/literals.js';

/** Every component that ships with batchx, in the order in which they are listed. */
export const builtin = createRegistry([
  jsonlSource,
  jsonSource,
  csvSource,
  linesSource,
  literalsSource,

  mapStep,
  filterStep,
  validateStep,

  splitFlow,
  batchFlow,
  dedupeFlow,

  jsonlSink,
  jsonSink,
  csvSink,
  linesSink,
  failedSink,

  countAggregator,
  statsAggregator,
  groupByAggregator,
  reduceAggregator,
]);
