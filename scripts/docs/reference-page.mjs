import { stringify } from 'yaml';
import { anchor, block, code, defaultOf, generated, link, table } from './markdown.mjs';

const parts = [
  { kind: 'source', title: 'Sources', text: 'Where items come from: one of them stands behind `input`.' },
  { kind: 'step', title: 'Steps', text: 'What is done to one item: each is an entry of `steps`.' },
  {
    kind: 'flow',
    title: 'Flow',
    text: 'Entries of `steps` that may change how many items there are. Besides their own keys they have `name`.',
  },
  { kind: 'sink', title: 'Sinks', text: 'Where items go: each is an entry of `output`.' },
  { kind: 'aggregator', title: 'Aggregates', text: 'What is said of all items at the end: entries of `aggregate`.' },
];

/** docs/reference.md: all that the file of a pipeline may say. */
export function referencePage(exported, { components, pipelines }) {
  const { forms, special, top, step, input, aggregate } = pipelines;
  const shared = step.filter(({ name }) => top.some((key) => key.name === name && key.keys.length > 0));
  return [
    '# Reference',
    '',
    generated,
    '',
    `All that the ${link('file of a pipeline', 'pipeline.md')} may say: the keys of the file, and the components with their own. \`batchx steps\``,
    'lists them, `batchx steps NAME` tells the same of one, and `batchx schema` gives editors the JSON Schema. What the',
    `components are in code is told in ${link('operators.md', 'operators.md')}; their options have the same names there, but for the verb.`,
    '',
    'On the command line the sources and sinks are the formats of `--in` and `--out`; `map`, `filter`, `exec` and `http` are',
    'commands, and `count`, `stats` and `groupBy` are flags of the first two.',
    '',
    'Durations are text with a unit, as `500ms`, `2s`, `1.5m`; sizes too, as `64KB` or `1MB`. Expressions are JavaScript, over',
    '`data` and `item` or as an arrow function of both.',
    '',
    `- Keys: ${link('of the file', '#keys-of-the-file')}, ${link('of every step', '#keys-of-every-step')}, ${shared.map(({ name }) => link(name, `#key-${anchor(name)}`)).join(', ')}`,
    ...parts.map(({ kind, title }) => {
      const verbs = forms.filter((form) => form.kind === kind).map(({ verb }) => verb);
      return `- ${title}: ${verbs.map((verb) => link(verb, `#${anchor(`${kind} ${verb}`)}`)).join(', ')}`;
    }),
    '',
    '## Keys of the file',
    '',
    ...keyTable(top, shared),
    'Entries of `input` have these besides their own, entries of `aggregate` `name`:',
    '',
    ...keyTable(input, []),
    ...special.flatMap(({ name, part, description, keys }) => [
      `An entry of \`${part}\` may be \`${name}\`, too: ${description[0].toLowerCase()}${description.slice(1)}`,
      '',
      ...keyTable(keys, []),
    ]),
    '## Keys of every step',
    '',
    ...keyTable(step, shared),
    ...shared.flatMap((key) => [`### key ${code(key.name)}`, '', key.description, '', ...keyTable(key.keys, [])]),
    ...parts.flatMap(({ kind, title, text }) => [
      `## ${title}`,
      '',
      text,
      '',
      ...forms.filter((form) => form.kind === kind).flatMap((form) => describe(form, components, exported, aggregate)),
    ]),
  ]
    .join('\n')
    .trimEnd()
    .concat('\n');
}

/** Keys in a table; of those that have keys behind them these too, unless they are told elsewhere. */
const keyTable = (keys, elsewhere) =>
  table(
    ['key', 'type', 'default', ''],
    keys.flatMap((key) => {
      const told = elsewhere.some(({ name }) => name === key.name);
      const behind = told ? [] : (key.keys ?? []).map((each) => ({ ...each, name: `${key.name}.${each.name}` }));
      return [key, ...behind].map((each) => [
        told ? link(code(each.name), `#key-${anchor(each.name)}`) : code(each.name),
        typeOf(each),
        defaultOf(each),
        each.description,
      ]);
    }),
  );

/** The type of a key, with the words of YAML. */
const typeOf = ({ type }) =>
  type === 'any' ? 'anything' : code(type.replaceAll(/\bobject\b/g, 'keys').replaceAll(/\bstring\b/g, 'text'));

function describe({ kind, name, verb, status, summary, keys, entries }, components, exported) {
  const { file } = components.find((component) => component.kind === kind && component.name === name);
  const functions = exported.filter((entry) => entry.kind === 'function' && entry.file === file);
  const examples = entries.map(({ title, pipeline }) => `# ${title}\n${yaml(pipeline)}`);
  return [
    `### ${kind} ${code(verb)}`,
    '',
    ...(status === 'stable' ? [] : [`*${status}*`, '']),
    summary,
    '',
    ...keyTable(keys, []),
    ...examples.flatMap((text) => block('yaml', text)),
    ...(functions.length === 0
      ? []
      : [
          `In code: ${functions.map((entry) => link(code(entry.name), `operators.md#${anchor(entry.name)}`)).join(', ')}.`,
          '',
        ]),
  ];
}

const yaml = (value) => stringify(value, { lineWidth: 0, singleQuote: true, collectionStyle: 'any' }).trimEnd();
