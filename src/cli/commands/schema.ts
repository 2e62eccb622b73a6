import * as z from 'zod';
import { builtin } from '../../builtin.js';
import { BatchxError } from '../../core/errors.js';
import { didYouMean } from '../../core/suggest.js';
import { defineCommand } from '../command.js';
import { EXIT } from '../exit.js';
import { writeOut } from '../write-out.js';

const choices = ['pipeline', 'report'];

export const command = defineCommand({
  name: 'schema',
  usage: '[pipeline|report]',
  summary: 'Prints the JSON Schema of pipeline files, by which editors complete and explain each key, or of reports.',
  examples: [
    { line: 'batchx schema > batchx.schema.json', does: 'Then: # yaml-language-server: $schema=batchx.schema.json' },
    { line: 'batchx schema report', does: 'What `batchx run --report FILE` writes.' },
  ],
  flags: z.strictObject({}),
  choices,
  async run({ positionals: [what = 'pipeline', ...more] }) {
    if (!choices.includes(what) || more.length > 0) {
      const got = [what, ...more].join(' ');
      const hint = didYouMean(what, choices) || `; there are ${choices.join(' and ')}`;
      throw new BatchxError('usage', `there is no schema of "${got}"${hint}`);
    }
    await writeOut(`${JSON.stringify(await schemaOf(what), null, 2)}\n`);
    return EXIT.ok;
  },
});

async function schemaOf(what: string): Promise<object> {
  const { pipelineJsonSchema, reportJsonSchema } = await import('../pipelines.js');
  return what === 'report' ? reportJsonSchema() : pipelineJsonSchema(builtin);
}
