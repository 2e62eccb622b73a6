import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { beforeAll, describe, expect, it } from 'vitest';
import { bash, batchx, file, folder, jsonl } from './program.js';

const three = '{"a":1}\nnot json\n{"a":3}\n';
const read = (name: string): string => readFileSync(join(folder, name), 'utf8');

describe('map', () => {
  it('prints what the expression makes of each row, in order, and names the row that cannot be read', () => {
    expect(batchx(['map', '({a}) => ({b: a * 2})'], three)).toEqual({
      stdout: '{"b":2}\n{"b":6}\n',
      stderr:
        'batchx: stdin:2: not JSON: Unexpected token \'o\', "not json" is not valid JSON\n' +
        'batchx: 3 items read: 2 ok, 1 failed (1 parse)\n',
      ended: 1,
    });
  });

  it('stops at the first failure with --strict', () => {
    const { stdout, stderr, ended } = batchx(['map', '({a}) => ({b: a * 2})', '--strict'], three);
    expect({ stdout, ended }).toEqual({ stdout: '{"b":2}\n', ended: 3 });
    expect(stderr).toContain('stdin:2: not JSON');
    expect(stderr).toContain('halted at the first failure (--strict): 2 items read: 1 ok, 1 failed (1 parse)');
  });

  it.each([
    // All other forms are in test/core/expression.test.ts.
    ['an expression over data and item', '[data.n + 1, item.seq, item.metadata.line, item.id]', '[2,0,1,"stdin:1"]\n'],
    ['an async arrow function', 'async ({ n }, { seq }) => { await null; return n + seq; }', '1\n'],
    ['a promise', 'Promise.resolve({ m: data.n })', '{"m":1}\n'],
    ['null, which is a value', 'null', 'null\n'],
    ['undefined, which drops the row', 'undefined', ''],
    ['an async undefined', 'async () => {}', ''],
  ])('takes %s', (_, expression, stdout) => {
    expect(batchx(['map', expression], '{"n":1}\n')).toEqual({ stdout, stderr: '', ended: 0 });
  });

  it('takes an expression that begins with a dash behind --', () => {
    expect(batchx(['map', '--', '-data.n'], '{"n":1}\n').stdout).toBe('-1\n');
  });

  it('goes on when the expression throws, and tells the row and the error', () => {
    const { stdout, stderr, ended } = batchx(['map', 'data.a.b'], jsonl({ a: { b: 1 } }, {}, { a: { b: 3 } }));
    expect({ stdout, ended }).toEqual({ stdout: '1\n3\n', ended: 1 });
    expect(stderr).toContain("stdin:2: TypeError: Cannot read properties of undefined (reading 'b')\n");
  });

  it('tells the first ten failures, then their causes', () => {
    const { stderr } = batchx(['map', 'data'], 'x\n'.repeat(25));
    const lines = stderr.trimEnd().split('\n');
    expect(lines).toHaveLength(14);
    expect(lines.slice(10, 13)).toEqual([
      'batchx: further failures are only counted',
      'batchx: 25 items read: 25 failed',
      '  25 parse: not JSON: Unexpected token … is not valid JSON - e.g. stdin:1: ' +
        'not JSON: Unexpected token \'x\', "x" is not valid JSON',
    ]);
  });

  it('tells where a row came from that has no line', () => {
    file('two.json', '[{"a":{"b":1}},{}]');
    expect(batchx(['map', 'data.a.b', 'two.json'])).toMatchObject({
      stdout: '1\n',
      stderr: expect.stringMatching(/^batchx: two\.json#2: TypeError/) as string,
    });
  });

  it('gives an item as its id, its data and its metadata', () => {
    const { stdout } = batchx(['map', 'item'], '{"n":1}\n');
    expect(JSON.parse(stdout)).toEqual({
      id: 'stdin:1',
      data: { n: 1 },
      metadata: { source: 'stdin', line: 1, offset: 0 },
    });
  });

  it('has no data where a function does not take it', () => {
    const { stdout, stderr, ended } = batchx(['map', '() => data', ':::', 'a']);
    expect({ stdout, ended }).toEqual({ stdout: '', ended: 1 });
    expect(stderr).toContain('#1: ReferenceError: data is not defined');
  });

  it.each([
    ['JSON over several lines', '{\n "a": [\n  1,\n  2 ]\n}\n', /no row of stdin is JSON: --in json reads a document/],
    ['text', 'a,b\n1,2\n', /--in csv and --in lines other text/],
    ['gzip', gzipSync('1\n'), /stdin is packed with gzip: unpack it before, with `gunzip -c`/],
  ])('says once what may help when no row could be read, of %s', (_, input, hint) => {
    const { stderr, ended } = batchx(['map', 'data'], input);
    expect(ended).toBe(1);
    expect(stderr.trimEnd().split('\n').at(-1)).toMatch(hint);
    expect(batchx(['map', 'data', '-q'], input).stderr).toBe('');
  });

  it('says nothing with -q, and the exit code still tells', () => {
    expect(batchx(['map', '-q', 'data'], three)).toEqual({ stdout: '{"a":1}\n{"a":3}\n', stderr: '', ended: 1 });
  });

  it('tells rows that JSON cannot say, and with --strict halts there', () => {
    const rows = jsonl({ n: 1 }, { n: 2 });
    expect(batchx(['map', 'data.n === 1 ? 1n : data'], rows)).toMatchObject({ stdout: '{"n":2}\n', ended: 1 });
    expect(batchx(['map', 'data.n === 1 ? 1n : data', '--strict'], rows)).toMatchObject({ ended: 3 });
  });

  it('keeps the order of asynchronous results, and with --no-keep-order gives each as it is done', () => {
    // The first call ends when the second has.
    const wait =
      'async (n) => { globalThis.done ??= new Promise((go) => (globalThis.go = go)); n === 1 ? await done : go(); return n }';
    expect(batchx(['map', wait], '1\n2\n').stdout).toBe('1\n2\n');
    expect(batchx(['map', wait, '--no-keep-order'], '1\n2\n').stdout).toBe('2\n1\n');
    expect(batchx(['map', wait, '--no-keep-order', '-k'], '1\n2\n').stdout).toBe('1\n2\n');
  });

  it('runs as many calls at once as -j says', () => {
    const most =
      'async () => { globalThis.now = (globalThis.now ?? 0) + 1; globalThis.most = Math.max(globalThis.most ?? 0, now); await new Promise(setImmediate); now--; return most }';
    const highest = (args: string[]): number =>
      Math.max(
        ...batchx(['map', most, ...args], '1\n'.repeat(20))
          .stdout.trim()
          .split('\n')
          .map(Number),
      );
    expect(highest([])).toBe(4);
    expect(highest(['-j', '7'])).toBe(7);
    expect(highest(['-j1'])).toBe(1);
  });

  it('reads no more than --limit, also of an input that does not end', () => {
    expect(bash(`yes '{"a":1}' | batchx map data --limit 5; echo "\${PIPESTATUS[*]}" >&2`)).toEqual({
      stdout: '{"a":1}\n'.repeat(5),
      stderr: '141 0\n',
      ended: 0,
    });
    expect(batchx(['map', 'data', '--limit', '0'], three)).toEqual({ stdout: '', stderr: '', ended: 0 });
  });
});

describe('filter', () => {
  it('passes rows on byte for byte', () => {
    const odd = '{"n": 12345678901234567890, "n": 2,"u":"\\u00e4"}\n';
    expect(batchx(['filter', 'data.n > 1'], `{"n":1}\n${odd}`)).toEqual({ stdout: odd, stderr: '', ended: 0 });
  });

  it('takes async predicates, and a literal one', () => {
    expect(batchx(['filter', 'async ({ n }) => n > 1'], '{"n":1}\n{"n":2}\n').stdout).toBe('{"n":2}\n');
    expect(batchx(['filter', '-q', 'true'], '1\n').stdout).toBe('1\n');
    expect(batchx(['filter', 'false'], '1\n').stdout).toBe('');
  });

  it('takes a last row without an end, ends of Windows, a byte order mark and blank lines', () => {
    expect(batchx(['filter', 'true'], '\ufeff{"a":1}\r\n\r\n{"b":2}').stdout).toBe('{"a":1}\n{"b":2}\n');
  });

  it('tells a row that is not UTF-8 and goes on', () => {
    const { stdout, stderr, ended } = batchx(['filter', 'true'], Buffer.from('"a"\n"\xff"\n"b"\n', 'latin1'));
    expect({ stdout, ended }).toEqual({ stdout: '"a"\n"b"\n', ended: 1 });
    expect(stderr).toContain('stdin:2: not UTF-8');
  });
});

describe('the inputs', () => {
  beforeAll(() => {
    mkdirSync(join(folder, 'in/deep'), { recursive: true });
    file('in/a.jsonl', '"a"\n');
    file('in/b.ndjson', '"b"\n');
    file('in/c.jsonl.gz', gzipSync('"c"\n'));
    file('in/d.json', '["d","e"]');
    file('in/deep/f.csv', 'x,y\r\n1,"2,3"\r\n');
    file('in/g.txt', 'g g\n');
    file('in/deep/t.tsv', 'x\ty\n1\t2,3\n');
    file('in/h.md', 'not for us');
    file('in/[i].jsonl', '"i"\n');
  });

  it.each([
    ['a file', ['in/a.jsonl'], ['a']],
    ['TSV', ['in/deep/t.tsv'], [{ x: '1', y: '2,3' }]],
    [
      'files of each kind, in their order, also one whose name is a glob',
      [
        'in/c.jsonl.gz',
        'in/a.jsonl',
        'in/d.json',
        'in/deep/f.csv',
        'in/deep/t.tsv',
        'in/g.txt',
        'in/b.ndjson',
        'in/[i].jsonl',
      ],
      ['c', 'a', 'd', 'e', { x: '1', y: '2,3' }, { x: '1', y: '2,3' }, 'g g', 'b', 'i'],
    ],
    ['a glob', ['in/[ab].*'], ['a', 'b']],
    [
      'a glob of all but one, one through folders, and an absolute one',
      ['in/!(b).{jsonl,ndjson}', 'in/**/*.{csv,gz}', join(folder, 'in/*.txt')],
      ['i', 'a', 'c', { x: '1', y: '2,3' }, 'g g'],
    ],
    ['a folder', ['in'], ['i', 'a', 'b', 'c', 'd', 'e', { x: '1', y: '2,3' }, { x: '1', y: '2,3' }, 'g g']],
    ['standard input among files', ['in/a.jsonl', '-', 'in/b.ndjson'], ['a', 'stdin', 'b']],
    ['a format that the name does not tell', ['in/h.md', '--in', 'lines'], ['not for us']],
  ])('may be %s', (_, args, rows) => {
    expect(batchx(['map', 'data', ...args], '"stdin"\n')).toEqual({ stdout: jsonl(...rows), stderr: '', ended: 0 });
  });

  it('may be of another format on standard input', () => {
    expect(batchx(['map', 'data.a', '--in', 'csv'], 'a,b\n1,2\n').stdout).toBe('"1"\n');
    expect(batchx(['map', 'data', '--in=json'], '[1,\n2]').stdout).toBe('1\n2\n');
  });

  it.each([
    [';', 'a;b\n1;2,3\n'],
    ['tab', 'a\tb\n1\t2,3\n'],
    ['\\t', 'a\tb\n1\t2,3\n'],
    ['\t', 'a\tb\n1\t2,3\n'],
  ])('may be CSV with another delimiter, as may the output: %j', (delimiter, text) => {
    const csv = ['map', 'data', '--in', 'csv', '--delimiter', delimiter];
    expect(batchx(csv, text).stdout).toBe('{"a":"1","b":"2,3"}\n');
    expect(batchx([...csv, '--out', 'csv'], text).stdout).toBe(text);
  });

  it('may be values behind :::, taken as they are', () => {
    const { stdout } = batchx(['map', 'data.toUpperCase()', ':::', 'a', '--help', '1', '']);
    expect(stdout).toBe(jsonl('A', '--HELP', '1', ''));
  });

  it.each([
    [
      'a file that is not there, with one that is meant',
      ['in/a.jsnl'],
      'there is no such file; did you mean in/a.jsonl?',
    ],
    ['a glob that matches nothing', ['in/*.xml'], 'in/*.xml matches no file'],
    ['a glob in a folder that is not there', ['no/*.xml'], 'no/*.xml matches no file'],
    ['a folder without rows', ['.path'], '.path has no .jsonl, .json, .csv, .tsv or .txt files in it'],
    ['no values', [':::'], 'there are no values behind `:::`'],
  ])('are unreadable: %s', (_, inputs, message) => {
    const { stdout, stderr, ended } = batchx(['map', 'data', ...inputs]);
    expect({ stdout, ended }).toEqual({ stdout: '', ended: 4 });
    expect(stderr).toContain(message);
  });

  it('may be links, also to folders and in circles; each file is read once', () => {
    bash(
      'mkdir -p links/real; cd links; ln -sfn real folder; ln -sfn . circle; ln -sf ../in/a.jsonl a.jsonl; ln -sf gone b.jsonl',
    );
    file('links/real/c.jsonl', '"c"\n');
    expect(batchx(['map', 'data', 'links']).stdout).toBe(jsonl('a', 'c'));
    expect(batchx(['map', 'item.metadata.source', 'links']).stdout).toBe(jsonl('links/a.jsonl', 'links/real/c.jsonl'));
    bash('mkdir -p away; ln -sfn ../in/deep away/deep');
    for (const input of ['away', 'away/**/*.?sv'])
      expect(batchx(['map', 'item.metadata.source', input]).stdout).toBe(jsonl('away/deep/f.csv', 'away/deep/t.tsv'));
    expect(batchx(['map', 'data', 'links/*']).stdout).toBe(jsonl('a'));
    expect(batchx(['map', 'data', 'links/circle/a.jsonl', 'links/folder']).stdout).toBe(jsonl('a', 'c'));
  });

  it('may match nothing with --allow-empty', () => {
    expect(batchx(['map', 'data', '--allow-empty', 'in/*.xml'])).toEqual({ stdout: '', stderr: '', ended: 0 });
    expect(batchx(['map', 'data', '--allow-empty', 'no/*.xml'])).toEqual({ stdout: '', stderr: '', ended: 0 });
    expect(batchx(['map', 'data', '--allow-empty', '--count', 'in/*.xml']).stdout).toBe('{"count":0}\n');
    expect(batchx(['map', 'data', '--allow-empty', '.path'])).toEqual({ stdout: '', stderr: '', ended: 0 });
    expect(batchx(['map', 'data', '--allow-empty', ':::'])).toEqual({ stdout: '', stderr: '', ended: 0 });
  });

  it('are all read with --allow-empty beside what matches nothing', () => {
    const { stdout, ended } = batchx([
      'map',
      'data',
      'in/a.jsonl',
      'in/*.xml',
      '.path',
      'in/b.ndjson',
      '--allow-empty',
    ]);
    expect({ stdout, ended }).toEqual({ stdout: '"a"\n"b"\n', ended: 0 });
    expect(bash('batchx map data in/a.jsonl - --allow-empty <&-; exit $?')).toMatchObject({
      stdout: '"a"\n',
      ended: 0,
    });
  });

  it('have to be there where they are named, also with --allow-empty', () => {
    const { stdout, stderr, ended } = batchx(['map', 'data', 'in/a.jsonl', 'nosuch.jsonl', '--allow-empty']);
    expect({ stdout, ended }).toEqual({ stdout: '', ended: 4 });
    expect(stderr).toContain('cannot read nosuch.jsonl: there is no such file');
  });

  it('exits with 4 when a later input breaks, and keeps what came before', () => {
    file('broken.jsonl.gz', gzipSync('"x"\n'.repeat(1000)).subarray(0, 20));
    const { stdout, stderr, ended } = batchx(['map', 'data', 'in/a.jsonl', 'broken.jsonl.gz']);
    expect({ stdout, ended }).toEqual({ stdout: '"a"\n', ended: 4 });
    expect(stderr).toContain('cannot read broken.jsonl.gz');
    expect(stderr).toContain('ended early: 1 item read: 1 ok');
  });

  it('refuses an output that is one of them', () => {
    file('self.jsonl', '1\n');
    const { stderr, ended } = bash('batchx map data self.jsonl >> self.jsonl');
    expect(ended).toBe(2);
    expect(stderr).toContain('cannot read self.jsonl: standard output goes to the same file');
    expect(read('self.jsonl')).toBe('1\n');
  });
});

describe('the output', () => {
  const rows = jsonl({ a: 1, b: 'x,y' }, { a: 2, b: 'z' });

  it.each([
    ['jsonl', '{"a":1,"b":"x,y"}\n{"a":2,"b":"z"}\n'],
    ['json', '[\n{"a":1,"b":"x,y"},\n{"a":2,"b":"z"}\n]\n'],
    ['csv', 'a,b\n1,"x,y"\n2,z\n'],
    ['lines', '{"a":1,"b":"x,y"}\n{"a":2,"b":"z"}\n'],
  ])('may be %s', (format, stdout) => {
    expect(batchx(['map', 'data', '--out', format], rows)).toEqual({ stdout, stderr: '', ended: 0 });
  });

  it('may be bare text', () => {
    expect(batchx(['map', 'data.b', '--out=lines'], rows).stdout).toBe('x,y\nz\n');
  });
});

describe('aggregates', () => {
  const orders = jsonl({ c: 'DE', n: 3 }, { c: 'FR', n: 4 }, { c: 'DE', n: 5 }, { c: 'DE' });

  it('counts', () => {
    expect(batchx(['filter', 'data.c === "DE"', '--count'], orders)).toEqual({
      stdout: '{"count":3}\n',
      stderr: '',
      ended: 0,
    });
  });

  it('counts in groups, in the order in which they came', () => {
    const { stdout } = batchx(['map', 'data', '--group-by', 'data.c', '--out', 'csv'], orders);
    expect(stdout).toBe('key,count\nDE,3\nFR,1\n');
  });

  it('describes numbers, of all rows or of each group', () => {
    const stats = ['map', 'data', '--stats', 'data.n'];
    expect(JSON.parse(batchx(stats, orders).stdout)).toMatchObject({ count: 4, ignored: 1, sum: 12, min: 3, max: 5 });
    const groups = batchx([...stats, '--group-by', '({ c }) => c'], orders)
      .stdout.trim()
      .split('\n');
    expect(groups.map((line) => JSON.parse(line))).toMatchObject([
      { key: 'DE', count: 3, ignored: 1, sum: 8, mean: 4 },
      { key: 'FR', count: 1, ignored: 0, sum: 4, mean: 4 },
    ]);
  });

  it('leaves out rows that failed, and the exit code tells of them', () => {
    expect(batchx(['map', 'data', '--count'], three)).toMatchObject({ stdout: '{"count":2}\n', ended: 1 });
  });

  const rows = jsonl(
    { k: { n: 'a' }, v: { n: 1 } },
    { k: { n: 'b' } },
    { v: { n: 2 } },
    { k: { n: 'a' }, v: { n: 3 } },
  );
  it.each([
    [['--group-by', 'data.k.n'], '{"key":"a","count":2}\n{"key":"b","count":1}\n', [3]],
    [['--stats', 'data.v.n'], /"sum":6,/, [2]],
    [['--group-by', 'data.k.n', '--stats', '({ v }) => v.n'], /^\{"key":"a",.*"sum":4,.*\n$/, [2, 3]],
    [['--group-by', 'data.v === undefined ? 1n : 0'], '{"key":0,"count":3}\n', [2]],
  ])('tells a row for which %j throws, and goes on', (args, stdout, lines) => {
    // With each of them something else is told; the rest is the same for both commands.
    for (const step of args.length > 2
      ? [
          ['map', 'data'],
          ['filter', 'true'],
        ]
      : [['map', 'data']]) {
      const done = batchx([...step, ...args, '--failed', 'not-grouped.jsonl'], rows);
      expect(done).toMatchObject({ stdout: expect.stringMatching(stdout) as string, ended: 1 });
      for (const line of lines) expect(done.stderr).toContain(`stdin:${line}: TypeError`);
      expect(done.stderr).toContain(`${lines.length} failed (${lines.length} expression)`);
      // As they were read, so that they can be run again.
      const letters = read('not-grouped.jsonl').trim().split('\n');
      expect(letters.map((letter) => (JSON.parse(letter) as { data: unknown }).data)).toEqual(
        lines.map((line) => JSON.parse(rows.split('\n')[line - 1] as string) as unknown),
      );
      expect(batchx([...step, ...args, '--strict'], rows)).toMatchObject({ stdout: '', ended: 3 });
    }
  });

  it('wait for keys and numbers that are promises', () => {
    const { stdout } = batchx(
      ['map', 'data', '--group-by', 'async ({ c }) => c', '--stats', 'Promise.resolve(data.n)'],
      orders,
    );
    expect(stdout).toMatch(/^\{"key":"DE",.*"sum":8,.*\n\{"key":"FR",.*"sum":4,.*\n$/);
  });

  it('ends at once when there are too many groups, and says so once', () => {
    const { stdout, stderr, ended } = bash('seq 1000000000 | batchx map data --group-by data; exit $?');
    expect({ stdout, ended }).toEqual({ stdout: '', ended: 1 });
    expect(stderr).toMatch(
      /^batchx: there are more than 1,000,000 groups: group by [^\n]*\nbatchx: ended early: [\d,]+ items read: [^\n]*\n$/,
    );
  });

  it('tells a group that cannot be written', () => {
    const { stderr, ended } = batchx(['map', 'data', '--group-by', 'data', '--out', 'csv'], '"\\ud800"\n"a"\n');
    expect(ended).toBe(1);
    expect(stderr).toContain('half of a surrogate pair');
  });

  it('prints nothing when it was halted', () => {
    expect(batchx(['map', 'data', '--count', '--strict'], three)).toMatchObject({ stdout: '', ended: 3 });
  });
});

describe('--failed', () => {
  it('writes what failed so that it can be run again, and that run alone', () => {
    file('orders.jsonl', jsonl({ id: 'a' }, { id: 'b', total: 1 }, { id: 'c' }));
    const expression = '({ id, total }) => { if (total === undefined) throw new Error("no total"); return id }';
    expect(batchx(['map', expression, 'orders.jsonl', '--failed', 'failed.jsonl'])).toMatchObject({
      stdout: '"b"\n',
      ended: 1,
    });
    const letters = read('failed.jsonl').trim().split('\n');
    expect(letters.map((line) => JSON.parse(line))).toMatchObject([
      { $batchx: 'failed', id: 'orders.jsonl:1', error: { code: 'expression' }, data: { id: 'a' } },
      { $batchx: 'failed', id: 'orders.jsonl:3', data: { id: 'c' } },
    ]);
    expect(batchx(['map', '[item.id, data.id]', 'failed.jsonl']).stdout).toBe(
      '["orders.jsonl:1","a"]\n["orders.jsonl:3","c"]\n',
    );
  });

  it('takes the place of what it was read from, as often as need be', () => {
    file('again.jsonl', '');
    batchx(['map', 'data.x.y', '--failed', 'again.jsonl'], jsonl({ n: 1 }, { n: 2 }, { n: 3 }));
    const again = (args: string[]): string => batchx(['map', ...args, '--failed', 'again.jsonl']).stdout;
    expect(again(['data.n === 2 ? data.n : data.x.y', 'again.jsonl'])).toBe('2\n');
    expect(read('again.jsonl').match(/"id":"[^"]*"/g)).toEqual(['"id":"stdin:1"', '"id":"stdin:3"']);
    expect(again(['data.n', 'again.jsonl'])).toBe('1\n3\n');
    expect(existsSync(join(folder, 'again.jsonl'))).toBe(false);
  });

  it.each([
    ['--strict', ['kept.jsonl', '--strict']],
    ['--limit', ['kept.jsonl', '--limit', '1']],
    ['an input that breaks', ['kept.jsonl', 'broken.gz']],
    ['standard input from it', ['--strict', '<', 'kept.jsonl']],
    ['another format before it', ['empty.csv', 'kept.jsonl', '--strict']],
  ])('loses no letter that was not read, with %s', (_, args) => {
    file('empty.csv', 'a,b\n');
    file('broken.gz', 'broken');
    batchx(['map', 'data.x.y', '--failed', 'kept.jsonl'], jsonl({ n: 1 }, { n: 2 }, { n: 3 }));
    bash(`batchx map 'data.x.y' --failed kept.jsonl ${args.join(' ')}`);
    expect(new Set(read('kept.jsonl').match(/"id":"[^"]*"/g))).toEqual(
      new Set(['"id":"stdin:1"', '"id":"stdin:2"', '"id":"stdin:3"']),
    );
  });

  it.each([
    ['a file', 'out.jsonl', '> out.jsonl'],
    ['a file by another name', './link.jsonl', '> out.jsonl'],
    ['the name of standard output', '/dev/stdout', '> out.jsonl'],
    ['a pipe', '/dev/stdout', '| cat; exit "${PIPESTATUS[0]}"'],
    ['a dash', '-', ''],
  ])('is refused where the rows go: %s', (_, path, output) => {
    file('rows.jsonl', three);
    bash('ln -sf out.jsonl link.jsonl');
    const { stdout, stderr, ended } = bash(`batchx map data rows.jsonl --failed ${path} ${output}`);
    expect({ stdout, ended }).toEqual({ stdout: '', ended: 2 });
    expect(stderr).toContain(`cannot write the failed rows to ${path}: that is standard output`);
  });

  it('may be thrown away, as may the rows', () => {
    expect(bash('printf "x\\n1\\n" | batchx map data -q --failed /dev/null > /dev/null; exit $?').ended).toBe(1);
  });

  it('removes no file that holds something else, be it an input or not', () => {
    file('precious.jsonl', '1\n');
    file('rows.jsonl', three);
    for (const input of ['rows.jsonl', 'precious.jsonl']) {
      const { stdout, stderr, ended } = batchx(['map', 'data', input, '--failed', 'precious.jsonl']);
      expect({ stdout, ended }).toEqual({ stdout: '', ended: 2 });
      expect(stderr).toContain('cannot write precious.jsonl: it is there already, and is no file of dead letters');
      expect(read('precious.jsonl')).toBe('1\n');
    }
  });

  it.each(['no/such/folder.jsonl', '.path'])('is known to be unwritable before anything is read: %s', (path) => {
    const script = `printf '1\\n' | { batchx map data --failed ${path}; echo $?; cat; }`;
    expect(bash(script)).toMatchObject({ stdout: '5\n1\n', stderr: expect.stringContaining(path) as string });
  });

  it('exits with 5 when it cannot be written', () => {
    expect(batchx(['map', 'data', '--failed', '/dev/full'], three)).toMatchObject({ ended: 5 });
  });
});
