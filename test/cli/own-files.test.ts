import { existsSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { batchxHere } from './in-process.js';
import { batchx, file, folder } from './program.js';

const read = (path: string): string => readFileSync(join(folder, path), 'utf8');

file('double.mjs', 'export default ({ data }) => data * 2;\n');
file('double.yaml', 'steps: [{ map: data * 2 }]\n');
file('number.json', '{"type":"number"}\n');
file('values.yaml', 'by: 3\n');

/** A pipeline that consists of several files, with these outputs. */
const pipeline = (name: string, output = '[]', extra = ''): string =>
  file(
    name,
    `config: { by: 2 }
input: { items: [1, 2] }
steps:
  - use: ./double.mjs
  - pipeline: ./double.yaml
  - validate: ./number.json
  - map: data * config.by
${extra}output: ${output}
`,
  );

describe('the files of a pipeline', () => {
  it.each(['own.yaml', 'double.mjs', 'double.yaml', 'number.json', 'values.yaml'])(
    'is not replaced by the report, its rows or the failed items: %s',
    async (part) => {
      const path = pipeline('own.yaml');
      const before = read(part);
      for (const flag of ['--report', '--report-items', '--failed']) {
        const done = await batchxHere(['run', path, '--config', 'values.yaml', flag, `./${part}`]);
        expect(done.stderr).toContain(`cannot write ./${part}: it is ${part}, a part of this pipeline`);
        expect([done.ended, done.stdout]).toEqual([2, '']);
        expect(read(part)).toBe(before);
      }
    },
  );

  it.each(['outputs.yaml', 'double.mjs', 'double.yaml', 'number.json', 'values.yaml'])(
    'is not replaced by an output, and check tells where: %s',
    async (part) => {
      for (const output of [`[{ jsonl: ${part} }]`, `[{ report: ${part} }]`]) {
        const path = pipeline('outputs.yaml', output);
        const before = read(part);
        for (const command of ['check', 'run']) {
          const done = await batchxHere([command, path, '--config', 'values.yaml']);
          expect(done.stdout + done.stderr).toMatch(/outputs\.yaml:8:\d+: cannot write .*a part of this pipeline/);
          expect(done.ended).toBe(2);
          expect(read(part)).toBe(before);
        }
      }
    },
  );

  it('are known by other names too, and where items name them', () => {
    symlinkSync('double.mjs', join(folder, 'other.mjs'));
    expect(batchx(['run', pipeline('linked.yaml'), '--report', 'other.mjs']).ended).toBe(2);
    const before = read('double.mjs');
    const extra = "  - { write: 'double.mjs', content: x, onExists: overwrite, when: data > 7 }\n";
    const done = batchx(['run', pipeline('items.yaml', '[]', extra)]);
    expect(done.stderr).toContain('double.mjs');
    expect(done.ended).toBe(1);
    expect(read('double.mjs')).toBe(before);
  });
});

describe('an input that is not there', () => {
  it.each([
    ['jsonl', 'nope.jsonl', 'there is no such file'],
    ['csv', '[double.yaml, nope.csv]', 'there is no such file'],
    ['lines', '.', 'it is a directory'],
    ['files', 'nope.txt', 'there is no such file or folder'],
    ['manifest', 'nope.yaml', 'there is no such file'],
  ])('leaves the outputs as they are: %s: %s', (source, input, why) => {
    file('keep.txt', 'keep\n');
    const path = file(
      'missing.yaml',
      `input: { ${source}: ${input} }\nsteps: [{ map: data }]\noutput: [{ jsonl: keep.txt }]\n`,
    );
    const done = batchx(['run', path, '--report', 'missing.json']);
    expect(done.stderr).toContain(why);
    expect(done.ended).toBe(4);
    expect(read('keep.txt')).toBe('keep\n');
    expect(JSON.parse(read('missing.json'))).toMatchObject({ exit: 4, counts: { read: 0 } });
  });
});

describe('--progress json -q', () => {
  it('says nothing but events of a run that cannot go on', () => {
    const path = file('quiet.yaml', 'input: { jsonl: nope.jsonl }\nsteps: [{ map: data }]\n');
    expect(batchx(['run', path, '-q']).stderr).toBe('batchx: cannot read nope.jsonl: there is no such file\n');
    const done = batchx(['run', path, '--progress', 'json', '-q']);
    expect(done.ended).toBe(4);
    const lines = done.stderr
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as object);
    const error: unknown = expect.objectContaining({ message: expect.stringContaining('nope.jsonl') });
    expect(lines.at(-1)).toMatchObject({ event: 'batch:end', error });
  });
});

describe('--test', () => {
  const places = [
    ['output: [{ jsonl: OUT/a.jsonl }]', 'output: [{ jsonl: a.jsonl }]'],
    ['output: [{ jsonl: ../a.jsonl }]', 'output: [{ jsonl: sub/../a.jsonl }]'],
    ['output: [{ report: OUT/r.json }]', 'output: [{ report: r.json }]'],
    ["output: [{ jsonl: '{{ config.at }}/a.jsonl' }]", 'output: [{ jsonl: /dev/null }]'],
    ["output: [{ files: OUT, name: '{{ id }}', content: x }]", "output: [{ files: f, name: '{{ id }}', content: x }]"],
    ["steps: [{ write: '{{ id }}', content: x, root: OUT }]", "steps: [{ write: '{{ id }}', content: x, root: w }]"],
    [
      "steps: [{ exec: 'touch {outputPath}', creates: OUT/x }]",
      "steps: [{ exec: 'cp double.yaml {outputPath}', creates: '{{ id }}.x' }]",
    ],
  ] as const;
  it.each(places)('writes nowhere else: %s', async (outside, inside) => {
    const write = (part: string): string =>
      file(
        'tested.yaml',
        `config: { at: ${folder} }\noutputRoot: tested\ninput: { items: [1] }\n${part.startsWith('steps') ? '' : 'steps: [{ map: data }]\n'}${part.replace('OUT', join(folder, 'abs'))}\n`,
      );
    const refused = await batchxHere(['run', write(outside), '--test']);
    expect(refused.stderr).toMatch(
      /tested\.yaml:\d+:\d+: with --test nothing is written outside of tested_test, and .* is/,
    );
    expect([refused.ended, refused.stdout]).toEqual([2, '']);
    expect(existsSync(join(folder, 'abs'))).toBe(false);
    expect(batchx(['run', write(inside), '--test'])).toMatchObject({ ended: 0 });
  });
});
