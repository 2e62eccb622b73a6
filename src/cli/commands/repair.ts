import * as z from 'zod';
import { defineCommand } from '../command.js';
import { atMostOne } from '../which-job.js';

export const command = defineCommand({
  name: 'repair',
  usage: '[job]',
  summary: 'Keeps what can be read of a job whose files are damaged, so that its next run goes on from there.',
  examples: [
    { line: 'batchx repair', does: 'The only job in this folder.' },
    { line: 'batchx repair shop', does: 'That job; it tells what is left out.' },
  ],
  flags: z.strictObject({}),
  notes: [
    'What cannot be read is left out, and the items that it was about are done again. Those that were being done then, by a step that must not be done twice, are left in doubt. The damaged files stay beside the new ones, under other names.',
    'The exit code is 0, also when there is nothing to repair; 6 when the job is being run.',
  ],
  async run({ positionals, literals }) {
    const { repair } = await import('../jobs.js');
    return repair(atMostOne(positionals, literals));
  },
});
