import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { builtin } from '../../../src/builtin.js';
import { describeFile } from '../../../src/pipeline/file/describe.js';
import { fileSchemaOf, type Part } from '../../../src/pipeline/file/file-schema.js';
import { parseDocument } from '../../../src/pipeline/file/document.js';
import type { PlacedFault } from '../../../src/pipeline/file/faults.js';
import { placedFaults } from '../../../src/pipeline/file/place-faults.js';
import type { Form } from '../../../src/pipeline/file/forms.js';
import { pipelineJsonSchema } from '../../../src/pipeline/file/json-schema.js';
import { shapeFaults } from '../../../src/pipeline/file/shape-faults.js';

type Keys = Record<string, unknown>;

const file = fileSchemaOf(builtin);
const fits = new Ajv2020({ strict: false, allErrors: true }).compile(
  // As editors have it.
  JSON.parse(JSON.stringify(pipelineJsonSchema(builtin))) as object,
);

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
  // It stands at the key, or at what is behind it, which may begin on the next line.
  const { line = 0, col = 0 } = fault ?? {};
  const shown = text.split('\n')[line - 1] ?? '';
  const words = [...shown.matchAll(/(?<=^|[\s])\S/g)].map(({ index }) => index + 1);
  const meant = at.includes(line) ? [shown.indexOf(key), shown.search(/:\s/) + 2].map((start) => start + 1) : words;
  expect(meant, `${text}\n${told}\n${col}`).toContain(col);
  expect(fault?.message).not.toMatch(/undefined|\[object|must match pattern|Invalid|\bRegExp\b/);
  expect(fits(value), `the JSON Schema takes ${text}`).toBe(false);
  return fault?.message ?? '';
}

/** What is refused is so by both: by us, with one clear line, and by editors. */
async function refusedOrFits(value: Keys, key: string): Promise<void> {
  const { faults, text } = await judge(value);
  if (!fits(value)) await refused(value, key);
  else if (!faults.every(({ message }) => IN_WORDS.test(message)))
    expect(faults, `the JSON Schema takes ${text}`).toEqual([]);
}

/** What is wrong with the words of a text JSON Schema cannot say. */
const IN_WORDS =
  /does not parse|expected a name such as|`{{` without|expected a URL|expected a method|expected the URL/;

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
    it(`${key}, of another kind`, async () => {
      expect(wrong).not.toEqual([]);
      for (const value of WRONG) await refusedOrFits({ ...top, [key]: value }, key);
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
      for (const wrong of WRONG) await refusedOrFits(around(part, { ...entry, [key]: wrong }), key);
    });
  });
}

/** What may be behind a key, with all keys that there are; and where that is. */
const step = (key: string, value: unknown): Keys => around('steps', { exec: 'true {}', [key]: value });
const topLevel = (key: string, value: unknown): Keys => ({ ...least(), [key]: value });
const breaker: Keys = {
  window: 20,
  minCalls: 5,
  failureRate: '50%',
  slowCall: '2s',
  slowRate: '90%',
  open: '10s',
  maxOpen: '1m',
  halfOpen: 2,
  maxHalfOpen: '30s',
  onOpen: 'fail',
  maxWait: '5m',
};
const retry: Keys = {
  retries: 3,
  initial: '1s',
  factor: 2,
  max: '30s',
  jitter: 'none',
  deadline: '5m',
  maxRetryAfter: '1m',
  onLongRetryAfter: 'wait',
  maxThrottleWait: '2m',
};
const rate: Keys = { limit: '10/s', burst: 5, per: '{{ shop }}' };
const tokens: Keys = { requests: '500/m', tokens: '200k/m', per: '{{ shop }}' };
const nested: readonly (readonly [key: string, keys: Keys, around: (value: unknown) => Keys])[] = [
  ...Object.entries({ retry, breaker, rate, concurrency: { max: 20, min: 2, adaptive: true } }).flatMap(
    ([key, keys]) =>
      [
        [key, keys, (value: unknown) => step(key, value)],
        [key, keys, (value: unknown) => topLevel(key, value)],
      ] as const,
  ),
  ['rate', tokens, (value) => step('rate', value)],
  ['rates', rate, (value) => topLevel('rates', { shop: value })],
  ['rates', tokens, (value) => topLevel('rates', { shop: value })],
  ['breakers', breaker, (value) => topLevel('breakers', { shop: value })],
  ['cache', { key: '{{ sku }}', dir: 'kept', ttl: '1h' }, (value) => step('cache', value)],
  ['requires', { env: ['HOME'], programs: ['sh'], files: ['a'] }, (value) => topLevel('requires', value)],
  ['pipelines', { ...top, pipelines: undefined }, (value) => topLevel('pipelines', { other: value })],
  ['batch', { size: 5, bytes: '1MB', within: '2s', by: 'data.a' }, (value) => around('steps', { batch: value })],
  ['dedupe', { by: 'data.a', last: 5 }, (value) => around('steps', { dedupe: value })],
  ['rateLimit', { limit: 2, per: '1s', burst: 1 }, (value) => around('steps', { rateLimit: value })],
  ['commandOutput', { show: true, tag: true }, (value) => around('output', { commandOutput: value })],
  ['pipeline', { pipeline: 'other.yaml', with: { a: 1 } }, (value) => around('steps', value as Keys)],
  ['report', { report: 'report.json' }, (value) => around('output', value as Keys)],
];

describe('every key behind another one', () => {
  it('may be endless where code may say so', async () => {
    const value = step('retry', { retries: Infinity });
    expect((await judge(value)).faults).toEqual([]);
    expect(fits(value)).toBe(true);
  });

  it('is there', () => {
    const described = describeFile(builtin);
    const keys = [...described.top, ...described.step].filter((key) => key.keys.length > 0);
    for (const { name, keys: behind } of keys) {
      const all = nested.filter(([key]) => key === name).flatMap(([, each]) => Object.keys(each));
      expect([name, behind.map((key) => key.name).filter((key) => !all.includes(key))]).toEqual([name, []]);
    }
    const inside = described.forms.flatMap(({ verb, keys: own }) =>
      own.filter(({ name }) => name.startsWith(`${verb}.`)).map(({ name }) => name),
    );
    const tried = nested.flatMap(([key, each]) => Object.keys(each).map((name) => `${key}.${name}`));
    // Those have keys that exclude each other, or more than a line can hold.
    const apart = ['dedupe.within', ...inside.filter((name) => name.startsWith('arguments.'))];
    expect(inside.filter((name) => !tried.includes(name) && !apart.includes(name))).toEqual([]);
  });

  describe.each(nested.map(([key, keys, put], index) => [`${key} ${index + 1}`, key, keys, put] as const))(
    '%s',
    (_, key, all, put) => {
      const keys = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
      it('has an example that fits', async () => {
        expect((await judge(put(keys))).faults).toEqual([]);
        expect(fits(put(keys)), JSON.stringify(fits.errors?.slice(0, 3))).toBe(true);
      });

      const others = Object.keys(keys).filter((each) => each !== key);
      it.each(others)('%s, misspelt', async (name) => {
        const typed = `${name}zq`;
        expect(await refused(put({ ...keys, [typed]: 1 }), typed)).toContain(`\`${typed}\` is not known here`);
      });

      it.each(Object.keys(keys))('%s, of another kind', async (name) => {
        for (const wrong of WRONG) await refusedOrFits(put({ ...keys, [name]: wrong }), name);
      });
    },
  );
});
