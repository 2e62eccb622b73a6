import { execFileSync } from 'node:child_process';
import {
  closeSync,
  constants,
  createWriteStream,
  mkdirSync,
  openSync,
  readdirSync,
  readlinkSync,
  readSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { firstValueFrom, lastValueFrom, merge, take, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { filterItems, type Item, jsonl, type JsonlOptions, mapItems, toJsonl } from 'batchx';
import { fakeRuntime } from 'batchx/testing';
import { readDescriptor } from '../../src/core/bytes-in.js';
import { fixture, temporaryFolder } from '../contract/temp.js';

type Stdin = Iterable<string | Uint8Array> | AsyncIterable<string | Uint8Array>;

const read = (stdin: Stdin, options: JsonlOptions = {}): Promise<Item[]> =>
  lastValueFrom(jsonl('-', options, fakeRuntime({ stdin })).pipe(toArray()));
const readFileItems = (path: string | string[]): Promise<Item[]> =>
  lastValueFrom(jsonl(path, {}, fakeRuntime()).pipe(toArray()));
/** What an item is, without where it came from. */
const shown = ({ data, error }: Item): unknown => (error === undefined ? data : `${error.code}: ${error.message}`);
const shownAll = async (stdin: Stdin): Promise<unknown[]> => (await read(stdin)).map(shown);

describe('lines', () => {
  it('emits the values of the lines in their order', async () => {
    expect(await shownAll(['{"n":1}\n[2]\n"three"\n4\nnull\nfalse\n'])).toEqual([
      { n: 1 },
      [2],
      'three',
      4,
      null,
      false,
    ]);
  });

  it('takes a last line without a line end, and nothing of nothing', async () => {
    expect(await shownAll(['1\n2'])).toEqual([1, 2]);
    expect(await shownAll([])).toEqual([]);
    expect(await shownAll(['\n'])).toEqual([]);
  });

  it('drops one CR before the line end', async () => {
    const items = await read(['{"a":1}\r\n2\r\r\n3\r']);
    expect(items.map(shown)).toEqual([{ a: 1 }, 2, 3]);
    expect(items.map(({ raw }) => raw)).toEqual(['{"a":1}', '2\r', '3']);
  });

  it('passes over blank lines, but not over lines of other white space', async () => {
    expect(await shownAll(['\n  \n\t\n\r\n1\n \r\n'])).toEqual([1]);
    expect(await shownAll(['\u00a0\n'])).toEqual([expect.stringContaining('parse: not JSON')]);
  });

  it('drops a byte order mark at the very beginning only', async () => {
    expect(await shownAll(['\ufeff1\n2\n'])).toEqual([1, 2]);
    expect(await shownAll(['\ufeff'])).toEqual([]);
    expect(await shownAll(['1\n\ufeff2\n'])).toEqual([1, expect.stringContaining('parse: not JSON')]);
    expect(await shownAll([Buffer.from('\ufeff"é"\n').subarray(0, 2), Buffer.from('\ufeff"é"\n').subarray(2)])).toEqual(
      ['é'],
    );
  });

  it('splits on LF alone: not on U+2028, U+2029, U+0085, FF or a lone CR', async () => {
    const text = '"a\u2028b\u2029c\u0085d"';
    expect(await shownAll([`${text}\n1\r2\n`])).toEqual([
      'a\u2028b\u2029c\u0085d',
      expect.stringContaining('not JSON'),
    ]);
  });

  it('fails a line that is not JSON, and reads on', async () => {
    const items = await read(['{"a":1}\noops\n{"a":3}\n{"b":\u0000}\n']);
    expect(items.map(({ error }) => error?.code)).toEqual([undefined, 'parse', undefined, 'parse']);
    expect(items[1]).toMatchObject({
      raw: 'oops',
      data: undefined,
      error: { message: expect.stringMatching(/^not JSON: .*oops/) },
    });
  });

  it('keeps three bad lines from passing as two good ones', async () => {
    const items = await read(['{"a":1},{"a":2}\n{"b":[{}\n{"c":1}]}\n']);
    expect(items.map(({ error }) => error?.code)).toEqual(['parse', 'parse', 'parse']);
  });

  it('fails a line that is not UTF-8, keeps its bytes, and reads the next one', async () => {
    const bad = Buffer.concat([Buffer.from('{"name":"é\ufffd'), Buffer.from([0xff]), Buffer.from('"}')]);
    const items = await read([Buffer.concat([Buffer.from('"ä"\n'), bad, Buffer.from('\n"ö"\n')]), Buffer.from([0xc3])]);
    expect(items.map(shown)).toEqual([
      'ä',
      'parse: not UTF-8 text, from byte 15 of the record on',
      'ö',
      'parse: not UTF-8 text, from byte 1 of the record on',
    ]);
    expect(items[1]?.extra.bytes).toEqual(bad);
    expect(items.map(({ metadata }) => metadata)).toEqual([
      { source: 'stdin', line: 1, offset: 0 },
      { source: 'stdin', line: 2, offset: 5 },
      { source: 'stdin', line: 3, offset: 5 + bad.length + 1 },
      { source: 'stdin', line: 4, offset: 5 + bad.length + 6 },
    ]);
  });

  it('does not take surrogates written as bytes for text', async () => {
    expect(await shownAll([Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22, 0x0a])])).toEqual([
      expect.stringContaining('not UTF-8'),
    ]);
  });
});

describe('values', () => {
  it('keeps the keys that a row has, whatever they are called', async () => {
    const [item] = await read(['{"__proto__":{"x":1},"constructor":2,"a":1,"a":3}\n']);
    const data = item?.data as object;
    expect(Object.getPrototypeOf(data)).toBe(Object.prototype);
    expect(Object.entries(data)).toEqual([
      ['__proto__', { x: 1 }],
      ['constructor', 2],
      ['a', 3],
    ]);
    expect('x' in data).toBe(false);
  });

  it('takes 512 levels, and fails a row of more without exhausting the stack', async () => {
    const nested = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels);
    const items = await read([
      `${nested(512)}\n${nested(513)}\n${'['.repeat(1_000_000)}\n{"a":"${'['.repeat(2000)}"}\n1\n`,
    ]);
    const deep = 'nested deeper than 512 levels, which is the most a value may have';
    expect(items.map(({ error }) => error?.message)).toEqual([undefined, deep, deep, undefined, undefined]);
  });

  it('writes rows that no step changed byte for byte', async () => {
    const rows = [
      '{"id":12345678901234567890, "x":1.0e5,"a":1,"a":2}',
      ' { "s" : "\\u00e4\\/" } ',
      '{"__proto__":1,"2":0,"1":0}',
      '"\u2028 ä 💩"',
      '-0',
    ];
    const runtime = fakeRuntime({ stdin: [`${rows.join('\r\n')}\n`] });
    await lastValueFrom(
      jsonl('-', {}, runtime).pipe(
        filterItems(() => true),
        toJsonl('-', runtime),
      ),
    );
    expect(runtime.stdout).toBe(`${rows.join('\n')}\n`);
  });

  it('does not keep the text of a row that a step changed', async () => {
    const runtime = fakeRuntime({ stdin: ['{"n":12345678901234567890}\n'] });
    await lastValueFrom(
      jsonl<{ n: number }>('-', {}, runtime).pipe(
        mapItems(({ n }) => ({ n })),
        toJsonl('-', runtime),
      ),
    );
    expect(runtime.stdout).toBe('{"n":12345678901234567000}\n');
  });
});

describe('ids and metadata', () => {
  it('calls items by their file and line, counting lines that are passed over', async () => {
    const items = await read(['1\n\n  \n"ä💩"\n\u00a0\n6\n']);
    expect(items.map(({ id }) => id)).toEqual(['stdin:1', 'stdin:4', 'stdin:5', 'stdin:6']);
    expect(items.map(({ metadata }) => metadata['offset'])).toEqual([0, 6, 15, 18]);
    expect(items.map(({ seq }) => seq)).toEqual([0, 1, 2, 3]);
  });

  it('gives the same places in whatever order they are asked for', async () => {
    const items = await read(['"é"\n2\n"é"\n4\n']);
    const backwards = items
      .map((item) => item)
      .reverse()
      .map(({ id }) => id);
    expect(backwards).toEqual(['stdin:4', 'stdin:3', 'stdin:2', 'stdin:1']);
    expect(items.map(({ metadata }) => metadata['offset'])).toEqual([0, 5, 7, 12]);
  });

  it('calls items what an expression says; one that throws fails its item', async () => {
    const items = await read(['{"sku":"a"}\nnull\n{"sku":7}\n'], { id: 'data.sku' });
    expect(items.map(({ id }) => id)).toEqual(['a', 'stdin:2', '7']);
    expect(items[1]).toMatchObject({ raw: 'null', error: { code: 'expression' } });
  });

  it.each([
    ['data.a', 'undefined'],
    ['null', 'null'],
    ['({})', 'an object'],
    ['[data.sku]', 'a list'],
    ['Promise.reject(new Error("no"))', 'a promise'],
    ['""', 'empty text'],
    ['0 / 0', 'NaN'],
    ['1 / 0', 'Infinity'],
    ['true', 'true'],
    ['Symbol("s")', 'a symbol'],
    ['() => () => 1', 'a function'],
  ])('fails each item that %s gives no name, which keeps its place', async (id, kind) => {
    const items = await read(['{"sku":"a"}\n{"sku":"b"}\n'], { id });
    expect(items.map((item) => [item.id, item.raw])).toEqual([
      ['stdin:1', '{"sku":"a"}'],
      ['stdin:2', '{"sku":"b"}'],
    ]);
    const message = `expected \`id\` to give text or a number, got ${kind}`;
    expect(items[1]?.error).toMatchObject({ code: 'expression', message });
  });

  it('takes numbers of any size for ids', async () => {
    const items = await read(['0\n1.5\n'], { id: (data: number) => (data === 0 ? 12345678901234567890n : data) });
    expect(items.map(({ id }) => id)).toEqual(['12345678901234567890', '1.5']);
  });

  it('names items by a template', async () => {
    const named = await read(['{"sku":"a","shop":1}\n'], { id: '{{ shop }}/{{ sku }}' });
    expect(named.map(({ id }) => id)).toEqual(['1/a']);
  });

  it('refuses options that it does not know, and expressions that do not parse', () => {
    expect(() => jsonl('-', { ids: 1 } as JsonlOptions)).toThrow(/jsonl: .*ids/);
    expect(() => jsonl('')).toThrow('jsonl: `path`');
    expect(() => jsonl([])).toThrow('jsonl: `path`');
    expect(() => jsonl('-', { id: 'data.(' })).toThrow('jsonl: `id`: the expression does not parse');
    expect(() => jsonl(['-', 'a.jsonl', '-'])).toThrow('jsonl: `path`: expected `-` once');
  });
});

describe('blocks', () => {
  const values = fc.oneof(
    fc.constantFrom('', ' ', 'oops', '\ufeff', '\r', '"é"', '"💩"', '"\ufffd"', '{"a":[1,"ä"]}'),
    fc.json(),
  );
  const bytes = fc
    .tuple(
      fc.array(fc.tuple(values, fc.constantFrom('\n', '\r\n')), { maxLength: 12 }),
      values,
      fc.option(fc.uint8Array({ maxLength: 3 })),
    )
    .map(([lines, last, noise]) =>
      Buffer.concat([Buffer.from(lines.flat().join('')), noise ?? Buffer.of(), Buffer.from(last)]),
    );
  const facts = (item: Item): unknown => [shown(item), item.raw, item.metadata, item.id, item.seq, item.extra.bytes];

  it('gives the same items however the bytes are cut', async () => {
    await fc.assert(
      fc.asyncProperty(bytes, fc.array(fc.nat(), { maxLength: 8 }), async (whole, cuts) => {
        const at = [...new Set([0, ...cuts.map((cut) => cut % (whole.length + 1)), whole.length])].sort(
          (a, b) => a - b,
        );
        const parts = at.slice(1).map((end, i) => whole.subarray(at[i], end));
        expect((await read(parts)).map(facts)).toEqual((await read([whole])).map(facts));
      }),
    );
  });

  it('gives the same items when each byte comes alone', async () => {
    const whole = Buffer.from('\ufeff{"a":"é💩"}\r\n\r\noops\n"\u2028"\n\n12');
    const bytewise = Array.from(whole, (byte) => Uint8Array.of(byte));
    expect((await read(bytewise)).map(facts)).toEqual((await read([whole])).map(facts));
  });

  it('cuts a row of a file at every place of the border between two reads', async () => {
    const row = '{"text":"äé💩"}';
    for (let shift = 0; shift <= Buffer.byteLength(row) + 2; shift++) {
      const pad = `"${'x'.repeat(64 * 1024 - 3 - shift)}"`;
      const items = await readFileItems(fixture(`${pad}\n${row}\r\n2`));
      expect(items.slice(1).map(({ data }) => data)).toEqual([{ text: 'äé💩' }, 2]);
      expect(items[2]?.metadata).toMatchObject({ line: 3, offset: pad.length + 1 + Buffer.byteLength(row) + 2 });
    }
  });
});

describe('long lines', () => {
  const limit = 16 * 1024 * 1024;
  function* blocks(text: string, size: number): Generator<Buffer> {
    const block = Buffer.alloc(64 * 1024, text);
    for (let left = size; left > 0; left -= block.length) yield block.subarray(0, Math.min(left, block.length));
  }

  it('takes 16 MiB, and fails a line of more where it stands', async () => {
    function* stdin(): Generator<Buffer> {
      yield Buffer.from('1\n"');
      yield* blocks('x', limit - 2);
      yield Buffer.from('"\n"');
      yield* blocks('x', limit - 1);
      yield Buffer.from('"\n4\n');
    }
    const items = await read(stdin());
    expect(items.map((item) => (typeof item.data === 'string' ? item.data.length : shown(item)))).toEqual([
      1,
      limit - 2,
      'parse: longer than 16 MiB, which is the most a record may have',
      4,
    ]);
    expect(items.map(({ metadata }) => [metadata['line'], metadata['offset']])).toEqual([
      [1, 0],
      [2, 2],
      [3, 2 + limit + 1],
      [4, 2 + limit + 1 + limit + 2],
    ]);
  });

  it('passes over 1 GB without a line end in flat memory', async () => {
    let most = 0;
    function* stdin(): Generator<Buffer> {
      for (const block of blocks('x', 1024 ** 3)) {
        most = Math.max(most, process.memoryUsage().rss);
        yield block;
      }
      yield Buffer.from('\n2\n');
    }
    const before = process.memoryUsage().rss;
    const items = await read(stdin());
    expect(items.map(({ error, data }) => error?.code ?? data)).toEqual(['parse', 2]);
    expect(items[1]?.metadata).toMatchObject({ line: 2, offset: 1024 ** 3 + 1 });
    expect(most - before).toBeLessThan(150 * 1024 ** 2);
  });
});

describe('files', () => {
  it('reads several one after another, each with its own lines and its own mark', async () => {
    const paths = [fixture('\ufeff1\n2'), fixture(''), fixture('\ufeff3\n')];
    const items = await readFileItems(paths);
    expect(items.map(({ data }) => data)).toEqual([1, 2, 3]);
    expect(items.map(({ id }) => id)).toEqual([`${paths[0]}:1`, `${paths[0]}:2`, `${paths[2]}:1`]);
    expect(items.map(({ seq }) => seq)).toEqual([0, 1, 2]);
  });

  it('unpacks files that end in .gz, also of several members', async () => {
    expect((await readFileItems(fixture('1\n2\n', 'in.jsonl.gz'))).map(({ data }) => data)).toEqual([1, 2]);
    const path = join(temporaryFolder(), 'two.gz');
    writeFileSync(path, Buffer.concat([gzipSync('1\n2'), gzipSync('3\n4\n')]));
    expect((await readFileItems(path)).map(({ data }) => data)).toEqual([1, 23, 4]);
  });

  const failure = (path: string): Promise<unknown> => readFileItems(path).catch((error: unknown) => error);

  it('says which file there is not', async () => {
    expect(await failure('/nowhere/in.jsonl')).toMatchObject({
      code: 'input',
      message: 'cannot read /nowhere/in.jsonl: there is no such file',
      where: '/nowhere/in.jsonl',
    });
    expect(await failure('/nowhere/in.gz')).toMatchObject({
      code: 'input',
      message: 'cannot read /nowhere/in.gz: there is no such file',
    });
  });

  it('says that a folder is one', async () => {
    const folder = join(temporaryFolder(), 'folder');
    mkdirSync(folder);
    expect(await failure(folder)).toMatchObject({ code: 'input', message: `cannot read ${folder}: it is a directory` });
  });

  it('says that packed data is not whole, after the rows that are', async () => {
    const text = Array.from({ length: 100_000 }, (_, n) => `{"n":${n},"x":"${(n * 7919) % 10007}"}\n`).join('');
    const path = fixture(text, 'cut.gz');
    truncateSync(path, (await readFile(path)).length - 20);
    let rows = 0;
    const error = await new Promise((resolve) => {
      jsonl(path, {}, fakeRuntime()).subscribe({
        next: () => rows++,
        error: resolve,
        complete: () => resolve('complete'),
      });
    });
    expect(error).toMatchObject({
      code: 'input',
      message: `cannot read ${path}: not whole gzip data: unexpected end of file`,
    });
    expect(rows).toBeGreaterThan(90_000);
    expect(await failure(emptyFile('empty.gz'))).toMatchObject({
      code: 'input',
      message: expect.stringContaining('not whole gzip data'),
    });
    const plain = join(temporaryFolder(), 'plain.gz');
    writeFileSync(plain, '{"n":1}\n');
    expect(await failure(plain)).toMatchObject({
      code: 'input',
      message: expect.stringContaining('incorrect header check'),
    });
  });

  const emptyFile = (name: string): string => {
    const path = join(temporaryFolder(), name);
    writeFileSync(path, '');
    return path;
  };

  it('gives the rows of the files before the one that there is not', async () => {
    const seen: unknown[] = [];
    const error = await new Promise((resolve) => {
      jsonl([fixture('1\n'), '/nowhere'], {}, fakeRuntime()).subscribe({
        next: ({ data }) => seen.push(data),
        error: resolve,
      });
    });
    expect(seen).toEqual([1]);
    expect(error).toMatchObject({ code: 'input' });
  });
});

describe('pipes', () => {
  function fifo(): string {
    const path = join(temporaryFolder(), 'pipe');
    execFileSync('mkfifo', [path]);
    return path;
  }

  it('reads a named pipe to its end', async () => {
    const path = fifo();
    const items = readFileItems(path);
    createWriteStream(path).end('1\n2\n3');
    expect((await items).map(({ data }) => data)).toEqual([1, 2, 3]);
  });

  it('emits a row as soon as it is there', async () => {
    const path = fifo();
    const fd = openSync(path, 'r+');
    writeSync(fd, '{"n":1}\n{"n":');
    expect((await firstValueFrom(jsonl(path, {}, fakeRuntime()))).data).toEqual({ n: 1 });
    closeSync(fd);
  });

  it('gives up a named pipe that nothing comes through when it is left', async () => {
    const path = fifo();
    const fd = openSync(path, 'r+');
    const readers = (): number =>
      readdirSync('/proc/self/fd').filter((name) => {
        try {
          return readlinkSync(`/proc/self/fd/${name}`) === path;
        } catch {
          return false;
        }
      }).length;
    const subscription = jsonl(path, {}, fakeRuntime()).subscribe();
    await expect.poll(readers).toBe(2);
    subscription.unsubscribe();
    await expect.poll(readers).toBe(1);
    closeSync(fd);
  });

  it('gives up a read that waits when it is left', async () => {
    const path = fifo();
    const fd = openSync(path, 'r+');
    const reading = new AbortController();
    const blocks = readDescriptor(openSync(path, 'r'), 'pipe', reading.signal)[Symbol.asyncIterator]();
    const waiting = blocks.next();
    reading.abort();
    expect((await waiting).done).toBe(true);
    closeSync(fd);
  });

  it('opens a named pipe that nobody writes to yet at once, and leaves nothing behind when it is left', async () => {
    const path = fifo();
    const open = (): boolean => {
      try {
        closeSync(openSync(path, constants.O_WRONLY | constants.O_NONBLOCK));
        return true;
      } catch {
        return false;
      }
    };
    // By name: a reader that is still being opened has no descriptor, yet counts as one.
    const opened = (): boolean =>
      readdirSync('/proc/self/fd').some((fd) => {
        try {
          return readlinkSync(`/proc/self/fd/${fd}`) === path;
        } catch {
          return false;
        }
      });
    const subscription = jsonl(path, {}, fakeRuntime()).subscribe();
    await expect.poll(opened).toBe(true);
    subscription.unsubscribe();
    await expect.poll(opened).toBe(false);
    expect(open()).toBe(false);
  });

  it('waits for whoever writes to a named pipe, also when nothing is written', async () => {
    for (const [text, rows] of [
      ['1\n2\n', [1, 2]],
      ['', []],
    ] as const) {
      const path = fifo();
      const items = readFileItems(path);
      let writer = -1;
      // Fails until there is a reader: an `open` that waits would keep that from coming.
      const joins = (): boolean => {
        try {
          writer = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK);
          return true;
        } catch {
          return false;
        }
      };
      await expect.poll(joins).toBe(true);
      for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
      writeSync(writer, text);
      closeSync(writer);
      expect((await items).map(({ data }) => data)).toEqual(rows);
    }
  });

  it('refuses a second reader of standard input while there is a first, and lets it go on after it', async () => {
    const path = fifo();
    const fd = openSync(path, 'r+');
    const runtime = fakeRuntime();
    const input = (signal: AbortSignal) => readDescriptor(fd, 'stdin', signal);
    const stdin = { ...runtime, stdio: { ...runtime.stdio, input } };
    const first = lastValueFrom(merge(jsonl('-', {}, stdin), jsonl('-', {}, stdin)).pipe(toArray()));
    await expect(first).rejects.toMatchObject({
      name: 'BatchxError',
      code: 'input',
      message: 'cannot read stdin: another source is reading it already',
    });
    const file = openSync(fixture('1\n2\n'), 'r');
    const again = (): AsyncIterable<Buffer> => readDescriptor(file, 'stdin', new AbortController().signal);
    const read = async (): Promise<string> => {
      let text = '';
      for await (const block of again()) text += block.toString();
      return text;
    };
    expect([await read(), await read()]).toEqual(['1\n2\n', '']);
    closeSync(file);
  });

  it('reads an open file from where it stands', async () => {
    const fd = openSync(fixture('1\n2\n3\n'), 'r');
    readSync(fd, Buffer.alloc(2));
    const runtime = fakeRuntime();
    const stdio = { ...runtime.stdio, input: (signal: AbortSignal) => readDescriptor(fd, 'stdin', signal) };
    const items = await lastValueFrom(jsonl('-', {}, { ...runtime, stdio }).pipe(toArray()));
    expect(items.map(({ data }) => data)).toEqual([2, 3]);
    closeSync(fd);
  });
});

describe('the run', () => {
  it('counts what it read, and ends early when the run is stopping', async () => {
    const runtime = fakeRuntime({ stdin: ['1\n2\n', '3\n4\n'] });
    const seen: unknown[] = [];
    await lastValueFrom(jsonl('-', {}, runtime).pipe(take(4), toArray(), take(1)));
    expect(runtime.counts.read).toBe(4);
    const again = fakeRuntime({ stdin: ['1\n2\n', '3\n4\n'] });
    await new Promise<void>((resolve) => {
      jsonl('-', {}, again).subscribe({
        next: ({ data }) => {
          seen.push(data);
          if (data === 3) again.stop();
        },
        complete: resolve,
      });
    });
    expect(seen).toEqual([1, 2, 3]);
  });
});
