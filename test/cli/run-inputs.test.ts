import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { batchxHere } from './in-process.js';
import { batchx, file, folder, jsonl } from './program.js';

const rows = ['run', 'rows.yaml', '--shape', 'result', '-q'];

beforeAll(() => {
  mkdirSync(join(folder, 'orders/old'), { recursive: true });
  file('own.jsonl', jsonl({ n: 1 }));
  file('orders/a.jsonl', jsonl({ n: 11 }));
  file('orders/old/b.jsonl', jsonl({ n: 12 }));
  file('orders/c.txt', 'no row\n');
  file(
    'rows.yaml',
    stringify({ config: { by: 1 }, input: { jsonl: 'own.jsonl' }, steps: [{ map: 'data.n * config.by' }] }),
  );
  file('values.yaml', stringify({ input: { items: [{ n: 2 }] }, steps: [{ map: 'data.n' }] }));
});

describe('batchx run with another input', () => {
  it.each<[string, string[], string]>([
    ['a file', ['orders/a.jsonl'], '11\n'],
    ['a file by its flag', ['--input', 'orders/a.jsonl'], '11\n'],
    ['a glob', ['--input=orders/**/*.jsonl'], '11\n12\n'],
    ['a folder, of which it takes what it can read', ['orders'], '11\n12\n'],
    ['several', ['own.jsonl', '--input', 'orders/a.jsonl', '--input', 'orders/old'], '1\n11\n12\n'],
    ['standard input', ['--input', '-'], '5\n'],
  ])('%s', (_, args, stdout) => {
    expect(batchx([...rows, ...args], '{"n":5}\n')).toMatchObject({ stdout, ended: 0 });
  });

  it('reads rows from standard input where the pipeline has values of its own', () => {
    expect(batchx(['run', 'values.yaml', '-', '--shape', 'result', '-q'], '{"n":5}\n').stdout).toBe('5\n');
  });

  it.each<[string, string[], number, string]>([
    [
      'no such file',
      ['orders/d.jsonl'],
      4,
      'cannot read orders/d.jsonl: there is no such file; did you mean orders/a.jsonl?',
    ],
    ['a glob that nothing matches', ['--input', 'order/*.jsonl'], 4, 'order/*.jsonl matches no file'],
    [
      'inputs and values',
      ['own.jsonl', ':::', 'a'],
      2,
      'expected either inputs or values behind `:::`, got both (own.jsonl)',
    ],
    ['no input behind the flag', ['--input'], 2, '--input: expected a value'],
    [
      'a value that there is not',
      ['--set', 'bx=2'],
      2,
      '--set: rows.yaml has no `bx` in its config; did you mean "by"?',
    ],
    [
      'values that there are not',
      ['--config', '{"x":1}'],
      2,
      '--config: rows.yaml has no `x` in its config; there are by',
    ],
    ['no such file of values', ['--config', 'none.yaml'], 2, '--config: there is no file none.yaml'],
    ['a pipeline that there is not', ['--pipeline', 'x'], 2, 'no pipeline is called "x"; it has only one'],
    ['a flag that comes later', ['--watch'], 2, '--watch (watching folders) is not done by this version yet'],
    ['a flag that is misspelt', ['--inputs', 'x'], 2, 'no flag is called --inputs; did you mean --input?'],
  ])('says what is wrong with it: %s', async (_, args, ended, says) => {
    const line = [...rows.slice(0, 2), ...args];
    // That a file is not there is found by a run.
    const done = await (ended === 4 ? batchx(line) : batchxHere(line));
    expect(done).toMatchObject({ ended, stdout: '' });
    expect(done.stderr).toContain(says);
  });
});

describe('batchx run --manifest', () => {
  const items = [
    { id: 'a', data: { n: 1 } },
    { id: 'b', data: { n: 2 } },
  ];
  const manifest = (name: string, value: object): string => file(name, stringify(value));

  it('does the pipeline that it names, with its outputs', () => {
    mkdirSync(join(folder, 'jobs'), { recursive: true });
    manifest('jobs/m.yaml', { pipeline: '../rows.yaml', outputRoot: 'mo', output: [{ jsonl: 'r.jsonl' }], items });
    expect(batchx(['run', '--manifest', 'jobs/m.yaml', '--set', 'by=3'])).toMatchObject({ ended: 0, stdout: '' });
    expect(readFileSync(join(folder, 'mo/r.jsonl'), 'utf8')).toBe('3\n6\n');
    expect(batchx(['check', '--manifest', 'jobs/m.yaml', '--items']).stderr).toContain('2 items; nothing is wrong');
  });

  it('does another one that is given, also with a bare list', () => {
    manifest('list.yaml', items);
    file('list.jsonl', jsonl(...items));
    for (const name of ['list.yaml', 'list.jsonl'])
      expect(batchx(['run', 'values.yaml', '--manifest', name, '--shape', 'result', '-q']).stdout).toBe('1\n2\n');
  });

  it.each<[string, object, string[], string]>([
    [
      'no pipeline',
      { items },
      [],
      'm.yaml names no pipeline; name it there under `pipeline`, or as in: batchx run --manifest',
    ],
    [
      'a key that is misspelt',
      { items, outputs: [] },
      ['rows.yaml'],
      'm.yaml:8:1: `outputs` is not known here; did you mean "output"?',
    ],
    [
      'an output that there is not',
      { items, output: [{ jsnl: 'x' }] },
      ['rows.yaml'],
      'm.yaml:9:5: no output is called "jsnl"; did you mean "jsonl"?',
    ],
    ['no items', { pipeline: 'rows.yaml' }, [], 'm.yaml:1:1: expected a list of items, or one under `items`'],
    [
      'other inputs',
      { items },
      ['rows.yaml', 'own.jsonl'],
      'expected either --manifest or other inputs, got both (own.jsonl)',
    ],
    ['values', { items }, ['rows.yaml', ':::', 'a'], 'expected either --manifest or other inputs, got both (::: a)'],
  ])('says what is wrong with it: %s', async (_, value, args, says) => {
    manifest('m.yaml', value);
    const done = await batchxHere(['run', '--manifest', 'm.yaml', ...args]);
    expect(done).toMatchObject({ ended: 2, stdout: '' });
    expect(done.stderr).toContain(says);
  });

  it('refuses keys that are not known where it is the input of a pipeline, too', () => {
    manifest('odd.yaml', { items, itmes: [] });
    const name = manifest('of-manifest.yaml', { input: { manifest: 'odd.yaml' }, steps: [] });
    const done = batchx(['run', name]);
    expect(done.ended).toBe(4);
    expect(done.stderr).toContain('odd.yaml: `itmes` is not known beside `items`; did you mean "items"?');
  });
});
