/**
 * Writes docs/operators.md, from what the exported functions and types say of themselves, and docs/reference.md, from
 * the definitions in the registry.
 *
 *   node scripts/docs.mjs            writes both
 *   node scripts/docs.mjs --check    writes nothing: names what is out of date, and then exits with 1
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadDefinitions } from './docs/definitions.mjs';
import { readExports } from './docs/exports.mjs';
import { operatorsPage } from './docs/operators-page.mjs';
import { referencePage } from './docs/reference-page.mjs';

const root = join(import.meta.dirname, '..');
const flags = process.argv.slice(2);
if (flags.some((flag) => flag !== '--check')) {
  console.error(`docs: expected nothing or --check, got ${flags.join(' ')}`);
  process.exit(2);
}

const definitions = await loadDefinitions(root);
const exported = readExports(root);
const pages = {
  'docs/operators.md': operatorsPage(exported, definitions),
  'docs/reference.md': referencePage(exported, definitions),
};

const stale = Object.entries(pages).filter(([file, text]) => textOf(file) !== text);
if (!flags.includes('--check')) {
  mkdirSync(join(root, 'docs'), { recursive: true });
  for (const [file, text] of stale) {
    writeFileSync(join(root, file), text);
    console.log(`docs: wrote ${file}`);
  }
} else if (stale.length > 0) {
  for (const [file] of stale) console.error(`docs: ${file} is out of date; \`npm run docs\` writes it`);
  process.exitCode = 1;
}

function textOf(file) {
  try {
    return readFileSync(join(root, file), 'utf8');
  } catch {
    return undefined;
  }
}
