/** All that commands need to look at the jobs that are kept, in one. */
export { cleanJobs } from './clean-run.js';
export { deferIn } from './defer-run.js';
export { printReport } from './report-print.js';
export { retryJob } from './retry-run.js';
export { listRuns } from './runs-list.js';
export { sampleJob } from './sample-run.js';
export { repair } from './repair-run.js';
