import * as z from 'zod';
import { builtin } from '../../builtin.js';
import { BatchxError } from '../../core/errors.js';
import { didYouMean } from '../../core/suggest.js';
import { describeComponent, listComponents } from '../../report/components.js';
import { defineCommand } from '../command.js';
import { EXIT } from '../exit.js';
import { flag } from '../flags.js';
import { writeOut } from '../write-out.js';

const names = [...new Set(builtin.all.map(({ name }) => name))];

export const command = defineCommand({
  name: 'steps',
  usage: '[name]',
  summary: 'Lists the sources, steps, sinks and aggregates there are, or tells the options of one.',
  examples: [
    { line: 'batchx steps', does: 'All of them, a line each.' },
    { line: 'batchx steps csv', does: 'What the source and the sink of that name take.' },
    { line: 'batchx steps --json', does: 'Everything, with JSON Schemas, for editors and scripts.' },
  ],
  flags: z.strictObject({
    json: flag(z.boolean().default(false), 'Print JSON instead of text.'),
  }),
  choices: names,
  async run({ flags, positionals, literals }) {
    const [name, ...more] = [...positionals, ...(literals ?? [])];
    if (more.length > 0) throw new BatchxError('usage', `expected at most one name, got also ${more.join(' ')}`);
    const found = name === undefined ? builtin.all : builtin.all.filter((each) => each.name === name);
    if (found.length === 0) {
      const hint = didYouMean(name ?? '', names) || '; `batchx steps` lists what there is';
      throw new BatchxError('usage', `no source, step, sink or aggregate is called "${name ?? ''}"${hint}`);
    }
    const components = found.map(describeComponent);
    await writeOut(
      flags.json ? `${JSON.stringify(components, null, 2)}\n` : listComponents(components, name !== undefined),
    );
    return EXIT.ok;
  },
});
