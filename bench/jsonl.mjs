import { batchx } from './lib/batchx.mjs';
import { orders, scratch } from './lib/data.mjs';
import { measureInto } from './lib/process.mjs';
import { atLeast, atMost } from './lib/report.mjs';
import { alternate } from './lib/rounds.mjs';
import { sameRows } from './lib/same.mjs';

const ours =
  '({ id, sku, customer, total, qty }) => qty > 2 ? { id, sku, country: customer.country, gross: total * qty } : undefined';
const theirs = 'select(.qty > 2) | {id, sku, country: .customer.country, gross: (.total * .qty)}';

/** JSONL: project three fields, compute one, filter. One thread, file to file. */
export default {
  title: 'JSONL, rows of 276 bytes: project three fields, compute one, filter; against jq -c',
  async run({ quick }) {
    const input = orders(quick ? 100_000 : 1_000_000);
    const written = { batchx: scratch('jsonl-batchx.out'), jq: scratch('jsonl-jq.out') };
    const results = await alternate(quick ? 3 : 5, {
      batchx: () => measureInto(written.batchx, [...batchx, 'map', ours, input]),
      jq: () => measureInto(written.jq, ['jq', '-c', theirs, input]),
    });
    const rows = await sameRows(written.batchx, written.jq);
    console.log(`  both wrote the same ${rows} rows`);
    return {
      results,
      goals: [
        atLeast('as fast as jq', results.jq.wall / results.batchx.wall, quick ? 2 : 3.3),
        atMost('peak memory', results.batchx.peak, 150, 'MB'),
      ],
    };
  },
};
