import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { concat, lastValueFrom, type Observable, take, tap, throwError, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import {
  batch,
  csv,
  filterItems,
  type Item,
  json,
  jsonl,
  lines,
  literals,
  mapItems,
  type Outcome,
  split,
  toFailed,
  toJsonl,
} from 'batchx';
import { type FakeRuntime, fakeRuntime } from 'batchx/testing';
import { fixture, temporaryFolder } from '../contract/temp.js';

const path = (): string => join(temporaryFolder(), 'failed.jsonl');
const refuse = mapItems<unknown, unknown>(() => {
  throw new Error('refused');
});
const all = <T>(source: Observable<T>): Promise<T[]> => lastValueFrom(source.pipe(toArray()));
const facts = ({ data, id, metadata }: Item): unknown => ({ data, id, metadata });
/** Runs items so that all of them fail, and gives the dead letters. */
async function lettersOf(source: Observable<Item>): Promise<string> {
  const runtime = fakeRuntime();
  await all(source.pipe(refuse, toFailed('-', runtime)));
  return runtime.stdout;
}

describe('the letters', () => {
  it('are lines of JSON that say what failed and why', async () => {
    const runtime = fakeRuntime({ stdin: ['{"n":1}\noops\n{"n":3}\n'] });
    const source = jsonl<{ n: number }>('-', {}, runtime).pipe(
      mapItems(({ n }) => (n === 3 ? Promise.reject(new Error('no')) : n)),
    );
    const outcomes = await all(source.pipe(toFailed('-', runtime)));
    expect(
      runtime.stdout
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as unknown),
    ).toEqual([
      {
        $batchx: 'failed',
        id: 'stdin:2',
        metadata: { source: 'stdin', line: 2, offset: 8 },
        error: { code: 'parse', message: expect.stringContaining('not JSON') },
        as: 'json',
        text: 'oops',
      },
      {
        $batchx: 'failed',
        id: 'stdin:3',
        metadata: { source: 'stdin', line: 3, offset: 13 },
        error: { code: 'expression', message: 'no' },
        data: { n: 3 },
      },
    ]);
    expect(outcomes.map(({ status }) => status).sort()).toEqual(['failed', 'failed', 'ok']);
    expect(runtime.counts).toEqual({ read: 3, ok: 1, failed: 2, skipped: 0, inDoubt: 0, pending: 0 });
  });

  it('keep what the source read, not what steps made of it', async () => {
    const source = literals([{ n: 1 }]).pipe(
      mapItems(({ n }) => ({ n: n + 1 })),
      filterItems(() => true),
    );
    expect(JSON.parse(await lettersOf(source))).toMatchObject({ id: '#1', data: { n: 1 } });
  });

  it('keep rows byte for byte, and give them back so', async () => {
    const row = '{"id":12345678901234567890, "a":1,"a":2,"s":"\\u00e4"}';
    const letters = await lettersOf(jsonl(fixture(`${row}\n`)).pipe(filterItems(() => true)));
    expect(letters).toContain(`"data":${row}}`);
    const runtime = fakeRuntime({ stdin: [letters] });
    await all(
      jsonl('-', {}, runtime).pipe(
        filterItems(() => true),
        toJsonl('-', runtime),
      ),
    );
    expect(runtime.stdout).toBe(`${row}\n`);
  });

  it('give back what their line says, however it was edited', async () => {
    const [line = ''] = (await lettersOf(jsonl(fixture('{"n": 1}\n')))).split('\n');
    const letter = JSON.parse(line) as object;
    const edited = [
      JSON.stringify({ ...letter, data: { n: 2 } }),
      JSON.stringify({ ...letter, note: 'fixed' }),
      `${line.slice(0, -1)},"data":{"n":4}}`,
      `${line} `,
    ];
    const items = await all(jsonl('-', {}, fakeRuntime({ stdin: [edited.join('\n')] })));
    expect(items.map(({ data, raw }) => [data, raw])).toEqual([
      [{ n: 2 }, '{"n":2}'],
      [{ n: 1 }, undefined],
      [{ n: 4 }, undefined],
      [{ n: 1 }, undefined],
    ]);
  });

  it('are written for what other sinks could not write', async () => {
    const runtime = fakeRuntime();
    const failed = path();
    await all(literals([1n, 2, { big: 1n }], runtime).pipe(toJsonl('-', runtime), toFailed(failed, runtime)));
    const letters = readFileSync(failed, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as object);
    expect(letters).toEqual([
      {
        $batchx: 'failed',
        id: '#1',
        metadata: {},
        error: { code: 'encode', message: expect.stringContaining('BigInt') },
      },
      {
        $batchx: 'failed',
        id: '#3',
        metadata: {},
        error: { code: 'encode', message: expect.stringContaining('BigInt') },
      },
    ]);
    const again = await all(jsonl(failed));
    expect(again.map(({ error }) => error?.message)).toEqual([
      expect.stringMatching(/^cannot be run again, its record was not kept; it had failed with: .*BigInt/),
      expect.stringContaining('cannot be run again'),
    ]);
  });

  it('keep bytes that are data apart from records that are not text', async () => {
    const bytes = Buffer.from([0xff, 0x00]);
    const [item] = await all(jsonl('-', {}, fakeRuntime({ stdin: [await lettersOf(literals([bytes]))] })));
    expect(item?.data).toEqual(bytes);
    expect(item?.error).toBeUndefined();
  });

  it('leave out a record that is too long for a line, and say where it is', async () => {
    const long = '\u0001'.repeat(4 * 1024 * 1024);
    const letter = await lettersOf(literals([long]));
    expect(letter.length).toBeLessThan(1000);
    expect(JSON.parse(letter)).not.toHaveProperty('data');
  });

  it('take no more than 2,000 characters of a message', async () => {
    const source = literals([1]).pipe(mapItems(() => Promise.reject(new Error('x'.repeat(5000)))));
    expect((JSON.parse(await lettersOf(source)) as { error: { message: string } }).error.message).toHaveLength(2000);
  });

  it('are for the items of the source: of each item of a batch, and once for a part', async () => {
    const ids = (letters: string): unknown[] =>
      letters
        .trimEnd()
        .split('\n')
        .map((line) => (JSON.parse(line) as { id: string }).id);
    const batched = await lettersOf(
      literals([1, 2, 3]).pipe(
        mapItems((n) => n * 10),
        batch({ size: 2 }),
      ),
    );
    expect(ids(batched)).toEqual(['#1', '#2', '#3']);
    expect(
      batched
        .split('\n')
        .slice(0, 3)
        .map((line) => (JSON.parse(line) as { data: unknown }).data),
    ).toEqual([1, 2, 3]);
    const parts = await lettersOf(literals([[1, 2], [3]]).pipe(split((values) => values)));
    expect(ids(parts)).toEqual(['#1', '#2']);
    const rejoined = await lettersOf(
      literals([[1, 2], [3]]).pipe(
        split((values) => values),
        batch({ size: 3 }),
      ),
    );
    expect(ids(rejoined)).toEqual(['#1', '#2']);
  });
});

describe('a line that only looks like a letter', () => {
  it.each([
    '{"$batchx":"failed"',
    '{"$batchx":"failed"}',
    '{"$batchx":"failed","id":1,"metadata":{},"error":{}}',
    '{"$batchx":"failed","id":"a","metadata":[],"error":{}}',
    '{"$batchx":"failed","id":"a","metadata":{},"error":null,"data":1}',
    '{"$batchx":"failed","id":"a","metadata":{},"error":{},"text":5}',
    '{"$batchx":"failedx","id":"a","metadata":{},"error":{},"data":5}',
    ' {"$batchx":"failed","id":"a","metadata":{},"error":{},"data":5}',
  ])('%s', async (line) => {
    const [row] = await all(jsonl('-', {}, fakeRuntime({ stdin: [line] })));
    expect([row?.id, row?.raw]).toEqual(['stdin:1', line]);
    const [text] = await all(lines('-', {}, fakeRuntime({ stdin: [line] })));
    expect(text?.data).toBe(line);
  });

  it('does not set a prototype', async () => {
    const line =
      '{"$batchx":"failed","id":"a","metadata":{"__proto__":{"x":1}},"error":{},"data":{"__proto__":{"x":1}}}';
    const [item] = await all(jsonl('-', {}, fakeRuntime({ stdin: [line] })));
    expect(Object.getPrototypeOf(item?.data)).toBe(Object.prototype);
    expect((item?.metadata as { x?: unknown }).x).toBeUndefined();
  });
});

describe('the file', () => {
  it('is there only when something failed, and an older one is gone', async () => {
    const failed = path();
    await all(literals([1]).pipe(toFailed(failed)));
    expect(existsSync(failed)).toBe(false);
    writeFileSync(failed, '{"$batchx":"failed","id":"old"}\n');
    await all(literals([1]).pipe(toFailed(failed)));
    expect(existsSync(failed)).toBe(false);
    writeFileSync(failed, '{"$batchx":"failed","id":"old"}\n');
    await all(literals([1]).pipe(refuse, toFailed(failed)));
    expect(readFileSync(failed, 'utf8')).toMatch(/^\{"\$batchx":"failed","id":"#1".*\}\n$/);
    expect(readdirSync(dirname(failed))).toEqual(['failed.jsonl']);
  });

  it('refuses a file that holds something else, also when that is read', async () => {
    const failed = path();
    writeFileSync(failed, '1\n');
    for (const source of [literals([1]), jsonl(failed)]) {
      await expect(all(source.pipe(refuse, toFailed(failed)))).rejects.toMatchObject({
        code: 'usage',
        message: `cannot write ${failed}: it is there already, and is no file of dead letters; write to another file`,
      });
      expect(readFileSync(failed, 'utf8')).toBe('1\n');
    }
    writeFileSync(failed, '');
    await all(literals([1]).pipe(refuse, toFailed(failed)));
    expect(readFileSync(failed, 'utf8')).toContain('"id":"#1"');
  });

  it('holds a letter before the outcome of its item is emitted', async () => {
    const failed = path();
    const runtime = fakeRuntime();
    const seen: boolean[] = [];
    await all(
      literals([1, 2], runtime).pipe(
        refuse,
        toFailed(failed, runtime),
        tap(({ id }) => seen.push(readFileSync(failed, 'utf8').includes(`"${id}"`))),
      ),
    );
    expect(seen).toEqual([true, true]);
    expect(runtime.counts).toMatchObject({ failed: 2, pending: 0 });
  });

  it('that cannot be written is the error of the run, and no item counts as failed', async () => {
    const runtime = fakeRuntime();
    const folder = join(temporaryFolder(), 'folder');
    mkdirSync(folder);
    for (const [name, why] of [
      [folder, 'it is a directory'],
      [join(folder, 'no', 'f'), 'there is no such folder'],
      ['/dev/full', 'ENOSPC'],
    ] as const) {
      const run = all(literals([1], runtime).pipe(refuse, toFailed(name, runtime)));
      await expect(run).rejects.toMatchObject({ code: 'output', message: expect.stringContaining(why) });
    }
    expect(runtime.counts).toMatchObject({ failed: 0, pending: 3 });
  });
});

describe('a file that is run again in its own place', () => {
  const again = (failed: string, runtime: FakeRuntime, bad: readonly number[]): Observable<Outcome<number>> =>
    jsonl<number>(failed, {}, runtime).pipe(
      mapItems((n) => (bad.includes(n) ? Promise.reject(new Error('still bad')) : n)),
      toFailed(failed, runtime),
    );
  async function prepared(): Promise<string> {
    const failed = path();
    await all(literals([1, 2, 3, 4]).pipe(refuse, toFailed(failed)));
    return failed;
  }
  const left = (failed: string): unknown[] =>
    readFileSync(failed, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => (JSON.parse(line) as { data: unknown }).data);

  it('holds in the end what failed again', async () => {
    const failed = await prepared();
    await all(again(failed, fakeRuntime(), [2, 4]));
    expect(left(failed).sort()).toEqual([2, 4]);
    await all(again(failed, fakeRuntime(), []));
    expect(readdirSync(dirname(failed))).toEqual([]);
  });

  it('keeps all that was not run when the run ends before', async () => {
    const failed = await prepared();
    const runtime = fakeRuntime();
    await expect(
      all(
        concat(
          again(failed, runtime, []).pipe(take(1)),
          throwError(() => new Error('gone')),
        ),
      ),
    ).rejects.toThrow();
    await expect.poll(() => readdirSync(dirname(failed))).toEqual(['failed.jsonl']);
    expect(left(failed)).toEqual([1, 2, 3, 4]);
    const failing = jsonl<number>(failed, {}, runtime).pipe(
      tap(({ data }) => {
        if (data === 2) throw new Error('gone');
      }),
      toFailed(failed, runtime),
    );
    await expect(all(failing)).rejects.toThrow('gone');
    expect(left(failed)).toEqual([1, 2, 3, 4]);
    const stopped = fakeRuntime();
    await all(
      again(failed, stopped, [1]).pipe(
        tap(() => {
          stopped.stop();
        }),
      ),
    );
    await expect.poll(() => readdirSync(dirname(failed))).toEqual(['failed.jsonl']);
    expect(left(failed).slice(0, 4)).toEqual([1, 2, 3, 4]);
  });
});

describe('every source takes them back', () => {
  const rows = '{"n":1}\n["ä"]\nnull\n';
  const table = 'a,b\n1,"x\ny"\n2,ö\n';
  const cases: readonly [string, (input: string) => Observable<Item>, string][] = [
    ['jsonl', (input) => jsonl(input), rows],
    ['lines', (input) => lines(input), 'one\n two \n"3"\n'],
    ['csv', (input) => csv(input), table],
    ['json', (input) => json(input), '[{"n":1},["ä"],null,"x"]'],
  ];

  it.each(cases)('%s: the data, ids and metadata that they had', async (_name, source, text) => {
    const input = fixture(text, 'in');
    const first = (await all(source(input))).map(facts);
    const failed = fixture(await lettersOf(source(input)), 'failed.jsonl');
    expect((await all(source(failed))).map(facts)).toEqual(first);
    const twice = fixture(await lettersOf(source(failed)), 'failed.jsonl');
    expect(readFileSync(twice, 'utf8')).toBe(readFileSync(failed, 'utf8'));
    expect((await all(jsonl(failed))).map(facts)).toEqual(first);
  });

  it('literals: as values', async () => {
    const letters = (await lettersOf(literals([{ a: 1 }, 'b'])))
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown);
    expect((await all(literals([letters[1], 'c', letters[0]]))).map(facts)).toEqual([
      { data: 'b', id: '#2', metadata: {} },
      { data: 'c', id: '#2', metadata: {} },
      { data: { a: 1 }, id: '#1', metadata: {} },
    ]);
  });

  it('json: as elements', async () => {
    const letters = (await lettersOf(json(fixture('[1,2]')))).trimEnd().split('\n');
    const items = await all(json(fixture(`[${letters.join()},3]`)));
    expect(items.map(({ data }) => data)).toEqual([1, 2, 3]);
    expect(items[0]?.metadata).toMatchObject({ index: 0 });
  });

  it.each([
    ['jsonl', (input: string) => jsonl(input), 'oops', '"mended"', 'mended'],
    ['csv', (input: string) => csv(input), 'a,b\n1,2,3', '1,"2\n"', { a: '1', b: '2\n' }],
  ])('%s: reads a record again that it could not read', async (_name, source, text, mended, data) => {
    const letters = await lettersOf(source(fixture(text, 'in')));
    const [same] = await all(source(fixture(letters)));
    expect(same?.error).toMatchObject({ code: 'parse' });
    expect(await lettersOf(source(fixture(letters)))).toBe(letters);
    const letter = JSON.parse(letters) as { text: string; id: string };
    const [item] = await all(source(fixture(JSON.stringify({ ...letter, text: mended }))));
    expect([item?.data, item?.id, item?.error]).toEqual([data, letter.id, undefined]);
  });

  it.each([
    ['jsonl', (input: string) => jsonl(input), ''],
    ['lines', (input: string) => lines(input), ''],
    ['csv', (input: string) => csv(input), 'a\n'],
  ])(
    '%s: a record that is not text fails again with its bytes, and is read once they are',
    async (_name, source, before) => {
      const bytes = Buffer.from([0x22, 0xe4, 0x22]);
      const letters = await lettersOf(source(fixture(Buffer.concat([Buffer.from(before), bytes]), 'in')));
      const letter = JSON.parse(letters) as { base64: string };
      expect(Buffer.from(letter.base64, 'base64')).toEqual(bytes);
      const [same] = await all(source(fixture(letters)));
      expect(same).toMatchObject({
        data: undefined,
        error: { code: 'parse', message: expect.stringContaining('not UTF-8') },
      });
      expect(same?.extra.bytes).toEqual(bytes);
      const mended = JSON.stringify({ ...letter, base64: Buffer.from('"ä"').toString('base64') });
      const [item] = await all(source(fixture(mended)));
      expect(item?.error).toBeUndefined();
      expect(JSON.stringify(item?.data)).toContain('ä');
    },
  );

  it('names a record by its expression once it can be read', async () => {
    const source = (input: string) => jsonl(input, { id: 'data.sku.toString()' });
    const letters = await lettersOf(source(fixture('{"sku":1}\n{"key":2}\n')));
    const [named, unnamed] = letters
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { id: string; text?: string });
    expect([named?.id, unnamed?.text]).toEqual(['1', '{"key":2}']);
    const mended = JSON.stringify({ ...unnamed, text: '{"sku":2}' });
    expect((await all(source(fixture(mended)))).map(({ id }) => id)).toEqual(['2']);
  });

  it('csv and json say which line of a file of letters is none', async () => {
    const letters = await lettersOf(literals([1]));
    for (const source of [csv, json]) {
      const items = await all<Item>(source(fixture(`${letters}a,b\n`)));
      expect(items.map(({ error }) => error?.message)).toEqual([
        undefined,
        'not a dead letter, as the first line of this file is',
      ]);
    }
  });

  it('only as a record of the format that it is, which their letter says', async () => {
    const sources: readonly [string, (input: string) => Observable<Item>][] = [
      ['json', (input) => jsonl(input)],
      ['json', (input) => json(input)],
      ['csv', (input) => csv(input)],
      ['lines', (input) => lines(input)],
    ];
    const bytes = Buffer.from([0x33, 0xe4, 0x0a]);
    const kept: readonly [string, string][] = [
      ['json', await lettersOf(jsonl(fixture('oops\n')))],
      ['csv', await lettersOf(csv(fixture('a,b\n3\n')))],
      ['json', await lettersOf(json(fixture('[3]'), { id: 'data.no' }))],
      ['json', await lettersOf(jsonl(fixture(bytes)))],
      ['csv', await lettersOf(csv(fixture(Buffer.concat([Buffer.from('a\n'), bytes]))))],
      ['lines', await lettersOf(lines(fixture(bytes)))],
    ];
    for (const [format, letters] of kept) {
      const letter = JSON.parse(letters) as { as: string; text?: string; base64?: string };
      expect(letter.as).toBe(format);
      const mended = letter.text === undefined ? { base64: Buffer.from('3').toString('base64') } : { text: '3' };
      const text = JSON.stringify({ ...letter, ...mended });
      const other = `parse: expected a record of %, got one of ${format}: run it again with a source of that format`;
      for (const [own, source] of sources) {
        const [item, ...more] = await all(source(fixture(text)));
        expect(more).toEqual([]);
        const fault = item?.error === undefined ? undefined : `${item.error.code}: ${item.error.message}`;
        if (own !== format) {
          expect(fault).toBe(other.replace('%', own));
          const again = JSON.parse(await lettersOf(source(fixture(text)))) as object;
          expect(again).toEqual({ ...letter, ...mended, error: expect.anything() });
        } else expect(fault ?? '').not.toContain('expected a record of');
      }
      const [value] = await all(literals([JSON.parse(text)]));
      expect(value?.error?.message).toBe(other.slice('parse: '.length).replace('%', 'literals'));
      const byHand = JSON.stringify({ ...letter, ...mended, as: undefined });
      expect((await all(jsonl(fixture(byHand))))[0]?.data).toBe(3);
    }
  });

  it('and say once that a record was not kept, however often it is tried', async () => {
    const first = await lettersOf(literals([() => 1]));
    const second = await lettersOf(jsonl(fixture(first)));
    const message = 'cannot be run again, its record was not kept; it had failed with: refused';
    expect(JSON.parse(second)).toMatchObject({ error: { code: 'parse', message } });
    expect(await lettersOf(jsonl(fixture(second)))).toBe(second);
  });

  it('with rows of the deepest nesting that is taken', async () => {
    const row = '['.repeat(512) + ']'.repeat(512);
    const [item] = await all(jsonl(fixture(await lettersOf(jsonl(fixture(row))))));
    expect([item?.error, item?.raw]).toEqual([undefined, row]);
  });

  it('whatever the data is', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.jsonValue(), { minLength: 1, maxLength: 5 }), async (values) => {
        const text = values.map((value) => JSON.stringify(value)).join('\n');
        const letters = await lettersOf(jsonl('-', {}, fakeRuntime({ stdin: [text] })));
        const runtime = fakeRuntime({ stdin: [letters] });
        await all(
          jsonl('-', {}, runtime).pipe(
            filterItems(() => true),
            toJsonl('-', runtime),
          ),
        );
        expect(runtime.stdout).toBe(`${text}\n`);
      }),
    );
  });
});
