import * as z from 'zod';
import { defineCommand } from '../command.js';
import { flag } from '../flags.js';
import { fileFlags } from '../run-flags.js';

export const command = defineCommand({
  name: 'check',
  usage: '<pipeline.yaml>',
  summary: 'Tells everything that is wrong with the file of a pipeline, without starting anything.',
  examples: [
    { line: 'batchx check pipeline.yaml', does: 'All faults at once, each with its line and column.' },
    { line: 'batchx check pipeline.yaml --json', does: 'The same for editors and builds.' },
  ],
  flags: z.strictObject({
    ...fileFlags,
    json: flag(z.boolean().default(false), 'Print the faults on standard output, as JSON.'),
  }),
  notes: ['The exit code is 0 when the pipeline can be run, and 2 when it cannot.'],
  async run({ flags, positionals }) {
    const { checkFile } = await import('../pipelines.js');
    return checkFile(positionals[0], flags);
  },
});
