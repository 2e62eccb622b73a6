import * as z from 'zod';
import { defineCommand } from '../command.js';
import { flag } from '../flags.js';
import { fileFlags } from '../run-flags.js';

export const command = defineCommand({
  name: 'check',
  usage: '<pipeline.yaml> [input...]',
  summary: 'Tells everything that is wrong with the file of a pipeline, without starting anything.',
  examples: [
    { line: 'batchx check pipeline.yaml', does: 'All faults at once, each with its line and column.' },
    {
      line: 'batchx check pipeline.yaml --items',
      does: 'Those of the items too: the whole input is read, and nothing is written.',
    },
    { line: 'batchx check pipeline.yaml --json', does: 'The same for editors and builds.' },
  ],
  flags: z.strictObject({
    ...fileFlags,
    items: flag(
      z.boolean().default(false),
      'Read the whole input too: rows that cannot be read, ids that two items have, files that two items would be written to or that could not be written, templates that fail.',
    ),
    json: flag(z.boolean().default(false), 'Print the faults on standard output, as JSON.'),
  }),
  notes: [
    'The exit code is 0 when the pipeline can be run, and 2 when it cannot.',
    'With --items the steps that need nothing but the item, such as map and filter, are done; paths that depend on what a command or a request gives are looked at when they are written.',
  ],
  async run(line) {
    const { checkFile } = await import('../pipelines.js');
    return checkFile(line);
  },
});
