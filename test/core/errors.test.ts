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
