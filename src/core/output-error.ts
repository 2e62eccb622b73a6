import { constants } from 'node:os';
import { classOf } from './error-class.js';
import { BatchxError, messageOf, systemCode } from './errors.js';

/** What is wrong with one path, and not with the disk. */
const pathFaults: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such folder',
  ENOTDIR: 'a folder of its path is a file',
  EISDIR: 'it is a folder',
  ENAMETOOLONG: 'its path is longer than the system takes',
  ELOOP: 'its path leads through too many links',
  EACCES: 'permission denied',
  EPERM: 'it is not permitted',
  EEXIST: 'it is there already',
  ENOTEMPTY: 'it is a folder',
};

/** The error of a file that could not be written: of the code `path` when another path would do, else `output`. */
export function unwritten(shown: string, error: unknown): BatchxError {
  if (error instanceof BatchxError) return error;
  const code = systemCode(error) ?? '';
  const message = `cannot write ${shown}: ${reasonOf(error)}`;
  const options = { cause: error, where: shown };
  if (code in pathFaults) return new BatchxError('path', message, options);
  // A file that is larger than the system takes says nothing of the next one.
  if (code === 'EFBIG') return new BatchxError('output', message, { ...options, class: 'permanent' });
  return new BatchxError('output', message, {
    ...options,
    class: classOf(error) === 'resource' ? 'resource' : 'fatal',
  });
}

/** Why the system did not do it, without the names of its call and of a temporary file. */
export function reasonOf(error: unknown): string {
  const code = systemCode(error) ?? '';
  // Node has no name for it.
  if (code === `Unknown system error -${constants.errno.EDQUOT}`) return 'EDQUOT: disk quota exceeded';
  const fault = pathFaults[code];
  return fault === undefined ? messageOf(error).replace(/^([A-Z0-9]+: [^,]+),.*$/s, '$1') : `${fault} (${code})`;
}
