import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { batchxHere } from './in-process.js';
import { batchx, type Done, file, folder, jsonl } from './program.js';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

let pipelines = 0;
const named = (text: string | object): string =>
  file(`runs-${++pipelines}.yaml`, typeof text === 'string' ? text : stringify(text));

/** What `check` prints of a pipeline, which is called `p.yaml`. */
async function check(text: string | object, by: (args: string[]) => Done | Promise<Done> = batchxHere) {
  const name = named(text);
  const { stdout, stderr, ended } = await by(['check', name]);
  return { lines: stdout.replaceAll(name, 'p.yaml').split('\n').slice(0, -1), stderr, ended, name };
}

describe('a module of a step', () => {
  const uses = (module: string): string => `input: { items: [1] }\nsteps:\n  - use: ./${module}\n`;

  it.each([
    ['throws', 'throws.mjs', '\nthrow new Error("boom");', 'throws.mjs:2:7: boom'],
    ['does not parse', 'syntax.mjs', 'export default () => {\n  return +;\n};', 'syntax.mjs: SyntaxError: '],
    ['has no default export', 'none.mjs', 'export const f = 1;', 'none.mjs: expected a default export, got none'],
    ['exports no function', 'five.mjs', 'export default 5;', 'five.mjs: expected its default export to be a function'],
    [
      'needs what is not there',
      'needs.mjs',
      'import "no-such-thing";',
      "needs.mjs: Cannot find package 'no-such-thing'",
    ],
  ])('is told where it stands, and where in it: one that %s', async (_, module, code, message) => {
    file(module, code);
    // Modules are loaded by Node itself there.
    const { lines, ended, name } = await check(uses(module), batchx);
    expect(ended).toBe(2);
    expect(lines).toHaveLength(1);
    expect(lines[0]?.startsWith(`p.yaml:3:10: ${message}`)).toBe(true);
    expect(batchx(['run', name])).toMatchObject({ ended: 2, stdout: '' });
  });

  it('is loaded once, and what it prints is no data', () => {
    file('loud.mjs', "console.log('loaded');\nexport default (n) => n;");
    const { stdout, stderr, ended } = batchx(['run', named(uses('loud.mjs')), '--shape', 'result']);
    expect({ stdout, ended, times: stderr.split('loaded').length - 1 }).toEqual({ stdout: '1\n', ended: 0, times: 1 });
  });

  it('that never comes to its end is named, in place of nothing', () => {
    file('hang.mjs', 'await new Promise(() => {});\nexport default () => 1;');
    const said = 'batchx: hang.mjs: it does not come to its end: `await` at its top level waits';
    for (const command of ['check', 'run'])
      for (const name of [named(uses('hang.mjs')), 'hang.mjs']) {
        const { stdout, stderr, ended } = batchx([command, name]);
        expect({ stdout, ended }).toEqual({ stdout: '', ended: 2 });
        expect(stderr).toContain(said);
      }
  });
});

describe('a name that plain values do not have', () => {
  it.each([
    [{ items: [1, 2] }, 'there are data, id,'],
    [{ arguments: { lists: [['a', 'b']] } }, 'there are values, names, data, id,'],
  ])('is found before the run: %j', async (input, there) => {
    const { lines, ended } = await check({ input, steps: [{ exec: 'echo {{ x }}' }] });
    expect(ended).toBe(2);
    expect(lines).toEqual([expect.stringContaining(`\`x\` is not known here; ${there}`)]);
  });

  it('is not told of where some of the values have fields', async () => {
    expect(await check({ input: { items: [1, { x: 2 }] }, steps: [{ exec: 'echo {{ x }}' }] })).toMatchObject({
      ended: 0,
    });
  });
});

describe('the place of a fault', () => {
  const text = (steps: string): string => `input: { items: [{ n: 1 }] }\nsteps:\n${steps}`;

  it.each([
    ['a block', '  - map: |\n      ({\n        a: config.nope,\n      })\n', '5:12: `config.nope`'],
    ['a block with more indentation', '  - map: |2\n        [1,\n\n      config.nope]\n', '6:7: `config.nope`'],
    ['a folded block', '  - exec: >-\n      echo\n      {{ config.zzz }}\n      more\n', '5:10: `config.zzz`'],
    ['quotes over lines', '  - exec: "echo\n      {{ config.yyy }}"\n', '4:10: `config.yyy`'],
    ['escapes over lines: where it begins', '  - exec: "echo \\x41\n      {{ config.yyy }}"\n', '3:11: `config.yyy`'],
    ['a template in a block', '  - write: a\n    content: |\n      x\n      {{ config.q }}\n', '6:10: `config.q`'],
    ['code that does not parse', '  - map: |\n      ({\n        a: data.n +,\n      })\n', '5:20: the expression'],
    ['one line', "  - map: 'config.nope'\n", '3:10: `config.nope`'],
  ])('is in the text: %s', async (_, steps, where) => {
    const { lines } = await check(text(steps));
    expect(lines).toHaveLength(1);
    expect(lines[0]?.startsWith(`p.yaml:${where}`)).toBe(true);
  });

  it('is that of the line of a manifest', () => {
    file('m.jsonl', `${jsonl({ id: 'a', data: 1 })}\n${jsonl({ id: 'a', data: 1 }, { id: 'b' })}`);
    file('m.yaml', '# jobs\nitems:\n  - { id: a, data: 1 }\n\n  - id: a\n    data: 2\n');
    const name = named({ input: { items: [] }, steps: [{ map: 'data' }] });
    const told = (manifest: string): string => batchx(['check', name, '--items', '--manifest', manifest]).stdout;
    expect(told('m.jsonl')).toBe(
      'm.jsonl:4: expected { id, data, metadata }: `data`: `data` is missing\nm.jsonl:3: its id "a" is that of "a" (m.jsonl:1), too\n',
    );
    expect(told('m.yaml')).toBe('m.yaml:5: its id "a" is that of "a" (m.yaml:3), too\n');
  });
});

describe('an output in the place of an input', () => {
  it('is found where it is named, and no input where it is only matched', async () => {
    file('own.jsonl', jsonl({ n: 1 }));
    mkdirSync(join(folder, 'own'), { recursive: true });
    file('own/b.txt', 'kept');
    expect(await check({ input: { jsonl: 'own.jsonl' }, output: [{ jsonl: './own.jsonl' }] })).toMatchObject({
      lines: [
        'p.yaml:4:12: cannot write ./own.jsonl: it is own.jsonl, which is read by this run; write to another file',
      ],
      ended: 2,
    });
    const own = { input: { files: ['own/*.md', 'own/b.txt'] }, output: [{ jsonl: 'own/b.txt' }] };
    const fault = 'p.yaml:6:12: cannot write own/b.txt: it is read by this run; write to another file';
    expect(await check(own)).toMatchObject({ lines: [fault], ended: 2 });
    expect(batchx(['run', named(own)])).toMatchObject({ ended: 2 });
    expect(batchx(['run', named({ ...own, input: { files: 'x' } }), 'own/b.txt'])).toMatchObject({ ended: 2 });
    expect(readFileSync(join(folder, 'own/b.txt'), 'utf8')).toBe('kept');
    expect(await check({ ...own, input: { files: 'own/b.txt', exclude: 'own/b*' } })).toMatchObject({ ended: 0 });
    for (const files of ['own/*.txt', 'own'])
      expect(await check({ ...own, input: { files } })).toMatchObject({ ended: 0 });
    file('own/c.jsonl', jsonl({ n: 1 }));
    const rows = named({ input: { jsonl: 'x' }, output: [{ jsonl: 'own/new.jsonl' }] });
    for (let run = 0; run < 2; run++)
      expect(batchx(['run', rows, 'own/*.jsonl', '--failed', 'own/f.jsonl', '--report', 'own/r.jsonl'])).toMatchObject({
        ended: 0,
        stderr: expect.stringContaining('1 item read'),
      });
  });
});

describe('merge keys and aliases', () => {
  const steps = (more: string): string =>
    `input: { items: [{ n: 1 }] }\nconfig:\n  usual: &usual\n    retry: 2\n${more}steps:\n` +
    '  - <<: *usual\n    exec: echo {{ n }}\n  - &x { exec: "echo {{ n }}", name: a }\n  - <<: [*x, *usual]\n    name: b\n  - *x\n';

  it('give what they stand for', () => {
    const name = named(steps('').replace('  - *x\n', ''));
    expect(batchx(['run', name, '--shape', 'result'])).toMatchObject({ stdout: '"1"\n', ended: 0 });
  });

  it('have their faults where they are written', async () => {
    expect((await check(steps('    timout: 3s\n'))).lines).toEqual([
      'p.yaml:5:5: `timout` is not known here; did you mean "timeout"?',
      expect.stringContaining('two steps are called "a"') as string,
    ]);
  });

  it('cannot stand for endlessly many', async () => {
    const bomb = Array.from({ length: 40 }, (_, i) => `  a${i + 1}: &a${i + 1} { <<: [*a${i}, *a${i}] }\n`).join('');
    expect((await check(`config:\n  a0: &a0 { k: 1 }\n${bomb}`)).lines).toEqual([
      expect.stringContaining('expected at most 10000 maps to merge') as string,
    ]);
    expect((await check('config: &a { <<: *a }\n')).lines).toEqual(['p.yaml:1:18: `&a` would contain itself']);
  });
});

it('says of what was given what it is', async () => {
  const { lines } = await check('input: { items: [1] }\nsteps:\n  - exec: { a: 1, b: 2 }\n  - exec: []\n');
  expect(lines).toEqual([
    'p.yaml:3:11: expected text or a list, got a mapping with keys a, b',
    'p.yaml:4:11: must not be empty',
  ]);
});

describe('what failed of values that are listed', () => {
  it('is run again by the command that is told', () => {
    const name = named({
      input: { items: [{ n: 1 }, { n: 2 }] },
      steps: [{ map: 'data.n === 2 ? data.no.no : data' }],
    });
    const { stderr } = batchx(['run', name, '--no-journal', '--failed', 'listed.jsonl']);
    const again = `batchx run --no-journal --failed listed.jsonl ${name} listed.jsonl`;
    expect(stderr).toContain(`to run the one that failed again: ${again}`);
    expect(batchx(['run', name, 'listed.jsonl']).stdout).toContain('{"id":"#2","success":false');
  });

  it('is not advised where the input reads no such file', () => {
    file('here.txt', 'x');
    const name = named({ input: { files: 'here.txt' }, steps: [{ map: 'data.no.no' }] });
    const { stderr } = batchx(['run', name, '--no-journal', '--failed', 'letters.jsonl']);
    expect(stderr).toMatch(/what failed is in letters\.jsonl\n/);
  });
});
