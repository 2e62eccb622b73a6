/**
 * Runs a program of examples/code: TypeScript, as it stands, on any Node that batchx runs on.
 *
 *   npm run example -- NAME [argument...]
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { build } from 'esbuild';

const root = join(import.meta.dirname, '..');
const names = readdirSync(join(root, 'examples/code')).map((file) => basename(file, '.ts'));
const [name, ...args] = process.argv.slice(2);
if (!names.includes(name)) {
  console.error(`example: expected one of ${names.join(', ')}, got ${name ?? 'nothing'}`);
  process.exit(2);
}

// It lies where the packages that it imports are found; batchx itself is taken from the sources.
const folder = join(root, 'node_modules/.cache/batchx-examples');
const program = join(folder, `${name}-${process.pid}.mjs`);
mkdirSync(folder, { recursive: true });
try {
  await build({
    absWorkingDir: root,
    entryPoints: [`examples/code/${name}.ts`],
    outfile: program,
    bundle: true,
    packages: 'external',
    alias: { batchx: './src/index.ts' },
    platform: 'node',
    target: 'node20',
    format: 'esm',
    sourcemap: 'inline',
    logLevel: 'warning',
  });
  const { status, signal } = spawnSync(process.execPath, ['--enable-source-maps', program, ...args], {
    stdio: 'inherit',
  });
  process.exitCode = status ?? 1;
  if (signal !== null) console.error(`example: ended by ${signal}`);
} finally {
  rmSync(program, { force: true });
}
