import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { builtin } from '../../../src/builtin.js';
import { fileSchemaOf, type Part } from '../../../src/pipeline/file/file-schema.js';
import { parseDocument } from '../../../src/pipeline/file/document.js';
import { placedFaults, type PlacedFault } from '../../../src/pipeline/file/faults.js';
import type { Form } from '../../../src/pipeline/file/forms.js';
import { pipelineJsonSchema } from '../../../src/pipeline/file/json-schema.js';
import { shapeFaults } from '../../../src/pipeline/file/shape-faults.js';

type Keys = Record<string, unknown>;

const file = fileSchemaOf(builtin);
const fits = new Ajv2020({ strict: false, allErrors: true }).compile(pipelineJsonSchema(builtin));

/** A pipeline as short as it can be. */
const least = (): Keys => ({ input: { items: [1] }, steps: [{ map: 'data' }] });

/** What each key of the top may be. */
const top: Keys = {
  ...least(),
  name: 'demo',
  description: 'text',
  config: { x: 1 },
  requires: { env: ['HOME'], programs: ['sh'], files: ['a'] },
  secrets: ['TOKEN'],
  outputRoot: 'out',
  concurrency: 4,
  timeout: '10s',
  deadline: '1m',
  rate: '2/s',
  breaker: true,
  retry: 3,
  rates: { shop: '2/s' },
  breakers: { shop: { open: '1s' } },
  aggregate: [{ count: {} }],
  output: [{ jsonl: 'out.jsonl' }],
  mode: 'strict',
  halt: 'now,fail=1',
  pipelines: { other: least() },
};

/** Values of every kind that an option is not meant to be; those that it may be all the same are left out. */
const WRONG = [{ nonsense: 1 }, [[1]], true, -7.5, 'no such thing: 7 parsecs!', null];

/** An entry with all keys that the examples and the common ones have. */
function entryOf({ verb, definition, options, common }: Form): Keys {
  const [example] = definition.examples;
  const given = (example?.options ?? {}) as Keys;
  const byKey = [...options].flatMap(([key, option]) => (option in given ? [[key, given[option]] as const] : []));
  const own = options.size === 0 ? { [verb]: given } : Object.fromEntries(byKey);
  const shared: Keys = { name: 'it', when: 'true', concurrency: 2, timeout: '10s', retry: 1, limit: 5, filter: 'true' };
  return { ...own, ...Object.fromEntries(Object.entries(shared).filter(([key]) => common.has(key))) };
}

const parts: readonly Part[] = ['input', 'steps', 'output', 'aggregate'];

/** A whole pipeline around an entry. */
const around = (part: Part, entry: Keys): Keys => ({ ...least(), [part]: part === 'input' ? entry : [entry] });

async function judge(value: Keys): Promise<{ faults: PlacedFault[]; text: string }> {
  const text = stringify(value, { aliasDuplicateObjects: false });
  const document = await parseDocument(text, 'p.yaml');
  return { faults: placedFaults(document, shapeFaults(file, document.value)), text };
}

/** The lines, counted from 1, on which a key stands. */
const linesOf = (text: string, key: string): number[] =>
  text.split('\n').flatMap((line, index) => (new RegExp(`^[ -]*"?${key}"?:`).test(line) ? [index + 1] : []));

/** One clear line at the right place; and editors, which have the JSON Schema, see it too. */
async function refused(value: Keys, key: string): Promise<string> {
  const { faults, text } = await judge(value);
  const told = faults.map(({ line, message }) => `${line}: ${message}`).join('\n');
  // Where keys are expected, one that is not known is one fault, and each that is missing another.
  const many = isNonsense(value, key) ? faults.length : 1;
  expect(faults, `${text}\n${told}`).toHaveLength(Math.max(many, 1));
  const [fault] = faults;
  const at = linesOf(text, key);
  // What is behind the key may begin on the next line.
  expect(
    at.some((line) => fault?.line === line || fault?.line === line + 1),
    `${text}\n${told}\n${at.join()}`,
  ).toBe(true);
  expect(fault?.col).toBeGreaterThan(0);
  expect(fault?.message).not.toMatch(/undefined|\[object|must match pattern|Invalid|\bRegExp\b/);
  expect(fits(value), `the JSON Schema takes ${text}`).toBe(false);
  return fault?.message ?? '';
}

const isNonsense = (value: unknown, key: string): boolean => JSON.stringify(value).includes(`"${key}":{"nonsense":1}`);

describe('every key of a pipeline', () => {
  it('has an example that fits', async () => {
    expect((await judge(top)).faults).toEqual([]);
    expect(fits(top), JSON.stringify(fits.errors)).toBe(true);
  });

  for (const key of Object.keys(top)) {
    it(`${key}, misspelt`, async () => {
      const typed = `${key.slice(0, -1)}zq`;
      const { [key]: value, ...rest } = top;
      expect(
        await refused({ ...rest, [typed]: value, ...(key === 'input' || key === 'steps' ? {} : {}) }, typed),
      ).toContain(`\`${typed}\` is not known here`);
    });
    const wrong = WRONG.filter((value) => !fits({ ...top, [key]: value }));
    if (key === 'config') continue;
    it(`${key}, of another kind`, async () => {
      expect(wrong).not.toEqual([]);
      for (const value of wrong) await refused({ ...top, [key]: value }, key);
    });
  }
});

for (const part of parts) {
  describe.each(file.forms[part].map((form) => [form.verb, form] as const))(`${part}: %s`, (verb, form) => {
    const entry = entryOf(form);

    it('has an example that fits', async () => {
      const value = around(part, entry);
      expect((await judge(value)).faults).toEqual([]);
      expect(fits(value), JSON.stringify(fits.errors?.slice(0, 3))).toBe(true);
    });

    const keys = Object.keys(form.schema.shape);

    it.each(keys.filter((key) => key !== verb))('%s, misspelt', async (key) => {
      const typed = `${key}zq`;
      expect(await refused(around(part, { ...entry, [typed]: 1 }), typed)).toContain(`\`${typed}\` is not known here`);
    });

    it.each(keys)('%s, of another kind', async (key) => {
      const wrong = WRONG.filter((value) => !fits(around(part, { ...entry, [key]: value })));
      for (const value of wrong) await refused(around(part, { ...entry, [key]: value }), key);
    });
  });
}
