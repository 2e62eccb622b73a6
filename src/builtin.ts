import { createRegistry } from './core/registry.js';
import { batchFlow } from './operators/flow/batch.js';
import { dedupeFlow } from './operators/flow/dedupe.js';
import { retryInDoubtFlow } from './operators/flow/retry-in-doubt.js';
import { splitFlow } from './operators/flow/split.js';
import { rateLimitFlow } from './operators/policies/rate-limit.js';
import { execStep } from './operators/steps/exec.js';
import { filterStep } from './operators/steps/filter.js';
import { httpStep } from './operators/steps/http.js';
import { mapStep } from './operators/steps/map.js';
import { readStep } from './operators/steps/read.js';
import { useStep } from './operators/steps/use.js';
import { validateStep } from './operators/steps/validate.js';
import { writeStep } from './operators/steps/write.js';
import { commandFilesSink } from './sinks/command-files.js';
import { commandOutputSink } from './sinks/command-output.js';
import { countAggregator } from './sinks/count.js';
import { csvSink } from './sinks/csv.js';
import { failedSink } from './sinks/failed.js';
import { filesSink } from './sinks/files.js';
import { groupByAggregator } from './sinks/group-by.js';
import { joblogSink } from './sinks/joblog.js';
import { jsonSink } from './sinks/json.js';
import { jsonlSink } from './sinks/jsonl.js';
import { linesSink } from './sinks/lines.js';
import { outcomesSink } from './sinks/outcomes.js';
import { reduceAggregator } from './sinks/reduce.js';
import { statsAggregator } from './sinks/stats.js';
import { argumentsSource } from './sources/arguments.js';
import { csvSource } from './sources/csv.js';
import { filesSource } from './sources/files.js';
import { jsonSource } from './sources/json.js';
import { jsonlSource } from './sources/jsonl.js';
import { linesSource } from './sources/lines.js';
import { literalsSource } from './sources/literals.js';
import { manifestSource } from './sources/manifest.js';

/** Every component that ships with batchx, in the order in which they are listed. */
export const builtin = createRegistry([
  jsonlSource,
  jsonSource,
  csvSource,
  linesSource,
  literalsSource,
  manifestSource,
  argumentsSource,
  filesSource,

  mapStep,
  filterStep,
  validateStep,
  readStep,
  writeStep,
  execStep,
  useStep,
  httpStep,

  splitFlow,
  batchFlow,
  dedupeFlow,
  retryInDoubtFlow,
  rateLimitFlow,

  jsonlSink,
  jsonSink,
  csvSink,
  linesSink,
  failedSink,
  filesSink,
  commandOutputSink,
  commandFilesSink,
  outcomesSink,
  joblogSink,

  countAggregator,
  statsAggregator,
  groupByAggregator,
  reduceAggregator,
]);
