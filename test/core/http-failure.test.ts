import { describe, expect, it } from 'vitest';
import { BatchxError } from '../../src/core/errors.js';
import { failureOf } from '../../src/core/http/failure.js';

const asked = { method: 'POST', url: new URL('https://me:secret@shop.example/x?key=secret#top') };
const coded = (code: string, message = 'what it says'): Error => Object.assign(new Error(message), { code });

describe('a request that came to no answer', () => {
  it.each([
    ['ECONNREFUSED', 'transient', 'ambiguous'],
    ['ENOTFOUND', 'transient', 'ambiguous'],
    ['EAI_AGAIN', 'transient', 'ambiguous'],
    ['EHOSTUNREACH', 'transient', 'ambiguous'],
    ['UND_ERR_CONNECT_TIMEOUT', 'transient', 'ambiguous'],
    ['ECONNRESET', 'unprocessed', 'ambiguous'],
    ['EPIPE', 'unprocessed', 'ambiguous'],
    ['UND_ERR_SOCKET', 'unprocessed', 'ambiguous'],
    ['UND_ERR_CLOSED', 'unprocessed', 'ambiguous'],
    ['EMFILE', 'resource', 'ambiguous'],
    ['CERT_HAS_EXPIRED', 'permanent', 'ambiguous'],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', 'permanent', 'ambiguous'],
    ['SELF_SIGNED_CERT_IN_CHAIN', 'permanent', 'ambiguous'],
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'permanent', 'ambiguous'],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'permanent', 'ambiguous'],
    ['ERR_SSL_WRONG_VERSION_NUMBER', 'permanent', 'ambiguous'],
    ['UND_ERR_INVALID_ARG', 'permanent', 'ambiguous'],
    ['UND_ERR_HEADERS_OVERFLOW', 'unprocessed', 'permanent'],
    ['HPE_INVALID_CONSTANT', 'unprocessed', 'ambiguous'],
  ])('%s is %s before it was sent, and %s after', (code, before, after) => {
    expect(failureOf(coded(code), asked, false)).toMatchObject({ class: before, maybeDone: false });
    expect(failureOf(coded(code), asked, true)).toMatchObject({ class: after, maybeDone: true });
  });

  it('is told without what may be secret', () => {
    expect(failureOf(coded('EPIPE'), asked, true).message).toBe(
      'POST https://shop.example/x?...: what it says (EPIPE)',
    );
    const both = Object.assign(new AggregateError([coded('ECONNREFUSED', 'connect ECONNREFUSED ::1:1')], ''), {
      code: 'ECONNREFUSED',
    });
    expect(failureOf(both, asked, false).message).toContain('connect ECONNREFUSED ::1:1');
  });

  it('and was given up says why; before it was sent nothing was done', () => {
    const late = new BatchxError('timeout', 'took longer than 1s');
    expect(failureOf(late, asked, true)).toBe(late);
    expect(failureOf(late, asked, false)).toMatchObject({
      code: 'timeout',
      class: 'unprocessed',
      message: late.message,
    });
    const left = new BatchxError('aborted', 'not wanted any more');
    expect(failureOf(left, asked, false)).toBe(left);
  });
});
