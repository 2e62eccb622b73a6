import * as z from 'zod';
import { defineCommand } from '../command.js';
import { flag } from '../flags.js';
import { atMostOne } from '../which-job.js';

export const command = defineCommand({
  name: 'runs',
  usage: '[job]',
  summary:
    'Lists the runs of a job, or of all there are, the newest first: when, how long, how it ended, how many items.',
  examples: [
    { line: 'batchx runs', does: 'Those of all jobs in this folder.' },
    { line: 'batchx runs shop', does: 'Those of one.' },
    {
      line: `batchx runs --json | jq -r '.[0].how'`,
      does: 'How the last one ended: complete, partial, interrupted, halted, error, died, or that it is running.',
    },
  ],
  flags: z.strictObject({
    json: flag(
      z.boolean().default(false),
      'Print them as JSON, with the command line of each and where its report is.',
    ),
  }),
  notes: [
    'Jobs are kept in the folder .batchx. A run that goes on is listed with its process; of one that died, and so has told nothing, only the items that it had done are known. `batchx report` tells all of a run.',
  ],
  async run({ flags, positionals, literals }) {
    const { listRuns } = await import('../jobs.js');
    return listRuns(atMostOne(positionals, literals), flags.json);
  },
});
