import * as z from 'zod';
import { whole } from '../flag-types.js';
import { defineCommand } from '../command.js';
import { flag } from '../flags.js';
import { atMostOne } from '../which-job.js';

export const command = defineCommand({
  name: 'clean',
  usage: '[job]',
  summary: 'Removes what is kept of a job, so that its next run begins anew; outputs stay.',
  examples: [
    { line: 'batchx clean shop', does: 'All that is kept of a job.' },
    { line: 'batchx clean --all --dry-run', does: 'What would be removed of all jobs in this folder.' },
    { line: 'batchx clean shop --keep-runs 3', does: 'Only the reports of its runs but the last three.' },
  ],
  flags: z.strictObject({
    all: flag(z.boolean().default(false), 'All jobs in this folder.'),
    'keep-runs': flag(whole(0).optional(), 'Remove only the reports of runs, but those of the last so many.', {
      value: 'N',
    }),
    'dry-run': flag(z.boolean().default(false), 'Only tell what would be removed.'),
  }),
  notes: ['A job that is being run is refused: exit code 6, and nothing is removed. What runs have written stays.'],
  async run({ flags, positionals, literals }) {
    const { cleanJobs } = await import('../jobs.js');
    return cleanJobs(atMostOne(positionals, literals), flags);
  },
});
