import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { systemCode } from '../core/errors.js';
import { firstRecord, JOURNAL } from './job-files.js';
import { ROOT } from './root.js';
import { RUNS } from './run-folders.js';

/** A job that is there. */
export interface JobThere {
  readonly name: string;
  readonly folder: string;
}

/** The jobs below a folder, by name. What is in it besides, such as a folder that is being removed, is passed over. */
export function jobsIn(root: string = ROOT): JobThere[] {
  let names: string[];
  try {
    names = readdirSync(root, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [entry.name] : []));
  } catch (error) {
    if (systemCode(error) === 'ENOENT' || systemCode(error) === 'ENOTDIR') return [];
    throw error;
  }
  return names
    .filter((name) => !name.startsWith('.'))
    .map((name) => ({ name, folder: join(root, name) }))
    .filter(({ folder }) => existsSync(join(folder, JOURNAL)) || existsSync(join(folder, RUNS)))
    .map(({ name, folder }) => ({ name: firstRecord(folder)?.name ?? named(name), folder }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** The name that a folder was made of, where its journal does not say it. */
function named(folder: string): string {
  try {
    return decodeURIComponent(folder);
  } catch {
    return folder;
  }
}
