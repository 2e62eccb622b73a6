import { readFileSync, readlinkSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import { BatchxError } from '../core/errors.js';

/**
 * Whether standard input was closed by whoever started the program (`<&-`).
 *
 * Node hides it: in place of a closed stream it opens /dev/null, for reading and writing. `< /dev/null` and what most
 * programs give to those they start is open for reading only, and is an empty input.
 */
export const isInputClosed = (): boolean => isNullForBoth('self', 0);

/**
 * Throws when standard output was closed by the shell (`>&-`): every row would be lost without a word.
 *
 * Programs that throw the output of others away often open /dev/null just as Node does, so it is only sure where a
 * shell has started this one and does not have the same itself.
 */
export function refuseClosedOutput(): void {
  const parent = String(process.ppid);
  if (!isNullForBoth('self', 1) || !isShell(parent) || isNullForBoth(parent, 1)) return;
  throw new BatchxError('output', 'cannot write stdout: it is closed', { where: 'stdout' });
}

/** Whether a process has /dev/null there, open for reading and writing. Only Linux tells; elsewhere it is never so. */
function isNullForBoth(pid: string, fd: number): boolean {
  try {
    const { rdev } = statSync(`/proc/${pid}/fd/${fd}`);
    const [, flags = '0'] = /flags:\s*(\d+)/.exec(readFileSync(`/proc/${pid}/fdinfo/${fd}`, 'utf8')) ?? [];
    return rdev === statSync('/dev/null').rdev && (parseInt(flags, 8) & 3) === 2;
  } catch {
    return false;
  }
}

function isShell(pid: string): boolean {
  try {
    return /^(?:(?:ba|da|z|k|mk|ya|a|fi|tc|c)?sh|busybox)$/.test(basename(readlinkSync(`/proc/${pid}/exe`)));
  } catch {
    return false;
  }
}
