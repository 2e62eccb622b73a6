/** All that commands need to look at the jobs that are kept, in one. */
export { printReport } from './report-print.js';
export { retryJob } from './retry-run.js';
export { listRuns } from './runs-list.js';
