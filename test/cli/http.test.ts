import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type FakeApi, startFakeApi } from '../fixtures/fake-api/fake-api.mjs';
import { batchxHere } from './in-process.js';
import { batchx, env, file, folder, jsonl, onLinux, Running } from './program.js';

let api: FakeApi;

beforeAll(async () => {
  api = await startFakeApi();
  api.route('GET', /^\/items\/([^/?]*)/, (_, [, sku]) =>
    sku === 'bad' ? { status: 422, body: 'no such sku' } : { body: { sku } },
  );
  api.route('GET', /^\/moved/, () => ({ status: 302, headers: { location: '/items/a' } }));
  api.route('GET', /^\/slow/, () => new Promise((resolve) => setTimeout(() => resolve({ body: 1 }), 300)));
  api.route('POST', /^\/echo/, ({ arrival: { body, headers } }) => ({ body: { body, type: headers['content-type'] } }));
  file('skus.jsonl', jsonl({ sku: 'a', price: 3 }, { sku: 'bad', price: 4 }, { sku: 'c', price: 5 }));
  file('body.json', '{"sku":"{{ sku }}"}');
});
beforeEach(() => {
  api.arrivals.length = 0;
});
afterAll(() => api.close());

/** Runs a line of bash with the API at hand, which this very process is. */
const begin = (line: string): Running =>
  new Running('bash', ['-c', line], {
    env: { ...env, U: api.url, TOKEN: 'secret-12345' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
const shell = (line: string) => begin(line).ended;

const rowsOf = (stdout: string): Record<string, unknown>[] =>
  stdout
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Record<string, unknown>);

describe('batchx http', () => {
  it('writes an outcome for each row, tells the failures, and ends with 1', async () => {
    const { stdout, stderr, ended } = await shell('batchx http GET "$U/items/{{ sku }}" skus.jsonl -k');
    expect(rowsOf(stdout)).toMatchObject([
      { id: 'skus.jsonl:1', success: true, result: { sku: 'a' } },
      { id: 'skus.jsonl:2', success: false, error: { code: 'http', class: 'permanent' } },
      { id: 'skus.jsonl:3', success: true, result: { sku: 'c' } },
    ]);
    expect(stderr).toContain(`skus.jsonl:2: GET ${api.url}/items/bad answered 422`);
    expect(stderr).toMatch(/3 items read: 2 ok, 1 failed/);
    expect(ended).toBe(1);
  });

  it('takes values, lists, lines, and rows of standard input', async () => {
    file('list.txt', 'x\ny\n');
    const lines = [
      `batchx http "$U/items/{{ data }}" --shape result -k ::: x y`,
      `batchx http "$U/items/{{ data }}" --shape result -k -a list.txt`,
      `batchx http "$U/items/{{ data }}" --shape result -k < list.txt --in lines`,
      `printf '"x"\\n"y"\\n' | batchx http get "$U/items/{{ data }}" --shape result -k -`,
      `printf 'sku\\nx\\ny\\n' | batchx http GET "$U/items/{{ sku }}" --shape result -k --in csv`,
    ];
    for (const line of lines) expect([line, (await shell(line)).stdout]).toEqual([line, '{"sku":"x"}\n{"sku":"y"}\n']);
  });

  it('makes one request where nothing stands for a row, and says so where rows may have been meant', async () => {
    expect(await shell('batchx http -q "$U/items/a"')).toMatchObject({ ended: 0, stderr: '' });
    expect((await shell('echo 1 | batchx http "$U/items/a"')).stderr).toContain(
      'one request is made; `-` makes one for each row',
    );
    expect(api.arrivals).toHaveLength(2);
  });

  it('sends bodies of each kind, and keeps values where they stand', async () => {
    const sent = async (flags: string) => {
      const { stdout } = await shell(`batchx http "$U/echo" --shape result ${flags}`);
      return rowsOf(stdout)[0];
    };
    const row = `<(echo '{"sku":"a&b","n":2}')`;
    expect(await sent(`-d 'v={{ sku }}' ${row}`)).toEqual({ body: 'v=a&b', type: 'text/plain;charset=UTF-8' });
    expect(await sent(`-d 'v={{ sku }}' -H 'Content-Type: text/csv' ${row}`)).toEqual({
      body: 'v=a&b',
      type: 'text/csv',
    });
    expect(await sent(`--form 'v={{ sku }}' ${row}`)).toMatchObject({ body: 'v=a%26b' });
    expect(await sent(`--json-body '{"n":"{{ n }}"}' ${row}`)).toEqual({ body: '{"n":2}', type: 'application/json' });
    expect(await sent(`--json-body '{{ data }}' ${row}`)).toMatchObject({ body: '{"sku":"a&b","n":2}' });
    expect(await sent(`--json-body @body.json ${row}`)).toMatchObject({ body: '{"sku":"a&b"}' });
    expect(await sent(`--query 'q={{ sku }}' -d @body.json ${row}`)).toMatchObject({ body: '{"sku":"a&b"}' });
    expect(api.arrivals.at(-1)).toMatchObject({ method: 'POST', query: { q: 'a&b' } });
  });

  it('shows no secret: not in messages, in what is told of requests, in a dry run, in letters or reports', async () => {
    const line = `batchx http GET "$U/items/bad?key={{ env.TOKEN }}" -H 'x-key: {{ env.TOKEN }}' --secret TOKEN`;
    const { stdout, stderr } = await shell(`${line} -v --failed letters.jsonl --report report.json`);
    const dry = await shell(`${line} --dry-run`);
    expect(api.arrivals.map(({ query, headers }) => [query.key, headers['x-key']])).toEqual([
      ['secret-12345', 'secret-12345'],
    ]);
    const written = ['letters.jsonl', 'report.json'].map((path) => readFileSync(join(folder, path), 'utf8'));
    expect([stdout, stderr, dry.stdout, dry.stderr, ...written].join('\n')).not.toMatch(/secret-1/);
    expect(stderr).toContain(`GET ${api.url}/items/bad?key=***`);
    expect(dry.stdout).toContain('?key=***');
  });

  it('tries again what may be, and leaves in doubt what may have been done', async () => {
    api.script('/flaky', [503, { body: 'there' }]);
    const again = await shell('batchx http "$U/flaky" --retries 2 --shape result');
    expect(again).toMatchObject({ stdout: '"there"\n', ended: 0 });
    api.script('/half', ['reset', 'reset', 'reset'], { repeat: true });
    const doubt = await shell('batchx http POST "$U/half" -d x --retries 2');
    expect(doubt.stderr).toMatch(/1 in doubt/);
    expect(doubt.ended).toBe(1);
    expect(api.arrivals.filter(({ path }) => path === '/half')).toHaveLength(1);
  });

  it('names a command that runs just what failed, and that does so', async () => {
    const { stderr } = await shell(
      `batchx http GET "$U/items/{{ sku }}" skus.jsonl --failed left.jsonl --limit 3 --no-journal`,
    );
    const line = /to run the one that failed again: (.*)$/m.exec(stderr)?.[1] ?? '';
    expect(line).toBe(`batchx http --failed left.jsonl --no-journal GET '${api.url}/items/{{ sku }}' left.jsonl`);
    expect(rowsOf((await shell(line)).stdout)).toMatchObject([{ id: 'skus.jsonl:2', success: false }]);
    const values = await shell(`batchx http "$U/items/{{ data }}" --failed left.jsonl --no-journal ::: a bad`);
    const other = /to run the one that failed again: (.*)$/m.exec(values.stderr)?.[1] ?? '';
    expect(rowsOf((await shell(other)).stdout)).toMatchObject([{ id: '#2', success: false }]);
  });

  it('follows redirects, gives what is asked for of an answer, and reads its own cache', async () => {
    expect((await shell('batchx http "$U/moved"')).stderr).toContain('which --location would follow');
    expect((await shell('batchx http "$U/moved" -L --shape result')).stdout).toBe('{"sku":"a"}\n');
    const { stdout } = await shell('batchx http "$U/items/bad" --as response --expect 422 --shape result');
    expect(rowsOf(stdout)).toMatchObject([{ status: 422, body: 'no such sku' }]);
    api.arrivals.length = 0;
    for (let i = 0; i < 2; i++)
      expect((await shell('batchx http "$U/items/cached" --cache --shape result')).stdout).toBe('{"sku":"cached"}\n');
    expect(api.arrivals).toHaveLength(1);
  });

  it('connects to no private address that comes from data, and names the flag', async () => {
    const { stderr, ended } = await shell(`batchx http '{{ data }}' ::: "$U/items/a"`);
    expect({ ended, arrivals: api.arrivals.length }).toEqual({ ended: 1, arrivals: 0 });
    expect(stderr).toContain('--allow-private allows that');
    expect(await shell(`batchx http '{{ data }}' --allow-private ::: "$U/items/a"`)).toMatchObject({ ended: 0 });
  });

  it('tells requests without making them', async () => {
    const { stdout, ended } = await shell(
      `batchx http PUT "$U/items/{{ sku }}" skus.jsonl --json-body '{"p":"{{ price }}"}' --dry-run --limit 1`,
    );
    expect({ stdout, ended }).toEqual({ stdout: `skus.jsonl:1\n  http: PUT ${api.url}/items/a {"p":3}\n`, ended: 0 });
    expect(api.arrivals).toEqual([]);
  });
});

describe('how batchx http ends', () => {
  it.each<[string, number, RegExp]>([
    ['batchx http "$U/items/{{ sku }}" < /dev/null', 4, /there is nothing to do/],
    ['batchx http "$U/items/{{ sku }}" --allow-empty < /dev/null', 0, /^batchx: 0 items read/],
    ['batchx http "$U/items/{{ sku }}" none.jsonl', 4, /there is no such file/],
    ['batchx http "$U/items/{{ sku }}" skus.jsonl -j1 --strict --fresh', 3, /halted at the first failure/],
    ['batchx http "$U/items/{{ sku }}" skus.jsonl > /dev/full', 5, /cannot write stdout/],
    ['batchx http "$U/items/{{ sku }}" skus.jsonl --report no/r.json', 5, /no\/r.json/],
    ['batchx http "$U/items/{{ sku }}" skus.jsonl --failed no/f.jsonl', 5, /no\/f.jsonl/],
  ])('%s: %d', async (line, code, said) => {
    const { stderr, ended } = await shell(line);
    expect(stderr).toMatch(said);
    expect(ended).toBe(code);
  });

  it('by the signal, once what runs has ended', async () => {
    const running = begin('exec batchx http "$U/slow?{{ data }}" -j1 ::: 1 2 3 4 5 6 7 8 9');
    while (api.arrivals.length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
    running.kill('SIGINT');
    const { stdout, stderr, ended } = await running.ended;
    expect(ended).toBe('SIGINT');
    expect(rowsOf(stdout).every(({ success }) => success)).toBe(true);
    expect(stderr).toContain('interrupted by SIGINT');
  });

  onLinux('without a word when nobody reads on', async () => {
    const many = file('many.jsonl', jsonl(...Array.from({ length: 300 }, (_, n) => ({ n }))));
    const { stdout, stderr, ended } = await shell(
      `batchx http "$U/items/{{ n }}" ${many} | head -1; echo "\${PIPESTATUS[0]}"`,
    );
    expect(stdout.split('\n')).toMatchObject([expect.stringMatching(/^\{/), '141', '']);
    expect({ stderr, ended }).toEqual({ stderr: '', ended: 0 });
  });
});

describe('what is wrong with a line of batchx http is told by its words, and nothing is sent', () => {
  it.each<[string[], string]>([
    [[], 'expected a URL, as in: batchx http GET'],
    [['GET'], 'expected a URL behind GET'],
    [['GTE', 'http://x'], 'expected a method or a URL, got GTE; did you mean "GET"?'],
    [['GET', 'x.example/a'], 'expected a URL that begins with http:// or https://'],
    [['http://x/{}', 'skus.jsonl'], 'expected {{ data }} in the URL'],
    [['http://x/{{ skuu }}', 'skus.jsonl'], '`skuu` is not known here; did you mean "sku"?'],
    [['http://x', '-H', 'a: {{ env.KEY }}'], '--header: `env.KEY` is not known; name it by --secret KEY'],
    [['http://x', '--secret', 'NOT_SET'], '--secret: the variable NOT_SET is not set: export NOT_SET=...'],
    [
      ['http://x', '-H', 'a: 1', '-H', 'A: 2'],
      '--header: expected each header once, got A twice: write its values in one, with a comma between them',
    ],
    [['http://x', '-H', 'nothing'], '-H: expected a header such as \'accept: text/csv\', got "nothing"'],
    [['http://x', '-H', 'host name: a'], '-H: expected a header'],
    [['http://x', '-H', 'content-length: 3'], '--header: the header "content-length" is that of the connection'],
    [['http://x', '-d', 'a', '--form', 'b=c'], 'expected one of --data, --form, got 2: a request has one body'],
    [['http://x', '--rate', '2/s', '--delay', '1'], 'expected one of --rate, --delay'],
    [['http://x', '--json-body', '{"p": {{ price }}}'], 'a value stands in quotes, as in {"price": "{{ price }}"}'],
    [['http://x', '--json-body', '@none.json'], '--json-body: cannot read none.json: there is no such file'],
    [['http://x', '-d', '@-'], '--data: expected a file behind @, got -'],
    [['http://x', '--form', 'f=@a.png'], 'files are not uploaded as forms'],
    [['http://x', '--query', 'a'], '--query: expected NAME=VALUE, got "a"'],
    [['http://x', '--expect', '700'], '--expect: expected a status such as 404'],
    [['http://x', '--max-body', 'x'], '--max-body: expected a size'],
    [['http://x', '--success', 'response.'], '--success: the expression does not parse'],
    [['http://x/{{ sku }}', '--halt', 'son', 'skus.jsonl'], '--halt: expected never or rules'],
    [['http://x/{{ sku }}', 'skus.jsonl', '-a', 'f'], 'expected values in one place, got skus.jsonl beside -a f'],
    [['http://x/{{ data }}', ':::', 'a', ':::', 'b'], 'expected one list of values, got another behind `:::`'],
    [['http://x/{{ data }}', '--id', 'data', ':::', 'a'], 'expected --id with rows'],
    [['http://x/{{ sku }}', '--delimiter', ';', 'skus.jsonl'], 'expected --delimiter only with CSV'],
    [
      ['http://x', '--retry', '3'],
      '--retry: expected one of failed, in-doubt, all (--retries says how often a call is tried), got "3"',
    ],
    [
      ['POST', 'http://x', '--json', '{"a": 1}'],
      '--json: expected no value, got {"a": 1}: it prints the report of the run; --json-body sends a body of JSON',
    ],
    [['http://x', '--json=[1]'], '--json: expected no value, got [1]: it prints the report'],
    [['--json', '@body.json', 'http://x'], '--json: expected no value, got @body.json'],
    [
      ['http://x', '--json-body', '{"text": "12345678901234567890", "id": [12345678901234567890]}'],
      '--json-body: 12345678901234567890 is too long or too large for a number',
    ],
    [['-XPUT', 'http://x'], '-X is of curl: the method stands before the URL'],
    [['-X', 'PUT', 'http://x', '-sS', '--output=x'], '-s is of curl'],
    [['http://x', '--exect', '200'], 'no flag is called --exect; did you mean --expect?'],
  ])('%j', async (args, message) => {
    const { stdout, stderr, ended } = await batchxHere(['http', ...args]);
    expect(stderr).toContain(message);
    expect({ stdout, ended }).toEqual({ stdout: '', ended: 2 });
    expect(stderr).not.toContain('    at ');
  });

  it('by the program as within this process', async () => {
    for (const args of [
      ['http', 'GTE', 'http://x'],
      ['http', 'http://x/{{ skuu }}', 'skus.jsonl'],
    ])
      expect(batchx(args)).toEqual(await batchxHere(args));
  });
});
