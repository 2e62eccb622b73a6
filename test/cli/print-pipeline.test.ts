import { existsSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { type FakeApi, startFakeApi } from '../fixtures/fake-api/fake-api.mjs';
import { batchxHere } from './in-process.js';
import { bash, batchx, env, file, folder, jsonl, Running } from './program.js';

let api: FakeApi;

// Templates with filters are rendered by a dependency, which the copy of the program has to find.
symlinkSync(fileURLToPath(new URL('../../node_modules', import.meta.url)), join(folder, '.program/node_modules'));

beforeAll(async () => {
  api = await startFakeApi();
  // For the checks within this process.
  process.env.TOKEN = 'secret-1';
  api.route('GET', /^\/items\/([^/?]*)/, ({ url }, [, sku]) =>
    sku === 'bad' ? { status: 422, body: 'no' } : { body: { sku, query: Object.fromEntries(url.searchParams) } },
  );
  api.route('POST', /^\/echo/, ({ arrival: { body, headers } }) => ({
    body: { body, type: headers['content-type'], authorization: headers.authorization },
  }));
  file(
    'rows.jsonl',
    jsonl({ id: 1, total: 200, tag: '{{name}}' }, { id: 2, total: 50, tag: 'b' }, { id: 3, total: 120, tag: 'c' }),
  );
  file('more.jsonl.gz', gzipSync(jsonl({ id: 4, total: 7, tag: 'd' })));
  file('broken.jsonl', '{"id":1}\nnot JSON\n{"id":3}\n{"id":4}\n');
  file('people.csv', 'name;age\nAnn;30\nBob;41\n');
  file('table.tsv', 'name\tage\nAnn\t30\n');
  file('list.txt', 'x\ny z\n');
  file('a b.txt', 'one\ntwo\n');
  file('{{a.txt', 'three\n');
  file('skus.jsonl', jsonl({ sku: 'a/1', price: 3 }, { sku: 'bad', price: 4 }, { sku: 'ö', price: 5 }));
});
afterAll(() => api.close());

/** Runs a line of bash, with the API at hand; not in one go, as it is this process that answers. */
async function shell(line: string) {
  const running = new Running('bash', ['-c', line], {
    env: { ...env, U: api.url, TOKEN: 'secret-1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  return running.ended;
}

/** What a line has left behind. */
function leftBehind(): Record<string, string> {
  const made = ['failed.jsonl', 'a b.txt.copy', 'results/1/x/stdout', 'letters.jsonl'].filter((path) =>
    existsSync(join(folder, path)),
  );
  // By what a job knows an item is only said where there is one: `map` and `filter` keep none.
  const read = (path: string): string => readFileSync(join(folder, path), 'utf8').replaceAll(/"key":"[^"]*",/g, '');
  const found = made.map((path) => [path, read(path)] as const);
  for (const path of ['failed.jsonl', 'a b.txt.copy', 'results', 'letters.jsonl'])
    rmSync(join(folder, path), { recursive: true, force: true });
  return Object.fromEntries(found);
}

let files = 0;

/** The file that a line prints, and the flags that it says it is to be run with. */
async function printed(line: string): Promise<{ name: string; text: string; flags: string }> {
  const { stdout, stderr, ended } = await shell(line.replace(/batchx (\w+)/, 'batchx $1 --print-pipeline'));
  expect({ stderr, ended, leftBehind: leftBehind() }).toEqual({ stderr: '', ended: 0, leftBehind: {} });
  const name = file(`printed-${++files}.yaml`, stdout);
  return { name, text: stdout, flags: /^# To run it: batchx run pipeline.yaml ?(.*)$/m.exec(stdout)?.[1] ?? '' };
}

describe('what --print-pipeline prints passes the check, and does the same when it is run', () => {
  it.each([
    `batchx map 'data.total > 100 ? data.id : undefined' rows.jsonl`,
    `batchx map '({ id, tag }) => ({ id, tag: tag.replace("{{name}}", "n") })' rows.jsonl more.jsonl.gz`,
    `batchx map 'data.age * 2' people.csv --delimiter ';' --in csv --out lines`,
    `batchx map data table.tsv --out csv --delimiter tab`,
    `batchx map data people.csv --delimiter ';' --out json`,
    `batchx map 'data.toUpperCase()' ::: a '{{ b }}' '{%' 007 true 'x: y'`,
    `printf '1\\n2\\n3\\n' | batchx map -j 2 'async (n) => n + 1' --limit 2`,
    `batchx map data broken.jsonl --strict`,
    `batchx map 'data.id === 3 ? data.x.y : data' broken.jsonl -k --halt soon,fail=2 --failed failed.jsonl -q`,
    `batchx map data empty* rows.jsonl --allow-empty`,
    `batchx map data --halt now,success=2 rows.jsonl`,
    `batchx exec -j1 --halt soon,done=50% 'echo {}' ::: a b c d`,
    `batchx map -j4 '(n) => new Promise((done, fail) => setTimeout(n == 3 ? fail : done, n == 1 ? 200 : 1, n))' --halt now,fail=1 ::: 1 2 3 4`,
    `batchx filter 'data.total > 100' rows.jsonl`,
    `batchx filter 'item.metadata.line !== 2' '*.jsonl.gz' rows.jsonl --in jsonl`,
    `batchx filter data.x '*.nothing' --allow-empty`,
    `batchx map 'data.fail()' rows.jsonl -q --failed letters.jsonl; batchx map --retry-in-doubt data.id letters.jsonl`,
    `batchx exec -k 'echo {} {#}' ::: a 'b c' '$HOME' "it's" '{{ x }}'`,
    `batchx exec -k --tag echo {1}-{2.} ::: a b ::: 1.x 2.y`,
    `batchx exec -k echo {1} {2} ::: a b :::+ 1 2`,
    `printf 'p q\\nr\\n' | batchx exec -k echo '[{}]'`,
    `printf 'p,q\\nr,s\\n' | batchx exec -k -C , --header : 'echo {p}/{q}'`,
    `batchx exec -k -N2 -a list.txt 'echo {1} and {2}'`,
    `batchx exec -k 'wc -l' 'a b.txt' '{{a.txt'`,
    `batchx exec -k --in csv 'echo {{ name }} is {{ age }}' people2.csv`,
    `batchx exec -k --shell 'echo "$X" {} | tr a-z A-Z; exit 3' --env 'X={{ y }}' --failed failed.jsonl ::: a b`,
    `batchx exec 'cp {} {outputPath}' --creates '{}.copy' 'a b.txt'`,
    `batchx exec -k --out jsonl --retries 1 --timeout 5 --delay 1ms 'test {} = a' ::: a b | sed 's/"ms":[0-9.]*//g; s/"startedAt":[0-9.]*//'`,
    `batchx exec --results results 'echo {}' ::: x y`,
    `batchx exec -j1 --halt now,fail=1 'test {} = a' ::: a b c`,
    `batchx exec -j1 --stdin 'cat -n' 'a b.txt' --limit 1`,
    `batchx http GET "$U/items/{{ sku }}" skus.jsonl -k`,
    `batchx http "$U/items/{{ sku }}?x=1" skus.jsonl -k --query 'p={{ price }}' --query p=2 --shape result --failed failed.jsonl`,
    `batchx http POST "$U/echo" skus.jsonl -k --json-body '{"all":"{{ data }}","p":"{{ price }}"}' --id '{{ sku }}'`,
    `batchx http "$U/echo" -k --form 'v={{ data }}' --rate 100/s --retries 2 -j 2 ::: a 'b&c'`,
    `printf 'x\\ny\\n' | batchx http POST "$U/echo" -k -d 'v={{ data | upcase }}' -H 'Authorization: Bearer {{ env.TOKEN }}' --secret TOKEN -a -`,
    `batchx http "$U/items/1"`,
    `batchx http GET "$U/items/{{ sku }}" skus.jsonl -j1 --strict --limit 3`,
    `batchx http GET "$U/items/{{ sku }}" skus.jsonl -k --expect 2xx --expect 422 --as response --shape result | sed 's/"headers":{[^}]*}//'`,
  ])('%s', async (line) => {
    file('people2.csv', 'name,age\nAnn Lee,30\nBob,41\n');
    const pieces = line.split('; batchx');
    if (pieces.length > 1) bash(pieces[0] as string);
    const own = pieces.length > 1 ? `batchx${pieces[1] ?? ''}` : line;
    if (pieces.length > 1) file('kept.jsonl', readFileSync(join(folder, 'letters.jsonl')));
    const piped = /^(.*?)(batchx .*?)(\| sed .*)?$/s.exec(
      own.replace('letters.jsonl', pieces.length > 1 ? 'kept.jsonl' : 'letters.jsonl'),
    );
    const [, before = '', command = '', after = ''] = piped ?? [];
    leftBehind();
    const { name, flags } = await printed(before + command);
    const run = (each: string) => shell(`set -o pipefail; ${before}${each} ${after}`);
    const first = await run(command);
    const made = leftBehind();
    const checked = await batchxHere(['check', name]);
    expect(checked).toMatchObject({ stdout: '', ended: 0 });
    const second = await run(`batchx run ${name} ${flags} --no-journal`);
    expect({ stdout: second.stdout, ended: second.ended, made: leftBehind() }).toEqual({
      stdout: first.stdout,
      ended: first.ended,
      made,
    });
    if (!/allow-empty|strict|now,fail/.test(line)) expect(first.stdout + JSON.stringify(made)).not.toBe('{}');
  });

  it('is short, and says only what was said', async () => {
    const { text } = await printed(`batchx exec 'gzip {}' '*.log' -j 2 --retries 3`);
    expect(text).toBe(
      [
        '# To run it: batchx run pipeline.yaml',
        'input:',
        '  files:',
        "    - '*.log'",
        'concurrency: 2',
        'steps:',
        '  - exec: gzip {}',
        '    stdout: result',
        '    spool: true',
        '    retry: 3',
        'output:',
        '  - commandOutput: {}',
        '',
      ].join('\n'),
    );
  });

  it('tells what a file has no key for', async () => {
    const { text } = await printed(
      `batchx exec --line-buffer -v -q --allow-empty --dry-run --progress none 'echo {}' ::: a`,
    );
    expect(text).toMatch(/^# To run it: batchx run pipeline.yaml --allow-empty -q --progress none --dry-run$/m);
    expect(text).toMatch(/^# --line-buffer /m);
    expect(text).toMatch(/^# --verbose /m);
    expect((await printed(`batchx map data 'rows*.jsonl'`)).text).toContain(
      '# The files of rows*.jsonl are those that',
    );
    expect((await printed(`batchx http "$U/items/1" -v --json --report r.json`)).text).toMatch(
      /pipeline.yaml --json --report r.json\n# --verbose /,
    );
  });

  it('has figures in place of rows as an aggregate', async () => {
    const { name, text } = await printed(`batchx map data rows.jsonl --group-by data.tag --stats data.total`);
    expect(text).toContain('--json prints that');
    const { stdout } = batchx(['run', name, '--json', '-q']);
    const { aggregate } = JSON.parse(stdout) as { aggregate: { groupBy: { key: string; stats: { sum: number } }[] } };
    expect(aggregate.groupBy.map(({ key, stats }) => [key, stats.sum])).toEqual([
      ['{{name}}', 200],
      ['b', 50],
      ['c', 120],
    ]);
    for (const flag of ['--count', '--stats data.total']) {
      const each = await printed(`batchx filter data.id rows.jsonl ${flag}`);
      expect(batchx(['run', each.name, '-q']).stdout).toBe('');
      expect((parse(each.text) as { aggregate: object[] }).aggregate[0]).toEqual({ count: {} });
    }
  });

  it('hides nothing that was typed, and names secrets without their values', async () => {
    const { text } = await printed(`batchx http "$U/echo" -d x -H 'a: {{ env.TOKEN }}' --secret TOKEN`);
    expect(text).toContain('secrets:\n  - TOKEN\n');
    expect(text).not.toContain('secret-1');
  });

  it.each([
    [`batchx map data rows.jsonl people.csv`, 'expected inputs of one format, got jsonl, csv'],
    [`batchx map 'data.' rows.jsonl`, 'the expression does not parse'],
    [`batchx map data none.jsonl`, 'cannot read none.jsonl'],
    [`batchx exec nosuchprogram ::: a`, 'the program nosuchprogram is not installed'],
    [`batchx exec echo ::: $'\\xff'`, 'text that is not UTF-8 cannot be written to the file of a pipeline'],
    [`batchx http GET "$U/{{ skuu }}" skus.jsonl`, '`skuu` is not known here; did you mean "sku"?'],
  ])('refuses %s', async (line, message) => {
    const { stdout, stderr, ended } = await shell(line.replace(/batchx (\w+)/, 'batchx $1 --print-pipeline'));
    expect(stdout).toBe('');
    expect(stderr).toContain(message);
    expect([2, 4]).toContain(ended);
  });
});
