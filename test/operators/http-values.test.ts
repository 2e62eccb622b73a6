import type { HttpStepOptions } from 'batchx';
import { describe, expect, it } from 'vitest';
import { ask, fakeApi } from './http-helpers.js';

/** The places of a request that values may stand in. */
const places: Record<string, (name: string) => [path: string, options: HttpStepOptions]> = {
  path: (name) => [`/echo/{{ ${name} }}`, {}],
  'the query of the URL': (name) => [`/echo?a={{ ${name} }}`, {}],
  query: (name) => ['/echo', { query: { a: `{{ ${name} }}` } }],
  'a text in query': (name) => ['/echo', { query: { a: `no {{ ${name} }}` } }],
  form: (name) => ['/echo', { form: { a: `{{ ${name} }}` } }],
  'a text in form': (name) => ['/echo', { form: { a: `no {{ ${name} }}` } }],
  json: (name) => ['/echo', { json: { a: `{{ ${name} }}` } }],
  'a text in json': (name) => ['/echo', { json: { a: `no {{ ${name} }}` } }],
  body: (name) => ['/echo', { body: `{{ ${name} }}` }],
  'a text in body': (name) => ['/echo', { body: `no {{ ${name} }}` }],
  header: (name) => ['/echo', { headers: { a: `{{ ${name} }}` } }],
};

async function errors(name: string, data: unknown): Promise<Record<string, string | undefined>> {
  const api = await fakeApi();
  const told = await Promise.all(
    Object.entries(places).map(async ([place, of]) => {
      const [path, options] = of(name);
      const [item] = await ask(`PUT ${api.url}${path}`, [data], options);
      return [place, item?.error?.message] as const;
    }),
  );
  expect(api.arrivals).toHaveLength(told.filter(([, message]) => message === undefined).length);
  return Object.fromEntries(told);
}

const everywhere = (expected: unknown): Record<string, unknown> =>
  Object.fromEntries(Object.keys(places).map((place) => [place, expected]));

describe('a value that cannot be said', () => {
  it.each([
    ['12345678901234567890', '`a` is read as 12345678901234567168'],
    ['9007199254740993', '`a` is read as 9007199254740992, and whether its last digits'],
    ['-9007199254740992', '`a` is read as -9007199254740992'],
    ['1e21', '`a` is read as 1000000000000000000000'],
    ['1e400', 'expected `a` to be a number, got Infinity'],
    ['-1e400', 'expected `a` to be a number, got -Infinity'],
    ['{"b":[12345678901234567890]}', '`a` is read as 1234567890123456'],
    ['{"b":{"id":1e400}}', 'expected `id` to be a number, got Infinity'],
  ])('is the number %s in any place: none is sent', async (json, message) => {
    const value = JSON.parse(`{"a":${json}}`) as { a: unknown };
    expect(await errors('a', value)).toEqual(everywhere(expect.stringContaining(message)));
  });

  it('is NaN, and what is not there', async () => {
    expect(await errors('a', { a: NaN })).toEqual(everywhere(expect.stringContaining('to be a number, got NaN')));
    expect(await errors('b', { a: 1 })).toEqual(everywhere(expect.stringContaining('`b` is not known')));
    expect(await errors('a.b', { a: {} })).toEqual(everywhere(expect.stringContaining('`a.b` leads to nothing')));
  });

  it('is null, but as a value in JSON, which has it', async () => {
    const nothing = expect.stringContaining('`a` is null, expected a value') as unknown;
    expect(await errors('a', { a: null })).toEqual({ ...everywhere(nothing), json: undefined });
    const { query, form } = await errors('a', { a: ['x', null] });
    expect([query, form]).toEqual(['query: `a.1` is null, expected a value', 'form: `a.1` is null, expected a value']);
  });

  it('is half of a character', async () => {
    const half = expect.stringMatching(/half of a character|characters that no header can have/) as unknown;
    expect(await errors('a', { a: 'x\ud800' })).toEqual(everywhere(half));
    const told = await errors('a', { a: { b: ['\udc00'], '\\ud800': '\\\\udc00' } });
    expect(told.json).toContain('half of a character');
    const well = await errors('a', { a: { '\\ud800': ['\\\\udc00 😀'] } });
    expect([well.json, well.body]).toEqual([undefined, undefined]);
  });

  it('is no number that was written in the pipeline, and none that is exact', async () => {
    const api = await fakeApi();
    const options = { json: { a: 1e21, b: '{{ b }}', c: 0.1 }, query: { a: 1e21, b: '{{ b }}' } };
    const [item] = await ask(`PUT ${api.url}/echo`, [{ b: Number.MAX_SAFE_INTEGER }], options);
    expect(item?.data).toMatchObject({
      target: '/echo?a=1e%2B21&b=9007199254740991',
      body: '{"a":1e+21,"b":9007199254740991,"c":0.1}',
    });
    expect(() => ask(`PUT ${api.url}/echo`, [{}], { json: { a: Infinity } })).toThrow(
      'json: expected numbers that JSON can say, got Infinity',
    );
  });
});
