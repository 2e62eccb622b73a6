import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { builtin } from '../../../src/builtin.js';
import { checkPipeline, examinePipeline } from '../../../src/pipeline/file/check.js';
import { secretsOf, withoutSecrets } from '../../../src/pipeline/file/context.js';
import { faultLine } from '../../../src/pipeline/file/faults.js';
import { loadDocument } from '../../../src/pipeline/file/load-pipeline.js';
import { type PipelineFile, pipelineIn } from '../../../src/pipeline/file/pipeline-file.js';
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
