import * as z from 'zod';
import { defineCommand } from '../command.js';
import { text } from '../flag-types.js';
import { flag } from '../flags.js';
import { writeStarter } from '../init-run.js';
import { starters } from '../starters.js';

export const command = defineCommand({
  name: 'init',
  usage: '[task]',
  summary: 'Writes the file of a pipeline to begin with, in which each key is explained.',
  examples: [
    { line: 'batchx init', does: 'The tasks there are.' },
    { line: 'batchx init api', does: 'pipeline.yaml, with requests to an API. Then: batchx check pipeline.yaml' },
    { line: 'batchx init csv --output clean.yaml', does: 'Under another name; `-` prints it.' },
  ],
  flags: z.strictObject({
    output: flag(
      text.default('pipeline.yaml'),
      'The file to write, or `-` for standard output; pipeline.yaml unless said.',
      {
        value: 'FILE',
      },
    ),
    force: flag(z.boolean().default(false), 'Replace a file that is there.'),
  }),
  choices: starters.map(({ task }) => task),
  run: writeStarter,
});
