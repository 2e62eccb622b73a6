import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { builtin } from '../../../src/builtin.js';
import { BatchxError } from '../../../src/core/errors.js';
import { checkPipeline } from '../../../src/pipeline/file/check.js';
import { parseDocument } from '../../../src/pipeline/file/document.js';
import { faultLine } from '../../../src/pipeline/file/faults.js';
import { pipelineIn } from '../../../src/pipeline/file/pipeline-file.js';
import { fakeRuntime } from '../../../src/testing.js';

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'batchx-mistakes-'));
  writeFileSync(join(folder, 'people.csv'), 'name,team\nAnn,a\n');
  writeFileSync(join(folder, 'bad.schema.json'), '{"type": 5');
});

afterAll(() => rmSync(folder, { recursive: true }));

const runtime = fakeRuntime({ env: { PATH: process.env.PATH, HOME: '/root', TOKEN: 'secret-value' } });

/** What is said of a pipeline, a line for each fault, without the name of the file. */
async function said(text: string, chosen?: string): Promise<string[]> {
  try {
    const document = await parseDocument(text.replaceAll('DIR', folder), 'p.yaml');
    const faults = await checkPipeline(pipelineIn(document, builtin, chosen), runtime);
    return faults.map((fault) => faultLine(fault).replace('p.yaml:', ''));
  } catch (error) {
    if (!(error instanceof BatchxError)) throw error;
    return error.message.split('\n').map((line) => line.replace('p.yaml:', ''));
  }
}

/** Input in line 1, steps from line 2 on, unless the text says them itself. */
const withInput = (text: string): string =>
  /^(?:input:|- )/m.test(text) || text.trim() === '' ? text : `input: { csv: DIR/people.csv }\n${text}`;

const mistakes: readonly (readonly [what: string, text: string, says: string])[] = [
  ['a step that is misspelt', 'steps:\n  - exce: echo {}', '3:5: no step is called "exce"; did you mean "exec"?'],
  [
    'a step that comes later',
    'steps:\n  - prompt: hi',
    '3:5: `prompt` (calls of language models) is not done by this version yet',
  ],
  [
    'a step that is misspelt and comes later',
    'steps:\n  - promt: hi',
    '3:5: no step is called "promt"; did you mean "prompt"?',
  ],
  [
    'an option that is misspelt',
    'steps:\n  - exec: echo {}\n    timout: 10s',
    '4:5: `timout` is not known here; did you mean "timeout"?',
  ],
  ['an option of another step', 'steps:\n  - map: data\n    okExit: [0]', '4:5: `okExit` is not known here'],
  [
    'a flag for a key',
    'steps:\n  - exec: echo {}\n    retries: 3',
    '4:5: `retries` is not known here; did you mean "retry"?',
  ],
  ['a time without a unit', 'steps:\n  - exec: echo {}\n    timeout: 10', '4:14: expected a time such as "10s"'],
  ['a time with a wrong unit', 'steps:\n  - exec: echo {}\n    timeout: 10sec', '4:14: expected a time such as "10s"'],
  ['a rate without a time', 'steps:\n  - exec: echo {}\n    rate: 2', '4:11: expected a rate such as "2/s"'],
  ['a rate that is never met', 'steps:\n  - exec: echo {}\n    rate: 0/s', '4:11: expected a rate such as "2/s"'],
  [
    'a rate that is not there',
    'rates: { shop: 2/s }\nsteps:\n  - exec: echo {}\n    rate: shopp',
    '5:11: no rate is called "shopp"; did you mean "shop"?',
  ],
  [
    'a breaker that is not there',
    'steps:\n  - exec: echo {}\n    breaker: api',
    '4:14: no breaker is called "api"; define it under `breakers`',
  ],
  [
    'a share that is none',
    'steps:\n  - exec: echo {}\n    concurrency: 150 %',
    '4:18: expected a whole number of at least 1, a share',
  ],
  [
    'a policy where there are no calls',
    'steps:\n  - split: data.x\n    retry: 3',
    '4:5: `retry` is for what is done to each item',
  ],
  ['none at once', 'concurrency: 0\nsteps: []', '2:14: expected a whole number of at least 1, a share'],
  [
    'two verbs in a step',
    'steps:\n  - map: data\n    exec: echo {}',
    '4:5: expected one verb in a step, got `map` and `exec`',
  ],
  [
    'text for a step',
    'steps:\n  - exec',
    '3:5: expected a step such as `map: ...`, got "exec"; write `exec:` with what it needs',
  ],
  ['a step with its options behind it', 'steps:\n  - exec: { command: echo }', '3:11: expected'],
  ['steps that are no list', 'steps:\n  map: data', '3:3: expected a list'],
  ['no steps at all behind the key', 'steps:', '2:7: expected a list, got null'],
  ['no input', 'input:\nsteps: []', '1:7: expected a source such as'],
  ['nothing', '', 'expected keys with values'],
  ['a list', '- map: data', '1:1: expected keys with values'],
  [
    'an input that is misspelt',
    'input: { file: x.csv }\nsteps: []',
    '1:10: no source is called "file"; did you mean "files"?',
  ],
  [
    'two inputs',
    'input: { csv: a.csv, lines: b }\nsteps: []',
    '1:22: expected one source in a source, got `csv` and `lines`',
  ],
  [
    'an order that there is not',
    'input: { files: "*", order: size }\nsteps: []',
    '1:29: expected one of none, name, smallest',
  ],
  [
    'a field that there is not',
    'steps:\n  - exec: echo {{ nmae }}',
    '3:11: `nmae` is not known here; did you mean "name"?',
  ],
  [
    'an output that comes later',
    'steps:\n  - exec: echo {{ said }}\n  - exec: echo {}\n    output: said',
    '3:11: `said` is not known here',
  ],
  [
    'an output that is misspelt',
    'steps:\n  - exec: echo {}\n    output: said\n  - exec: echo {{ siad }}',
    '5:11: `siad` is not known here; did you mean "said"?',
  ],
  [
    'a value of config that there is not',
    'config: { old: a }\nsteps:\n  - exec: echo {{ config.odl }}',
    '4:11: `config.odl` is not known; did you mean "old"?',
  ],
  [
    'a variable that is not declared',
    'steps:\n  - exec: echo {{ env.HOME }}',
    '3:11: `env.HOME` is not known; declare it under `requires.env`',
  ],
  [
    'a variable that is not set',
    'requires: { env: [NO_SUCH_VARIABLE] }\nsteps:\n  - exec: echo {}\n    env: { X: "{{ env.NO_SUCH_VARIABLE }}" }',
    '2:19: the variable NO_SUCH_VARIABLE is not set',
  ],
  [
    'a secret in a command',
    'secrets: [TOKEN]\nsteps:\n  - exec: curl -H {{ env.TOKEN }} x',
    '4:11: `env.TOKEN` is a secret, and command lines can be read',
  ],
  [
    'a program that is not installed',
    'steps:\n  - exec: no-such-program {}',
    '3:11: the program no-such-program is not installed',
  ],
  [
    'a program that is asked for',
    'requires: { programs: [no-such-program] }\nsteps: []',
    '2:24: the program no-such-program is not installed',
  ],
  ['a file that is asked for', 'requires: { files: [no/such.file] }\nsteps: []', '2:21: there is no file no/such.file'],
  [
    'single braces',
    'steps:\n  - write: "{name}.txt"\n    content: x',
    '3:12: `{name}` stands as it is, as single braces mean nothing; write `{{ name }}`',
  ],
  [
    'a template that does not end',
    'steps:\n  - write: "{{ name.txt"\n    content: x',
    '3:12: `{{` without a `}}` after it',
  ],
  [
    'a filter that there is not',
    'steps:\n  - write: "{{ name | slug }}"\n    content: x',
    '3:12: undefined filter: slug',
  ],
  ['an expression that does not parse', 'steps:\n  - map: "data.name +"', '3:10: the expression does not parse'],
  [
    'an expression behind when',
    'steps:\n  - map: data\n    when: "data.name ="',
    '4:11: the expression does not parse',
  ],
  [
    'two steps of one name',
    'steps:\n  - map: data\n    name: a\n  - map: data\n    name: a',
    '6:11: two steps are called "a"',
  ],
  [
    'an output that no expression could name',
    'steps:\n  - { exec: "echo {}", output: a-b }\n  - map: data',
    '3:32: `a-b` is not a name of letters, digits and _ that begins with no digit, and expressions could not speak of it; choose another name, such as `a_b`',
  ],
  [
    'a word of the language as an output',
    'steps:\n  - { exec: "echo {}", output: class }\n  - filter: data',
    '3:32: `class` is a word of JavaScript, and expressions could not speak of it; choose another name, such as `class_`',
  ],
  [
    'a value of config that an expression names',
    'config: { old: a }\nsteps:\n  - map: "`config.n ${config.odl}` + config.old"',
    '4:10: `config.odl` is not known; did you mean "old"?',
  ],
  [
    'an output that hides the data',
    'steps:\n  - exec: echo {}\n    output: data',
    '4:13: `data` stands for something else already',
  ],
  ['a key twice', 'steps: []\nsteps: []', '3:1: Map keys must be unique'],
  ['a tag', 'config: { at: !!js/function "x" }\nsteps: []', '2:15: Unresolved tag'],
  [
    'an expression without quotes',
    'steps:\n  - map: ({ a: 1 })',
    '3:10: Nested mappings are not allowed in compact mappings; text with a colon',
  ],
  ['a tabulator', 'steps:\n\t- map: data', '3:1: Tabs are not allowed'],
  ['a schema that is not there', 'steps:\n  - validate: no-such.schema.json', '3:15: validate: cannot read'],
  ['a schema that is no JSON', 'steps:\n  - validate: DIR/bad.schema.json', '3:15: validate:'],
  ['a rule for halting', 'halt: fail=3\nsteps: []', '2:7: expected never or rules such as'],
  [
    'a mode',
    'mode: strikt\nsteps: []',
    '2:7: expected one of strict, flexible, best-effort, got "strikt"; did you mean "strict"?',
  ],
  [
    'an output that there is not',
    'steps: []\noutput:\n  - jsonll: a',
    '4:5: no output is called "jsonll"; did you mean "jsonl"?',
  ],
  ['one output that is no list', 'steps: []\noutput: { jsonl: a }', '3:9: expected a list'],
  [
    'a burst above its limit',
    'steps:\n  - exec: echo {}\n    rate: { limit: 2/s, burst: 5 }',
    '4:32: expected no more than the limit, which is 2 at any time, got 5',
  ],
  [
    'a burst above the limit of a shared rate',
    'rates: { shop: { limit: 2/s, burst: 5 } }\nsteps:\n  - exec: echo {}\n    rate: shop',
    '2:37: expected no more than the limit, which is 2 at any time, got 5',
  ],
  [
    'a deadline that is shorter than the turn of a rate',
    'steps:\n  - exec: echo {}\n    rate: 1/m\n    deadline: 10s',
    '5:15: an item waits longer than that for its turn: the rate lets one call start in 1m',
  ],
  [
    'a deadline at the top that is shorter than the turn of a shared rate',
    'deadline: 10s\nrates: { slow: 2/h }\nsteps:\n  - exec: echo {}\n    rate: slow',
    '2:11: an item waits longer than that for its turn: the rate `slow` lets one call start in 30m',
  ],
  [
    'a deadline of retries that leaves no time for one',
    'steps:\n  - exec: echo {}\n    retry: { initial: 10s, deadline: 5s }',
    '4:38: there may be no time left for a retry: the first wait, `initial`, is up to 10s',
  ],
  [
    'a deadline that leaves no time for a retry',
    'steps:\n  - exec: echo {}\n    retry: { initial: 10s }\n    deadline: 5s',
    '5:15: there may be no time left for a retry: the first wait, `initial`, is up to 10s',
  ],
  [
    'a first wait that is longer than the longest',
    'retry: { initial: 1m }\nsteps: []',
    '2:19: the first wait, `initial`, is 1m, and no wait is longer than `max`, 30s',
  ],
  [
    'a breaker that gives up before it tries again',
    'breakers: { api: { open: 1m, maxWait: 30s } }\nsteps: []',
    '2:39: the run would end before the server is tried again',
  ],
  ['a module that is not there', 'steps:\n  - use: ./no-such.js', '3:10: there is no file ./no-such.js'],
  [
    'a program that the config names',
    'config: { tool: no-such-program }\nsteps:\n  - exec: "{{ config.tool }} {}"',
    '4:11: the program no-such-program is not installed',
  ],
  [
    'two outputs of one file',
    'steps: []\noutputRoot: out\noutput:\n  - jsonl: a.jsonl\n  - failed: ./a.jsonl',
    '6:13: ./a.jsonl is what `jsonl` (output.0.jsonl) writes already; give each output a file of its own',
  ],
  [
    'files without names',
    'steps: []\noutput:\n  - files: out',
    '4:12: expected `name` or `path`, which says what each file is called, such as "{{ id }}.json", got neither',
  ],
  [
    'files with two names',
    'steps: []\noutput:\n  - files: out\n    path: a\n    name: b',
    '6:11: expected `name` or `path`',
  ],
  [
    'two bodies of a request',
    'steps:\n  - http: POST https://shop.example\n    body: a\n    json: {}',
    'expected one of `json`, `body` and `form`, got `json` and `body`',
  ],
  ['a batch of nothing', 'steps:\n  - batch: { by: data.team }', '3:12: expected at least one of `size`, `bytes`'],
  [
    'a condition for another pipeline',
    'steps:\n  - pipeline: other.yaml\n    when: "true"',
    '4:5: `when` is for what is done to each item; say it in the steps of that pipeline',
  ],
  [
    'two aggregates of a kind',
    'steps: []\naggregate:\n  - count: {}\n  - count: {}',
    '5:5: two aggregates are called "count"; give this one a `name:`',
  ],
  [
    'two aggregates of one name',
    'steps: []\naggregate:\n  - { name: n, count: {} }\n  - { name: n, stats: data.age }',
    'two aggregates are called "n"; give each a `name:` of its own',
  ],
  ['a command that needs a shell', 'steps:\n  - exec: a | b', 'have a shell run the command by `shell: true`'],
  [
    'a key that comes later',
    'steps: []\nwatch: true',
    '3:1: `watch` (watching folders) is not done by this version yet',
  ],
];

describe('a mistake in a pipeline is told in one line, where it is', () => {
  it.each(mistakes)('%s', async (_, text, says) => {
    const lines = await said(withInput(text));
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain(says);
  });

  it('nothing is wrong with what only looks so', async () => {
    const fine = [
      // Steps that share a name for their results: the later ones find the last.
      'steps:\n  - { exec: "echo {}", output: said }\n  - { exec: "echo {{ said }}", output: said }',
      // What hides a field, which is still to be had behind data.
      'steps:\n  - { exec: "echo {}", output: name }\n  - { exec: "echo {{ name }} {{ data.name }}" }',
      'steps:\n  - { exec: "echo {}", rate: 1/m, deadline: 2m, retry: { initial: 1s, deadline: 1m } }',
      // A rate that does not hold for the step.
      'rate: 1/h\nsteps:\n  - { map: data, deadline: 1s }',
      'steps: []\noutput: [{ jsonl: /dev/null }, { failed: /dev/null }]',
      'breakers: { api: { open: 1m, maxWait: 30s, onOpen: fail } }\nsteps: []',
      // A field of what a command has written, which outputs are given.
      'steps:\n  - { exec: "echo {}", stdout: json }\noutput: [{ files: out, name: "{{ version }}" }]',
    ];
    for (const text of fine) expect([text, await said(withInput(text))]).toEqual([text, []]);
  });

  it('all of them at once, in the order of the file', async () => {
    const lines = await said(
      'name: a b\ninput: { csv: DIR/people.csv }\nsteps:\n  - exec: echo {{ x }}\n    retry: x\n  - map: "("',
    );
    expect(lines.map((line) => line.split(' ')[0])).toEqual(['1:7:', '4:11:', '5:12:', '6:10:']);
  });

  it('one of several pipelines has to be chosen', async () => {
    const two = 'input: { items: [1] }\npipelines:\n  one: { input: { items: [1] } }\n  two: { input: { items: [2] } }';
    expect(await said(two.slice(two.indexOf('pipelines')))).toEqual([
      ' it has several pipelines; choose one by --pipeline: there are one, two',
    ]);
    expect(await said(two.slice(two.indexOf('pipelines')), 'tow')).toEqual([
      ' no pipeline is called "tow"; did you mean "two"?',
    ]);
    expect(await said(two.slice(two.indexOf('pipelines')), 'two')).toEqual([]);
  });
});
