import { writeFileSync } from 'node:fs';
import { batchx } from './lib/batchx.mjs';
import { orders, scratch } from './lib/data.mjs';
import { measure, measureInto } from './lib/process.mjs';
import { atMost } from './lib/report.mjs';
import { alternate } from './lib/rounds.mjs';
import { sameRows } from './lib/same.mjs';

const fields = 'id, sku, country: customer.country, gross: total * qty, qty';
const kinds = { id: 'number', sku: 'string', country: 'string', gross: 'number', qty: 'number' };

/** Three steps of a file, the last of which checks a JSON Schema. */
const file = (input, output) => ({
  input: { jsonl: input },
  steps: [
    { map: `({ id, sku, customer, total, qty }) => ({ ${fields} })` },
    { filter: 'data.qty > 2' },
    {
      validate: {
        type: 'object',
        required: Object.keys(kinds),
        properties: Object.fromEntries(Object.entries(kinds).map(([name, type]) => [name, { type }])),
      },
    },
  ],
  output: [{ jsonl: output }],
});

const checks = Object.entries(kinds).map(([name, type]) => `typeof row.${name} !== '${type}'`);
const expression = `({ id, sku, customer, total, qty }) => {
  const row = { ${fields} };
  if (!(row.qty > 2)) return undefined;
  if (${checks.join(' || ')}) throw new Error('it does not fit');
  return row;
}`;

/** JSONL from file to file, by the steps of a pipeline file: what these cost over one function that does it all. */
export default {
  title: 'a pipeline file of map, filter and validate over rows of 276 bytes; against one function by batchx map',
  async run({ quick }) {
    const input = orders(quick ? 100_000 : 1_000_000);
    const written = { run: scratch('pipeline-run.out'), map: scratch('pipeline-map.out') };
    const pipeline = scratch('pipeline.json');
    writeFileSync(pipeline, JSON.stringify(file(input, written.run)));
    const results = await alternate(quick ? 3 : 5, {
      'batchx run': () => measure(batchx[0], [batchx[1], 'run', '-q', '--no-journal', pipeline]),
      'batchx map': () => measureInto(written.map, [...batchx, 'map', expression, input]),
    });
    const rows = await sameRows(written.run, written.map);
    console.log(`  both wrote the same ${rows} rows`);
    const ratio = results['batchx run'].wall / results['batchx map'].wall;
    return {
      results,
      goals: [
        atMost('of the time of batchx map', ratio, quick ? 2 : 1.3),
        atMost('peak memory', results['batchx run'].peak, 150, 'MB'),
      ],
    };
  },
};
