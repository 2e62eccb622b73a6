import { didYouMean } from '../../core/suggest.js';
import { asKeys, type Keys, type PipelineFile } from './pipeline-file.js';

/** The values that were given to a pipeline for its config without its having, or speaking of, any such: each told. */
export function strangeValues(file: PipelineFile, given: Keys): (readonly [name: string, message: string])[] {
  const { document, keys } = file;
  const declared = asKeys(keys.config);
  const text = JSON.stringify(document.value) ?? '';
  return Object.keys(given)
    .filter((name) => !Object.hasOwn(declared, name) && !speaksOf(text, name))
    .map((name) => [name, `${document.name} has no \`${name}\` in its config${hintFor(name, declared)}`]);
}

const hintFor = (name: string, declared: Keys): string => {
  const names = Object.keys(declared);
  return didYouMean(name, names) || (names.length === 0 ? '; add it there' : `; there are ${names.join(', ')}`);
};

/** Whether a pipeline speaks of a value that it does not have, and which has to be given to it. */
function speaksOf(text: string, name: string): boolean {
  for (let at = text.indexOf(`config.${name}`); at >= 0; at = text.indexOf(`config.${name}`, at + 1))
    if (!/^[\p{ID_Continue}$]/u.test(text.slice(at + 7 + name.length))) return true;
  return false;
}

/** What an expression may call `config` itself, as a parameter or variable. */
const OWN = /\bconfig\s*(?:=>|=[^=])|[({,[]\s*config\s*[,)}\]]/;
const NAMED = /(?<![\p{ID_Continue}$.])config\s*\??\.\s*([\p{ID_Start}$_][\p{ID_Continue}$]*)/gu;
const TEXTS = /\/\*[^]*?\*\/|\/\/[^\n]*|'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\.)*`/g;

/** The values of the config that an expression names, as `config.x`; what stands in texts and comments does not count. */
export function configNamesIn(expression: string): string[] {
  const code = expression.replace(TEXTS, (text) =>
    text.startsWith('`') ? (text.match(/\$\{[^}]*\}/g) ?? []).join(' ') : "''",
  );
  if (OWN.test(code)) return [];
  const names = [...code.matchAll(NAMED)].map(([, name = '']) => name);
  return [...new Set(names)].filter((name) => !(name in Object.prototype));
}
