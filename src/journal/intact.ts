import { createHash, hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import type { OutputFile } from '../core/identity.js';
import type { KeptLine } from './results-file.js';

/** Whether the files that were written for an item are there, as far as their size tells. */
export async function isThere({ w = [] }: KeptLine): Promise<boolean> {
  for (const { path, size } of w) if ((await stat(path).catch(() => undefined))?.size !== size) return false;
  return true;
}

/** Whether they are as they were written: reads all of them. */
export async function isUnaltered(line: KeptLine): Promise<boolean> {
  if (!(await isThere(line))) return false;
  for (const file of line.w ?? []) if ((await sumOf(file).catch(() => undefined)) !== file.sha256) return false;
  return true;
}

/** Files up to this size are read at once, in bytes. */
const SMALL = 256 * 1024;

async function sumOf({ path, size }: OutputFile): Promise<string> {
  if (size <= SMALL) return hash('sha256', await readFile(path));
  const sum = createHash('sha256');
  for await (const block of createReadStream(path)) sum.update(block as Buffer);
  return sum.digest('hex');
}
