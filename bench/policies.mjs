import { program } from './lib/batchx.mjs';
import { measure } from './lib/process.mjs';
import { atMost } from './lib/report.mjs';
import { median } from './lib/rounds.mjs';

const CAP = 64;

/** What a timeout, a rate, a breaker and a retry cost a call when none of them has to wait or act. */
export default {
  title: `a step with four policies that need not wait, asynchronous no-ops, cap ${CAP}; against a bare mapConcurrent`,
  async run({ quick }) {
    const count = quick ? 300_000 : 1_000_000;
    const [command, ...args] = program('policies');
    const { output } = await measure(command, [...args, String(quick ? 5 : 9), String(count), String(CAP)]);
    const times = JSON.parse(output);
    const results = {};
    for (const [kind, walls] of Object.entries(times)) {
      const wall = median(walls);
      results[kind] = { wall, note: `${((wall / count) * 1e6).toFixed(2)} us a call` };
    }
    const over = ((results['four policies'].wall - results.bare.wall) / count) * 1e6;
    return { results, goals: [atMost('four policies, over the bare mapConcurrent', over, 0.5, 'us a call')] };
  },
};
