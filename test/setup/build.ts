import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));

/**
 * Builds dist/bin/batchx.js when it is older than its sources: the tests of the command line start it.
 *
 * When that fails the old one is removed, so that those tests fail too, while those of other parts can be run.
 */
export default function setup(): void {
  // Certificates of the machine's own are read at every start of a Node, which doubles what that costs; the tests, and
  // the programs that they start, ask nobody outside.
  Reflect.deleteProperty(process.env, 'NODE_EXTRA_CA_CERTS');
  const args = [path('../../scripts/build.mjs'), '--bin', '--if-stale'];
  const { status } = spawnSync(process.execPath, args, { stdio: 'inherit' });
  if (status === 0) return;
  rmSync(path('../../dist/bin/batchx.js'), { force: true });
  console.error('dist/bin/batchx.js could not be built, see above: the tests that start it will fail');
}
