import * as z from 'zod';
import { defineCommand } from '../command.js';
import { flag } from '../flags.js';
import { atMostOne } from '../which-job.js';

export const command = defineCommand({
  name: 'report',
  usage: '[job|run]',
  summary:
    'Tells what the last run came to, or another one that is named: counts, causes of failures, what can be done.',
  examples: [
    { line: 'batchx report', does: 'The last run of all jobs in this folder.' },
    { line: 'batchx report shop', does: 'The last run of a job.' },
    { line: 'batchx report shop/2026-03-01T10', does: 'The run whose name begins so, as `batchx runs` lists it.' },
    { line: `batchx report --json | jq .counts`, does: 'All of it; `batchx schema report` says what there is.' },
  ],
  flags: z.strictObject({
    json: flag(z.boolean().default(false), 'Print the report as JSON, as it was kept.'),
  }),
  notes: [
    'The numbers of the causes are what `batchx retry --group` takes. Reports of the last 20 runs of a job are kept, or of as many as --keep-runs said.',
  ],
  async run({ flags, positionals, literals }) {
    const { printReport } = await import('../jobs.js');
    return printReport(atMostOne(positionals, literals), flags.json);
  },
});
