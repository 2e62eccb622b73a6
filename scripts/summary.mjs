/**
 * Prints how the last `vitest run` ended, as one line: "N passed, N failed, N skipped".
 *
 *   node scripts/summary.mjs [exit status of that run]
 *
 * A test file that did not get as far as its tests counts as one failed, and so does a run that failed without a
 * failed test: an error outside every test shows in the exit status alone.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const file = join(import.meta.dirname, '../coverage/tests.json');
const exitStatus = Number(process.argv[2] ?? 0);
let report;
try {
  report = JSON.parse(readFileSync(file, 'utf8'));
} catch (error) {
  if (error.code !== 'ENOENT') throw error;
  console.error('summary: no tests were run');
}

const tests = (report?.testResults ?? []).flatMap(({ assertionResults }) => assertionResults);
const count = (...statuses) => tests.filter(({ status }) => statuses.includes(status)).length;
const broken = (report?.testResults ?? []).filter(
  ({ status, assertionResults }) => status === 'failed' && !assertionResults.some((test) => test.status === 'failed'),
);
for (const { name, message } of broken) console.error(`summary: ${name} did not run: ${message}`);

const passed = count('passed');
const skipped = count('pending', 'skipped', 'todo', 'disabled');
const listed = count('failed') + broken.length;
const failed = listed === 0 && report && (!report.success || exitStatus !== 0) ? 1 : listed;
if (tests.length !== passed + skipped + count('failed'))
  throw new Error('summary: a test has a status that is not counted');
console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
