import { join } from 'node:path';

export const root = join(import.meta.dirname, '../..');

/** The command line that starts the built program. */
export const batchx = [process.execPath, join(root, 'dist/bin/batchx.js')];

/** The command line that starts a program of bench/programs. */
export const program = (name) => [process.execPath, join(import.meta.dirname, '../programs', `${name}.mjs`)];
