import { concatMap, lastValueFrom, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import {
  type Argument,
  type ArgumentList,
  argumentLists,
  Arguments,
  type ArgumentsOptions,
  compileCommand,
  type Item,
  mapItems,
  toFailed,
} from 'batchx';
import { fakeRuntime, sourceContract } from 'batchx/testing';
import { inputAt } from '../../src/core/in-use.js';
import { fixture, temporaryFolder } from '../contract/temp.js';
import { argumentsIn, itNeeds, parallel } from '../core/command/programs.js';

const read = (
  lists: ArgumentList[],
  options: ArgumentsOptions = {},
  stdin: (string | Uint8Array)[] = [],
): Promise<Item<Arguments>[]> => lastValueFrom(argumentLists(lists, options, fakeRuntime({ stdin })).pipe(toArray()));

const values = async (...args: Parameters<typeof read>): Promise<(readonly Argument[])[]> =>
  (await read(...args)).map(({ data }) => data.values);

const text = (content: string | Uint8Array): { path: string } => ({ path: fixture(content, 'list.txt') });

describe('argumentLists', () => {
  it('gives every combination, the last list varying fastest', async () => {
    expect(await values([['a', 'b'], [1, 2.5], ['x']])).toEqual([
      ['a', '1', 'x'],
      ['a', '2.5', 'x'],
      ['b', '1', 'x'],
      ['b', '2.5', 'x'],
    ]);
  });

  it('puts linked lists side by side, up to the end of the shortest of them', async () => {
    const linked = { values: ['x', 'y', 'z'], link: true };
    expect(await values([['a', 'b'], linked, ['1', '2']])).toEqual([
      ['a', 'x', '1'],
      ['a', 'x', '2'],
      ['b', 'y', '1'],
      ['b', 'y', '2'],
    ]);
    expect(await values([['1', '2'], ['a', 'b'], linked])).toEqual([
      ['1', 'a', 'x'],
      ['1', 'b', 'y'],
      ['2', 'a', 'x'],
      ['2', 'b', 'y'],
    ]);
  });

  it('ends linked lists with the shortest, also where that is not the first', async () => {
    expect(await values([['a', 'b', 'c'], { values: ['x', 'y'], link: true }])).toEqual([
      ['a', 'x'],
      ['b', 'y'],
    ]);
  });

  it('begins shorter lists again where all are linked', async () => {
    expect(await values([['a', 'b'], ['1', '2', '3'], ['x']], { link: true })).toEqual([
      ['a', '1', 'x'],
      ['b', '2', 'x'],
      ['a', '3', 'x'],
    ]);
    expect(await values([text('a\nb\nc\n'), ['1', '2']], { link: true })).toEqual([
      ['a', '1'],
      ['b', '2'],
      ['c', '1'],
    ]);
    expect(await values([text('a\n'), ['1', '2']], { link: true })).toEqual([
      ['a', '1'],
      ['a', '2'],
    ]);
  });

  it.each([[{}], [{ link: true }]])('gives nothing where a list is empty: %j', async (options) => {
    expect(await values([['a'], []], options)).toEqual([]);
    expect(await values([[], ['a']], options)).toEqual([]);
    expect(await values([text('\n'), ['a']])).toEqual([]);
  });

  it('reads lines, and passes empty ones over unless lists are linked or it is told to keep them', async () => {
    const lines = '\ufeffa\r\n\n  \nb\n\r\nc';
    expect(await values([text(lines)])).toEqual([['a'], ['  '], ['b'], ['c']]);
    expect(await values([text(lines)], { keepEmpty: true })).toEqual([['a'], [''], ['  '], ['b'], [''], ['c']]);
    expect(await values([text('a\n\nc\n'), { ...text('1\n2\n\n'), link: true }])).toEqual([
      ['a', '1'],
      ['', '2'],
      ['c', ''],
    ]);
    expect(await values([['', 'a']])).toEqual([[''], ['a']]);
  });

  it('reads standard input and packed files', async () => {
    expect(await values([{ path: '-' }, ['1']], {}, ['a\nb', 'c\n'])).toEqual([
      ['a', '1'],
      ['bc', '1'],
    ]);
    expect(await values([['1'], { path: '-' }], {}, ['a\nb', 'c\n'])).toEqual([
      ['1', 'a'],
      ['1', 'bc'],
    ]);
    expect(await values([{ path: fixture('a\nb\n', 'l.gz') }])).toEqual([['a'], ['b']]);
  });

  it('takes values that end with NUL as they are', async () => {
    expect(await values([text('a\nb\0c\r\0\0 d')], { null: true })).toEqual([['a\nb'], ['c\r'], [' d']]);
    expect(await values([text('a\0\0')], { null: true, keepEmpty: true })).toEqual([['a'], ['']]);
    expect(await values([text(Buffer.from('a\xff\nb\0c\0', 'latin1'))], { null: true })).toEqual([
      [Buffer.from('a\xff\nb', 'latin1')],
      ['c'],
    ]);
  });

  it('keeps what is no UTF-8 as bytes', async () => {
    const line = Buffer.from('a\xff, b\xc3\xa9\r\nc\n', 'latin1');
    expect(await values([text(line)])).toEqual([[line.subarray(0, -4)], ['c']]);
    expect(await values([text(line)], { colsep: ',' })).toEqual([[Buffer.from('a\xff', 'latin1'), 'bé'], ['c']]);
  });

  it('splits columns, and trims them', async () => {
    expect(await values([text('a , b,,c\n')], { colsep: ',' })).toEqual([['a', 'b', '', 'c']]);
    expect(await values([text('a , b\n')], { colsep: ',', trim: 'n' })).toEqual([['a ', ' b']]);
    expect(await values([text('a , b \n')], { colsep: ',', trim: 'r' })).toEqual([['a', ' b']]);
    expect(await values([text('a1b22c\n')], { colsep: '\\d+' })).toEqual([['a', 'b', 'c']]);
    expect(await values([[' a ', '\u00a0b']], { trim: 'l' })).toEqual([['a '], ['\u00a0b']]);
  });

  it('names the columns by the first value of each list', async () => {
    const items = await read([text('x\ty\n1\t2\n3\n4\t5\t6\n'), ['z', 'q']], { header: true });
    expect(items.map(({ data }) => [data.values, data.names])).toEqual([
      [
        ['1', '2', 'q'],
        ['x', 'y', 'z'],
      ],
      [
        ['3', '', 'q'],
        ['x', 'y', 'z'],
      ],
      [
        ['4', '5', '6', 'q'],
        ['x', 'y', '', 'z'],
      ],
    ]);
    expect(await values([['n']], { header: true })).toEqual([]);
  });

  it('puts several values into one item', async () => {
    const items = await read([['a', 'b', 'c']], { perJob: 2 });
    expect(items.map(({ data, id, seq }) => [data.values, id, seq])).toEqual([
      [['a', 'b'], 'a b', 0],
      [['c'], 'c', 1],
    ]);
    const named = await read(
      [
        ['n', '1', '2', '3'],
        ['m', 'x'],
      ],
      { perJob: 2, header: true },
    );
    expect(named.map(({ data }) => [data.values, data.names])).toEqual([
      [
        ['1', 'x', '2', 'x'],
        ['n', 'm'],
      ],
      [
        ['3', 'x'],
        ['n', 'm'],
      ],
    ]);
  });

  it('calls items by their values where these tell them apart, and by their place otherwise', async () => {
    const ids = async (...args: Parameters<typeof read>) => (await read(...args)).map(({ id }) => id);
    const list = text('a\n\nb\n');
    expect(
      await ids([
        ['a', 'b'],
        ['1', '2'],
      ]),
    ).toEqual(['a 1', 'a 2', 'b 1', 'b 2']);
    expect(await ids([['a', 'a'], ['1']])).toEqual(['#1 1', '#2 1']);
    expect(await ids([['a b', 'c']])).toEqual(['#1', '#2']);
    expect(await ids([['x'.repeat(81), 'c']])).toEqual(['#1', 'c']);
    expect(await ids([list])).toEqual([`${list.path}:1`, `${list.path}:3`]);
    expect(await ids([list, ['1', '2']])).toEqual(
      [1, 3]
        .flatMap((line) => [1, 2].map((n) => `${list.path}:${line} ${n}`))
        .map((id, i) => (id.length > 80 ? `#${i + 1}` : id)),
    );
    expect(await ids([{ path: '-' }], { perJob: 2 }, ['a\nb\nc\n'])).toEqual(['stdin:1', 'stdin:3']);
    const [, second] = await read([list, ['1', '2']]);
    expect(second?.where).toBe(`${list.path}:1`);
  });

  it('fails a line that is too long and goes on, but not where every item would need it', async () => {
    const long = ['a\n', ...Array.from({ length: 260 }, () => 'x'.repeat(64 * 1024)), '\nb\n'];
    const items = await read([{ path: '-' }], {}, long);
    expect(items.map(({ data, error }) => error?.message ?? data.values)).toEqual([
      ['a'],
      'longer than 16 MiB, which is the most a record may have',
      ['b'],
    ]);
    await expect(read([['1'], { path: '-' }], {}, long)).rejects.toThrow('stdin:2: longer than 16 MiB');
  });

  it('takes dead letters of its own again', async () => {
    const path = `${temporaryFolder()}/failed.jsonl`;
    const runtime = fakeRuntime();
    const failing = (source: ReturnType<typeof argumentLists>) =>
      lastValueFrom(
        source.pipe(
          mapItems(() => {
            throw new Error('no');
          }),
          toFailed(path, runtime),
        ),
      );
    const bytes = Buffer.from([0xff]);
    await failing(
      argumentLists([text(Buffer.from('n,m\na b,\xff\nc,d\n', 'latin1'))], { header: true, colsep: ',' }, runtime),
    );
    const again = await read([{ path }]);
    expect(again.map(({ data }) => data)).toEqual([
      new Arguments(['a b', bytes], ['n', 'm']),
      new Arguments(['c', 'd'], ['n', 'm']),
    ]);
    expect(again.map(({ id }) => id)).toEqual([
      expect.stringMatching(/list.txt:2$/),
      expect.stringMatching(/list.txt:3$/),
    ]);
    await failing(argumentLists([['x']], {}, runtime));
    expect((await read([{ path }])).map(({ data }) => data)).toEqual([new Arguments(['x'])]);
  });

  it.each<[ArgumentList[], object, string]>([
    [[], {}, 'expected at least one list'],
    [[{ path: '-' }, { path: '-', link: true }], {}, 'expected `-` once'],
    [[['a']], { colsep: '(' }, 'expected a regular expression'],
    [[['a']], { colsep: '[[:space:]]' }, 'without classes such as'],
    [[['a']], { perJob: 0 }, 'perJob'],
    [[['a']], { trim: 'x' }, 'trim'],
    [[['a']], { other: 1 }, 'other'],
  ])('refuses %j with %j', (lists, options, message) => {
    expect(() => argumentLists(lists, options)).toThrow(message);
  });

  it('says which file cannot be read', async () => {
    await expect(read([['a'], { path: '/no/such/file' }])).rejects.toThrow('cannot read /no/such/file');
    await expect(read([text(Buffer.from('\xff\na\n', 'latin1'))], { header: true })).rejects.toThrow(
      'its first value is not UTF-8',
    );
  });

  it('keeps sinks of the run from its files, as long as it reads', async () => {
    const runtime = fakeRuntime();
    const list = text('a\n');
    const during: unknown[] = [];
    const source = argumentLists([['1'], list], {}, runtime);
    await lastValueFrom(source.pipe(concatMap(async () => during.push(await inputAt(list.path, runtime)))));
    expect([during, await inputAt(list.path, runtime)]).toEqual([[list.path], undefined]);
  });

  it('holds no more of the first list than one read of it', async () => {
    let given = 0;
    const endless = function* () {
      for (;;) {
        given++;
        yield 'line\n'.repeat(1000);
      }
    };
    const runtime = fakeRuntime({ stdin: endless() });
    const source = argumentLists([{ path: '-' }, ['1', '2']], {}, runtime);
    const item = await new Promise((resolve) => {
      let n = 0;
      const subscription = source.subscribe((each) => {
        if (++n < 5000) return;
        resolve(each.data.values);
        subscription.unsubscribe();
      });
    });
    expect([item, given < 10]).toEqual([['line', '2'], true]);
  });

  it('keeps the contract of sources', async () => {
    const list = text('a\nb\n');
    await sourceContract((runtime) =>
      argumentLists(
        [
          ['a', 'b'],
          ['1', '2'],
        ],
        {},
        runtime,
      ),
    );
    await sourceContract((runtime) =>
      argumentLists(
        [
          ['a', 'a'],
          ['b b', 'b'],
        ],
        {},
        runtime,
      ),
    );
    await sourceContract((runtime) => argumentLists([list, ['1', '2']], {}, runtime));
    await sourceContract((runtime) => argumentLists([list, ['1', '2', '3']], { link: true }, runtime));
    await sourceContract((runtime) => argumentLists([list, list, list], { perJob: 3 }, runtime));
  });
});

describe('Arguments', () => {
  it.each<[Arguments, unknown]>([
    [new Arguments(['a']), 'a'],
    [new Arguments(['a', 'b']), { values: ['a', 'b'] }],
    [new Arguments(['a'], ['n']), { values: ['a'], names: ['n'] }],
    [new Arguments([Buffer.from([0xff])]), { values: [{ base64: '/w==' }] }],
    [new Arguments([]), { values: [] }],
  ])('%j is %j in JSON, and the other way round', (data, json) => {
    const written: unknown = JSON.parse(JSON.stringify(data));
    expect(written).toEqual(json);
    expect(Arguments.fromJSON(written)).toEqual(data);
  });

  it.each([[null], [1], [{}], [{ values: 'a' }], [{ values: [1] }], [{ values: ['a'], names: [1] }]])(
    'are not in %j',
    (json) => {
      expect(Arguments.fromJSON(json)).toBeUndefined();
    },
  );
});

describe('as GNU parallel combines them', () => {
  const columns = 'x,y\n1 , a b\n2,\n,\n3,c\n';
  type Case = [
    template: string,
    args: string[],
    lists: (file: (content: string) => { path: string }) => ArgumentList[],
    options?: ArgumentsOptions,
    files?: string[],
  ];
  const cases: readonly Case[] = [
    ['{}', [':::', 'a', 'b c', '', "it's"], () => [['a', 'b c', '', "it's"]]],
    [
      '{}',
      [':::', 'a', 'b', ':::', '1', '2', '3'],
      () => [
        ['a', 'b'],
        ['1', '2', '3'],
      ],
    ],
    [
      '{3} {1}',
      [':::', 'a', 'b', ':::', '1', '2', ':::', 'x', 'y'],
      () => [
        ['a', 'b'],
        ['1', '2'],
        ['x', 'y'],
      ],
    ],
    [
      '{}',
      [':::', 'a', 'b', ':::+', 'x', 'y', ':::', '1', '2'],
      () => [['a', 'b'], { values: ['x', 'y'], link: true }, ['1', '2']],
    ],
    [
      '{}',
      [':::', '1', '2', ':::', 'a', 'b', 'c', ':::+', 'x', 'y'],
      () => [['1', '2'], ['a', 'b', 'c'], { values: ['x', 'y'], link: true }],
    ],
    ['{}', [':::', 'a', 'b', ':::+', 'x', 'y', 'z'], () => [['a', 'b'], { values: ['x', 'y', 'z'], link: true }]],
    [
      '{}',
      [':::', 'a', 'b', ':::+', 'x', 'y', ':::+', 'p', 'q'],
      () => [['a', 'b'], { values: ['x', 'y'], link: true }, { values: ['p', 'q'], link: true }],
    ],
    ['{}', [':::+', 'a', 'b', ':::', 'x', 'y'], () => [{ values: ['a', 'b'], link: true }, ['x', 'y']]],
    [
      '{}',
      ['--link', ':::', 'a', 'b', ':::', '1', '2', '3'],
      () => [
        ['a', 'b'],
        ['1', '2', '3'],
      ],
      { link: true },
    ],
    [
      '{}',
      ['--link', ':::', 'a', 'b', ':::', '1', '2', '3', '4', '5', ':::', 'x'],
      () => [['a', 'b'], ['1', '2', '3', '4', '5'], ['x']],
      { link: true },
    ],
    ['{}', ['--link', '-a', 'F0', ':::', '1', '2'], (file) => [file('a\nb\nc\n'), ['1', '2']], { link: true }],
    ['{}', ['::::', 'F0'], (file) => [file('a\nb c\n\n  \nd')], { keepEmpty: true }],
    ['{}', ['-r', '::::', 'F0'], (file) => [file('a\nb c\n\nd')]],
    ['{}', ['-a', 'F0', '-a', 'F1'], (file) => [file('a\nb\n'), file('1\n2\n')]],
    ['{}', ['::::', 'F0', 'F1'], (file) => [file('a\nb\n'), file('1\n2\n')]],
    ['{}', ['::::', 'F0', '::::+', 'F1'], (file) => [file('a\nb\n'), { ...file('1\n2\n'), link: true }]],
    ['{}', ['::::', '-', ':::', 'x', 'y'], () => [{ path: '-' }, ['x', 'y']]],
    ['{}', [':::', 'x', 'y', '::::', '-'], () => [['x', 'y'], { path: '-' }]],
    ['{}', [], () => [{ path: '-' }]],
    ['{}', ['-0', '::::', 'F0'], (file) => [file('a\nb\0c\0\0 d \0')], { null: true, keepEmpty: true }],
    ['{}', ['-0', ':::', 'a\nb', 'c'], () => [['a\nb', 'c']], { null: true }],
    ['{2} {1} {3}', ['--colsep', ',', '::::', 'F0'], (file) => [file(columns)], { colsep: ',' }],
    ['{}', ['--colsep', ',', '--trim', 'n', '::::', 'F0'], (file) => [file(columns)], { colsep: ',', trim: 'n' }],
    ['{}', ['--colsep', ' *[,;] *', ':::', 'a , b;c', 'd'], () => [['a , b;c', 'd']], { colsep: ' *[,;] *' }],
    ['{}', ['--colsep', '\\t', ':::', 'a\tb', 'c\t\td'], () => [['a\tb', 'c\t\td']], { colsep: '\\t' }],
    [
      '{}',
      ['--colsep', ',', ':::', 'a,b', 'c', ':::', '1,2', '3'],
      () => [
        ['a,b', 'c'],
        ['1,2', '3'],
      ],
      { colsep: ',' },
    ],
    [
      '{}',
      ['--colsep', ',', '--link', ':::', 'a,b', 'c,d', ':::', '1,2', '3'],
      () => [
        ['a,b', 'c,d'],
        ['1,2', '3'],
      ],
      { colsep: ',', link: true },
    ],
    [
      '{y} {x} {x/} {1}',
      ['--colsep', ',', '--header', ':', '::::', 'F0'],
      (file) => [file(columns)],
      { colsep: ',', header: true },
    ],
    [
      '{n} {m.} {}',
      ['--header', ':', ':::', 'n', 'a/b', 'c', ':::', 'm', '1.x', '2'],
      () => [
        ['n', 'a/b', 'c'],
        ['m', '1.x', '2'],
      ],
      { header: true },
    ],
    ['{n} {m}', ['--header', ':', ':::', 'n\tm', 'a\tb'], () => [['n\tm', 'a\tb']], { header: true }],
    ['{} {1} {3}', ['-N2', ':::', 'a', 'b', 'c'], () => [['a', 'b', 'c']], { perJob: 2 }],
    [
      '{}',
      ['-N2', ':::', 'a', 'b', ':::', '1', '2', '3'],
      () => [
        ['a', 'b'],
        ['1', '2', '3'],
      ],
      { perJob: 2 },
    ],
    [
      '{} {4}',
      ['-N2', '--colsep', ',', ':::', 'a,b', 'c,d', 'e'],
      () => [['a,b', 'c,d', 'e']],
      { colsep: ',', perJob: 2 },
    ],
    ['{} {.}', ['--trim', 'lr', ':::', ' a.b ', '\tc '], () => [[' a.b ', '\tc ']], { trim: 'lr' }],
    ['{} {.}', ['--trim', 'l', ':::', ' a.b ', '\tc '], () => [[' a.b ', '\tc ']], { trim: 'l' }],
  ];
  const stdin = 'one\ntwo three\n';

  for (const [template, args, lists, options = {}] of cases) {
    const shown = args.map((arg) => (/[\s'\0]|^$/.test(arg) ? JSON.stringify(arg) : arg)).join(' ');
    itNeeds('parallel', `parallel 'p ${template}' ${shown}`, async () => {
      const files: string[] = [];
      const ours = lists((content) => {
        files.push(fixture(content, 'list.txt'));
        return { path: files.at(-1) as string };
      });
      const theirs = args.map((arg) => files[/^F([0-9])$/.exec(arg)?.[1] as unknown as number] ?? arg);
      const flags = theirs.slice(
        0,
        theirs.findIndex((arg) => arg.startsWith(':::')) < 0
          ? undefined
          : theirs.findIndex((arg) => arg.startsWith(':::')),
      );
      const lines = parallel(['--dry-run', ...flags, `p ${template}`, ...theirs.slice(flags.length)], stdin);
      const command = compileCommand(`p ${template}`);
      const items = await read(ours, options, [stdin]);
      const got = items.flatMap(({ data, seq }) => {
        const argv = command.render({ args: data.values, names: data.names, seq: seq + 1, slot: 1 });
        return [...argv.slice(1), '', 'end'];
      });
      expect(got).toEqual(argumentsIn('bash', lines).map(String));
    });
  }
});
