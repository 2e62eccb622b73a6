/**
 * All that commands need for the files of pipelines, in one: it is loaded only where there is such a file, and what is
 * loaded by several ways is cut into so many pieces that those who have few descriptors could not load them.
 */
export { describeFile } from '../pipeline/file/describe.js';
export { pipelineJsonSchema } from '../pipeline/file/json-schema.js';
export { progressJsonSchema } from '../report/progress-schema.js';
export { reportJsonSchema } from '../report/report-schema.js';
export { printCommands } from './exec-print.js';
export { runRequests } from './http-run.js';
export { checkFile } from './pipeline-check.js';
export { planPipeline } from './plan-run.js';
export { runPipelineFile } from './pipeline-run.js';
export { printRows } from './row-print.js';
