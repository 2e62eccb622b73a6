import { rowCommand } from '../row-command.js';

export const command = rowCommand({
  name: 'filter',
  summary:
    'Passes on the rows for which an expression is true, in order; from JSONL to JSONL byte for byte as they were read.',
  examples: [
    { line: `cat rows.jsonl | batchx filter 'data.total > 100'`, does: 'An expression over `data`.' },
    {
      line: `batchx filter '({ tags }) => tags.includes("sale")' orders.jsonl > sale.jsonl`,
      does: 'An arrow function of the row.',
    },
    { line: `batchx filter 'data.country === "DE"' orders.jsonl --count`, does: 'How many there are.' },
    {
      line: `batchx filter 'item.metadata.line % 100 === 1' big.jsonl.gz --limit 10000`,
      does: 'Every hundredth of the first ten thousand rows.',
    },
  ],
});
