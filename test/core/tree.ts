import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '../contract/temp.js';

/** A folder with these files in it, each holding its own name. A name that ends in a slash is an empty folder. */
export function tree(...names: readonly string[]): string {
  const folder = temporaryFolder();
  for (const name of names) plant(folder, name);
  return folder;
}

export function plant(folder: string, name: string): void {
  const path = join(folder, name);
  mkdirSync(name.endsWith('/') ? path : join(path, '..'), { recursive: true });
  if (!name.endsWith('/')) writeFileSync(path, name);
}
