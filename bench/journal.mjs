import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { program } from './lib/batchx.mjs';
import { scratch } from './lib/data.mjs';
import { measure } from './lib/process.mjs';
import { atLeast, atMost } from './lib/report.mjs';
import { alternate } from './lib/rounds.mjs';

const LMDB = '3.5.6';
/** Records that go to the disk together; each has its best among them. */
const BATCHES = [10_000, 50_000, 200_000];

/** The journal of a job alone: durable records a second, and the time until all ids are known again. */
export default {
  title: 'the journal: records of items that are done, on the disk, and read again; against LMDB',
  async run({ quick }) {
    const count = quick ? 100_000 : 1_000_000;
    const store = installLmdb();
    const at = (name) => scratch(`journal-${name}`);
    const write = (kind, batch) => async () => {
      rmSync(at(kind), { recursive: true, force: true });
      return timed(kind, at(kind), count, batch, store);
    };
    const best = {};
    for (const kind of ['write-journal', 'write-lmdb']) {
      const walls = [];
      for (const batch of BATCHES) walls.push([(await write(kind, batch)()).wall, batch]);
      [, best[kind]] = walls.sort(([a], [b]) => a - b)[0];
    }
    const rounds = quick ? 3 : 5;
    const written = await alternate(rounds, {
      journal: write('write-journal', best['write-journal']),
      lmdb: write('write-lmdb', best['write-lmdb']),
    });
    rmSync(at('snapshot'), { recursive: true, force: true });
    spawnSync('cp', ['-r', at('write-journal'), at('snapshot')]);
    await timed('compact', at('snapshot'), count, 1, store);
    const read = await alternate(rounds, {
      'read journal': () => timed('load-journal', at('write-journal'), count, 1, store),
      'read snapshot': () => timed('load-journal', at('snapshot'), count, 1, store),
      'read lmdb': () => timed('load-lmdb', at('write-lmdb'), count, 1, store),
    });
    const sums = new Set([...Object.values(written), ...Object.values(read)].map(({ output }) => output));
    if (sums.size !== 1) throw new Error(`expected the same ids of all, got the sums ${[...sums].join(', ')}`);
    const results = { ...written, ...read };
    for (const [name, result] of Object.entries(results)) {
      const batch = best[`write-${name}`];
      const rate = `${(count / result.wall / 1e6).toFixed(2)} M/s`;
      result.note = batch === undefined ? rate : `${rate}, ${batch} at once`;
    }
    const share = (name) => read[name].wall / read['read lmdb'].wall;
    return {
      results,
      goals: [
        atLeast('durable records a second, as LMDB', written.lmdb.wall / written.journal.wall, 1.5),
        atMost('to know all ids from the journal, of the time of LMDB', share('read journal'), 0.8),
        atMost('to know all ids from a snapshot, of the time of LMDB', share('read snapshot'), 0.8),
        atMost('peak memory from the journal', read['read journal'].peak, 120, 'MB'),
        atMost('peak memory from a snapshot', read['read snapshot'].peak, 120, 'MB'),
      ],
    };
  },
};

/** Figures are those of the work alone, as the program itself measures them. */
async function timed(kind, folder, count, batch, store) {
  const [command, ...args] = program('journal');
  const { output } = await measure(command, [...args, kind, folder, String(count), String(batch), store], {
    sample: false,
  });
  const { sum, ...figures } = JSON.parse(output);
  return { ...figures, output: sum };
}

/** Its library comes built with the package: no script of it has to be run. */
function installLmdb() {
  const folder = scratch('lmdb');
  if (existsSync(join(folder, 'node_modules/lmdb'))) return folder;
  mkdirSync(folder, { recursive: true });
  const args = [
    'install',
    '--ignore-scripts',
    '--no-audit',
    '--no-fund',
    '--no-save',
    '--prefix',
    folder,
    `lmdb@${LMDB}`,
  ];
  const { status } = spawnSync('npm', args, { stdio: ['ignore', 'ignore', 'inherit'] });
  if (status !== 0)
    throw new Error(`lmdb ${LMDB} could not be installed into ${folder}: npm needs to reach its registry`);
  return folder;
}
