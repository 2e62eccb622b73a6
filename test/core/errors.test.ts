import { describe, expect, it } from 'vitest';
import { classOf } from '../../src/core/error-class.js';
import { BatchxError, messageOf, systemCode } from '../../src/core/errors.js';

describe('BatchxError', () => {
  it('has a code, a message, a place and a cause', () => {
    const cause = new TypeError('inner');
    const error = new BatchxError('parse', 'not JSON', {
      where: 'a.jsonl:3',
      cause,
      retryable: true,
      retryAfterMs: 500,
    });
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject({
      name: 'BatchxError',
      code: 'parse',
      message: 'not JSON',
      where: 'a.jsonl:3',
      retryable: true,
      retryAfterMs: 500,
    });
    expect(error.cause).toBe(cause);
  });

  it('is not to be tried again unless it says so', () => {
    const error = new BatchxError('bug', 'no');
    expect([error.retryable, error.retryAfterMs, error.where, 'cause' in error]).toEqual([
      false,
      undefined,
      undefined,
      false,
    ]);
  });

  it('from: keeps its own, and wraps whatever else was thrown', () => {
    const own = new BatchxError('halted', 'enough');
    expect(BatchxError.from(own, 'output')).toBe(own);
    const thrown = new RangeError('too far');
    const wrapped = BatchxError.from(thrown);
    expect(wrapped).toMatchObject({ code: 'expression', message: 'RangeError: too far' });
    expect(wrapped.cause).toBe(thrown);
    expect(BatchxError.from('plain', 'output')).toMatchObject({ code: 'output', message: 'plain' });
  });
});

describe('messageOf, with causes', () => {
  const refused = Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:9'), { code: 'ECONNREFUSED' });
  const both = Object.assign(new AggregateError([refused, new Error('connect ECONNREFUSED ::1:9')], ''), {
    code: 'ECONNREFUSED',
  });
  const circular = new Error('round');
  circular.cause = new Error('and round', { cause: circular });
  it.each<[string, Error, string]>([
    [
      'a failed fetch',
      new TypeError('fetch failed', { cause: refused }),
      'fetch failed: connect ECONNREFUSED 127.0.0.1:9',
    ],
    [
      'by several addresses',
      new TypeError('fetch failed', { cause: both }),
      'fetch failed: connect ECONNREFUSED 127.0.0.1:9',
    ],
    ['the deepest', new Error('a', { cause: new Error('b', { cause: new Error('c') }) }), 'a: c'],
    ['the deepest that says something', new Error('a', { cause: new Error('b', { cause: new Error('') }) }), 'a: b'],
    ['one that is told already', new Error('no: b!', { cause: new Error('b') }), 'no: b!'],
    ['its name', new RangeError('a', { cause: new Error('b') }), 'RangeError: a: b'],
    ['a fault in the code', new TypeError('a', { cause: new Error('b') }), 'TypeError: a: b'],
    ['a text', new Error('a', { cause: 'b' }), 'a: b'],
    ['what looks like an error', new Error('a', { cause: { message: 'b' } }), 'a: b'],
    ['nothing', new Error('a', { cause: null }), 'a'],
    ['a number', new Error('a', { cause: 5 }), 'a'],
    ['in a circle', circular, 'round: and round'],
    ['of our own', new BatchxError('http', 'a', { cause: new Error('b') }), 'BatchxError: a'],
  ])('%s', (_, error, message) => {
    expect(messageOf(error)).toBe(message);
  });

  it('takes what is no time to wait for none', () => {
    for (const retryAfterMs of ['5', -1, NaN, Infinity, null, {}] as unknown as number[]) {
      expect(new BatchxError('http', 'busy', { retryAfterMs }).retryAfterMs).toBeUndefined();
    }
    expect(new BatchxError('http', 'busy', { retryAfterMs: 0 }).retryAfterMs).toBe(0);
  });
});

describe('messageOf', () => {
  const circular: { self?: unknown } = Object.create(null) as object;
  circular.self = circular;
  it.each([
    [new Error('plain'), 'plain'],
    [new TypeError('bad'), 'TypeError: bad'],
    ['text', 'text'],
    [{ status: 404 }, '{"status":404}'],
    [undefined, 'undefined'],
    [null, 'null'],
    [12n, '12'],
    [Symbol('s'), 'Symbol(s)'],
    [circular, '[object Object]'],
  ])('of %o', (thrown, message) => {
    expect(messageOf(thrown)).toBe(message);
  });
});

describe('systemCode', () => {
  it.each([
    [Object.assign(new Error('x'), { code: 'ENOENT' }), 'ENOENT'],
    [{ code: 7 }, undefined],
    [null, undefined],
    [undefined, undefined],
    ['ENOENT', undefined],
  ])('of %o', (thrown, code) => {
    expect(systemCode(thrown)).toBe(code);
  });
});

describe('classOf', () => {
  const caused = (cause: unknown) => new TypeError('fetch failed', { cause });
  const coded = (code: string) => Object.assign(new Error('no'), { code });

  it.each([
    ['a fault of the network', caused(coded('ECONNREFUSED')), 'transient'],
    ['one that we do not know', caused(coded('ESOMETHING')), 'ambiguous'],
    ['one of the client', caused(coded('UND_ERR_NEW')), 'ambiguous'],
    ['a URL that is none', caused(coded('ERR_INVALID_URL')), 'permanent'],
    ['a port that fetch refuses', caused(new Error('bad port')), 'permanent'],
    ['a mistake in code', new TypeError('x is not a function'), 'bug'],
    ['nothing that is known', new Error('boom'), 'transient'],
  ])('%s', (_, thrown, kind) => {
    expect(classOf(thrown)).toBe(kind);
  });
});
