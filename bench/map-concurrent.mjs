import { program } from './lib/batchx.mjs';
import { measure } from './lib/process.mjs';
import { atMost } from './lib/report.mjs';
import { median } from './lib/rounds.mjs';

const CAP = 64;
const ours = ['as completed', 'ordered', 'changing cap'];
const all = ['p-map', ...ours];

/**
 * The exported mapConcurrent, Observable in and out, around a call that does nothing. Times are of one process, in
 * which all take turns, so that none is measured before it is compiled; memory is of a process for each.
 */
export default {
  title: `mapConcurrent, asynchronous no-ops, cap ${CAP}; against p-map`,
  async run({ quick }) {
    const count = quick ? 300_000 : 1_000_000;
    const { output } = await noOps(quick ? 5 : 9, count, all);
    const times = JSON.parse(output);
    const results = {};
    for (const kind of all) {
      const wall = median(times[kind].map((time) => time.wall));
      const { peak } = await noOps(1, count, [kind]);
      const note = `${((wall / count) * 1e6).toFixed(2)} us a call`;
      results[kind] = { wall, cpu: median(times[kind].map((time) => time.cpu)), peak, note };
    }
    // Both far beyond where the engine has grown its young generation.
    const long = await noOps(1, 4 * count, ['as completed']);
    const longer = await noOps(1, 16 * count, ['as completed']);
    return {
      results,
      goals: [
        ...ours.map((kind) => atMost(`${kind}, of the time of p-map`, results[kind].wall / results['p-map'].wall, 0.4)),
        atMost(
          `memory that ${(16 * count) / 1e6} M calls take beyond ${(4 * count) / 1e6} M`,
          longer.peak - long.peak,
          20,
          'MB',
        ),
      ],
    };
  },
};

/** Every result has to come out once: the program counts calls and adds up results, and fails otherwise. */
function noOps(rounds, count, kinds) {
  const [command, ...args] = program('no-ops');
  return measure(command, [...args, ...[rounds, count, CAP].map(String), ...kinds]);
}
