import { rowCommand } from '../row-command.js';

export const command = rowCommand({
  name: 'map',
  summary:
    'Turns each row into what an expression makes of it: JSONL in, JSONL out, in order. undefined drops the row.',
  examples: [
    {
      line: `cat rows.jsonl | batchx map '({ id, total }) => ({ id, gross: total * 1.19 })'`,
      does: 'An arrow function of the row.',
    },
    {
      line: `batchx map 'data.total > 100 ? data.id : undefined' 'orders/*.jsonl.gz'`,
      does: 'An expression over `data`; files, globs and .gz are read one after another.',
    },
    {
      line: `batchx map -j 16 'async ({ url }) => ({ url, status: (await fetch(url)).status })' urls.jsonl`,
      does: 'Sixteen calls at once, written in the order of the input.',
    },
    { line: `batchx map 'data' people.csv --out jsonl`, does: 'From CSV to JSONL.' },
    {
      line: `batchx map 'data' orders.jsonl --group-by data.country --stats data.total`,
      does: 'Count, sum, mean and percentiles for each country.',
    },
    { line: `batchx map 'data.toUpperCase()' ::: a b c`, does: 'Values from the command line.' },
  ],
  notes: [
    'Numbers are those of JavaScript: integers above 2^53 lose digits. `batchx filter` passes JSONL on untouched.',
  ],
});
