import * as z from 'zod';
import { builtin } from '../../builtin.js';
import { describeComponent, listComponents } from '../../report/components.js';
import { BatchxError } from '../../core/errors.js';
import { didYouMean } from '../../core/suggest.js';
import { defineCommand } from '../command.js';
import { EXIT } from '../exit.js';

export const command = defineCommand({
  name: 'steps',
  usage: '[name]',
  summary: 'Lists the sources, steps and sinks there are, or tells the options of one.',
  examples: [
    { line: 'batchx steps', does: 'All of them, a line each.' },
    { line: 'batchx steps csv', does: 'What the source and the sink of that name take.' },
    { line: 'batchx steps --json', does: 'Everything, with JSON Schemas, for editors and scripts.' },
  ],
  flags: z.strictObject({
    json: z.boolean().default(false).describe('Print JSON instead of text.').meta({ description: 'Print JSON instead of text.' }),
  }),
  run({ flags, positionals: [name] }) {
    const found = name === undefined ? builtin.all : builtin.all.filter((each) => each.name === name);
    if (found.length === 0) {
      const names = builtin.all.map((each) => each.name);
      throw new BatchxError('usage', `no source, step or sink is called "${name ?? ''}"${didYouMean(name ?? '', names)}`);
    }
    const components = found.map(describeComponent);
    if (flags.json) process.stdout.write(JSON.stringify(components, null, 2) + '\n');
    else process.stdout.write(listComponents(components, name !== undefined));
    return Promise.resolve(EXIT.ok);
  },
});
