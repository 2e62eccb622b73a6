/** Packs what is in dist/ as it would be published, into coverage/batchx.tgz, and checks what went in. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
mkdirSync(join(root, 'coverage'), { recursive: true });
const folder = mkdtempSync(join(root, 'coverage/pack-'));
try {
  // The scripts are left out because `prepare` would build once more.
  const options = ['pack', '--json', '--ignore-scripts', '--pack-destination', folder];
  const [packed] = JSON.parse(execFileSync('npm', options, { cwd: root, encoding: 'utf8' }));
  const paths = packed.files.map(({ path }) => path);

  const wanted = [
    'README.md',
    'CHANGELOG.md',
    'LICENSE',
    'package.json',
    'dist/bin/batchx.js',
    'dist/bin/LICENSES.txt',
    'dist/lib/index.js',
    'dist/lib/index.d.ts',
    'dist/lib/testing.js',
    'dist/lib/testing.d.ts',
  ];
  const missing = wanted.filter((path) => !paths.includes(path));
  const stray = paths.filter(
    (path) => !wanted.includes(path) && !/^dist\/(bin\/chunks|lib)\/.*\.(js|d\.ts|js\.map)$/.test(path),
  );
  const program = packed.files.find(({ path }) => path === 'dist/bin/batchx.js');
  const faults = [
    ...missing.map((path) => `${path} is missing`),
    ...stray.map((path) => `${path} does not belong in the package`),
    ...(program && !(program.mode & 0o100) ? ['dist/bin/batchx.js cannot be executed'] : []),
  ];
  for (const fault of faults) console.error(`pack: ${fault}`);
  if (faults.length > 0) process.exitCode = 1;

  renameSync(join(folder, packed.filename), join(root, 'coverage/batchx.tgz'));
  console.log(
    `pack: ${paths.length} files, ${Math.round(packed.size / 1024)} KB, unpacked ${Math.round(packed.unpackedSize / 1024)} KB`,
  );
} finally {
  rmSync(folder, { recursive: true, force: true });
}
