import * as z from 'zod';
import { builtin } from '../../builtin.js';
import { BatchxError } from '../../core/errors.js';
import { didYouMean } from '../../core/suggest.js';
import { defineCommand } from '../command.js';
import { EXIT } from '../exit.js';
import { writeOut } from '../write-out.js';

const choices = ['pipeline', 'report', 'progress'];

export const command = defineCommand({
  name: 'schema',
  usage: '[pipeline|report|progress]',
  summary:
    'Prints the JSON Schema of pipeline files, by which editors complete and explain each key, of reports, or of the events of a run.',
  examples: [
    { line: 'batchx schema > batchx.schema.json', does: 'Then: # yaml-language-server: $schema=batchx.schema.json' },
    { line: 'batchx schema report', does: 'What `batchx run --report FILE` writes.' },
    { line: 'batchx schema progress', does: 'What a line of `--progress json` says.' },
  ],
  flags: z.strictObject({}),
  choices,
  async run({ positionals: [what = 'pipeline', ...more] }) {
    if (!choices.includes(what) || more.length > 0) {
      const got = [what, ...more].join(' ');
      const hint =
        didYouMean(what, choices) || `; there are ${choices.slice(0, -1).join(', ')} and ${choices.at(-1) ?? ''}`;
      throw new BatchxError('usage', `there is no schema of "${got}"${hint}`);
    }
    await writeOut(`${JSON.stringify(await schemaOf(what), null, 2)}\n`);
    return EXIT.ok;
  },
});

async function schemaOf(what: string): Promise<object> {
  const { pipelineJsonSchema, progressJsonSchema, reportJsonSchema } = await import('../pipelines.js');
  if (what === 'progress') return progressJsonSchema();
  return what === 'report' ? reportJsonSchema() : pipelineJsonSchema(builtin);
}
