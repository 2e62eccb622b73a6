import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { lastValueFrom, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { csv, type CsvOptions, type Item, literals, toCsv } from 'batchx';
import { fakeRuntime } from 'batchx/testing';
import { fixture } from '../contract/temp.js';

type Stdin = Iterable<string | Uint8Array>;

const read = (stdin: Stdin, options: CsvOptions = {}): Promise<Item[]> =>
  lastValueFrom(csv<unknown>('-', options, fakeRuntime({ stdin })).pipe(toArray()));
const shown = ({ data, error }: Item): unknown => (error === undefined ? data : `${error.code}: ${error.message}`);
const shownAll = async (stdin: Stdin, options: CsvOptions = {}): Promise<unknown[]> =>
  (await read(stdin, options)).map(shown);
const failure = (stdin: Stdin, options: CsvOptions = {}): Promise<unknown> =>
  read(stdin, options).catch((error: unknown) => error);

describe('records', () => {
  it('emits an object of texts for each record', async () => {
    expect(await shownAll(['sku,price\na-1,3\n"b, c","say ""hi"""\n'])).toEqual([
      { sku: 'a-1', price: '3' },
      { sku: 'b, c', price: 'say "hi"' },
    ]);
  });

  it('takes CR LF, a byte order mark, a missing last line end, and passes over empty lines', async () => {
    expect(await shownAll(['\ufeffa,b\r\n\r\n1,2\r\n"3","4"\r\n\n"",""'])).toEqual([
      { a: '1', b: '2' },
      { a: '3', b: '4' },
      { a: '', b: '' },
    ]);
  });

  it('keeps line breaks and empty lines within quotes as they are', async () => {
    expect(await shownAll(['a,b\n"x\r\n\r\ny\n","z\n"\n1,2\n'])).toEqual([
      { a: 'x\r\n\r\ny\n', b: 'z\n' },
      { a: '1', b: '2' },
    ]);
  });

  it('gives nothing for nothing, and nothing for a header alone', async () => {
    expect(await shownAll([''])).toEqual([]);
    expect(await shownAll(['a,b'])).toEqual([]);
    expect(await shownAll(['a,b\n\n'])).toEqual([]);
  });

  it('reads each file with its own header', async () => {
    const items = await lastValueFrom(csv([fixture('a\n1'), fixture('b\n2\n')], {}, fakeRuntime()).pipe(toArray()));
    expect(items.map(({ data }) => data)).toEqual([{ a: '1' }, { b: '2' }]);
    expect(items.map(({ seq }) => seq)).toEqual([0, 1]);
  });

  it('is safe from columns called as what objects have', async () => {
    const [row] = await shownAll(['__proto__,constructor,toString\n1,2,3\n']);
    expect(Object.getPrototypeOf(row)).toBe(Object.prototype);
    expect(Object.entries(row as object)).toEqual([
      ['__proto__', '1'],
      ['constructor', '2'],
      ['toString', '3'],
    ]);
  });
});

describe('options', () => {
  it('splits at any delimiter, also of several characters', async () => {
    expect(await shownAll(['a\tb\n1\t"2\t3"\n'], { delimiter: '\t' })).toEqual([{ a: '1', b: '2\t3' }]);
    expect(await shownAll(['a\tb\n1\t2\n'], { delimiter: '\\t' })).toEqual([{ a: '1', b: '2' }]);
    expect(await shownAll(['a;b\n1,5;2\n'], { delimiter: ';' })).toEqual([{ a: '1,5', b: '2' }]);
    expect(await shownAll(['a||b\n"1|"||2\n'], { delimiter: '||' })).toEqual([{ a: '1|', b: '2' }]);
    expect(await shownAll(['a§b\nä§2\n'], { delimiter: '§' })).toEqual([{ a: 'ä', b: '2' }]);
  });

  it('takes quotes for what they are when there are none', async () => {
    expect(await shownAll(['a\tb\n5" pipe\t"x\n'], { delimiter: '\t', quote: false })).toEqual([
      { a: '5" pipe', b: '"x' },
    ]);
    expect(await shownAll([`a,b\n'x, "y"',2\n`], { quote: "'" })).toEqual([{ a: 'x, "y"', b: '2' }]);
  });

  it('names the columns by a list, or not at all', async () => {
    expect(await shownAll(['1,2\n'], { header: ['a', 'b'] })).toEqual([{ a: '1', b: '2' }]);
    expect(await shownAll(['1,2\n3\n"a\nb"\n'], { header: false })).toEqual([['1', '2'], ['3'], ['a\nb']]);
  });

  it('names items by an expression', async () => {
    const items = await read(['sku\na\nb\n'], { id: 'data.sku' });
    expect(items.map(({ id }) => id)).toEqual(['a', 'b']);
    const [bad] = await read(['sku\na\n'], { id: 'data.no.where' });
    expect(bad).toMatchObject({ raw: 'a', error: { code: 'expression' } });
    const [, nameless] = await read(['sku,n\na,1\n,2\n'], { id: 'data.sku' });
    expect(nameless).toMatchObject({
      id: 'stdin:3',
      raw: ',2',
      error: { code: 'expression', message: 'expected `id` to give text or a number, got empty text' },
    });
    expect(() => csv('-', { id: 'data.(' })).toThrow('csv: `id`: the expression does not parse');
  });

  it('refuses a delimiter that cannot be one', () => {
    for (const delimiter of ['', '"', '\n', ',\r']) expect(() => csv('-', { delimiter })).toThrow('csv: `delimiter`');
    expect(() => csv('-', { header: [] })).toThrow('csv: `header`');
    expect(() => csv('-', { quote: 'x' as never })).toThrow('csv: `quote`');
  });
});

describe('what is wrong', () => {
  it('fails a record with another number of cells, and reads on', async () => {
    const items = await read(['a,b\n1\n2,2\n3,3,3\n"4\n4",4,4\n5,5\n']);
    expect(items.map(shown)).toEqual([
      'parse: expected 2 cells, as in the header, got 1',
      { a: '2', b: '2' },
      'parse: expected 2 cells, as in the header, got 3',
      'parse: expected 2 cells, as in the header, got 3',
      { a: '5', b: '5' },
    ]);
    expect(items.map(({ id }) => id)).toEqual(['stdin:2', 'stdin:3', 'stdin:4', 'stdin:5', 'stdin:7']);
    expect(items[3]).toMatchObject({ raw: '"4\n4",4,4', metadata: { line: 5, offset: 16, columns: ['a', 'b'] } });
  });

  it('fails a record with a quote out of place, and reads on with the next line', async () => {
    expect(await shownAll(['a,b\n1,"x"y\n2,3\n5" pipe,"z"\n4,"5"\n'])).toEqual([
      'parse: not CSV: a quote closes cell 2, but text follows it',
      { a: '2', b: '3' },
      'parse: not CSV: there is a quote within cell 1, which is not quoted',
      { a: '4', b: '5' },
    ]);
  });

  it('ends a record whose quote was forgotten where that is found, and makes no rows of its text', async () => {
    const items = await read(['a,b\n1,"x\n2,3\n4,"5"\n6,7\n']);
    expect(items.map(shown)).toEqual([
      'parse: not CSV: a quote closes cell 2, but text follows it',
      { a: '6', b: '7' },
    ]);
    expect(items[0]).toMatchObject({ raw: '1,"x\n2,3\n4,"5"', id: 'stdin:2' });
    expect(await shownAll(['a,b\n1,2\n3,"x\n4,5\n'])).toEqual([
      { a: '1', b: '2' },
      'parse: not CSV: the quote that opens cell 2 is not closed',
    ]);
  });

  it('fails a record that is not UTF-8, keeps its bytes, and reads on', async () => {
    const bytes = Buffer.concat([Buffer.from('1,"ä\n'), Buffer.from([0xff]), Buffer.from('\n,b"')]);
    const items = await read([Buffer.concat([Buffer.from('a,b\nä,ö\n'), bytes, Buffer.from('\n2,ü\n')])]);
    expect(items.map(shown)).toEqual([
      { a: 'ä', b: 'ö' },
      expect.stringContaining('parse: not UTF-8'),
      { a: '2', b: 'ü' },
    ]);
    expect(items[1]?.extra.bytes).toEqual(bytes);
    expect(items.map(({ metadata }) => metadata['line'])).toEqual([2, 3, 6]);
  });

  it('fails a record longer than 16 MiB in flat memory, and reads on behind its closing quote', async () => {
    let most = 0;
    const before = process.memoryUsage().rss;
    function* stdin(): Generator<string> {
      yield 'a,b\n1,"';
      for (let i = 0; i < 8000; i++) {
        most = Math.max(most, process.memoryUsage().rss);
        yield `${'x'.repeat(30_000)}\n2,2\n`;
      }
      yield '"\n3,3\n';
    }
    const items = await read(stdin());
    expect(items.map(shown)).toEqual([
      'parse: longer than 16 MiB, which is the most a record may have',
      { a: '3', b: '3' },
    ]);
    expect(items[1]?.metadata['line']).toBe(2 + 16_000 + 1);
    expect(items[0]?.raw).toBeUndefined();
    expect(most - before).toBeLessThan(150 * 1024 ** 2);
  });

  it('goes on behind a line longer than 16 MiB', async () => {
    const block = 'x'.repeat(64 * 1024);
    function* stdin(): Generator<string> {
      yield 'a\n';
      for (let i = 0; i < 260; i++) yield block;
      yield '\n2\n';
    }
    expect(await shownAll(stdin())).toEqual([expect.stringContaining('longer than 16 MiB'), { a: '2' }]);
  });

  it('refuses a header that names a column twice, or cannot be read', async () => {
    const twice = 'cannot read stdin: its header: it names "a" twice, in columns 1 and 3';
    expect(await failure(['a,b,a\n1,2,3\n'])).toMatchObject({ code: 'input', message: twice });
    expect(() => csv('-', { header: ['a', 'a'] })).toThrow('csv: `header`: expected each column once');
    expect(await failure(['a,"b"c\n1,2\n'])).toMatchObject({
      code: 'input',
      message: expect.stringContaining('its header: not CSV'),
    });
    expect(await failure(['a,"b\n'])).toMatchObject({
      code: 'input',
      message: expect.stringContaining('is not closed'),
    });
    expect(await failure([Buffer.from([0x61, 0xff, 0x0a])])).toMatchObject({
      code: 'input',
      message: expect.stringContaining('not UTF-8'),
    });
  });

  it('says which file there is not', async () => {
    const error = await lastValueFrom(csv('/nowhere.csv', {}, fakeRuntime())).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'input', message: 'cannot read /nowhere.csv: there is no such file' });
  });
});

describe('properties', () => {
  const cell = fc.oneof(
    fc.constantFrom('', ' ', ',', '"', '""', '\n', '\r\n', '\r', 'ä', '💩', "'", '\t', '-', '=1'),
    fc.string({ unit: 'grapheme', maxLength: 6 }),
  );
  const rows = (width: number) => fc.array(fc.array(cell, { minLength: width, maxLength: width }), { maxLength: 8 });
  const tables = fc.integer({ min: 1, max: 4 }).chain(rows);
  const written = async (table: readonly (readonly string[])[]): Promise<string> => {
    const runtime = fakeRuntime();
    await lastValueFrom(literals(table).pipe(toCsv('-', { formulas: 'keep' }, runtime)), { defaultValue: undefined });
    return runtime.stdout;
  };

  it('reads back what toCsv writes, and so does csv-parse', async () => {
    await fc.assert(
      fc.asyncProperty(tables, async (table) => {
        const text = await written(table);
        expect(await shownAll([text], { header: false })).toEqual(table);
        expect(parse(text, { record_delimiter: '\n' })).toEqual(table);
      }),
    );
  });

  it('reads back what toCsv writes with any delimiter, also of several characters', async () => {
    const parts = fc.constantFrom('a', 'b', ' ', '|', '\t', '\ufeff', '\\', '::', 'ä');
    const text = fc.array(parts, { maxLength: 4 }).map((some) => some.join(''));
    const cases = fc.tuple(
      fc.oneof(
        text.filter((some) => some !== ''),
        fc.string({ unit: 'grapheme', minLength: 1, maxLength: 3 }).filter((some) => !/["'\r\n]/.test(some)),
      ),
      fc.integer({ min: 1, max: 3 }).chain((width) => {
        const row = fc.array(fc.oneof(text, cell), { minLength: width, maxLength: width });
        return fc.array(row, { maxLength: 4 });
      }),
    );
    const written = async (table: readonly (readonly string[])[], delimiter: string): Promise<string> => {
      const runtime = fakeRuntime();
      const options = { formulas: 'keep', delimiter } as const;
      await lastValueFrom(literals(table).pipe(toCsv('-', options, runtime)), { defaultValue: undefined });
      return runtime.stdout;
    };
    await fc.assert(
      fc.asyncProperty(cases, async ([delimiter, table]) => {
        expect(await shownAll([await written(table, delimiter)], { header: false, delimiter })).toEqual(table);
      }),
      { numRuns: 300, examples: [[['aa', [['a', 'bc']]]], [['ab', [['xa', 'by']]]], [['\ufeff', [['', 'x']]]]] },
    );
  });

  it('gives the same items however the bytes are cut', async () => {
    const texts = fc
      .array(fc.constantFrom('a', 'ä', ',', '"', '""', '\n', '\r\n', '1'), { maxLength: 40 })
      .map((parts) => `h\n${parts.join('')}`);
    await fc.assert(
      fc.asyncProperty(texts, fc.array(fc.nat(), { maxLength: 6 }), async (text, cuts) => {
        const whole = Buffer.from(text);
        const at = [...new Set([0, ...cuts.map((cut) => cut % (whole.length + 1)), whole.length])].sort(
          (a, b) => a - b,
        );
        const parts = at.slice(1).map((end, i) => whole.subarray(at[i], end));
        const facts = (item: Item): unknown => [shown(item), item.raw, item.id, item.metadata];
        expect((await read(parts)).map(facts)).toEqual((await read([whole])).map(facts));
      }),
    );
  });

  it('loses no line: each belongs to the header, a row, a failed record or is empty', async () => {
    const texts = fc
      .array(fc.constantFrom('a', ',', '"', '\n', '1'), { maxLength: 40 })
      .map((parts) => `h\n${parts.join('')}`);
    await fc.assert(
      fc.asyncProperty(texts, async (text) => {
        const items = await read([text]);
        const lines = text.split('\n');
        const starts = items.map(({ metadata }) => (metadata['line'] as number) - 1);
        expect(starts).toEqual([...starts].sort((a, b) => a - b));
        const failed = items.flatMap(({ error, raw }, i) =>
          error === undefined ? [] : [[starts[i] as number, raw as string] as const],
        );
        for (const [start, raw] of failed)
          expect(lines.slice(start, start + raw.split('\n').length).join('\n')).toBe(raw);
        const last = lines.findLastIndex((line, i) => i > 0 && line !== '');
        if (last > 0) expect(items.length).toBeGreaterThan(0);
      }),
    );
  });
});
