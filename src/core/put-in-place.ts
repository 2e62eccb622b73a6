import type { Stats } from 'node:fs';
import { link, lstat, rename, unlink } from 'node:fs/promises';
import { systemCode } from './errors.js';

/** Gives a file its name in one step; false when there is something of that name, which stays. */
export async function putInPlace(temp: string, path: string): Promise<boolean> {
  try {
    await link(temp, path);
  } catch (error) {
    const code = systemCode(error) ?? '';
    if (code === 'EEXIST') return false;
    if (!noLinks.has(code)) throw error;
    if ((await statOf(path)) !== undefined) return false;
    await rename(temp, path);
    return true;
  }
  await unlink(temp);
  return true;
}

/** What is at a path, itself if it is a link; undefined when nothing is. */
export async function statOf(path: string): Promise<Stats | undefined> {
  try {
    return await lstat(path);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** What file systems without hard links say, and the system where it does not let a file of others be linked. */
const noLinks = new Set(['EPERM', 'EACCES', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EXDEV', 'EMLINK', 'EINVAL', 'UNKNOWN']);
