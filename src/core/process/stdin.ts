import { closeSync } from 'node:fs';
import { classOf } from '../error-class.js';
import type { Runtime } from '../runtime.js';
import type { ProcessSpec } from './process.js';
import type { Given } from './program.js';
import { openTemporary, writeAt } from './temporary-file.js';

/** A larger stdin is not written to a disk. */
const SMALL = 1024 * 1024;

/**
 * What a program is given for its stdin. Few bytes are given as a file, which needs nobody to feed it, and can be opened
 * as `/dev/stdin`, as the sockets that Node makes cannot. Who asks has to close it.
 */
export function openStdin(wanted: ProcessSpec['stdin'], runtime: Runtime): Given {
  if (wanted === 'none') return 'ignore';
  if (wanted === 'inherit') return 'inherit';
  if (!(wanted instanceof Uint8Array) || wanted.length > SMALL) return 'pipe';
  let fd: number | undefined;
  try {
    fd = openTemporary(runtime);
    writeAt(fd, wanted, 0);
    return fd;
  } catch (error) {
    if (fd !== undefined) closeSync(fd);
    if (classOf(error) === 'resource') throw error;
    return 'pipe';
  }
}
