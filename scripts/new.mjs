/**
 * Scaffolds a component and its test from scripts/templates.
 *
 *   npm run new -- operator|source|sink|step NAME
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { format, resolveConfig } from 'prettier';

const root = join(import.meta.dirname, '..');
/** Where each kind lives, and what a component of the kind exports: its face in code, and its definition. */
const kinds = {
  operator: { folder: 'src/operators/flow', tests: 'test/operators', exports: ['__camel__', '__camel__Flow'] },
  step: { folder: 'src/operators/steps', tests: 'test/operators', exports: ['__camel__Items', '__camel__Step'] },
  source: { folder: 'src/sources', tests: 'test/sources', exports: ['__camel__', '__camel__Source'] },
  sink: { folder: 'src/sinks', tests: 'test/sinks', exports: ['to__Pascal__', '__camel__Sink'] },
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
const fill = (text) =>
  text.replaceAll('__name__', name).replaceAll('__camel__', camel).replaceAll('__Pascal__', pascal);

const { folder, tests } = kinds[kind];
const [face, definition] = kinds[kind].exports.map(fill);
if (!isIdentifier(face)) refuse(`\`${face}\` is a word of the language: nothing can be exported by that name`);
const files = { [kind]: `${folder}/${name}.ts`, [`${kind}.test`]: `${tests}/${name}.test.ts` };
const existing = Object.values(files).filter((file) => existsSync(join(root, file)));
if (existing.length > 0) refuse(`${existing.join(' and ')} exists: choose another name`);

for (const [template, file] of Object.entries(files)) {
  const path = join(root, file);
  const text = fill(readFileSync(join(root, `scripts/templates/${template}.ts.tmpl`), 'utf8'));
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, await format(text, { ...(await resolveConfig(path)), filepath: path }), { flag: 'wx' });
  console.log(`wrote ${file}`);
}
console.log(`
What it does so far is an example: replace it, and every TODO. Then
  - list \`${definition}\` in src/builtin.ts, and export it and \`${face}\` from src/index.ts;
  - run \`npx vitest run ${tests}/${name}.test.ts\` and \`npm run lint:imports\`;
  - run \`npm run docs\`, and add a line to CHANGELOG.md;
  - run \`npm run check\`.`);

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
