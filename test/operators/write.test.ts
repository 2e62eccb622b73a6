import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileName, Item, type ItemFileOptions, jsonl, literals, pull, writeItems, writeStep } from 'batchx';
import { type FakeRuntime, fakeRuntime } from 'batchx/testing';
import { from, lastValueFrom, type MonoTypeOperatorFunction, of, Subject, take, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { builtin } from '../../src/builtin.js';
import type { ConcurrencyOptions } from '../../src/core/concurrency.js';
import type { Room } from '../../src/core/rooms.js';
import { run } from '../../src/pipeline/run.js';
import { openFiles } from '../../src/testing/open-files.js';
import { fixture, temporaryFolder } from '../contract/temp.js';
import { hostile } from '../core/hostile.js';
import { failed, heldIn, show, upTo, watch } from './helpers.js';

type Options = ItemFileOptions<never>;

const items = (...data: unknown[]): Item[] => data.map((value, seq) => Item.of(value, { seq, id: `id-${seq}` }));

function write(
  given: readonly Item[],
  options: Options,
  { concurrency = {}, runtime = fakeRuntime() }: { concurrency?: ConcurrencyOptions; runtime?: FakeRuntime } = {},
) {
  const operator: MonoTypeOperatorFunction<Item> = writeItems(
    { durability: 'off', ...(options as ItemFileOptions<unknown>) },
    { ordered: true, ...concurrency },
    runtime,
  );
  return lastValueFrom(from(given).pipe(operator, toArray()));
}

const contents = (root: string): Record<string, string> =>
  Object.fromEntries(
    readdirSync(root, { recursive: true, encoding: 'utf8' })
      .filter((name) => statSync(join(root, name)).isFile())
      .sort()
      .map((name) => [name, readFileSync(join(root, name), 'utf8')]),
  );

describe('writeItems', () => {
  it('writes a file for each item, which goes on as it is, with the path', async () => {
    const root = temporaryFolder();
    const place = { source: 'in', locate: (at: number) => ({ line: at }) };
    const row = new Item(0, { sku: 'a', text: 'A' }, '{"sku": "a"}', place, 7);
    const [result] = await write([row], { root, path: '{{ sku }}/x.txt', content: '{{ text }}\n' });
    expect(contents(root)).toEqual({ 'a/x.txt': 'A\n' });
    expect(result).toMatchObject({ data: row.data, raw: row.raw, id: 'in:7' });
    expect(result!.metadata).toEqual({ source: 'in', line: 7, outputPath: join(root, 'a/x.txt') });
  });

  it('takes functions of the data and the item, also one that gives a promise of the content', async () => {
    const root = temporaryFolder();
    await write(items({ sku: 'a/b' }), {
      root,
      path: ({ sku }: { sku: string }, { seq }) => `${seq}/${fileName(sku)}.json`,
      content: async ({ sku }: { sku: string }, { id }: Item) => ({ sku, id }),
    });
    expect(contents(root)).toEqual({ '0/a%2Fb.json': '{"sku":"a/b","id":"id-0"}\n' });
  });

  it.each([
    ['text', 'ä', 'ä'],
    ['bytes', Buffer.from([0xff, 0]), Buffer.from([0xff, 0])],
    ['an object', { a: [1] }, '{"a":[1]}\n'],
    ['a list', [1, 2], '[1,2]\n'],
    ['a number', 1.5, '1.5'],
    ['nothing in it', '', ''],
  ])('writes what is there as it is: %s', async (_, content, expected) => {
    const root = temporaryFolder();
    await write(items({ content }), { root, path: 'template' });
    expect(readFileSync(join(root, 'template'))).toEqual(Buffer.from(expected));
    await write(items({ content }), { root, path: 'function', content: (data: { content: string }) => data.content });
    const text = typeof content === 'number' ? `${expected.toString()}\n` : expected;
    expect(readFileSync(join(root, 'function'))).toEqual(Buffer.from(text));
  });

  it('writes a row that no step has changed as it was read', async () => {
    const root = temporaryFolder();
    const source = jsonl(fixture('{"n": 12345678901234567890}\n"text"\n'));
    await lastValueFrom(source.pipe(writeItems({ root, path: '{{ index }}', content: '{{ data }}' })));
    expect(contents(root)).toEqual({ 0: '{"n": 12345678901234567890}\n', 1: 'text' });
  });

  it('makes safe names of values, and keeps the folders of paths', async () => {
    const root = join(temporaryFolder(), 'root');
    const given = items(...hostile.map((sku) => ({ sku, relative: 'a/b%.py', content: '' })));
    const results = await write(given, { root, path: '{{ relative }}/{{ sku }}.json' });
    expect(results.map(({ error }) => error)).toEqual(hostile.map(() => undefined));
    expect(readdirSync(join(root, 'a/b%25.py'))).toHaveLength(hostile.length);
    const up = await write(items({ dir: '../..', content: '' }, { dir: '', content: '' }), {
      root,
      path: '{{ dir }}/x',
    });
    expect(up.map(show)).toEqual([
      `!cannot write "../../x": it leads out of ${root}; a path is relative to that folder, which is set by \`root\``,
      { dir: '', content: '' },
    ]);
    expect(readdirSync(join(root, '..'))).toEqual(['root']);
    expect(readFileSync(join(root, 'x'), 'utf8')).toBe('');
  });

  it('refuses the second of two items with one path, whichever is written first, and goes on', async () => {
    const root = temporaryFolder();
    let ended!: (content: string) => void;
    const first = new Promise<string>((resolve) => (ended = resolve));
    const given = items({ to: 'b.txt' }, { to: 'b.txt' }, { to: 'c.txt' });
    const results = write(
      given,
      { root, onExists: 'overwrite', path: '{{ to }}', content: (_, { seq }: Item) => (seq === 0 ? first : 'x') },
      { concurrency: { ordered: false, concurrency: 2 } },
    );
    setImmediate(() => ended('first'));
    const seen = await results;
    expect(seen.find(({ seq }) => seq === 1)?.error).toMatchObject({
      code: 'path',
      message: `cannot write ${root}/b.txt: it is already the output of the item id-0; let the path tell the items apart, as \`{{ index }}\` does`,
    });
    expect(contents(root)).toEqual({ 'b.txt': 'first', 'c.txt': 'x' });
    const later = await write(
      items(...upTo(50).map((n) => ({ to: n === 49 ? '0' : n, content: n }))),
      { root, path: '{{ to }}' },
      { concurrency: { concurrency: 1 } },
    );
    expect(later.at(-1)!.error!.message).toContain(
      'it is already the output of an earlier item, number 1 of its source',
    );
  });

  it('may write the same paths again in another subscription', async () => {
    const root = temporaryFolder();
    const operator = writeItems({ root, path: 'a', content: 'x', onExists: 'overwrite' });
    for (let times = 0; times < 2; times++)
      expect((await lastValueFrom(of(Item.of(1)).pipe(operator))).error).toBeUndefined();
  });

  it('fails, skips or replaces what is there', async () => {
    const root = temporaryFolder();
    writeFileSync(join(root, 'a'), 'old');
    const all = async (onExists: 'fail' | 'skip' | 'overwrite') =>
      (await write(items('a', 'new'), { root, path: '{{ data }}', content: onExists, onExists })).map(show);
    expect(await all('skip')).toEqual(['~already-done', 'new']);
    expect(contents(root)).toEqual({ a: 'old', new: 'skip' });
    expect(await all('fail')).toEqual([
      `!cannot write ${root}/a: it is there already; remove it, or say skip or overwrite by \`onExists\` (--on-exists)`,
      `!cannot write ${root}/new: it is there already; remove it, or say skip or overwrite by \`onExists\` (--on-exists)`,
    ]);
    expect(await all('overwrite')).toEqual(['a', 'new']);
    expect(contents(root)).toEqual({ a: 'overwrite', new: 'overwrite' });
  });

  it('does not ask for content that is not needed', async () => {
    const root = temporaryFolder();
    writeFileSync(join(root, 'a'), 'old');
    const asked: unknown[] = [];
    await write(items('a', 'b'), {
      root,
      path: '{{ data }}',
      onExists: 'skip',
      content: (data) => `${asked.push(data)}`,
    });
    expect(asked).toEqual(['b']);
  });

  it('fails items whose path or content is wrong, and leaves nothing of them', async () => {
    const root = temporaryFolder();
    mkdirSync(join(root, 'folder'));
    symlinkSync(temporaryFolder(), join(root, 'out'));
    const cycle: Record<string, unknown> = {};
    cycle['self'] = cycle;
    const given: [to: unknown, content: unknown, code: string][] = [
      ['folder', '', 'path'],
      ['out/x', '', 'path'],
      ['../x', '', 'path'],
      ['a\nb', '', 'path'],
      [undefined, '', 'path'],
      ['b', undefined, 'encode'],
      ['c', cycle, 'encode'],
      ['d', '\ud83d', 'encode'],
      ['e', 'throws', 'expression'],
    ];
    const results = await write(items(...given.map(([to, content]) => ({ to, content }))), {
      root,
      path: ({ to }: { to: string }) => to,
      content: ({ content }: { content: string }) => (content === 'throws' ? Promise.reject(new Error('no')) : content),
    });
    expect(
      results.map(({ error }) =>
        error?.code === undefined
          ? 'ok'
          : error.code === 'expression' && error.cause instanceof TypeError
            ? 'encode'
            : error.code,
      ),
    ).toEqual(given.map(([, , code]) => code));
    expect(contents(root)).toEqual({});
    expect(readdirSync(root)).toEqual(['folder', 'out']);
  });

  it('says which name is unknown or empty', async () => {
    const given = items({ sku: 1, content: '' }, { sku: null });
    const says = async (options: Options) => (await write(given, { root: temporaryFolder(), ...options })).map(show);
    expect((await says({ path: '{{ skuu }}' }))[0]).toBe('!path: `skuu` is not known; did you mean "sku"?');
    expect((await says({ path: '{{ sku }}', content: 'x' }))[1]).toBe('!path: `sku` is null, expected a value');
    expect((await says({ path: '{{ index }}' }))[1]).toBe(
      '!content: `content` is not known; there are `sku`, `data`, `id`, `index`, `metadata`',
    );
  });

  it('refuses values that leave nothing of a part of the path: that is another folder', async () => {
    const root = temporaryFolder();
    const given = (a: unknown, b: unknown) => items({ a, b, dir: '' });
    const says = async (path: string, a: unknown = '', b: unknown = 'b') =>
      (await write(given(a, b), { root, path, content: 'x' })).map(show)[0];
    const refused = (made: string, path: string, what = 'an empty part of it, which is another folder') =>
      `!cannot write "${made}": the values of ${path} make ${what}`;
    expect(await says('out/{{ a }}/{{ b }}.txt')).toBe(refused('out//b.txt', 'out/{{ a }}/{{ b }}.txt'));
    expect(await says('{{ a }}/{{ b }}.txt')).toBe(refused('/b.txt', '{{ a }}/{{ b }}.txt'));
    expect(await says('{{ a }}{{ a }}/x')).toBe(refused('/x', '{{ a }}{{ a }}/x'));
    expect(await says('{{ a | upcase }}/x')).toBe(refused('/x', '{{ a | upcase }}/x'));
    expect(await says('{{ a | upcase }}/x', null)).toBe(refused('/x', '{{ a | upcase }}/x'));
    expect(await says('x/{{ a }}')).toBe(refused('x/', 'x/{{ a }}', 'an empty name of it, which is a folder'));
    expect(contents(root)).toEqual({});
    await says('out//{{ a }}{{ b }}/{{ a }}.txt');
    await says('{{ dir }}/y');
    expect(contents(root)).toEqual({ 'out/b/.txt': 'x', y: 'x' });
  });

  it('writes where no value says to: nothing of it leads out of `root`', async () => {
    const root = temporaryFolder();
    const other = join(temporaryFolder(), 'x');
    for (const path of ['{{ path }}', '{{ path }}.txt', '{{ dir }}/x', './{{ path }}']) {
      const results = await write(items({ path: other, dir: join(other, '..') }, { path: '../x', dir: '..' }), {
        root,
        path,
        content: 'x',
      });
      // Behind a folder the value of an absolute path is one below it.
      const within = path.startsWith('./') ? ['ok', 'path'] : ['path', 'path'];
      expect(results.map(({ error }) => error?.code ?? 'ok')).toEqual(within);
    }
    expect(existsSync(other) || existsSync(`${other}.txt`)).toBe(false);
    const [item] = await write(items({ id: 2 ** 60 }), { root, path: '{{ id }}', content: 'x' });
    expect(show(item!)).toMatch(/^!`id` is read as 1152921504606846976, and whether its last digits/);
  });

  it('warns once of single braces that were meant to be two', async () => {
    const runtime = fakeRuntime();
    const warnings: unknown[] = [];
    runtime.events.on('batch:warning', (warning) => warnings.push(warning));
    const root = temporaryFolder();
    await write(
      items({ sku: 1 }, { sku: 2 }),
      { root, path: '{sku}.txt', content: '{{ sku }} {"sku": {other}}' },
      { runtime },
    );
    expect(warnings).toEqual([
      { message: 'path: `{sku}` stands as it is, as single braces mean nothing; write `{{ sku }}` for the value' },
    ]);
  });

  it('lets items pass by that failed or were skipped', async () => {
    const given = [failed({ content: '' }), Item.of({ content: '' }).skip('duplicate')];
    const root = temporaryFolder();
    expect(await write(given, { root, path: 'a' })).toEqual(given);
    expect(readdirSync(root)).toEqual([]);
  });

  it('ends the stream when the disk cannot', async () => {
    const root = join(temporaryFolder(), 'file');
    writeFileSync(root, '');
    await expect(write(items({ content: '' }), { root, path: 'a' })).rejects.toMatchObject({
      code: 'output',
      class: 'fatal',
      message: expect.stringContaining('for the item id-0'),
    });
  });

  it('gives files the permissions that are said', async () => {
    const root = temporaryFolder();
    await write(items(1), { root, path: 'a', content: '', mode: '0604' });
    expect((statSync(join(root, 'a')).mode & 0o777).toString(8)).toBe('604');
  });

  it('puts no file in place, and leaves none behind, once it is unsubscribed from', async () => {
    const root = temporaryFolder();
    const runtime = fakeRuntime();
    const before = await openFiles();
    const end = new Subject<string>();
    let asked = 0;
    const content = (): Promise<string> => {
      asked++;
      return lastValueFrom(end.pipe(take(1)));
    };
    const subscription = from(items(1, 2))
      .pipe(writeItems({ root, path: '{{ data }}', content, durability: 'off' }, {}, runtime))
      .subscribe();
    while (asked < 2) await new Promise((resolve) => setImmediate(resolve));
    subscription.unsubscribe();
    end.next('late');
    await runtime.cleanup.idle();
    expect(readdirSync(root)).toEqual([]);
    expect(await openFiles()).toEqual(before);
  });

  it('writes `concurrency` files at once, 16 unless said, and holds little', async () => {
    for (const concurrency of [undefined, 3]) {
      const cap = concurrency ?? 16;
      const rooms: Room[] = [];
      // All that may run have to before any of them ends.
      const waiting: (() => void)[] = [];
      let most = 0;
      const content = (): Promise<string> =>
        new Promise((resolve) => {
          most = Math.max(
            most,
            waiting.push(() => resolve('')),
          );
          if (waiting.length === cap) waiting.splice(0).forEach((go) => go());
        });
      const operator = writeItems(
        { root: temporaryFolder(), path: '{{ data }}', durability: 'off', content },
        concurrency === undefined ? {} : { concurrency },
      );
      const source = pull(() => [items(...upTo(96))]);
      expect(await lastValueFrom(source.pipe(watch(rooms), operator, toArray()))).toHaveLength(96);
      expect([most, rooms.length, heldIn(rooms)]).toEqual([cap, 1, 0]);
    }
  });

  it('refuses wrong options when it is made', () => {
    const wrong =
      (options: object, concurrency = {}) =>
      () =>
        writeItems({ path: 'a', ...options }, concurrency);
    expect(wrong({ path: 7 })).toThrow('writeItems: `path`');
    expect(wrong({ path: '{{ a | b }}' })).toThrow('writeItems: `path`: undefined filter: b');
    expect(wrong({ mode: 0o644 })).toThrow(
      'writeItems: `mode`: expected permissions as text in octal digits, such as "0644"',
    );
    expect(wrong({ mode: '0999' })).toThrow('`mode`: expected permissions as text');
    expect(wrong({ onExist: 'skip' })).toThrow('onExist');
    expect(wrong({}, { concurrency: 0 })).toThrow('writeItems: `concurrency`');
  });
});

describe('write', () => {
  it('writes in a pipeline, and counts what was there as skipped', async () => {
    const root = temporaryFolder();
    writeFileSync(join(root, '2.txt'), 'old');
    const runtime = fakeRuntime();
    const result = await run(
      {
        name: 'test',
        sources: [{ name: 'literals', options: { values: [1, 2, 3] } }],
        steps: [
          { name: 'write', options: { root, path: '{{ data }}.txt', content: 'n={{ data }}', onExists: 'skip' } },
        ],
        ordered: true,
        halt: [],
        sinks: [{ name: 'jsonl', options: { path: '-' } }],
      },
      { registry: builtin, runtime },
    );
    expect(result).toMatchObject({ error: undefined, counts: { read: 3, ok: 2, skipped: 1, pending: 0 } });
    expect(runtime.stdout).toBe('1\n3\n');
    expect(contents(root)).toEqual({ '1.txt': 'n=1', '2.txt': 'old', '3.txt': 'n=3' });
  });

  it('parses its options twice alike', () => {
    const parsed = writeStep.options.parse({ path: 'a' });
    expect(parsed).toEqual({ path: 'a', content: '{{ content }}', root: '.', onExists: 'fail', durability: 'power' });
    expect(writeStep.options.parse(parsed)).toEqual(parsed);
  });

  it('infers the data', async () => {
    const root = temporaryFolder();
    const done = literals([{ sku: 'a' }]).pipe(writeItems({ root, path: ({ sku }) => sku, content: ({ sku }) => sku }));
    expect((await lastValueFrom(done)).data.sku).toBe('a');
  });
});
