import * as z from 'zod';
import { defineCommand } from '../command.js';
import { flag } from '../flags.js';

export const command = defineCommand({
  name: 'defer',
  usage: '<job> <id...>',
  summary: 'Has runs of a job pass items over, until that is undone.',
  examples: [
    { line: 'batchx defer shop a-1 a-2', does: 'Two items, by their ids.' },
    { line: `batchx defer photos 'may/sea.avif'`, does: 'A file, by its path from the root of the input on.' },
    { line: 'batchx defer shop a-1 --undo', does: 'As it was before: one that was done is done, and others are run.' },
  ],
  flags: z.strictObject({
    undo: flag(z.boolean().default(false), 'No longer pass them over.'),
  }),
  notes: [
    'Runs count such items as skipped, for the reason `deferred`. Ids are those that messages, `batchx plan --items` and `batchx sample` tell. While a run of the job goes on nothing can be deferred: exit code 6.',
  ],
  async run({ flags, positionals, literals, args }) {
    const { deferIn } = await import('../jobs.js');
    return deferIn([...positionals, ...(literals ?? [])], args, flags.undo);
  },
});
