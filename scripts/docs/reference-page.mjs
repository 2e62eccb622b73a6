import { anchor, code, defaultOf, generated, link, table } from './markdown.mjs';

const parts = [
  { kind: 'source', title: 'Sources', text: 'Where items come from.' },
  { kind: 'step', title: 'Steps', text: 'What is done to one item.' },
  { kind: 'flow', title: 'Flow', text: 'Operators on the stream: they may change how many items there are.' },
  { kind: 'sink', title: 'Sinks', text: 'Where items go.' },
  { kind: 'aggregator', title: 'Aggregates', text: 'What is said of all items at the end.' },
];

/** docs/reference.md: every component that is known by a name. */
export function referencePage(exported, { components }) {
  return [
    '# Reference',
    '',
    generated,
    '',
    'The components that are known by a name, with their options. `batchx steps NAME` prints the same, and `batchx steps',
    `--json\` has a JSON Schema of each. The functions of the same files are in ${link('operators.md', 'operators.md')}.`,
    '',
    'On the command line the sources and sinks are the formats of `--in` and `--out`, `map` and `filter` are commands, and',
    '`count`, `stats` and `group-by` are flags of these. The others are used in code.',
    '',
    'Durations are text with a unit, as `500ms`, `2s`, `1.5m`; sizes too, as `64KB` or `1MB`. Expressions are JavaScript, over',
    '`data` and `item` or as an arrow function of both.',
    '',
    ...parts.flatMap(({ kind, title }) => {
      const names = components.filter((component) => component.kind === kind).map(({ name }) => name);
      return names.length === 0
        ? []
        : [`- ${title}: ${names.map((name) => link(name, `#${anchor(`${kind} ${name}`)}`)).join(', ')}`];
    }),
    '',
    ...parts.flatMap(({ kind, title, text }) => {
      const ofKind = components.filter((component) => component.kind === kind);
      if (ofKind.length === 0) return [];
      return [`## ${title}`, '', text, '', ...ofKind.flatMap((component) => describe(component, exported))];
    }),
  ]
    .join('\n')
    .trimEnd()
    .concat('\n');
}

function describe({ kind, name, status, summary, options, examples, file }, exported) {
  const functions = exported.filter((entry) => entry.kind === 'function' && entry.file === file);
  return [
    `### ${kind} ${code(name)}`,
    '',
    ...(status === 'stable' ? [] : [`*${status}*`, '']),
    summary,
    '',
    ...table(
      ['option', 'type', 'default', ''],
      options.map((option) => [code(option.name), code(option.type), defaultOf(option), option.description]),
    ),
    ...table(
      ['for example', ''],
      examples.map(({ title, options }) => [title, code(JSON.stringify(options))]),
    ),
    ...(functions.length === 0
      ? []
      : [
          `In code: ${functions.map((entry) => link(code(entry.name), `operators.md#${anchor(entry.name)}`)).join(', ')}.`,
          '',
        ]),
  ];
}
