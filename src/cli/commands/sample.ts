import * as z from 'zod';
import { whole } from '../flag-types.js';
import { defineCommand } from '../command.js';
import { flag } from '../flags.js';
import { atMostOne } from '../which-job.js';

export const command = defineCommand({
  name: 'sample',
  usage: '[job]',
  summary: 'Shows some of the items of a job that went well, chosen by chance, with their results and files.',
  examples: [
    { line: 'batchx sample shop', does: 'Five of them.' },
    { line: 'batchx sample shop -n 20 --seed 7', does: 'Twenty, and the same each time as long as no more are done.' },
    { line: `batchx sample shop --json | jq -r '.files[].path'`, does: 'Just where their files are.' },
  ],
  flags: z.strictObject({
    count: flag(whole(1).prefault('5'), 'How many; 5 unless said.', { alias: 'n', value: 'N' }),
    seed: flag(whole(0).optional(), 'What they are chosen by; another one each time unless said.', { value: 'N' }),
    json: flag(z.boolean().default(false), 'Print a line of JSON for each: its id, its result, its files.'),
  }),
  notes: [
    'It can be asked while a run goes on. Of files it is told whether they are there, and as large as they were.',
  ],
  async run({ flags, positionals, literals }) {
    const { sampleJob } = await import('../jobs.js');
    return sampleJob(atMostOne(positionals, literals), flags);
  },
});
