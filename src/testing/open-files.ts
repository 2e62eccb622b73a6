import { fail } from 'node:assert/strict';
import { readdir, readlink } from 'node:fs/promises';
import { turns } from './turns.js';

/** The files that this process has open, but those of the system, which Node itself looks into; none where it does not tell. */
export async function openFiles(): Promise<string[]> {
  const folder = '/proc/self/fd';
  const links = await readdir(folder).catch(() => []);
  const targets = await Promise.all(links.map((fd) => readlink(`${folder}/${fd}`).catch(() => '')));
  return targets.filter((target) => /^\/(?!dev\/|proc\/|sys\/)/.test(target)).sort();
}

export async function closesFiles(before: readonly string[]): Promise<void> {
  for (let turn = 0; turn < 100; turn++) {
    if ((await openFiles()).length <= before.length) return;
    await turns(1);
  }
  fail(
    `expected all files to be closed, still open: ${(await openFiles()).filter((file) => !before.includes(file)).join(', ')}`,
  );
}
