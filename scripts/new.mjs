/**
 * Scaffolds a component and its test from scripts/templates.
 *
 *   npm run new -- operator|source|sink|step NAME
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const root = join(import.meta.dirname, '..');
const kinds = {
  operator: { folder: 'src/operators/flow', tests: 'test/operators' },
  step: { folder: 'src/operators/steps', tests: 'test/operators' },
  source: { folder: 'src/sources', tests: 'test/sources' },
  sink: { folder: 'src/sinks', tests: 'test/sinks' },
};

const [kind, name, ...more] = process.argv.slice(2);
if (!Object.hasOwn(kinds, kind ?? '') || name === undefined || more.length > 0) {
  refuse(`expected \`npm run new -- ${Object.keys(kinds).join('|')} NAME\``);
}
if (!/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(name)) {
  refuse(`expected a name in kebab-case, as in \`rate-limit\`, got \`${name}\``);
}
const camel = name.replace(/-(.)/g, (_, letter) => letter.toUpperCase());
const pascal = camel[0].toUpperCase() + camel.slice(1);
if (!isIdentifier(camel)) refuse(`\`${camel}\` is a word of the language: nothing can be exported by that name`);

const { folder, tests } = kinds[kind];
const files = { [kind]: `${folder}/${name}.ts`, [`${kind}.test`]: `${tests}/${name}.test.ts` };
const existing = Object.values(files).filter((file) => existsSync(join(root, file)));
if (existing.length > 0) refuse(`${existing.join(' and ')} exists: choose another name`);

for (const [template, file] of Object.entries(files)) {
  const text = readFileSync(join(root, `scripts/templates/${template}.ts.tmpl`), 'utf8');
  mkdirSync(dirname(join(root, file)), { recursive: true });
  writeFileSync(
    join(root, file),
    text.replaceAll('__name__', name).replaceAll('__camel__', camel).replaceAll('__Pascal__', pascal),
    { flag: 'wx' },
  );
  console.log(`wrote ${file}`);
}

function refuse(reason) {
  console.error(`new: ${reason}`);
  process.exit(2);
}

function isIdentifier(word) {
  try {
    new Function(`'use strict'; let ${word};`);
    return true;
  } catch {
    return false;
  }
}
