/**
 * Runs the benches, or those that are named.
 *
 *   node bench/run.mjs [--quick] [--no-build] [NAME...]
 *
 * Each is a ratio against a peer that did the same work in the same sitting. Exits with 1 when a goal was missed, unless
 * quick: with small inputs it is the start that is measured.
 */
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { root } from './lib/batchx.mjs';
import { printGoals, printRuns } from './lib/report.mjs';

const names = readdirSync(import.meta.dirname)
  .filter((name) => name.endsWith('.mjs') && name !== 'run.mjs')
  .map((name) => name.slice(0, -'.mjs'.length))
  .sort();
const flags = process.argv.slice(2).filter((arg) => arg.startsWith('-'));
const wanted = process.argv.slice(2).filter((arg) => !arg.startsWith('-'));
const unknown = [
  ...flags.filter((flag) => !['--quick', '--no-build'].includes(flag)),
  ...wanted.filter((name) => !names.includes(name)),
];
if (unknown.length > 0) {
  console.error(`bench: expected --quick, --no-build or names of ${names.join(', ')}, got ${unknown.join(' ')}`);
  process.exit(2);
}

if (!flags.includes('--no-build')) {
  const { status } = spawnSync(process.execPath, [join(root, 'scripts/build.mjs'), '--if-stale'], { stdio: 'inherit' });
  if (status !== 0) process.exit(1);
}
const quick = flags.includes('--quick');
console.log(
  `Node ${process.versions.node}, ${cpus().length} cores${quick ? '; quick: small inputs, whose figures decide nothing' : ''}`,
);
let met = true;
for (const name of wanted.length > 0 ? wanted : names) {
  const { default: bench } = await import(`./${name}.mjs`);
  console.log(`\n${name}: ${bench.title}`);
  try {
    const { results, goals } = await bench.run({ quick });
    printRuns(results);
    met = (printGoals(goals) || quick) && met;
  } catch (error) {
    met = false;
    console.log(
      `  could not be measured: ${error.code === 'ENOENT' && error.path !== undefined ? `there is no ${error.path} here` : error.message}`,
    );
  }
}
process.exitCode = met ? 0 : 1;
