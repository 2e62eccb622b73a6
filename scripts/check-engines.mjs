/**
 * Fails when a dependency cannot be installed or run where batchx promises to run:
 * its `engines.node` leaves out the oldest Node of ours, or a package that users get has an install script.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import semver from 'semver';

const root = join(import.meta.dirname, '..');
const read = (file) => JSON.parse(readFileSync(join(root, file), 'utf8'));
const floor = semver.minVersion(read('package.json').engines.node).version;
const packages = Object.entries(read('package-lock.json').packages).filter(([path]) => path !== '');
const faults = [];

for (const [path, locked] of packages) {
  const manifest = join(path, 'package.json');
  const installed = existsSync(join(root, manifest)); // those of other platforms are not
  const { engines, version } = installed ? read(manifest) : locked;
  const name = `${path.replace(/^.*node_modules\//, '')} ${version}`;
  const range = Array.isArray(engines) ? engines.find((engine) => engine.startsWith('node'))?.slice(4) : engines?.node;

  if (range !== undefined && semver.validRange(range) === null)
    faults.push(`${name} has engines.node "${range}", which is no range`);
  else if (range !== undefined && !semver.satisfies(floor, range))
    faults.push(`${name} wants node "${range}", which leaves out ${floor}`);
  if (locked.hasInstallScript && !locked.dev) faults.push(`${name} has an install script, and users would run it`);
  if (installed && version !== locked.version)
    faults.push(`${name} is installed, the lock file says ${locked.version}`);
}

for (const fault of faults) console.error(`check-engines: ${fault}`);
if (faults.length > 0) process.exit(1);
console.log(`check-engines: ${packages.length} packages run on node ${floor}`);
