import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { scratch } from './data.mjs';

const FILES = 100;
const KINDS = ['x', 'txt', 'csv', 'bin'];

/** A folder with so many empty files, a hundred in each folder at three levels, a quarter of them called `*.x`. */
export function tree(count) {
  const path = scratch(`tree-${count}`);
  if (existsSync(path)) return path;
  const part = `${path}.part`;
  rmSync(part, { recursive: true, force: true });
  for (let folder = 0; folder * FILES < count; folder++) {
    const names = [folder % 20, Math.floor(folder / 20) % 25, Math.floor(folder / 500)];
    const inside = join(part, ...names.map((n, level) => `${'pqr'[level]}${n}`));
    mkdirSync(inside, { recursive: true });
    for (let i = folder * FILES; i < Math.min(count, (folder + 1) * FILES); i++) {
      writeFileSync(join(inside, `file-${i}.${KINDS[i % KINDS.length]}`), '');
    }
  }
  renameSync(part, path); // so that a generator that was ended early leaves no small tree behind
  return path;
}
