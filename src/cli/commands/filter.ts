import { rowCommand } from '../row-command.js';

export const command = rowCommand({
  name: 'filter',
  summary: 'Passes on the rows for which an expression is true, byte for byte as they were read, in order.',
  examples: [
    { line: `cat rows.jsonl | batchx filter 'data.total > 100'`, does: 'An expression over `data`.' },
    { line: `batchx filter '({ tags }) => tags.includes("sale")' orders.jsonl > sale.jsonl`, does: 'An arrow function of the row.' },
    { line: `batchx filter 'data.country === "DE"' orders.jsonl --count`, does: 'How many there are.' },
    { line: `batchx filter 'item.metadata.line % 100 === 1' big.jsonl.gz --limit 10000`, does: 'Every hundredth of the first ten thousand rows.' },
  ],
  notes: [
    'A row that cannot be read or whose expression throws is told on standard error, and the others go on; the exit code is then 1. 2 is wrong usage, 3 a halt (--strict), 4 an input that cannot be read, 5 an output that cannot be written.',
  ],
});
