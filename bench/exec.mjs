import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { batchx, root } from './lib/batchx.mjs';
import { measure } from './lib/process.mjs';
import { atLeast } from './lib/report.mjs';
import { alternate } from './lib/rounds.mjs';

/** A command for each value that does nothing: what it costs to start one and to take what it says. */
export default {
  title: '`exec -j2 true`, output and exit code captured; against GNU parallel, xargs beside it',
  async run({ quick }) {
    const count = quick ? 400 : 4_000;
    const folder = join(root, 'bench/data');
    mkdirSync(folder, { recursive: true });
    const values = join(folder, `values-${count}.txt`);
    writeFileSync(values, Array.from({ length: count }, (_, n) => `${n}\n`).join(''));
    const log = join(folder, 'jobs.log');
    const results = await alternate(quick ? 1 : 5, {
      batchx: () =>
        measure(batchx[0], [batchx[1], 'exec', '-q', '-j2', '--joblog', `${log}.ours`, '-a', values, 'true']),
      parallel: () => measure('parallel', ['--will-cite', '-j2', '--joblog', `${log}.theirs`, '-a', values, 'true']),
      'xargs -P2': () => measure('xargs', ['-a', values, '-P2', '-n1', 'true']),
    });
    for (const log of ['ours', 'theirs']) expectAll(join(folder, `jobs.log.${log}`), count);
    for (const result of Object.values(results)) result.note = `${Math.round(count / result.wall)} commands/s`;
    const faster = results.parallel.wall / results.batchx.wall;
    return { results, goals: [atLeast('as fast as parallel', faster, 2.2, 'x')] };
  },
};

/** Both have to have run every command, and seen it end well. */
function expectAll(log, count) {
  const rows = readFileSync(log, 'utf8').trim().split('\n').slice(1);
  const well = rows.filter((row) => row.split('\t')[6] === '0');
  if (well.length !== count) throw new Error(`${log}: expected ${count} commands that went well, got ${well.length}`);
}
