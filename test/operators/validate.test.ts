import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { StandardSchemaV1 } from '@standard-schema/spec';
import { from, lastValueFrom, type OperatorFunction, Subject, toArray } from 'rxjs';
import { afterAll, describe, expect, expectTypeOf, it } from 'vitest';
import * as z from 'zod';
import { jsonl, type JsonSchema, mapItems, type StandardSchema, toJsonl, validate, validateStep } from 'batchx';
import { fakeRuntime, marbles } from 'batchx/testing';
import { BatchxError } from '../../src/core/errors.js';
import { Item } from '../../src/core/item.js';
import { stage } from '../../src/core/stage.js';
import { applied } from '../../src/core/step.js';

const folder = mkdtempSync(join(tmpdir(), 'validate-'));
afterAll(() => rmSync(folder, { recursive: true }));

const schemaFile = (name: string, text: string): string => {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
};

const run = (data: readonly unknown[], operator: OperatorFunction<Item, Item>): Promise<Item[]> =>
  lastValueFrom(from(data.map((value, seq) => Item.of(value, { seq }))).pipe(operator, toArray()));

/** What is said of one item's data; `ok` when it fits. */
const said = async (data: unknown, schema: StandardSchema | JsonSchema | string): Promise<string> => {
  const [item] = await run([data], validate(schema as never));
  if (item?.error !== undefined) expect(item.error.code).toBe('validation');
  return item?.error?.message ?? 'ok';
};

const order = {
  type: 'object',
  required: ['id', 'total'],
  properties: { id: { type: 'string' }, total: { type: 'number', minimum: 0 } },
};

/** A schema by hand, that takes numbers and gives them doubled. */
const doubling = (validate: (value: unknown) => unknown): StandardSchema<number> => ({
  '~standard': { version: 1, vendor: 'test', validate: validate as StandardSchema<number>['~standard']['validate'] },
});
const isNumber = (value: unknown) =>
  typeof value === 'number' ? { value: value * 2 } : { issues: [{ message: 'expected a number' }] };

describe('validate with a Standard Schema', () => {
  it('makes the output of the schema the data', async () => {
    const schema = z.object({ n: z.coerce.number(), tag: z.string().default('none') });
    const items = await run(
      [
        { n: '1', more: true },
        { n: 2, tag: 'a' },
      ],
      validate(schema),
    );
    expect(items.map(({ data }) => data)).toEqual([
      { n: 1, tag: 'none' },
      { n: 2, tag: 'a' },
    ]);
  });

  it('types its output', () => {
    expectTypeOf(
      from([Item.of<unknown>(1)]).pipe(validate(z.object({ n: z.string().transform(Number) }))),
    ).toEqualTypeOf(from([Item.of({ n: 1 })]));
    expectTypeOf<StandardSchemaV1<string, number>>().toExtend<StandardSchema<number>>();
  });

  it('fails what does not fit, naming each fault, its path, what was expected and what came', async () => {
    const schema = z.object({ id: z.string(), lines: z.array(z.object({ total: z.number() })) });
    const message = await said({ id: 7, lines: [{ total: 1 }, { total: 'x'.repeat(200) }, {}] }, schema);
    expect(message).toBe(
      [
        '`id`: Invalid input: expected string, received number, got 7',
        `\`lines[1].total\`: Invalid input: expected number, received string, got "${'x'.repeat(59)}...`,
        '`lines[2].total`: Invalid input: expected number, received undefined, got nothing',
      ].join('; '),
    );
  });

  it('says `data` where there is no path, and takes paths made of segments', async () => {
    const schema = doubling(() => ({
      issues: [{ message: 'no' }, { message: 'no', path: [{ key: 'a' }, 0, 'b c', Symbol.iterator] }],
    }));
    expect(await said({ a: null }, schema)).toBe(
      'data: no, got {"a":null}; `a[0]["b c"].Symbol(Symbol.iterator)`: no, got nothing',
    );
  });

  it('names ten faults and counts the others', async () => {
    const message = await said(
      Array.from({ length: 25 }, () => 'x'),
      z.array(z.number()),
    );
    expect(message.split('; ')).toHaveLength(11);
    expect(message).toMatch(/`\[9\]`.*; and 15 more$/);
  });

  it('takes asynchronous schemas', async () => {
    const schema = doubling(async (value) => isNumber(value));
    const items = await run([1, 'x', 3], validate(schema, { ordered: true }));
    expect(items.map(({ data, error }) => error?.message ?? data)).toEqual([2, 'data: expected a number, got "x"', 6]);
  });

  it('runs at most `concurrency` asynchronous ones at once', async () => {
    let running = 0;
    let most = 0;
    const schema = doubling(async (value) => {
      most = Math.max(most, ++running);
      await Promise.resolve();
      running--;
      return isNumber(value);
    });
    await run([1, 2, 3, 4, 5], validate(schema, { concurrency: 2 }));
    expect(most).toBe(2);
  });

  it('fails the item when the schema throws', async () => {
    const [item] = await run([1], validate(doubling(() => JSON.parse('{'))));
    expect(item?.error?.code).toBe('expression');
  });

  it('takes schemas that are functions', async () => {
    const [item] = await run([2], validate(Object.assign(() => undefined, doubling(isNumber))));
    expect(item?.data).toBe(4);
  });

  it('throws when built for another version', () => {
    const schema = { '~standard': { version: 2, vendor: 'test', validate: isNumber } };
    expect(() => validate(schema as never)).toThrow(
      expect.objectContaining({ code: 'usage', message: expect.stringContaining('got version 2') }),
    );
  });

  it(
    'lets items pass by that had failed or been skipped',
    marbles(({ cold, expectObservable }) => {
      const failed = Item.of<unknown>('x').fail(new BatchxError('parse', 'not JSON'));
      const skipped = Item.of<unknown>('x').skip('filtered');
      const a = Item.of<unknown>(2);
      const source = cold<Item>('  -a-f-s-|', { a, f: failed, s: skipped });
      const expected = '           -A-f-s-|';
      expectObservable(source.pipe(validate(doubling(isNumber)))).toBe(expected, {
        A: a.withData(4),
        f: failed,
        s: skipped,
      });
    }),
  );

  it(
    'passes errors and ends with its subscription',
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold<Item>('-#');
      expectObservable(source.pipe(validate(doubling(isNumber)))).toBe('-#');
      const endless = cold<Item>('---');
      expectObservable(endless.pipe(validate(doubling(isNumber))), '--!').toBe('---');
      expectSubscriptions(endless.subscriptions).toBe('             ^-!');
    }),
  );
});

describe('validate with a JSON Schema', () => {
  it('leaves data that fits as it is', async () => {
    const data = { id: 'a', total: 3, more: [1] };
    const [item] = await run([data], validate(order));
    expect(item?.data).toBe(data);
  });

  it('leaves rows to be written byte for byte', async () => {
    const rows = '{"total":  1.0,"id":"\\u0061"}\n{"id":"b", "total":2e0}\n';
    const runtime = fakeRuntime({ stdin: [rows] });
    await lastValueFrom(jsonl('-', {}, runtime).pipe(validate(order), toJsonl('-', runtime)));
    expect(runtime.stdout).toBe(rows);
  });

  it('fails what does not fit, and accounts for it', async () => {
    const runtime = fakeRuntime({ stdin: ['{"id":"a","total":1}\n{"id":"b"}\nx\n'] });
    await lastValueFrom(jsonl('-', {}, runtime).pipe(validate(order), toJsonl('-', runtime)));
    expect(runtime.stdout).toBe('{"id":"a","total":1}\n');
    expect(runtime.counts).toMatchObject({ read: 3, ok: 1, failed: 2, pending: 0 });
  });

  it('keeps order, the first items too', async () => {
    const data = Array.from({ length: 20 }, (_, id) => ({ id: String(id), total: 1 }));
    expect((await run(data, validate(order))).map(({ seq }) => seq)).toEqual(data.map((_, i) => i));
  });

  it.each([true, schemaFile('true.json', 'true')])('takes %s, which everything fits', async (schema) => {
    expect(await said('x', schema)).toBe('ok');
  });

  it.each([false, schemaFile('false.json', 'false')])('takes %s, which nothing fits', async (schema) => {
    expect(await said('x', schema)).toBe('data: boolean schema is false, got "x"');
  });

  it.each([
    ['a type', { type: 'number' }, 'x', 'data: must be number, got "x"'],
    ['a missing property', order, { id: 'a' }, '`total`: must be there, got nothing'],
    ['a property too many', { additionalProperties: false }, { 'a b': 1 }, '`["a b"]`: must not be there, got 1'],
    ['an unevaluated property', { unevaluatedProperties: false }, { a: [] }, '`a`: must not be there, got []'],
    ['one of several', { properties: { a: { enum: [1, 'b'] } } }, { a: 2 }, '`a`: must be one of 1,"b", got 2'],
    ['a constant', { const: { a: 1 } }, null, 'data: must be {"a":1}, got null'],
    ['a bound', { items: { items: { minimum: 3 } } }, [[4], [5, 2]], '`[1][1]`: must be >= 3, got 2'],
    ['a length', { minItems: 2 }, [1], 'data: must NOT have fewer than 2 items, got [1]'],
    ['a pattern', { pattern: '^a' }, 'b', 'data: must match pattern "^a", got "b"'],
    [
      'a key with a slash',
      { properties: { 'a/~b': { type: 'null' } } },
      { 'a/~b': 1 },
      '`["a/~b"]`: must be null, got 1',
    ],
    ['several at once', order, { id: 1, total: -1 }, '`id`: must be string, got 1; `total`: must be >= 0, got -1'],
    ['draft 2020-12', { prefixItems: [{ type: 'string' }] }, [1], '`[0]`: must be string, got 1'],
    ['a reference', { $defs: { n: { type: 'number' } }, $ref: '#/$defs/n' }, 'x', 'data: must be number, got "x"'],
  ])('names %s', async (_, schema, data, message) => {
    expect(await said(data, schema)).toBe(message);
  });

  it.each([
    ['email', 'nobody'],
    ['date-time', '2026-13-01T00:00:00Z'],
    ['uuid', 'x'],
    ['uri', 'x y'],
  ])('checks the format %s', async (format, data) => {
    expect(await said(data, { format })).toBe(`data: must match format "${format}", got ${JSON.stringify(data)}`);
  });

  it('takes the formats of the standard that it cannot check', async () => {
    for (const format of ['iri', 'iri-reference', 'idn-email', 'idn-hostname'])
      expect(await said('x y', { format })).toBe('ok');
  });

  it.each(['http://json-schema.org/draft-07/schema#', 'http://json-schema.org/draft-07/schema'])(
    'takes draft-07 when $schema is %s',
    async ($schema) => {
      const tuple = { $schema, items: [{ type: 'string' }] };
      expect(await said([1], tuple)).toBe('`[0]`: must be string, got 1');
      expect(await said(['a', 1], tuple)).toBe('ok');
    },
  );

  it.each(['https://json-schema.org/draft/2020-12/schema', 'https://json-schema.org/draft/2020-12/schema#'])(
    'takes draft 2020-12 when $schema is %s',
    async ($schema) => {
      expect(await said([1], { $schema, prefixItems: [{ type: 'string' }] })).toBe('`[0]`: must be string, got 1');
    },
  );

  it('compiles the schema once, at the first item', async () => {
    const readsFor = async (...data: unknown[]): Promise<number> => {
      let reads = 0;
      const type = { enumerable: true, get: () => (reads++, 'number') };
      const items = run(data, validate(Object.defineProperty({}, 'type', type)));
      expect((await items).map((item) => item.data)).toEqual(data);
      return reads;
    };
    expect(await readsFor()).toBe(0);
    expect(await readsFor(1)).toBeGreaterThan(0);
    expect(await readsFor(1, 2, 3, 4, 5, 6, 7)).toBe(await readsFor(1));
  });

  it('warns of keywords that it does not know', async () => {
    const runtime = fakeRuntime();
    const warnings: string[] = [];
    runtime.events.on('batch:warning', ({ message }) => warnings.push(message));
    const [item] = await run([{}], validate({ requird: ['id'] }, {}, runtime));
    expect(item?.live).toBe(true);
    expect(warnings).toEqual([expect.stringMatching(/^validate: .*"requird"/)]);
  });

  it('takes a union of types and required properties that are not described', async () => {
    expect(await said({ a: 1 }, { type: ['object', 'array'], required: ['a'] })).toBe('ok');
  });

  it.each([
    ['a type that does not exist', { type: 'strng' }, 'type'],
    ['a reference that leads nowhere', { $ref: '#/nowhere' }, '#/nowhere'],
    ['a format that does not exist', { format: 'dat-time' }, 'dat-time'],
    ['something that is not JSON Schema', { $async: true }, '$async'],
  ])('ends the stream with `usage` for %s', async (_, schema, what) => {
    await expect(run([1, 2, 3], validate(schema))).rejects.toMatchObject({
      code: 'usage',
      message: expect.stringMatching(/^validate: the schema is wrong: /),
    });
    await expect(run([1], validate(schema))).rejects.toThrow(what);
  });

  it.each([
    [
      'another draft',
      { $schema: 'http://json-schema.org/draft-04/schema#' },
      'got "http://json-schema.org/draft-04/schema#"',
    ],
    ['a list', [], 'expected a JSON Schema or a Standard Schema, got []'],
    ['nothing', undefined, 'got undefined'],
    ['a file that is not there', join(folder, 'none.json'), 'cannot read the schema in'],
    ['a file that is not JSON', schemaFile('bad.json', '{'), 'cannot read the schema in'],
    ['a file of something else', schemaFile('list.json', '[1]'), 'list.json, got [1]'],
  ])('throws when built for %s', (_, schema, message) => {
    expect(() => validate(schema as never)).toThrow(
      expect.objectContaining({ code: 'usage', message: expect.stringContaining(message) }),
    );
  });

  it('reads the schema from a file', async () => {
    const path = schemaFile('order.json', JSON.stringify(order));
    expect(await said({ id: 'a' }, path)).toBe('`total`: must be there, got nothing');
  });

  it('ends with its subscription while it is being compiled', async () => {
    const source = new Subject<Item>();
    const seen: Item[] = [];
    const subscription = source
      .pipe(
        validate(order),
        mapItems((data) => data),
      )
      .subscribe((item) => seen.push(item));
    source.next(Item.of({ id: 'a', total: 1 }));
    subscription.unsubscribe();
    await run([1], validate({}));
    expect(seen).toEqual([]);
    expect(source.observed).toBe(false);
  });
});

describe('validateStep', () => {
  const through = (schema: string | JsonSchema) => {
    const step = validateStep.create(validateStep.options.parse({ schema }), fakeRuntime());
    return stage([applied(step, validateStep.gives)], { ordered: true });
  };

  it.each([
    ['an object', () => order],
    ['a file', () => schemaFile('order.json', JSON.stringify(order))],
  ])('takes %s', async (_, schema) => {
    const data = { id: 'a', total: 1 };
    const [good, bad] = await run([data, { id: 'a' }], through(schema()));
    expect(good?.data).toBe(data);
    expect(bad?.error).toMatchObject({ code: 'validation', message: '`total`: must be there, got nothing' });
  });

  it('takes a schema that is `false`', async () => {
    expect((await run([1], through(false)))[0]?.error).toMatchObject({ code: 'validation' });
  });

  it('throws when built for a file that is not there', () => {
    expect(() => through(join(folder, 'none.json'))).toThrow('cannot read the schema');
  });

  it('ends the stream with `usage` for a schema that is wrong', async () => {
    await expect(run([1], through({ type: 'strng' }))).rejects.toMatchObject({ code: 'usage' });
  });
});
