import { join } from 'node:path';
import { build } from 'esbuild';

const root = join(import.meta.dirname, '../..');

/** Bundles a program over the sources, for tests that limit, trace or kill its process; gives its path. */
export async function fileProgram(name: string, contents: string): Promise<string> {
  // Beside the sources, so that it finds what they import.
  const outfile = join(root, 'coverage', `${name}.mjs`);
  await build({
    stdin: { contents, resolveDir: root },
    bundle: true,
    platform: 'node',
    format: 'esm',
    packages: 'external',
    outfile,
    logLevel: 'silent',
  });
  return outfile;
}
