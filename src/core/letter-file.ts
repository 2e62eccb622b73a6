import { open, stat } from 'node:fs/promises';
import { unwritable } from './bytes-out.js';
import { isDeadLetter } from './dead-letter.js';
import { BatchxError } from './errors.js';

/** How much of a file is looked at: more than the mark of a letter. */
const HEAD = 64;

/**
 * Throws when a file is there that holds something else than dead letters: only an older file of letters may be removed
 * to make place for new ones. What is no file, such as a pipe or `/dev/null`, is left alone.
 */
export async function expectLetters(path: string): Promise<void> {
  if (!(await isFile(path))) return;
  const head = await headOf(path).catch((error: unknown) => {
    throw unwritable(path, error);
  });
  if (head === '' || isDeadLetter(head)) return;
  const why = 'it is there already, and is no file of dead letters; write to another file';
  throw new BatchxError('usage', `cannot write ${path}: ${why}`, { where: path });
}

/** Whether a file is one of dead letters, as far as that can be seen without taking something away. */
export const isLetterFile = async (path: string): Promise<boolean> =>
  (await isFile(path)) && isDeadLetter(await headOf(path).catch(() => ''));

/** Whether there is a file, and not a pipe, a device or a folder. */
export const isFile = async (path: string): Promise<boolean> =>
  (await stat(path).catch(() => undefined))?.isFile() === true;

async function headOf(path: string): Promise<string> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(HEAD), 0, HEAD, 0);
    return buffer.toString('latin1', 0, bytesRead);
  } finally {
    await file.close();
  }
}
