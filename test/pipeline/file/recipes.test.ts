import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { builtin } from '../../../src/builtin.js';
import { checkPipeline, examinePipeline } from '../../../src/pipeline/file/check.js';
import { contextOf, secretsOf, withoutSecrets } from '../../../src/pipeline/file/context.js';
import { faultLine } from '../../../src/pipeline/file/faults.js';
import { loadDocument } from '../../../src/pipeline/file/load-pipeline.js';
import { type PipelineFile, pipelineIn } from '../../../src/pipeline/file/pipeline-file.js';
import { planOfFile } from '../../../src/pipeline/file/plan-of-file.js';
import { withRecipes } from '../../../src/pipeline/file/recipes.js';
import { fakeRuntime } from '../../../src/testing.js';

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'batchx-recipes-'));
  write('send.yaml', 'steps:\n  - { exec: "echo {}", name: send, output: sent }\n');
  write(
    'needy.yaml',
    'requires: { env: [NO_SUCH_VARIABLE], programs: [no-such-program], files: [no.file] }\nsecrets: [TOKEN]\nsteps:\n  - exec: echo {}\n    env: { TOKEN: "{{ env.TOKEN }}" }\n',
  );
});

afterAll(() => rmSync(folder, { recursive: true }));

const write = (name: string, text: string): void => writeFileSync(join(folder, name), text);

const runtime = fakeRuntime({ env: { PATH: process.env.PATH, TOKEN: 'secret-value' } });

async function pipeline(steps: string): Promise<PipelineFile> {
  write('p.yaml', `input: { items: [1] }\nsteps:\n${steps}\n`);
  return withRecipes(pipelineIn(await loadDocument(join(folder, 'p.yaml')), builtin), builtin);
}

const said = async (steps: string): Promise<string[]> =>
  (await checkPipeline(await pipeline(steps), runtime)).map((fault) => faultLine(fault).replaceAll(`${folder}/`, ''));

describe('the steps of another pipeline', () => {
  it('have names of their own, however often they are done', async () => {
    const file = '  - pipeline: send.yaml\n  - pipeline: send.yaml\n  - { exec: "echo {}", name: send, output: sent }';
    expect(await said(file)).toEqual([]);
    expect((await examinePipeline(await pipeline(file), runtime)).warnings).toEqual([]);
  });

  it('need what that pipeline says, which is told where it stands', async () => {
    expect(await said('  - pipeline: needy.yaml\n  - pipeline: needy.yaml')).toEqual([
      'needy.yaml:1:19: the variable NO_SUCH_VARIABLE is not set: export NO_SUCH_VARIABLE=...',
      'needy.yaml:1:49: the program no-such-program is not installed',
      'needy.yaml:1:75: there is no file no.file',
    ]);
  });

  it('are given no value that they do not know', async () => {
    write('with.yaml', 'config: { word: a }\nsteps: [{ exec: "echo {{ config.word }} {{ config.other }}" }]\n');
    expect(await said('  - pipeline: with.yaml\n    with: { wrod: b, other: c }')).toEqual([
      'p.yaml:4:13: with.yaml has no `wrod` in its config; did you mean "word"?',
    ]);
  });

  it('keep its secrets', async () => {
    const file = await pipeline('  - pipeline: needy.yaml');
    expect(secretsOf(file, runtime)).toEqual(['secret-value']);
    expect(withoutSecrets(file, runtime)).not.toHaveProperty('TOKEN');
  });
});

describe('what may be meant, and more often is not', () => {
  const warned = async (steps: string): Promise<string[]> =>
    (await examinePipeline(await pipeline(steps), runtime)).warnings.map(({ line, message }) => `${line}: ${message}`);

  it('is told of an output that hides another, or a field', async () => {
    expect(await warned('  - { exec: "echo {}", output: a }\n  - { exec: "echo {{ a }}", output: a }')).toEqual([
      '4: `a` is the output of steps.0 too; from here on it is that of this step',
    ]);
    write('rows.jsonl', '{"a":1}\n');
    write('p.yaml', `input: { jsonl: ${folder}/rows.jsonl }\nsteps:\n  - { exec: "echo {}", output: a }\n`);
    const file = pipelineIn(await loadDocument(join(folder, 'p.yaml')), builtin);
    const { faults, warnings } = await examinePipeline(file, runtime);
    expect(faults).toEqual([]);
    expect(warnings.map(({ message }) => message)).toEqual([
      '`a` is a field of the items too; from here on `{{ a }}` is this output, and `{{ data.a }}` the field',
    ]);
  });
});

describe('what is wrong with a recipe, or with its use', () => {
  it('is told where its user gives it a value of an item', async () => {
    write('told.yaml', 'config: { channel: x, all: {} }\nsteps:\n  - exec: echo {{ config.channel }}\n');
    const [first, second, ...others] = await said(
      '  - pipeline: told.yaml\n    with: { channel: "{{ a }}", all: { b: ["{{ run.id }}", "{{ data.b }}"] } }',
    );
    expect(first).toMatch(/^p\.yaml:4:22: `a` is not known here, where all items have the same value/);
    expect(second).toMatch(/^p\.yaml:4:60: `data\.b` is not known here/);
    expect(others).toEqual([]);
  });

  it('is a key that is misspelt, told as in any pipeline', async () => {
    write('misspelt.yaml', 'stps: []\n');
    expect(await said('  - pipeline: misspelt.yaml')).toEqual([
      'misspelt.yaml:1:1: `stps` is not known here; did you mean "steps"?',
    ]);
  });

  it('is another verb beside it', async () => {
    expect(await said('  - { pipeline: send.yaml, map: data }')).toEqual([
      'p.yaml:3:7: expected one verb in a step, got `map` and `pipeline`; each is an entry of its own',
    ]);
  });
});

describe('how the steps of a recipe are tried', () => {
  const planned = async (steps: string, more = '') => {
    const file = await pipeline(`${steps}\n${more}`);
    expect(await checkPipeline(file, runtime)).toEqual([]);
    return planOfFile(file, contextOf(file, runtime), runtime).plan.steps;
  };
  const step = 'steps: [{ exec: "echo {}" }, { map: data }]';

  it('is what stands at its top, and else what stands at that of the whole', async () => {
    write('own.yaml', `timeout: 1s\nretry: 5\nconcurrency: 3\n${step}\n`);
    const [own, map, other] = await planned(
      '  - pipeline: own.yaml\n  - exec: echo {}',
      'timeout: 9s\ndeadline: 20s\nconcurrency: 7',
    );
    expect(own).toMatchObject({ policies: { timeout: '1s', retry: 5, deadline: '20s' }, concurrency: 3 });
    expect(map).toMatchObject({ policies: undefined, concurrency: undefined });
    expect(other).toMatchObject({ policies: { timeout: '9s', deadline: '20s' }, concurrency: undefined });
  });

  it('is what the nearest of several says, one in the other', async () => {
    write('inner.yaml', `timeout: 1s\n${step}\n`);
    write('outer.yaml', 'timeout: 2s\nretry: 2\nsteps: [{ pipeline: inner.yaml }]\n');
    const [inner] = await planned('  - pipeline: outer.yaml', 'timeout: 3s\nretry: 3\ndeadline: 30s');
    expect(inner?.policies).toMatchObject({ timeout: '1s', retry: 2, deadline: '30s' });
  });

  it('takes names of its own before those of the whole', async () => {
    write(
      'rates.yaml',
      'rates: { shop: 1/s }\nsteps: [{ exec: "echo {}", rate: shop }, { exec: "echo {}", rate: all }]\n',
    );
    const [first, second, third, fourth, fifth] = await planned(
      '  - pipeline: rates.yaml\n  - pipeline: rates.yaml\n  - { exec: "echo {}", rate: shop }',
      'rates: { shop: 50/s, all: 9/s }',
    );
    expect(first?.policies?.rate).toBe(third?.policies?.rate);
    expect(second?.policies?.rate).toBe(fourth?.policies?.rate);
    expect(first?.policies?.rate).not.toBe(fifth?.policies?.rate);
  });

  it('is not what only holds for a whole run, of which its user is warned', async () => {
    write('halting.yaml', `input: { items: [1] }\nhalt: now,fail=1\nmode: strict\noutput: [{ jsonl: "-" }]\n${step}\n`);
    const { faults, warnings } = await examinePipeline(await pipeline('  - pipeline: halting.yaml'), runtime);
    expect(faults).toEqual([]);
    expect(warnings.map(({ line, message }) => `${line}: ${message.replaceAll(`${folder}/`, '')}`)).toEqual([
      '2: `halt` does not hold here, where this pipeline is part of p.yaml: say it there',
      '3: `mode` does not hold here, where this pipeline is part of p.yaml: say it there',
    ]);
  });

  it('is told where it is wrong', async () => {
    write('wrong.yaml', `rate: nope\nrates: { slow: { limit: 1/s, burst: 5 } }\n${step}\n`);
    expect(await said('  - pipeline: wrong.yaml')).toEqual([
      'wrong.yaml:1:7: no rate is called "nope"; there are slow',
      'wrong.yaml:2:37: expected no more than the limit, which is 1 at any time, got 5',
    ]);
  });
});
