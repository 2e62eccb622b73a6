import { describe, expect, it } from 'vitest';
import { EXIT, endingOfRun } from '../../src/cli/exit.js';
import { BatchxError, type BatchxErrorOptions, type ErrorCode } from '../../src/core/errors.js';

const full: BatchxErrorOptions = {
  class: 'fatal',
  cause: Object.assign(new Error('no space left'), { code: 'ENOSPC' }),
};

describe('a run that an error has ended', () => {
  it.each<[ErrorCode, BatchxErrorOptions, number | string]>([
    ['halted', {}, EXIT.halted],
    ['output', {}, EXIT.output],
    ['output', full, EXIT.output],
    ['closed', {}, 'SIGPIPE'],
    ['input', full, EXIT.input],
    ['usage', {}, EXIT.usage],
    ['bug', {}, EXIT.bug],
    ['path', full, EXIT.output],
    ['exec', full, EXIT.output],
    ['http', { class: 'fatal' }, EXIT.halted],
    ['exec', { class: 'fatal' }, EXIT.halted],
    ['expression', {}, EXIT.failed],
  ])('in %s, %o, exits with %s', (code, options, ending) => {
    expect(endingOfRun(new BatchxError(code, 'no', options))).toBe(ending);
  });
});
