import * as z from 'zod';
import { oneOf, whole } from '../flag-types.js';
import { defineCommand } from '../command.js';
import { flag } from '../flags.js';
import { PROGRESS } from '../progress.js';
import { atMostOne } from '../which-job.js';
import { command as exec } from './exec.js';
import { command as http } from './http.js';
import { command as run } from './run.js';

export const command = defineCommand({
  name: 'retry',
  usage: '[job]',
  summary: 'Runs just what has failed in a job again, by the command line that the job was started by.',
  examples: [
    { line: 'batchx retry', does: 'All that failed, of the only job in this folder.' },
    { line: 'batchx retry shop', does: 'Of that job.' },
    { line: 'batchx retry shop --group 1', does: 'What failed for the first cause that `batchx report` lists.' },
    { line: 'batchx retry shop --in-doubt', does: 'Also what may have been done, and is in doubt for that.' },
  ],
  flags: z.strictObject({
    group: flag(whole(1).optional(), 'Only what failed for this cause, by its number in `batchx report`.', {
      value: 'N',
    }),
    'in-doubt': flag(
      z.boolean().default(false),
      'Also run the items that are in doubt: they may have been done already, and would be done twice then.',
    ),
    progress: flag(
      oneOf(PROGRESS).optional(),
      'How to show on standard error how it goes; as the job does it unless said.',
    ),
    quiet: flag(z.boolean().default(false), 'Say nothing of failures and of how it goes; the exit code tells.', {
      alias: 'q',
    }),
  }),
  notes: [
    'The items are those that failed, as they were then, also when they came from standard input. Nothing else of the input is read: `batchx run` does what is new or has changed. What goes well now is done for good; results go where the command line of the job says, and values that are made of all results are of all results of the job.',
    'The exit code is that of the command of the job; 0 when nothing has failed; 6 when the job is being run.',
  ],
  async run({ flags, positionals, literals }) {
    const { retryJob } = await import('../jobs.js');
    return retryJob(atMostOne(positionals, literals), flags, [run, exec, http]);
  },
});
