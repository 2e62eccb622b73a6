import fc from 'fast-check';
import { lastValueFrom, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { type Item, json, type JsonOptions, toJsonl } from 'batchx';
import { fakeRuntime } from 'batchx/testing';
import { findJsonFault } from '../../src/core/json-fault.js';
import { fixture } from '../contract/temp.js';

const read = (text: string | Uint8Array, options: JsonOptions = {}): Promise<Item[]> =>
  lastValueFrom(json('-', options, fakeRuntime({ stdin: [text] })).pipe(toArray()));
const values = async (text: string, options: JsonOptions = {}): Promise<unknown[]> =>
  (await read(text, options)).map(({ data }) => data);
const failure = (text: string | Uint8Array, options: JsonOptions = {}): Promise<unknown> =>
  read(text, options).catch((error: unknown) => error);

describe('elements', () => {
  it('emits the elements of the list', async () => {
    const items = await read('\ufeff[{"a":1}, [2], "3", null]\n');
    expect(items.map(({ data }) => data)).toEqual([{ a: 1 }, [2], '3', null]);
    expect(items.map(({ id }) => id)).toEqual(['stdin#1', 'stdin#2', 'stdin#3', 'stdin#4']);
    expect(items[1]?.metadata).toEqual({ source: 'stdin', index: 1 });
    expect(await values('[]')).toEqual([]);
  });

  it('takes an object or a single value for one item', async () => {
    expect(await values('{"a":[1,2]}')).toEqual([{ a: [1, 2] }]);
    expect(await values('5')).toEqual([5]);
  });

  it('goes down a path of keys', async () => {
    const text = '{"data":{"items":[1,2],"a.b":[3],"total":2,"__proto__":[4]}}';
    expect(await values(text, { at: 'data.items' })).toEqual([1, 2]);
    expect(await values(text, { at: ['data', 'a.b'] })).toEqual([3]);
    expect(await values(text, { at: 'data.total' })).toEqual([2]);
    expect(await values(text, { at: 'data.items.1' })).toEqual([2]);
    expect(await values(text, { at: 'data.__proto__' })).toEqual([4]);
  });

  it('says what there is where the path does not lead on', async () => {
    const text = '{"data":{"item":[1],"total":2}}';
    const message = 'cannot read stdin: expected `data` to have `items`, it has `item`, `total`';
    expect(await failure(text, { at: 'data.items' })).toMatchObject({ code: 'input', message });
    expect(await failure(text, { at: 'dat' })).toMatchObject({
      message: 'cannot read stdin: expected the document to have `dat`, it has `data`',
    });
    expect(await failure(text, { at: 'data.total.x' })).toMatchObject({
      message: expect.stringContaining('expected `data.total` to have `x`, but it is 2'),
    });
    expect(await failure(text, { at: 'toString' })).toMatchObject({ code: 'input' });
    for (const [list, at] of [
      ['[1,2]', 'length'],
      ['{"a":[1]}', 'a.length'],
      ['["ab"]', '0.length'],
    ] as const)
      expect(await failure(list, { at })).toMatchObject({ code: 'input' });
    expect(await values('{"length":3}', { at: 'length' })).toEqual([3]);
    expect(await failure('[1,2]', { at: 'x' })).toMatchObject({
      message: expect.stringContaining('it has a list of 2'),
    });
  });

  it('names items by an expression, and keeps what could not be named', async () => {
    const items = await read('[{"sku":"a"},null]', { id: 'data.sku' });
    expect(items.map(({ id }) => id)).toEqual(['a', 'stdin#2']);
    expect(items[1]).toMatchObject({ raw: 'null', error: { code: 'expression' } });
    const [nameless] = await read('[{"key":"a"}]', { id: 'data.sku' });
    expect(nameless).toMatchObject({ id: 'stdin#1', raw: '{"key":"a"}', error: { code: 'expression' } });
    expect(() => json('-', { id: 'data.(' })).toThrow('json: `id`: the expression does not parse');
  });

  it('reads several files, and many elements', async () => {
    const many = Array.from({ length: 1000 }, (_, n) => n);
    const paths = [fixture(JSON.stringify(many)), fixture('[-1]', 'b.json.gz')];
    const items = await lastValueFrom(json(paths, {}, fakeRuntime()).pipe(toArray()));
    expect(items.map(({ data }) => data)).toEqual([...many, -1]);
    expect(items.at(-1)?.id).toBe(`${paths[1]}#1`);
    expect(items.at(-1)?.seq).toBe(1000);
  });

  it('fails only the elements that are nested too deep', async () => {
    const nested = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels);
    const items = await read(`{"a":{"b":[${nested(512)},${nested(513)},${nested(100_000)},1]}}`, { at: 'a.b' });
    expect(items.map(({ error }) => error?.code)).toEqual([undefined, 'parse', 'parse', undefined]);
    const runtime = fakeRuntime({ stdin: [`[${nested(512)},${nested(513)}]`] });
    await lastValueFrom(json('-', {}, runtime).pipe(toJsonl('-', runtime)));
    expect(runtime.counts).toMatchObject({ ok: 1, failed: 1 });
  });
});

describe('what is wrong', () => {
  it('names the line and the column', async () => {
    const message = 'cannot read stdin: not JSON: did not expect "}" in line 3, column 1';
    expect(await failure('[\n {"ä":1,\n}]')).toMatchObject({
      code: 'input',
      message: expect.stringContaining('line 3, column 1'),
    });
    expect(await failure('[\n {"ä":1},\n}')).toMatchObject({ code: 'input', where: 'stdin:3:1', message });
    expect(await failure('[1, 2')).toMatchObject({
      message: 'cannot read stdin: not JSON: did not expect the end of the text in line 1, column 6',
    });
    expect(await failure('')).toMatchObject({
      message: expect.stringContaining('the end of the text in line 1, column 1'),
    });
    expect(await failure('{"a":1}\n{"a":2}\n')).toMatchObject({ message: expect.stringContaining('line 2, column 1') });
  });

  it('refuses what is not UTF-8, too large, or not there', async () => {
    expect(await failure(Buffer.from([0x5b, 0xff]))).toMatchObject({
      code: 'input',
      message: 'cannot read stdin: not UTF-8 text, from byte 2 of the record on',
    });
    expect(await failure(`"${'x'.repeat(2000)}"`, { limit: '1KB' })).toMatchObject({
      code: 'input',
      message: expect.stringMatching(/larger than 1KB.*one value a line/),
    });
    expect(() => json('-', { limit: '5' })).toThrow('json: `limit`');
    const missing = await lastValueFrom(json('/nowhere', {}, fakeRuntime())).catch((error: unknown) => error);
    expect(missing).toMatchObject({ code: 'input', message: 'cannot read /nowhere: there is no such file' });
  });
});

describe('findJsonFault', () => {
  it('finds nothing in JSON', () => {
    fc.assert(fc.property(fc.json(), (text) => findJsonFault(text) === undefined));
    for (const text of ['[]', '{}', ' [ ] ', '-0.5e+3', '"\\u00e4\\/"', '[[],{"a":{}}]'])
      expect(findJsonFault(text)).toBeUndefined();
    expect(findJsonFault('['.repeat(100_000) + ']'.repeat(100_000))).toBeUndefined();
  });

  it('finds a fault in whatever JSON.parse refuses', () => {
    const tokens = fc.array(
      fc.constantFrom(
        '[',
        ']',
        '{',
        '}',
        ',',
        ':',
        '"',
        '\\',
        'u',
        '1',
        '0',
        '-',
        '.',
        'e',
        'true',
        'null',
        ' ',
        '\n',
        '\t',
        'x',
        '"a"',
      ),
      {
        maxLength: 12,
      },
    );
    const parses = (text: string): boolean => {
      try {
        JSON.parse(text);
        return true;
      } catch {
        return false;
      }
    };
    fc.assert(
      fc.property(tokens, (parts) => {
        const text = parts.join('');
        expect(findJsonFault(text) === undefined).toBe(parses(text));
      }),
      { numRuns: 5000 },
    );
  });

  it.each([
    ['[1,]', 4],
    ['{"a" 1}', 6],
    ['{a:1}', 2],
    ['[01]', 3],
    ['"a\tb"', 3],
    ['"\\x"', 2],
    ['tru', 1],
    ['[1 2]', 4],
    ['{"a":1,}', 8],
    ['"abc', 5],
  ])('%s: at column %i', (text, column) => {
    expect(findJsonFault(text)).toMatchObject({ line: 1, column });
  });
});
