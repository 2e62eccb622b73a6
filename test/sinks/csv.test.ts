import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { stringify } from 'csv-stringify/sync';
import fc from 'fast-check';
import { lastValueFrom, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { csv, type CsvSinkOptions, literals, toCsv } from 'batchx';
import { fakeRuntime } from 'batchx/testing';
import { temporaryFolder } from '../contract/temp.js';

async function written(
  rows: readonly unknown[],
  options: CsvSinkOptions = {},
): Promise<{ text: string; faults: (string | undefined)[] }> {
  const runtime = fakeRuntime();
  const outcomes = await lastValueFrom(literals(rows).pipe(toCsv('-', options, runtime), toArray()));
  return { text: runtime.stdout, faults: outcomes.map(({ error }) => error?.message) };
}
const text = async (rows: readonly unknown[], options: CsvSinkOptions = {}): Promise<string> =>
  (await written(rows, options)).text;

describe('toCsv', () => {
  it('writes a header of the keys of the first row, then the rows', async () => {
    expect(
      await text([
        { b: 1, a: 'x' },
        { a: 'y', b: 2 },
      ]),
    ).toBe('b,a\n1,x\n2,y\n');
  });

  it('writes to a file, in a header and rows that come in several blocks', async () => {
    const path = join(temporaryFolder(), 'out.csv');
    await lastValueFrom(literals(Array.from({ length: 1200 }, (_, n) => ({ n }))).pipe(toCsv(path)));
    expect(readFileSync(path, 'utf8')).toBe(`n\n${Array.from({ length: 1200 }, (_, n) => `${n}\n`).join('')}`);
  });

  it('writes the columns that are named, in their order, also when no row comes', async () => {
    expect(await text([{ a: 1, b: 2 }, { b: 3 }], { columns: ['b', 'a'] })).toBe('b,a\n2,1\n3,\n');
    expect(await text([], { columns: ['a', 'b'] })).toBe('a,b\n');
    expect(await text([])).toBe('');
  });

  it('fails a row with a key that is no column, and says what to do', async () => {
    const { text: out, faults } = await written([{ a: 1, b: 2 }, { a: 1, c: 3 }, { a: 4 }]);
    expect(out).toBe('a,b\n1,2\n4,\n');
    expect(faults).toEqual([
      undefined,
      '`c` is not among the columns a, b: give it to the first row too, or leave it out',
      undefined,
    ]);
  });

  it('fails what is no row, and does not take its columns', async () => {
    const { text: out, faults } = await written([5, null, 'x', {}, new Date(0), { bad: () => 1 }, { a: 1n }]);
    expect(out).toBe('a\n1\n');
    expect(faults.slice(0, 5)).toEqual([
      'expected an object or a list to write as a row, got a number',
      'expected an object or a list to write as a row, got null',
      'expected an object or a list to write as a row, got a string',
      'expected an object with at least one key',
      expect.stringContaining('expected an object or a list'),
    ]);
    expect(faults[5]).toBe('expected a value that JSON can say, got a function');
    expect(faults[6]).toBeUndefined();
  });

  it('quotes what must be quoted', async () => {
    const cells = ['a,b', 'say "hi"', 'two\nlines', 'cr\r', ' blank ', 'ä', ''];
    expect(await text([cells])).toBe('"a,b","say ""hi""","two\nlines","cr\r", blank ,ä,\n');
    expect(await text([['a;b', 'c,d']], { delimiter: ';' })).toBe('"a;b";c,d\n');
    expect(await text([['a\tb', 'c']], { delimiter: '\\t' })).toBe('"a\tb"\tc\n');
    expect(await text([{ a: '' }, { a: null }])).toBe('a\n""\n""\n');
  });

  it('writes any value as a cell', async () => {
    const row = {
      n: -1.5e21,
      t: true,
      f: false,
      nothing: null,
      missing: undefined,
      list: [1, 'a'],
      object: { x: '"' },
      time: new Date(0),
      big: 10n ** 20n,
    };
    expect(await text([row])).toBe(
      'n,t,f,nothing,missing,list,object,time,big\n-1.5e+21,true,false,,,"[1,""a""]","{""x"":""\\""""}",1970-01-01T00:00:00.000Z,100000000000000000000\n',
    );
    const { faults } = await written([{ t: new Date(NaN) }, { t: '\ud800' }, { t: 1 }]);
    expect(faults).toEqual([
      expect.stringContaining('Invalid time'),
      'expected text, it contains half of a surrogate pair',
      undefined,
    ]);
  });

  it('puts a quote before what a spreadsheet would run, but leaves numbers alone', async () => {
    const cells = [
      '=1+1',
      '+cmd',
      '-x',
      '@SUM(A1)',
      '\t=1',
      '\r=1',
      -5,
      '-5',
      '+49.5',
      '-.5e-3',
      'a=1',
      '-',
      '+49 30 1234',
    ];
    expect(await text([cells])).toBe(
      `'=1+1,'+cmd,'-x,'@SUM(A1),'\t=1,"'\r=1",-5,-5,+49.5,-.5e-3,a=1,'-,'+49 30 1234\n`,
    );
    expect(await text([{ '=x': 1 }])).toBe("'=x\n1\n");
    expect(await text([['=1', '-x']], { formulas: 'keep' })).toBe('=1,-x\n');
  });

  it('writes lists without a header, unless columns are named', async () => {
    const { text: out, faults } = await written([['a', 1], ['b'], { a: 1, b: 2 }, ['c', 2]]);
    expect(out).toBe('a,1\nc,2\n');
    expect(faults).toEqual([
      undefined,
      'expected 2 cells, as in the first row, got 1',
      'expected a list, as the first row was, got an object',
      undefined,
    ]);
    expect(await text([['a', 1], { y: 2, x: 'b' }], { columns: ['x', 'y'] })).toBe('x,y\na,1\nb,2\n');
  });

  it('is safe from what all objects have', async () => {
    expect(await text([{ a: 1 }, {}], { columns: ['a', 'toString', '__proto__'] })).toBe(
      'a,toString,__proto__\n1,,\n,,\n',
    );
    expect(await text([JSON.parse('{"__proto__":"x"}')])).toBe('__proto__\nx\n');
  });

  it('refuses columns that are named twice', () => {
    expect(() => toCsv('-', { columns: ['a', 'a'] })).toThrow('toCsv: `columns`: expected each column once');
    expect(() => toCsv('-', { columns: [] })).toThrow('toCsv: `columns`');
    expect(() => toCsv('-', { separator: ';' } as never)).toThrow('toCsv: ');
  });

  const cell = fc.oneof(
    fc.constantFrom('', '"', ',', '\n', '\r\n', ' ', '=1', 'ä'),
    fc.string({ unit: 'grapheme', maxLength: 5 }),
  );
  const names = fc.uniqueArray(fc.string({ unit: 'grapheme', maxLength: 4 }), { minLength: 1, maxLength: 4 });

  it('is read back by the csv source and by csv-parse as what it was', async () => {
    const tables = names.chain((keys) =>
      fc.array(fc.tuple(...keys.map(() => cell)), { minLength: 1, maxLength: 6 }).map((rows) => ({ keys, rows })),
    );
    await fc.assert(
      fc.asyncProperty(tables, async ({ keys, rows }) => {
        const objects = rows.map((cells) => Object.fromEntries(keys.map((key, i) => [key, cells[i] as string])));
        const out = await text(objects, { columns: keys, formulas: 'keep' });
        const back = await lastValueFrom(csv('-', {}, fakeRuntime({ stdin: [out] })).pipe(toArray()));
        expect(back.map(({ data }) => data)).toEqual(objects);
        expect(parse(out, { record_delimiter: '\n' })).toEqual([keys, ...rows]);
      }),
    );
  });

  it('reads what csv-stringify writes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(cell, cell), { minLength: 1, maxLength: 6 }), async (rows) => {
        const out = stringify(rows, { quoted_match: /\r/ });
        const back = await lastValueFrom(
          csv<string[]>('-', { header: false }, fakeRuntime({ stdin: [out] })).pipe(toArray()),
        );
        expect(back.map(({ data }) => data)).toEqual(rows);
      }),
    );
  });
});
