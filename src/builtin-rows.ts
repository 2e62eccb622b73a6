import { createRegistry } from './core/registry.js';
import { filterStep } from './operators/steps/filter.js';
import { mapStep } from './operators/steps/map.js';
import { countAggregator } from './sinks/count.js';
import { csvSink } from './sinks/csv.js';
import { failedSink } from './sinks/failed.js';
import { groupByAggregator } from './sinks/group-by.js';
import { jsonSink } from './sinks/json.js';
import { jsonlSink } from './sinks/jsonl.js';
import { linesSink } from './sinks/lines.js';
import { statsAggregator } from './sinks/stats.js';
import { csvSource } from './sources/csv.js';
import { jsonSource } from './sources/json.js';
import { jsonlSource } from './sources/jsonl.js';
import { linesSource } from './sources/lines.js';
import { literalsSource } from './sources/literals.js';

/** Of the components that ship with batchx those for one step over rows: to load all takes as long as Node itself. */
export const builtinRows = createRegistry([
  jsonlSource,
  jsonSource,
  csvSource,
  linesSource,
  literalsSource,
  mapStep,
  filterStep,
  jsonlSink,
  jsonSink,
  csvSink,
  linesSink,
  failedSink,
  countAggregator,
  statsAggregator,
  groupByAggregator,
]);
