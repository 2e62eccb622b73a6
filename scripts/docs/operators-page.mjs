import { anchor, block, code, defaultOf, generated, link, table } from './markdown.mjs';

/** The parts of the page: the first that `has` an entry is where it stands. */
const parts = [
  {
    title: 'Sources',
    has: inFolder('src/sources/'),
    text: 'Each gives an Observable of items, and reads only while there is room below.',
  },
  {
    title: 'Steps',
    has: inFolder('src/operators/steps/'),
    text: 'What is done to one item. A step neither loses items nor makes new ones.',
  },
  {
    title: 'Policies',
    has: inFolder('src/operators/policies/'),
    text: `How one call is tried; for items \`step\` puts them together. ${link('policies.md', 'policies.md')} tells of each, and of their order.`,
  },
  {
    title: 'Flow',
    has: inFolder('src/operators/flow/'),
    text: 'How items move: side by side, together, apart, once only, along two ways.',
  },
  {
    title: 'Aggregates',
    has: ({ kind, file, signature }) =>
      kind === 'function' && file.startsWith('src/sinks/') && signature.some((text) => text.includes('Aggregat')),
    text: '`aggregate` makes one value of all items. What it is given says which.',
  },
  {
    title: 'Sinks',
    has: inFolder('src/sinks/'),
    text: 'Each takes items and emits an outcome for every one once it is written; put one after another they share the work.',
  },
  {
    title: 'Building blocks',
    has: ({ kind, door }) => kind === 'function' && door === 'batchx',
    text: `What the others are made of, for sources, steps and sinks of your own: ${link('flow.md', 'flow.md#your-own')} shows how.`,
  },
  {
    title: 'Tests',
    has: ({ kind }) => kind === 'function',
    text: 'From `batchx/testing`: time that does not pass, and a runtime with nothing of the world in it.',
  },
  { title: 'Classes', has: ({ kind }) => kind === 'class', text: 'What flows, and what comes of it.' },
];

function inFolder(folder) {
  return ({ kind, file }) => kind === 'function' && file.startsWith(folder);
}

/** docs/operators.md: all that `batchx` and `batchx/testing` export. */
export function operatorsPage(exported, { components, optionsOf }) {
  const placed = parts.map(({ title, text, has }, i) => ({
    title,
    text,
    entries: exported.filter((entry) => has(entry) && !parts.slice(0, i).some((earlier) => earlier.has(entry))),
  }));
  const shown = placed.filter(({ entries }) => entries.length > 0);
  const tabled = new Set(exported.flatMap(({ options }) => options.map(({ of }) => of)));
  const types = exported.filter(({ kind, name }) => kind === 'type' && !tabled.has(name));
  return [
    '# Sources, operators and sinks',
    '',
    generated,
    '',
    'All that `batchx` exports, each with what comes out and when, a picture where time matters, and an example. In the',
    'pictures time runs to the right, `|` is the end, letters are items, `x` is an item that failed and `s` one that was',
    `skipped. ${link('flow.md', 'flow.md')} explains what they have in common, ${link('reference.md', 'reference.md')} lists what the file`,
    'of a pipeline may say.',
    '',
    ...shown.map(
      ({ title, entries }) =>
        `- ${link(title, `#${anchor(title)}`)}: ${entries.map(({ name }) => link(name, `#${anchor(name)}`)).join(', ')}`,
    ),
    '- [Types](#types)',
    '',
    ...shown.flatMap(({ title, text, entries }) => [
      `## ${title}`,
      '',
      text,
      '',
      ...entries.flatMap((entry) => describe(entry, components, optionsOf)),
    ]),
    '## Types',
    '',
    'What the signatures above speak of.',
    '',
    ...block('ts signature', types.map(({ comment, signature }) => [...comment, ...signature].join('\n')).join('\n\n')),
  ]
    .join('\n')
    .trimEnd()
    .concat('\n');
}

function describe(entry, components, optionsOf) {
  const { name, kind, file, text, examples, signature } = entry;
  const defined = kind === 'function' ? components.filter((component) => component.file === file) : [];
  return [
    `### ${name}`,
    '',
    ...block('ts signature', signature.join('\n')),
    text,
    '',
    ...table(['option', 'type', 'default', ''], optionRows(entry.options, optionsOf)),
    ...examples.flatMap((example) => block('ts', example)),
    ...defined.flatMap((component) => [
      `In a pipeline file: the ${component.kind} ${link(code(component.verb), `reference.md#${anchor(`${component.kind} ${component.verb}`)}`)}.`,
      '',
    ]),
  ];
}

/** In the order of the schema, which knows most of an option; one without a schema has a comment. */
function optionRows(options, optionsOf) {
  const described = options.map((option) => {
    const all = optionsOf(option.file);
    const known = all[option.name];
    const at = Object.keys(all).indexOf(option.name);
    return { ...option, description: known?.description ?? option.text, default: known?.default, at };
  });
  return described
    .sort((a, b) => a.at - b.at)
    .map((option) => [code(option.name), code(option.type), defaultOf(option), option.description]);
}
