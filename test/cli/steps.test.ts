import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { builtin } from '../../src/builtin.js';
import { describeFile } from '../../src/pipeline/file/describe.js';
import { fileSchemaOf } from '../../src/pipeline/file/file-schema.js';
import { shapeFaults } from '../../src/pipeline/file/shape-faults.js';
import { batchxHere } from './in-process.js';
import { batchx } from './program.js';

const all = describeFile(builtin);
const file = fileSchemaOf(builtin);

describe('batchx steps', () => {
  it('lists everything that a file may say, a line each', () => {
    const { stdout, ended } = batchx(['steps']);
    expect(ended).toBe(0);
    const lines = stdout.split('\n');
    const names = [
      ...all.forms.map(({ verb }) => verb),
      ...[...all.special, ...all.top, ...all.step].map(({ name }) => name),
    ];
    expect(names.filter((name) => !lines.some((line) => new RegExp(`^  ${name} +\\S.*[.\`]$`).test(line)))).toEqual([]);
  });

  it('tells of one how it is written, with examples', () => {
    expect(batchx(['steps', 'write']).stdout).toBe(
      [
        'write (step)',
        '  Writes a file for each item, whole or not at all; the data stays as it is.',
        '',
        '  Keys:',
        ...keys('write'),
        '',
        `  Keys of every step that it has too: ${all.step.map(({ name }) => name).join(', ')}.`,
        '',
        '  In a pipeline file:',
        '    # What a step has made, beside the same folders',
        '    steps:',
        "      - write: '{{ relative }}'",
        '        root: migrated',
        '    # A file of JSON for each row',
        '    steps:',
        "      - write: '{{ sku }}.json'",
        "        content: '{{ data }}'",
        '        onExists: overwrite',
        '',
      ].join('\n'),
    );
  });

  const keys = (verb: string): string[] =>
    all.forms
      .find((form) => form.verb === verb)!
      .keys.flatMap(({ name, type, required, default: value, description }) => [
        `    ${name}: ${type.replace('string', 'text')}, ${required ? 'required' : value === undefined ? 'optional' : `${JSON.stringify(value)} unless said`}`,
        `        ${description}`,
      ]);

  it.each<[string, string[]]>([
    ['files', ['files (source)', 'files (sink)', '    name: text, optional']],
    ['group-by', ['groupBy (aggregator, `group-by` in code)', '    groupBy: text, required']],
    ['literals', ['items (source, `literals` in code)', 'It has besides: filter, limit.']],
    ['batch', ['    batch.size: integer, optional']],
    ['retry', ['retry (key of the file and of every step)', '    initial: text, "500ms" unless said']],
    ['rates', ['rates (key of the file)', '    burst: number, optional']],
    ['cache', ['cache (key of every step)', '    ttl: text, optional']],
    ['pipeline', ['pipeline (in `steps`)', '    with: keys, optional']],
  ])('knows %s', async (name, says) => {
    const { stdout, ended } = await batchxHere(['steps', name]);
    expect(ended).toBe(0);
    for (const each of says) expect(stdout).toContain(each);
  });

  it('knows the one that was meant', () => {
    expect(batchx(['steps', 'retyr']).stderr).toContain(
      'no source, step, output, aggregate or key is called "retyr"; did you mean "retry"?',
    );
  });

  it('gives all of it as JSON', () => {
    expect(JSON.parse(batchx(['steps', '--json']).stdout)).toEqual(JSON.parse(JSON.stringify(all)));
    expect(JSON.parse(batchx(['steps', 'jsonl', '--json']).stdout)).toMatchObject([
      { part: 'input' },
      { part: 'output' },
    ]);
  });

  it.each(
    all.forms.flatMap(({ verb, part, entries }) =>
      entries.map((each) => [`${part} ${verb}: ${each.title}`, each] as const),
    ),
  )('has an example that fits: %s', (_, { pipeline }) => {
    expect(shapeFaults(file, parse(JSON.stringify(pipeline)))).toEqual([]);
  });

  it('says something of every key', () => {
    const described = [
      ...all.forms.flatMap((form) => form.keys),
      ...[...all.top, ...all.step, ...all.special].flatMap((key) => [key, ...key.keys]),
    ];
    for (const { name, type, description } of described)
      expect([name, type, description]).toEqual([name, expect.stringMatching(/./), expect.stringMatching(/\.$/)]);
  });
});
