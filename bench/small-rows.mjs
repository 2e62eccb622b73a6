import { batchx } from './lib/batchx.mjs';
import { scratch, smallRows } from './lib/data.mjs';
import { measureInto } from './lib/process.mjs';
import { atMost } from './lib/report.mjs';
import { sameRows } from './lib/same.mjs';

/** Memory does not depend on how long the input is. */
export default {
  title: 'JSONL, rows of 35 bytes, many of them: memory; jq beside it',
  async run({ quick }) {
    const count = quick ? 500_000 : 10_000_000;
    const input = smallRows(count);
    const written = { batchx: scratch('small-batchx.out'), jq: scratch('small-jq.out') };
    const results = {
      batchx: await measureInto(written.batchx, [
        ...batchx,
        'map',
        'data.v > 500 ? { id: data.id, v: data.v * 2 } : undefined',
        input,
      ]),
      jq: await measureInto(written.jq, ['jq', '-c', 'select(.v > 500) | {id, v: (.v * 2)}', input]),
    };
    for (const result of Object.values(results)) result.note = `${Math.round(count / result.wall / 1000)} k rows/s`;
    console.log(`  both wrote the same ${await sameRows(written.batchx, written.jq)} rows`);
    return { results, goals: [atMost('peak memory', results.batchx.peak, 150, 'MB')] };
  },
};
