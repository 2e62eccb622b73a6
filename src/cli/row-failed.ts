import { accessSync, constants, fstatSync, type Stats, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { isatty } from 'node:tty';
import { unwritable } from '../core/bytes-out.js';
import { BatchxError } from '../core/errors.js';
import { expectLetters } from '../core/letter-file.js';

/**
 * Throws when failed rows cannot be written to a file, would take the place of something else, or get among the others
 * on standard output: at the start, as the file itself is only made when a row fails.
 */
export async function checkFailed(path: string): Promise<void> {
  try {
    const file = path === '-' ? undefined : statSync(path, { throwIfNoEntry: false });
    if (path === '-' || isOutput(file)) {
      throw new BatchxError(
        'usage',
        `cannot write the failed rows to ${path}: that is standard output; write to a file of its own`,
      );
    }
    if (file?.isDirectory() === true) throw Object.assign(new Error(), { code: 'EISDIR' });
    if (file === undefined || file.isFile()) accessSync(dirname(path), constants.W_OK | constants.X_OK);
    else accessSync(path, constants.W_OK);
    await expectLetters(path);
  } catch (error) {
    throw unwritable(path, error);
  }
}

/** Whether standard output goes there too; what both throw away does not matter. */
function isOutput(file: Stats | undefined): boolean {
  const output = fstatSync(1);
  if (output.isCharacterDevice() && !isatty(1)) return false;
  return file?.dev === output.dev && file.ino === output.ino;
}
