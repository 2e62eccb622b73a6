import { Ajv2020 } from 'ajv/dist/2020.js';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { builtin } from '../../src/builtin.js';
import { parseDocument } from '../../src/pipeline/file/document.js';
import { faultLine } from '../../src/pipeline/file/faults.js';
import { placedFaults } from '../../src/pipeline/file/place-faults.js';
import { fileSchemaOf } from '../../src/pipeline/file/file-schema.js';
import { pipelineJsonSchema } from '../../src/pipeline/file/json-schema.js';
import { shapeFaults } from '../../src/pipeline/file/shape-faults.js';
import { blocksOf, pages, root } from './examples.js';

const file = fileSchemaOf(builtin);
const fits = new Ajv2020({ strict: false, allErrors: true }).compile(
  // As editors have it.
  JSON.parse(JSON.stringify(pipelineJsonSchema(builtin))) as object,
);

const inPages = pages()
  .flatMap((page) => blocksOf(page, 'yaml'))
  // Manifests, which list items, are YAML too.
  .filter(({ text }) => !/^(?:items:|- \{? ?id:)/m.test(text));
const inExamples = ['examples/quickstart/pipeline.yaml'].map((where) => ({
  where,
  text: readFileSync(join(root, where), 'utf8'),
}));

describe('pipelines of the pages, and parts of them, fit', () => {
  it('finds some', () => expect(inPages.length).toBeGreaterThan(2));

  it.each([...inPages, ...inExamples])('$where', async ({ text, where }) => {
    const document = await parseDocument(text, where);
    expect(placedFaults(document, shapeFaults(file, document.value)).map(faultLine)).toEqual([]);
    expect(fits(document.value), JSON.stringify(fits.errors?.slice(0, 3))).toBe(true);
  });
});
