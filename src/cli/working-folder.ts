import { systemCode, BatchxError } from '../core/errors.js';

/** Throws when the folder that the program was started in is there no more: no path that begins in it leads anywhere. */
export function expectFolder(): void {
  try {
    process.cwd();
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error;
    const message = 'the folder that batchx was started in is gone: go to one that is there, with `cd`';
    throw new BatchxError('input', message, { cause: error });
  }
}
