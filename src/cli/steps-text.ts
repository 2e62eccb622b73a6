import type { FileDescription, FormDescription, KeyDescription } from '../pipeline/file/describe.js';
import type { OptionDescription } from '../report/components.js';

/** Makes YAML of a value. */
export type ToYaml = (value: unknown) => string;

const HEADINGS: Readonly<Record<string, string>> = {
  source: 'Sources, behind `input`',
  step: 'Steps',
  flow: 'Steps that change how many items there are',
  sink: 'Outputs',
  aggregator: 'Aggregates',
};

/** What a pipeline file may consist of, a line each. */
export function listText({ forms, special, top, step }: FileDescription): string {
  const kinds = [...new Set(forms.map(({ kind }) => kind))];
  const others: Readonly<Record<string, string>> = { steps: 'step', output: 'sink' };
  const groups = kinds.map((kind) => [
    `${HEADINGS[kind] ?? kind}:`,
    ...forms.filter((form) => form.kind === kind).map(({ verb, summary }) => line(verb, summary)),
    ...special.filter(({ part }) => others[part] === kind).map(({ name, description }) => line(name, description)),
    '',
  ]);
  const keys = ({ name, description }: KeyDescription): string => line(name, description);
  return [
    ...groups.flat(),
    'Keys of the file:',
    ...top.map(keys),
    '',
    'Keys of every step:',
    ...step.map(keys),
    '',
    '`batchx steps <name>` tells the keys of one, with examples.',
    '',
  ].join('\n');
}

const WIDTH = 13;

/** A name, and of what is said of it the first sentence. */
const line = (name: string, text: string): string =>
  `  ${name.padEnd(WIDTH)}  ${(/^(?:`[^`]*`|[^`])*?[.:;](?= |$)/.exec(text)?.[0] ?? text).replace(/[:;]$/, '.')}`;

/** A component with its keys, and its examples as pipeline files have them. */
export function formText(
  { kind, verb, name, status, summary, keys, common, entries, part }: FormDescription,
  toYaml: ToYaml,
): string {
  const other = name === verb ? '' : `, \`${name}\` in code`;
  const beside = part === 'steps' ? 'Keys of every step that it has too' : 'It has besides';
  return [
    `${verb} (${kind}${status === 'stable' ? '' : `, ${status}`}${other})`,
    `  ${summary}`,
    '',
    '  Keys:',
    ...keys.flatMap((key) => keyLines(key, '    ')),
    ...(common.length === 0 ? [] : ['', `  ${beside}: ${common.join(', ')}.`]),
    ...(entries.length === 0 ? [] : ['', '  In a pipeline file:']),
    ...entries.flatMap(({ title, pipeline }) => [`    # ${title}`, ...indented(toYaml(pipeline))]),
    '',
  ].join('\n');
}

/** A key of the file or of a step, with those that may be behind it. */
export function keyText(key: KeyDescription, where: string): string {
  const { name, description, keys } = key;
  return [
    `${name} (${where})`,
    `  ${description}`,
    '',
    `  It is ${typeOf(key)}.`,
    ...(keys.length === 0 ? [] : ['', '  Keys behind it:', ...keys.flatMap((each) => keyLines(each, '    '))]),
    '',
  ].join('\n');
}

const keyLines = (key: OptionDescription, indent: string): string[] => {
  const value = key.required
    ? 'required'
    : key.default === undefined
      ? 'optional'
      : `${JSON.stringify(key.default)} unless said`;
  return [`${indent}${key.name}: ${typeOf(key)}, ${value}`, `${indent}    ${key.description}`];
};

/** The type of a key, with the words of YAML. */
const typeOf = ({ type }: OptionDescription): string =>
  type === 'any' ? 'anything' : type.replace(/\bobject\b/g, 'keys').replace(/\bstring\b/g, 'text');

const indented = (text: string): string[] =>
  text
    .trimEnd()
    .split('\n')
    .map((each) => `    ${each}`);
