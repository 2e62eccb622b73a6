import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { classOf } from '../error-class.js';

const READ = constants.O_RDONLY | constants.O_NONBLOCK;

/** A hash of what is in a file, read in parts; undefined when there is no plain file that can be read. */
export async function contentHash(path: string | Uint8Array): Promise<string | undefined> {
  try {
    // A pipe is not even opened: whoever writes to it would take that for its reader.
    if (!(await stat(typeof path === 'string' ? path : Buffer.from(path))).isFile()) return undefined;
    const file = await open(typeof path === 'string' ? path : Buffer.from(path), READ);
    try {
      if (!(await file.stat()).isFile()) return undefined;
      const hash = createHash('sha256');
      for await (const block of file.createReadStream({ autoClose: false })) hash.update(block as Buffer);
      return hash.digest('hex');
    } finally {
      await file.close();
    }
  } catch (error) {
    const kind = classOf(error);
    if (kind === 'resource' || kind === 'fatal') throw error;
    return undefined;
  }
}
