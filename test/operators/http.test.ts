import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { gzipSync } from 'node:zlib';
import { BatchxError, http, httpStep, type HttpStepOptions, Item, Outcome } from 'batchx';
import * as fc from 'fast-check';
import { from, lastValueFrom, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { compileExpression } from '../../src/core/expression.js';
import { attempts } from '../../src/core/policy/attempts.js';
import { policiesWith } from '../../src/core/policy/policy-options.js';
import { Secrets } from '../../src/core/secrets.js';
import { scopeOf } from '../../src/core/template.js';
import { parseRequestLine } from '../../src/operators/steps/http-url.js';
import { ask, askOne, atOnce, fakeApi, noWaits, webRuntime } from './http-helpers.js';
import { show } from './helpers.js';

describe('a request', () => {
  it('is a GET unless said, and what its options say', async () => {
    const api = await fakeApi();
    const item = await askOne(
      `${api.url}/echo/{{ sku }}?lang=de#x`,
      [{ sku: 'a b', tags: ['x', 'y&z'], none: [], n: 7 }],
      {
        query: { tag: '{{ tags }}', none: '{{ none }}', n: '{{ n }}', both: ['1', '<{{ n }}>'], limit: 5 },
        headers: { 'X-Sku': 'of {{ sku }}', Accept: 'text/plain' },
      },
    );
    expect(item.data).toMatchObject({
      method: 'GET',
      target: '/echo/a%20b?lang=de&tag=x&tag=y%26z&n=7&both=1&both=%3C7%3E&limit=5',
      headers: { 'x-sku': 'of a b', accept: 'text/plain', 'accept-encoding': 'gzip, deflate, br' },
      body: '',
    });
    expect(item.metadata.http).toEqual({ status: 200 });
  });

  it.each<[string, HttpStepOptions, string | undefined, string]>([
    [
      'json',
      { json: { a: '{{ n }}', b: ['{{ list }}', 'x{{ n }}'], c: '{{ none }}', d: 5, e: null, __proto__: {} } },
      'application/json',
      '{"a":7,"b":[[1,{"x":2}],"x7"],"c":null,"d":5,"e":null}',
    ],
    ['json of one value', { json: '{{ list }}' }, 'application/json', '[1,{"x":2}]'],
    ['text', { body: 'n = {{ n }}, {{ list }}' }, 'text/plain;charset=UTF-8', 'n = 7, [1,{"x":2}]'],
    ['bytes', { body: '{{ bytes }}', headers: { 'content-type': 'image/png' } }, 'image/png', '\u0001\u0002'],
    [
      'a form',
      { form: { n: '{{ n }}', text: 'a=b & c', list: '{{ list }}' } },
      'application/x-www-form-urlencoded;charset=UTF-8',
      'n=7&text=a%3Db+%26+c&list=1&list=%7B%22x%22%3A2%7D',
    ],
    ['nothing', {}, undefined, ''],
  ])('has a body that is %s', async (_, options, type, body) => {
    const api = await fakeApi();
    const data = { n: 7, list: [1, { x: 2 }], none: null, bytes: Buffer.from([1, 2]) };
    const item = await askOne(`PUT ${api.url}/echo`, [data], options);
    expect(item.data).toMatchObject({ method: 'PUT', body });
    expect((item.data as { headers: Record<string, string> }).headers['content-type']).toBe(type);
  });

  it('may name what earlier steps and the pipeline have, and be a URL of either', async () => {
    const api = await fakeApi();
    const runtime = webRuntime({ context: { config: { base: `${api.url}/echo/` }, env: { KEY: 'geheim' } } });
    const options = { headers: { authorization: 'Bearer {{ env.KEY }}' }, allowPrivate: true };
    const item = await askOne('{{ config.base }}/items/{{ id }}', [{ id: 'ä' }], options, runtime);
    expect(item.data).toMatchObject({ path: '/echo/items/%C3%A4', headers: { authorization: 'Bearer geheim' } });
    const whole = await askOne('{{ url }}', [{ url: `${api.url}/echo/a?b=c%20d` }], { allowPrivate: true });
    expect(whole.data).toMatchObject({ target: '/echo/a?b=c%20d' });
    const parts = await askOne('http://{{ host }}:{{ port }}/echo', [{ host: '127.0.0.1', port: api.port }], {
      allowPrivate: true,
    });
    expect(parts.data).toMatchObject({ path: '/echo' });
    const signed = await askOne(`${api.url.replace('//', '//me:p%40ss@')}/echo`);
    expect(signed.data).toMatchObject({
      headers: { authorization: `Basic ${Buffer.from('me:p@ss').toString('base64')}` },
    });
  });

  it.each<[string, unknown, string]>([
    ['', { sku: '' }, 'make an empty part of its path'],
    ['.', { sku: '.' }, 'make the part `.` of its path'],
    ['..', { sku: '..' }, 'make the part `..` of its path'],
    ['half a character', { sku: '\ud800' }, 'half of a character'],
    ['unknown', { other: 1 }, '`sku` is not known'],
    ['null', { sku: null }, '`sku` is null'],
  ])('whose path would be of %s is not made', async (_, data, message) => {
    const api = await fakeApi();
    const item = await askOne(`DELETE ${api.url}/items/{{ sku }}`, [data]);
    expect(item.error!.message).toContain(message);
    expect(api.arrivals).toEqual([]);
  });

  it('keeps every value in its place of the URL', () => {
    const { url } = parseRequestLine('https://shop.example/a/{{ x }}/b.{{ x }}?q={{ x }}&r=1');
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 1 }), (x) => {
        fc.pre(x !== '.' && x !== '..');
        const made = url.render(scopeOf(Item.of({ x })));
        expect(made.host).toBe('shop.example');
        expect(made.pathname.split('/').map(decodeURIComponent)).toEqual(['', 'a', x, `b.${x}`]);
        expect([...made.searchParams]).toEqual([
          ['q', x],
          ['r', '1'],
        ]);
      }),
    );
  });

  it.each([
    'evil.example/',
    'evil.example#',
    'evil.example?',
    'a@evil.example',
    'evil.example:80',
    'evil example',
    '..',
    '',
  ])('whose host would be made of %j does not leave it', (store) => {
    const { url } = parseRequestLine('https://{{ store }}.shop.example/x');
    let host: string | undefined;
    try {
      host = url.render(scopeOf(Item.of({ store }))).hostname;
    } catch (error) {
      expect(error).toMatchObject({ code: 'encode' });
    }
    if (host !== undefined) expect(host).toMatch(/\.shop\.example$/);
  });

  it.each(['a\r\nx-evil: 1', 'a\nb', 'a\0b', 'a\rb', '日本'])('with %j in a header is not made', async (value) => {
    const api = await fakeApi();
    const items = await ask(`${api.url}/echo`, [{ value }, { value: 'fine, ü' }], {
      headers: { 'x-value': '{{ value }}' },
    });
    expect(items[0]!.error).toMatchObject({ code: 'encode', class: 'permanent' });
    expect(items[0]!.error!.message).toMatch(/^header x-value: expected one line of text, got/);
    expect(items[0]!.error!.message).not.toContain(value);
    expect(items[1]!.error).toBeUndefined();
    expect(api.arrivals).toHaveLength(1);
  });

  it.each<[string, HttpStepOptions, string]>([
    ['FETCH https://a.example', {}, 'expected a method such as GET, POST or PUT before the URL, got "FETCH"'],
    ['https://', {}, 'expected a URL that begins with http://'],
    ['ftp://a.example', {}, 'expected a URL that begins with http:// or https://, or with a value'],
    ['GET shop.example/x', {}, 'expected a URL that begins with http://'],
    ['https://a.example:port/x', {}, 'expected one of http or https with a host'],
    ['https://a.example/{{ x', {}, '`{{` without a `}}`'],
    [
      'POST https://a.example',
      { json: {}, body: '' },
      'expected one of `json`, `body` and `form`, got `json` and `body`',
    ],
    ['https://a.example', { json: {} }, 'expected a method before the URL, as POST, for a request with a body'],
    ['https://a.example', { headers: { 'x y': '' } }, 'expected the name of a header'],
    ['https://a.example', { headers: { 'x-{{ name }}': '' } }, 'expected the name of a header'],
    ['https://a.example', { headers: { 'content-length': '1' } }, 'is that of the connection'],
    ['https://a.example', { headers: { x: 'a\nb' } }, 'header x: expected one line of text'],
    ['https://a.example', { expect: '1xx' }, 'expected a status such as 404'],
    ['https://a.example', { redirects: 6 }, '`redirects`'],
    ['https://a.example', { success: 'response.' }, 'does not parse'],
    ['https://a.example', { timeout: 'soon' }, 'expected a time such as "10s"'],
  ])('%s with %j is refused when it is built', (request, options, message) => {
    expect(() => http(request, options)).toThrow(message);
    expect(() => http(request, options)).toThrow(BatchxError);
  });
});

describe('an answer', () => {
  const get = async (
    answer: { status?: number; headers?: Record<string, string>; body?: unknown },
    options: HttpStepOptions = {},
    method = 'GET',
  ) => {
    const api = await fakeApi();
    api.script('/ok', [answer]);
    return askOne(`${method} ${api.url}/ok`, [{ id: 'as it was' }], options);
  };
  const typed = (type: string, body: unknown) => ({ headers: { 'content-type': type }, body });

  it.each<[string, Parameters<typeof get>[0], HttpStepOptions['as'], unknown]>([
    ['JSON', { body: { a: 1 } }, 'auto', { a: 1 }],
    ['JSON of another kind', typed('application/problem+json; charset=utf-8', '{"a":1}'), 'auto', { a: 1 }],
    ['JSON with a byte order mark', typed('application/json', '\ufeff[1]'), 'auto', [1]],
    ['text', typed('text/html', '<p>'), 'auto', '<p>'],
    ['text in another encoding', typed('text/plain; charset=ISO-8859-1', Buffer.from([0xe4])), 'auto', 'ä'],
    ['text in an encoding of its own', typed('text/plain; charset=klingon', 'a'), 'auto', 'a'],
    ['bytes', typed('image/png', Buffer.from([1, 2])), 'auto', Buffer.from([1, 2])],
    ['text without a type', { body: 'plain' }, 'auto', 'plain'],
    ['bytes without a type', { body: Buffer.from([0xff, 0]) }, 'auto', Buffer.from([0xff, 0])],
    ['nothing', typed('application/json', ''), 'auto', null],
    ['no content', { status: 204 }, 'auto', null],
    ['no content, as JSON', { status: 204 }, 'json', null],
    ['JSON that is called text', typed('text/plain', '[1]'), 'json', [1]],
    ['JSON as text', { body: [1] }, 'text', '[1]'],
    ['JSON as bytes', { body: [1] }, 'bytes', Buffer.from('[1]')],
    ['what nobody wants', { body: [1] }, 'none', { id: 'as it was' }],
    ['what nobody wants, and nobody could read', typed('application/json', '{'), 'none', { id: 'as it was' }],
  ])('that is %s', async (_, answer, as, expected) => {
    const item = await get(answer, { as: as! });
    expect(show(item)).toEqual(expected);
  });

  it('may be had with its status and its headers', async () => {
    const item = await get({ status: 201, headers: { 'x-rest': '5' }, body: [1] }, { as: 'response' });
    expect(item.data).toMatchObject({ status: 201, headers: { 'x-rest': '5' }, body: [1] });
    expect(item.metadata.http).toEqual({ status: 201 });
  });

  it('to HEAD has no body, whatever its headers say', async () => {
    const item = await get(
      { headers: { 'content-length': '99999999', 'content-type': 'application/json' } },
      {},
      'HEAD',
    );
    expect(show(item)).toBeNull();
  });

  it.each(['gzip', 'deflate', 'deflate-raw', 'br'])('that is packed as %s is unpacked', async (kind) => {
    const api = await fakeApi();
    expect((await askOne(`${api.url}/packed/${kind}`)).data).toEqual({ items: [1, 2, 3], more: 'of it' });
  });

  it('that is packed twice, or in a way that nobody knows', async () => {
    const twice = {
      headers: { 'content-encoding': 'gzip, gzip', 'content-type': 'application/json' },
      body: gzipSync(gzipSync('[1]')),
    };
    expect(show(await get(twice))).toEqual([1]);
    const unknown = await get({ headers: { 'content-encoding': 'zstd' }, body: 'x' });
    expect(unknown.error!.message).toContain('a body that is packed as zstd, expected gzip, deflate, br');
  });

  it('as long as it may be is read, and not a byte more', async () => {
    const api = await fakeApi();
    const lengths = [1024, 1025];
    const items = await ask(
      `${api.url}/bytes/{{ n }}`,
      lengths.map((n) => ({ n })),
      { maxBody: '1KB' },
    );
    expect(items.map(({ data, error }) => error?.message ?? String(data).length)).toEqual([
      1024,
      `GET ${api.url}/bytes/1025 answered 200 with a body of more than 1KB`,
    ]);
  });

  it.each<[HttpStepOptions['expect'], number, boolean]>([
    ['2xx', 200, true],
    ['2xx', 299, true],
    ['2xx', 404, false],
    [404, 404, true],
    [404, 200, false],
    ['200-204', 204, true],
    ['200-204', 205, false],
    [['2xx', 404], 404, true],
    ['3xx', 302, true],
  ])('with `expect: %j` of %i: %j', async (expected, status, isFine) => {
    const item = await get({ status, headers: { location: '/else' }, body: '' }, { expect: expected! });
    expect(item.error === undefined).toBe(isFine);
  });

  it.each<[number, Record<string, string>, unknown, Record<string, unknown>]>([
    [400, {}, 'bad', { class: 'permanent', haltAfter: undefined }],
    [401, {}, 'who?', { class: 'permanent', haltAfter: 1 }],
    [402, {}, 'pay', { class: 'permanent', haltAfter: 1 }],
    [403, {}, 'no', { class: 'permanent', haltAfter: 5 }],
    [404, {}, 'no', { class: 'permanent', haltAfter: undefined }],
    [408, {}, '', { class: 'unprocessed' }],
    [429, {}, '', { class: 'throttled', retryAfterMs: undefined }],
    [429, { 'retry-after': '2' }, '', { class: 'throttled', retryAfterMs: 2000 }],
    [429, {}, { error: { code: 'insufficient_quota' } }, { class: 'permanent', haltAfter: 1 }],
    [
      429,
      {},
      { error: { details: { error_code: 'enforced_spend_limit_reached' } } },
      { class: 'permanent', haltAfter: 1 },
    ],
    [500, {}, '', { class: 'transient' }],
    [501, {}, '', { class: 'permanent' }],
    [503, {}, '', { class: 'unprocessed' }],
    [503, { 'retry-after': '1' }, '', { class: 'throttled', retryAfterMs: 1000 }],
    [529, {}, '', { class: 'transient' }],
  ])('of %i with %j and %j', async (status, headers, body, expected) => {
    const { error } = await get({ status, headers, body }, { retry: noWaits });
    expect(error).toMatchObject({ code: 'http', inDoubt: false, ...expected });
  });

  it('that is no success is told without the query, which may hold a key, or the name and password', async () => {
    const api = await fakeApi();
    api.script('/ok', [
      {
        status: 400,
        headers: { 'content-type': 'text/html', 'content-encoding': 'gzip' },
        body: gzipSync('<p>what\n is it?'),
      },
    ]);
    const { error } = await askOne(`${api.url.replace('//', '//me:secret@')}/ok?key=secret`, [{}], {
      headers: { authorization: 'secret' },
    });
    expect(error!.message).toBe(`GET ${api.url}/ok?... answered 400 Bad Request: <p>what is it?`);
  });

  it('that forbids is the same failure for each item of its server', async () => {
    const api = await fakeApi();
    const items = await ask(`${api.url}/status/403?{{ n }}`, [{ n: 1 }, { n: 2 }]);
    expect(new Set(items.map(({ error }) => error!.haltKey))).toEqual(new Set([`403 127.0.0.1:${api.port}`]));
  });
});

describe('rules', () => {
  const graphql = {
    throttled: "response.body.errors?.some((error) => error.extensions?.code === 'THROTTLED')",
    success: '!response.body.errors',
    cost: 'response.body.extensions?.cost?.actualQueryCost',
    retryAfter: 'response.body.extensions?.cost?.requestedQueryCost && "20ms"',
  } as const;

  it('say what an answer is, whatever its status', async () => {
    const api = await fakeApi();
    const body = (extra: object) => ({ body: { data: {}, ...extra } });
    api.script('/ok', [
      body({ errors: [{ extensions: { code: 'THROTTLED' } }], extensions: { cost: { requestedQueryCost: 9 } } }),
      body({ extensions: { cost: { actualQueryCost: 12 } } }),
      body({ errors: [{ message: 'no such field' }] }),
    ]);
    const seen: unknown[] = [];
    const runtime = webRuntime();
    runtime.events.on('batch:attempt', ({ error }) => seen.push(error));
    const items = await ask(
      `POST ${api.url}/ok`,
      [1, 2],
      { ...graphql, concurrency: 1, json: {}, retry: { retries: 0 } },
      runtime,
    );
    expect(seen).toMatchObject([
      { class: 'throttled', retryAfterMs: 20, message: expect.stringContaining('which is `throttled`') as string },
    ]);
    expect(items[0]!.metadata.http).toEqual({ status: 200, cost: 12 });
    expect(items[1]!.error).toMatchObject({ code: 'http', class: 'permanent', inDoubt: false });
    expect(items[1]!.error!.message).toContain('is no `success`: {"data":{},"errors":[{"message":"no such field"}]}');
  });

  it('that were compiled before are told by their text when they fail', async () => {
    const api = await fakeApi();
    const success = compileExpression('respnse.ok', ['response'], { config: {} }) as never;
    const { error } = await askOne(`POST ${api.url}/ok`, [{}], { json: {}, success });
    expect(error!.message).toBe('the rule `success` failed: ReferenceError: respnse is not defined, in "respnse.ok"');
  });

  it('are given the data and the item, and may be functions', async () => {
    const api = await fakeApi();
    const items = await ask(`${api.url}/items/{{ id }}`, [{ id: 'a' }, { id: 'b' }], {
      success: ((response: { body: { id: string } }, data: { id: string }, item: Item) =>
        response.body.id === data.id && item.seq === 0) as never,
    });
    expect(items.map(({ error }) => error === undefined)).toEqual([true, false]);
  });

  it.each<[HttpStepOptions, string]>([
    [
      { success: 'response.body.a.b.c' },
      'the rule `success` failed: TypeError: Cannot read properties of undefined (reading \'b\'), in "response.body.a.b.c"',
    ],
    [
      { throttled: 'respnse.status === 200' },
      'the rule `throttled` failed: ReferenceError: respnse is not defined, in "respnse.status === 200"',
    ],
    [
      { cost: 'response === undefined ? 1 : nothing' },
      'the rule `cost` failed: ReferenceError: nothing is not defined, in "response === undefined ? 1 : nothing"',
    ],
    [
      { throttled: 'true', retryAfter: '(() => { throw "no" })()' },
      'the rule `retryAfter` failed: no, in "(() => { throw \\"no\\" })()"',
    ],
    [{ cost: '"much"' }, 'expected `cost` to give a number, got "much"'],
    [
      { throttled: 'true', retryAfter: '"soon"' },
      'expected `retryAfter` to give milliseconds, or a time such as "2s", got "soon"',
    ],
  ])(
    '%j that is wrong fails the item, once, and leaves no POST in doubt: its answer is there',
    async (options, message) => {
      const api = await fakeApi();
      const item = await askOne(`POST ${api.url}/ok`, [{}], { ...options, json: {}, retry: atOnce });
      expect(item.error).toMatchObject({ code: 'expression', class: 'permanent' });
      expect(item.error!.message).toContain(message);
      expect(Outcome.of(item).status).toBe('failed');
      expect(api.arrivals).toHaveLength(1);
    },
  );
});

describe('redirects', () => {
  const to = (api: { url: string }, status: number, location: string): string =>
    `${api.url}/to?status=${status}&location=${encodeURIComponent(location)}`;

  it('are not followed unless said, and the message says so', async () => {
    const api = await fakeApi();
    const { error } = await askOne(to(api, 302, '/ok?key=1'));
    expect(error).toMatchObject({ code: 'http', class: 'permanent' });
    expect(error!.message).toContain(`answered 302 Found`);
    expect(error!.message).toContain(`it redirects to ${api.url}/ok?..., which \`redirects\` would follow`);
  });

  it('are followed as often as said', async () => {
    const api = await fakeApi();
    expect(show(await askOne(`${api.url}/redirect/3`, [{}], { redirects: 3 }))).toEqual({ arrived: true });
    const more = await askOne(`${api.url}/redirect/4`, [{}], { redirects: 3 });
    expect(more.error!.message).toBe(`GET ${api.url}/redirect/4 was redirected more than 3 times`);
    const loop = await askOne(`${api.url}/loop`, [{}], { redirects: 5 });
    expect(loop.error).toMatchObject({ class: 'permanent' });
    expect(api.arrivals.filter(({ path }) => path === '/loop')).toHaveLength(6);
  });

  it.each([
    ['GET', 301, 'GET', false],
    ['POST', 301, 'GET', false],
    ['POST', 302, 'GET', false],
    ['PUT', 302, 'PUT', true],
    ['PUT', 303, 'GET', false],
    ['POST', 307, 'POST', true],
    ['POST', 308, 'POST', true],
  ])('%s and %i: goes on as %s, with its body: %j', async (method, status, then, withBody) => {
    const api = await fakeApi();
    const options = { redirects: 1, ...(method !== 'GET' && { json: { a: 1 } }) };
    const { data } = await askOne(`${method} ${to(api, status, '/echo')}`, [{}], options);
    expect(data).toMatchObject({ method: then, body: withBody ? '{"a":1}' : '' });
    expect((data as { headers: object }).headers).toEqual(
      withBody
        ? expect.objectContaining({ 'content-type': 'application/json' })
        : expect.not.objectContaining({ 'content-type': expect.anything() as string }),
    );
  });

  it('take what is secret along to the same server, and to no other', async () => {
    const [api, other] = [await fakeApi(), await fakeApi()];
    const headers = { authorization: 'a', cookie: 'c', 'x-api-key': 'k', 'x-auth-token': 't', 'x-trace': 'stays' };
    const options = { redirects: 1, headers, idempotencyKey: 'i' };
    const same = await askOne(to(api, 307, '/echo'), [{}], options);
    expect(same.data).toMatchObject({ headers: { ...headers, 'idempotency-key': 'i' } });
    await askOne(to(api, 307, `http://me:too@127.0.0.1:${other.port}/echo`), [{}], options);
    const [arrival] = other.arrivals;
    expect(Object.keys(arrival!.headers).toSorted()).toEqual(['accept-encoding', 'connection', 'host', 'x-trace']);
  });

  it.each([307, 308])(
    'of %i take the body along to another server, and no header with a secret in it',
    async (status) => {
      const [api, other] = [await fakeApi(), await fakeApi()];
      const secrets = new Secrets(['s3cret-value']);
      const runtime = webRuntime({ redact: (text) => secrets.redact(text) });
      const headers = { authorization: 'Basic YTpi', 'x-shop': 'of s3cret-value', 'x-trace': 'stays' };
      const options = { redirects: 1, json: { a: 1 }, headers };
      await ask(`PUT ${to(api, status, `${other.url}/echo`)}`, [{}], options, runtime);
      expect(api.arrivals[0]!.headers).toMatchObject(headers);
      const [arrival] = other.arrivals;
      expect(arrival).toMatchObject({ method: 'PUT', body: '{"a":1}' });
      expect(Object.keys(arrival!.headers).toSorted()).toEqual([
        'accept-encoding',
        'connection',
        'content-length',
        'content-type',
        'host',
        'x-trace',
      ]);
    },
  );

  it.each(['file:///etc/passwd', 'javascript:alert(1)', 'http://[', 'gopher://127.0.0.1/'])(
    'to %s are refused',
    async (location) => {
      const api = await fakeApi();
      const { error } = await askOne(to(api, 302, location), [{}], { redirects: 5 });
      expect(error).toMatchObject({ code: 'http', class: 'permanent' });
    },
  );

  it('of a POST to what fails leave it in doubt: it was done', async () => {
    const api = await fakeApi();
    api.script('/down', [503, 503]);
    const item = await askOne(`POST ${to(api, 303, '/down')}`, [{}], { json: {}, redirects: 1, retry: atOnce });
    expect(Outcome.of(item).status).toBe('in-doubt');
    expect(api.effects).toHaveLength(1);
  });
});

describe('the step', () => {
  it('says how it is tried: once for POST and PATCH, unless it has a key', () => {
    const runtime = webRuntime();
    const policies = (request: string, more: object = {}) =>
      httpStep.policies!(httpStep.options.parse({ request, ...more }), runtime);
    const repeatable = (request: string, more?: object) => policies(request, more).effect === 'writes';
    expect(
      ['GET', 'HEAD', 'PUT', 'DELETE', 'OPTIONS'].map((method) => repeatable(`${method} https://a.example`)),
    ).not.toContain(false);
    expect(['POST', 'PATCH'].map((method) => repeatable(`${method} https://a.example`))).toEqual([false, false]);
    expect(repeatable('POST https://a.example', { idempotencyKey: '{{ id }}' })).toBe(true);
    expect(policies('https://{{ x }}.example:8443/{{ y }}').server!(Item.of({ x: 'b', y: 1 }))).toBe('b.example:8443');
    expect(policies('https://a.example/{{ y }}').server!(Item.of({}))).toBe('a.example');
    const said = policiesWith(policies('POST https://a.example'), { effect: 'writes', timeout: '1s' }, runtime);
    expect([said.repeatable, said.timeout!.limitMs]).toEqual([true, 1000]);
    expect(policiesWith(policies('POST https://a.example'), { breaker: false }, runtime).breaker).toBeUndefined();
  });

  it('does in a pipeline what the operator does in code', async () => {
    const api = await fakeApi();
    const runtime = webRuntime();
    const options = httpStep.options.parse({ request: `PUT ${api.url}/items/{{ sku }}` });
    const run = attempts(
      httpStep.create(options, runtime),
      policiesWith(httpStep.policies!(options, runtime), {}, runtime),
      runtime,
    );
    const slot = { signal: new AbortController().signal } as never;
    expect(((await run(Item.of({ sku: 'a' }), slot)) as Item).data).toEqual({ id: 'a' });
  });

  it('lets failed and skipped items pass by', async () => {
    const api = await fakeApi();
    const source = from([Item.of(1).fail(new BatchxError('parse', 'bad')), Item.of(2).skip('duplicate')]);
    const items = await lastValueFrom(source.pipe(http(`${api.url}/ok`, {}, webRuntime()), toArray()));
    expect(items.map(show)).toEqual(['!bad', '~duplicate']);
    expect(api.arrivals).toEqual([]);
  });

  it('uses as many connections as it has requests at once, over and over', async () => {
    const api = await fakeApi();
    await ask(
      `${api.url}/ok`,
      Array.from({ length: 200 }, (_, n) => n),
      { concurrency: 5 },
    );
    expect(api.most).toBeLessThanOrEqual(5);
    expect(api.connections).toBe(5);
  });
});

describe('the fake API as a process', () => {
  it('is told over HTTP what to do', async () => {
    const main = new URL('../fixtures/fake-api/main.mjs', import.meta.url).pathname;
    const child = spawn(process.execPath, [main], { stdio: ['pipe', 'pipe', 'inherit'] });
    const [url] = (await createInterface({ input: child.stdout })[Symbol.asyncIterator]().next()).value!.split(' ') as [
      string,
    ];
    const runtime = webRuntime();
    const script = { path: '/ok', steps: ['reset-before-headers', 503, 'ok'] };
    await askOne(`PUT ${url}/-/script`, [script], { json: '{{ data }}' }, runtime);
    expect(show(await askOne(`${url}/ok`, [{}], { retry: atOnce }, runtime))).toEqual({ ok: true });
    const { data } = await askOne(`${url}/-/arrivals`, [{}], {}, runtime);
    expect((data as { status: number }[]).map(({ status }) => status)).toEqual([0, 503, 200]);
    // No connection that is kept keeps a process alive: nothing but these are left here.
    await expect.poll(() => process.getActiveResourcesInfo()).not.toContain('TCPSocketWrap');
    child.stdin.end();
    await new Promise((resolve) => child.on('exit', resolve));
  });

  it('lets through what its bucket holds, and refuses the rest', async () => {
    const api = await fakeApi({ limits: [{ path: '/ok', limit: 2, perMs: 60_000 }] });
    const items = await ask(`${api.url}/ok`, [1, 2, 3], { concurrency: 1, retry: noWaits });
    expect(items.map(({ error }) => error?.class)).toEqual([undefined, undefined, 'throttled']);
    expect(items[2]!.error!.retryAfterMs).toBeGreaterThan(20_000);
    expect(api.arrivals.map(({ refused }) => refused)).toEqual([undefined, undefined, true]);
  });
});
