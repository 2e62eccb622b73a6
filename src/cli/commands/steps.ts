import * as z from 'zod';
import { builtin } from '../../builtin.js';
import { exportsOf } from '../../core/commonjs.js';
import { BatchxError } from '../../core/errors.js';
import { didYouMean } from '../../core/suggest.js';
import { camelCase } from '../../pipeline/file/camel-case.js';
import type { FileDescription } from '../../pipeline/file/describe.js';
import { defineCommand } from '../command.js';
import { EXIT } from '../exit.js';
import { flag } from '../flags.js';
import { formText, keyText, listText } from '../steps-text.js';
import { writeOut } from '../write-out.js';

const verbs = [...new Set(builtin.all.map(({ name, verb = camelCase(name) }) => verb))];

export const command = defineCommand({
  name: 'steps',
  usage: '[name]',
  summary:
    'Lists what the file of a pipeline may consist of - sources, steps, outputs, aggregates, keys - or tells all of one.',
  examples: [
    { line: 'batchx steps', does: 'All of them, a line each.' },
    { line: 'batchx steps csv', does: 'What the source and the output of that name take, with examples.' },
    { line: 'batchx steps retry', does: 'What may stand behind a key of the file, or of a step.' },
    { line: 'batchx steps --json', does: 'Everything, with JSON Schemas, for editors and scripts.' },
  ],
  flags: z.strictObject({
    json: flag(z.boolean().default(false), 'Print JSON instead of text.'),
  }),
  choices: verbs,
  async run({ flags, positionals, literals }) {
    const [name, ...more] = [...positionals, ...(literals ?? [])];
    if (more.length > 0) throw new BatchxError('usage', `expected at most one name, got also ${more.join(' ')}`);
    const { describeFile } = await import('../pipelines.js');
    const all = describeFile(builtin);
    if (flags.json && name === undefined) await writeOut(`${JSON.stringify(all, null, 2)}\n`);
    else if (name === undefined) await writeOut(listText(all));
    else await tell(name, all, flags.json);
    return EXIT.ok;
  },
});

/** Tells all that is called so: a component may be a source and an output, and a key too. */
async function tell(name: string, { forms, special, top, step }: FileDescription, json: boolean): Promise<void> {
  const found = forms.filter((form) => form.verb === name || form.name === name);
  const shared = top.filter((key) => key.name === name && step.some((each) => each.name === name));
  const keys = [
    ...special.map((key) => ({ key, where: `in \`${key.part}\`` })),
    ...top.map((key) => ({
      key,
      where: shared.includes(key) ? 'key of the file and of every step' : 'key of the file',
    })),
    ...step
      .filter((key) => !shared.some((each) => each.name === key.name))
      .map((key) => ({ key, where: 'key of every step' })),
  ].filter(({ key }) => key.name === name);
  if (found.length + keys.length === 0) {
    const known = [
      ...forms.flatMap((form) => [form.verb, form.name]),
      ...[...special, ...top, ...step].map((key) => key.name),
    ];
    const hint = didYouMean(name, known) || '; `batchx steps` lists what there is';
    throw new BatchxError('usage', `no source, step, output, aggregate or key is called "${name}"${hint}`);
  }
  if (json) {
    await writeOut(`${JSON.stringify([...found, ...keys.map(({ key }) => key)], null, 2)}\n`);
    return;
  }
  const { stringify } = exportsOf(await import('yaml'));
  const toYaml = (value: unknown): string => stringify(value, { lineWidth: 0, singleQuote: true });
  const texts = [...found.map((form) => formText(form, toYaml)), ...keys.map(({ key, where }) => keyText(key, where))];
  await writeOut(texts.join('\n'));
}
