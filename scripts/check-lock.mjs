/**
 * Fails when package-lock.json would not serve everyone:
 * it names the address of a registry (each installs from the one they have configured), it leaves out a hash, or it
 * lacks a package of another platform (`npm ci` then refuses it).
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const { packages } = JSON.parse(readFileSync(join(import.meta.dirname, '../package-lock.json'), 'utf8'));
const faults = [];

for (const [path, { resolved, integrity, link, optionalDependencies = {} }] of Object.entries(packages)) {
  if (/^https?:/.test(resolved ?? '')) faults.push(`${path} has a "resolved" address`);
  if (path !== '' && !link && !integrity) faults.push(`${path} has no "integrity"`);
  for (const name of Object.keys(optionalDependencies)) {
    if (!isLocked(name, path)) faults.push(`${name}, which ${path} may need on another platform, is missing`);
  }
}

for (const fault of faults) console.error(`check-lock: ${fault}`);
if (faults.length > 0) {
  console.error(
    'check-lock: remove package-lock.json and node_modules, then run npm install in this folder (see .npmrc)',
  );
  process.exit(1);
}
console.log(`check-lock: ${Object.keys(packages).length - 1} packages, no addresses, each with its hash`);

/** Whether a package is found from the folder of another, as Node looks for it. */
function isLocked(name, from) {
  if (Object.hasOwn(packages, `${from && `${from}/`}node_modules/${name}`)) return true;
  return from !== '' && isLocked(name, from.slice(0, Math.max(0, from.lastIndexOf('node_modules/') - 1)));
}
