// All commands but those that run one step over rows.
export { command as check } from './check.js';
export { command as clean } from './clean.js';
export { command as completion } from './completion.js';
export { command as defer } from './defer.js';
export { command as exec } from './exec.js';
export { command as http } from './http.js';
export { command as init } from './init.js';
export { command as plan } from './plan.js';
export { command as repair } from './repair.js';
export { command as report } from './report.js';
export { command as retry } from './retry.js';
export { command as run } from './run.js';
export { command as runs } from './runs.js';
export { command as sample } from './sample.js';
export { command as schema } from './schema.js';
export { command as steps } from './steps.js';
