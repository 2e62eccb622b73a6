import { compileCommand } from '../../core/command/compile-command.js';
import { BatchxError } from '../../core/errors.js';
import { compileExpression, unparsedAt } from '../../core/expression.js';
import { metaOf, type OptionMeta } from '../../core/option-meta.js';
import { didYouMean } from '../../core/suggest.js';
import { compileTemplate } from '../../core/template.js';
import type * as z from 'zod';
import { costFaults } from './check-costs.js';
import { configNamesIn } from './config-names.js';
import type { Document, Fault, Path } from './document.js';
import { allNames, isKnown, knownNames, type KnownNames, outputOf, ALWAYS, scopeIn } from './known-names.js';
import { named } from './keys.js';
import {
  asKeys,
  entriesOf,
  type Entry,
  type Keys,
  type PipelineFile,
  leadingTo,
  placeOfKey,
  textOf,
} from './pipeline-file.js';
import { isTemplate } from './prepare-options.js';
import { namesOf, scopesOf } from './scopes.js';

/** Everything that can be known of the texts in a pipeline: expressions that do not parse, names that are not known. */
export function entryFaults(file: PipelineFile, fields: readonly string[] | undefined): Fault[] {
  const known = knownNames(file, fields);
  const steps = entriesOf(file, 'steps');
  const end = known.at(-1) as KnownNames;
  // Outputs are given the last result, whose fields nobody knows.
  const last = end.outputs.includes('result') ? { ...end, fields: undefined } : end;
  return [
    ...entriesOf(file, 'input').flatMap((entry) => textFaults(file, entry, known[0] as KnownNames)),
    ...steps.flatMap((entry, index) => textFaults(file, entry, known[index] as KnownNames)),
    ...entriesOf(file, 'output').flatMap((entry) => textFaults(file, entry, last)),
    ...entriesOf(file, 'aggregate').flatMap((entry) => textFaults(file, entry, last)),
    ...nameFaults(steps),
    ...aggregateFaults(entriesOf(file, 'aggregate')),
    ...sharedFaults(file),
    ...steps.flatMap((entry, index) => costFaults(file, entry, known[index]?.outputs ?? [])),
  ];
}

/** Of two aggregates of one name the second would take the place of the first. */
function aggregateFaults(aggregates: readonly Entry[]): Fault[] {
  const seen = new Set<string>();
  return aggregates.flatMap(({ form, path, value }): Fault[] => {
    const own = textOf(value.name);
    const name = own ?? form.verb;
    const message = `two aggregates are called "${name}"; give ${own === undefined ? 'this one a `name:`' : 'each a `name:` of its own'}`;
    const faults = seen.has(name)
      ? [{ path: [...path, own === undefined ? form.verb : 'name'], key: own === undefined, message }]
      : [];
    seen.add(name);
    return faults;
  });
}

/** Two steps of one name could not be told apart in messages and reports; names of outputs must not hide others. */
function nameFaults(steps: readonly Entry[]): Fault[] {
  // The steps of a recipe are told apart by its name, and it may be used more than once.
  const seenIn = new Map<Entry['recipe'], Set<string>>();
  const faults: Fault[] = [];
  for (const entry of steps) {
    const { path, value, recipe } = entry;
    const document = recipe?.file.document;
    const name = textOf(value.name);
    const seen = seenIn.get(recipe) ?? new Set<string>();
    seenIn.set(recipe, seen);
    if (name !== undefined && seen.has(name))
      faults.push({
        document,
        path: [...path, 'name'],
        message: `two steps are called "${name}"; give each a name of its own`,
      });
    if (name !== undefined) seen.add(name);
    const output = outputOf(entry);
    if (value.output === undefined || output === undefined) continue;
    const refused = refusedName(output);
    if (refused !== undefined) faults.push({ document, path: [...path, 'output'], message: refused });
  }
  return faults;
}

/** Why expressions could not name an output so. */
function refusedName(name: string): string | undefined {
  if ([...ALWAYS, 'item', 'outputPath'].includes(name))
    return `\`${name}\` stands for something else already; choose another name`;
  if (['await', 'undefined'].includes(name)) return `\`${name}\` is a word of JavaScript; choose another name`;
  const isName = /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(name);
  if (isName && parses(() => compileExpression('0', [name]))) return undefined;
  const what = isName ? 'is a word of JavaScript' : 'is not a name of letters, digits and _ that begins with no digit';
  const hint = /[^\p{ID_Continue}$]/u.test(name) ? name.replaceAll(/[^\p{ID_Continue}$]+/gu, '_') : `${name}_`;
  const like = parses(() => compileExpression('0', [hint])) ? `, such as \`${hint}\`` : '';
  return `\`${name}\` ${what}, and expressions could not speak of it; choose another name${like}`;
}

/** The names of rates and breakers that are shared. */
function sharedFaults(file: PipelineFile): Fault[] {
  const recipes = [...(file.recipes?.values() ?? [])].flatMap(({ recipe }) => leadingTo(recipe));
  const tops = [undefined, ...recipes].flatMap((recipe) => {
    const of = recipe?.file ?? file;
    return unshared(scopesOf(file, { recipe }), of.keys, (key) => placeOfKey(of, key), of.document);
  });
  const steps = entriesOf(file, 'steps').flatMap((entry) =>
    unshared(scopesOf(file, entry), entry.value, (key) => [...entry.path, key], entry.recipe?.file.document),
  );
  return [...tops, ...steps];
}

function unshared(
  scopes: readonly PipelineFile[],
  value: Keys,
  at: (key: string) => Path,
  document: Document | undefined,
): Fault[] {
  return (['rate', 'breaker'] as const).flatMap((key) => {
    const name = textOf(value[key]);
    // What is no name is told as that.
    if (name === undefined || !named('a name').safeParse(name).success) return [];
    const names = namesOf(scopes, `${key}s`);
    if (names.includes(name)) return [];
    const there = names.length === 0 ? `; define it under \`${key}s\`` : `; there are ${names.join(', ')}`;
    return [{ document, path: at(key), message: `no ${key} is called "${name}"${didYouMean(name, names) || there}` }];
  });
}

function textFaults(whole: PipelineFile, entry: Entry, known: KnownNames): Fault[] {
  const { recipe } = entry;
  if (recipe === undefined) return ownFaults(whole, entry, known);
  const file = { ...recipe.file, keys: { ...recipe.file.keys, config: recipe.config } };
  return ownFaults(file, entry, known).map((fault) => ({ ...fault, document: file.document }));
}

function ownFaults(file: PipelineFile, entry: Entry, known: KnownNames): Fault[] {
  const shape = entry.form.schema.shape as Record<string, z.ZodType>;
  return Object.entries(entry.value).flatMap(([key, value]) => {
    const schema = shape[key];
    if (schema === undefined) return [];
    const path = [...entry.path, key];
    const meta = metaOf(schema);
    const nested = entry.form.options.size === 0 && key === entry.form.verb ? nestedFaults(file, entry, known) : [];
    return [...nested, ...valueFaults(file, value, meta, path, known)];
  });
}

/** Of a component whose options are all behind its verb. */
function nestedFaults(file: PipelineFile, { form, path, value }: Entry, known: KnownNames): Fault[] {
  const shape = form.definition.options.shape as Record<string, z.ZodType>;
  return Object.entries(asKeys(value[form.verb])).flatMap(([key, option]) => {
    const schema = shape[key];
    return schema === undefined ? [] : valueFaults(file, option, metaOf(schema), [...path, form.verb, key], known);
  });
}

function valueFaults(file: PipelineFile, value: unknown, meta: OptionMeta, path: Path, known: KnownNames): Fault[] {
  if (meta.expression !== undefined && typeof value === 'string') {
    // What a source calls its items may be a template too.
    return isTemplate(value, meta.expression)
      ? placed(unknownNames(file, compileTemplate(value).names, path, known), value)
      : [
          ...said(path, value, () => {
            // A name that no expression can say is told where it is given.
            const outputs = known.outputs.filter((name) => refusedName(name) === undefined);
            compileExpression(value, [...(meta.expression ?? []), ...outputs, 'config', 'env', 'run']);
          }),
          ...placed(
            unknownNames(
              file,
              configNamesIn(value).map((name) => `config.${name}`),
              path,
              known,
            ),
            value,
          ),
        ];
  }
  return textsIn(value, path).flatMap(([text, at]) => {
    if (!text.includes('{{') && !text.includes('{%')) return meta.template === true ? hints(text, at, known) : [];
    const names = namesIn(text, meta);
    if (names === undefined) return [];
    const secret = meta.template === 'command' ? names.find((name) => isSecret(file, name)) : undefined;
    if (secret !== undefined) return placed([{ path: at, message: shownInCommand(secret) }], text);
    const unknown = placed(unknownNames(file, names, at, known), text);
    return [...unknown, ...(meta.template === true ? placed(hints(text, at, known), text) : [])];
  });
}

/** Faults of a text with the place in it: that of the name which they begin with. */
const placed = (faults: readonly Fault[], text: string): Fault[] =>
  faults.map((fault) => {
    const [, name = ''] = /`(?:\{\s*)?([^`}\s]+)/.exec(fault.message) ?? [];
    if (name === '') return fault;
    const at = text.search(new RegExp(`(?<![\\p{ID_Continue}$.])${escaped(name)}(?![\\p{ID_Continue}$])`, 'u'));
    return at < 0 ? fault : { ...fault, at };
  });

const escaped = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');

/** Single braces that look as if a value was meant. */
function hints(text: string, path: Path, known: KnownNames): Fault[] {
  if (known.fields === undefined && known.outputs.length === 0) return [];
  const hint = parses(() => compileTemplate(text)) ? compileTemplate(text, 'text').hint(scopeIn(known)) : undefined;
  return hint === undefined ? [] : [{ path, message: hint.replace(/^text: /, '') }];
}

/** The names that a text inserts; undefined when it does not parse, which the schema tells. */
export function namesIn(text: string, meta: OptionMeta): readonly string[] | undefined {
  try {
    return meta.template === 'command'
      ? compileCommand([text], { append: false }).templates
      : compileTemplate(text).names;
  } catch {
    return undefined;
  }
}

function unknownNames(file: PipelineFile, names: readonly string[], path: Path, known: KnownNames): Fault[] {
  return [...new Set(names)].flatMap((name) => {
    const [first = '', second = ''] = name.split('.');
    if (!isKnown(known, first)) {
      const near = didYouMean(first, allNames(known));
      const all = near === '' ? `; there are ${allNames(known).join(', ')}` : near;
      return [{ path, message: `\`${first}\` is not known here${all}` }];
    }
    if (known.outputs.includes(first) || known.fields?.includes(first) === true || second === '') return [];
    if (first === 'config')
      return unknownOf('config', second, Object.keys(asKeys(file.keys.config)), path, 'add it to `config`');
    if (first === 'env') return unknownOf('env', second, declaredEnv(file), path, 'declare it under `requires.env`');
    return [];
  });
}

function unknownOf(of: string, name: string, names: readonly string[], path: Path, what: string): Fault[] {
  if (names.includes(name)) return [];
  return [{ path, message: `\`${of}.${name}\` is not known${didYouMean(name, names) || `; ${what}`}` }];
}

/** The variables that templates may name. */
export function declaredEnv(file: PipelineFile): string[] {
  const { env } = asKeys(file.keys.requires);
  return [env, file.keys.secrets].flatMap((names) =>
    Array.isArray(names) ? names.filter((each) => typeof each === 'string') : [],
  );
}

const isSecret = ({ keys: { secrets } }: PipelineFile, name: string): boolean =>
  Array.isArray(secrets) && secrets.includes(name.replace(/^env\./, '')) && name.startsWith('env.');

const shownInCommand = (name: string): string =>
  `\`${name}\` is a secret, and command lines can be read by every user of the machine; name it under \`env\`, as in env: { TOKEN: "{{ ${name} }}" }, and let the command read the variable`;

/** All texts in a value, each with the way to it. */
function textsIn(value: unknown, path: Path): (readonly [string, Path])[] {
  if (typeof value === 'string') return [[value, path]];
  if (Array.isArray(value)) return value.flatMap((each, index) => textsIn(each, [...path, index]));
  return Object.entries(asKeys(value)).flatMap(([key, each]) => textsIn(each, [...path, key]));
}

function said(path: Path, text: string, compile: () => unknown): Fault[] {
  try {
    compile();
    return [];
  } catch (error) {
    return [{ path, at: unparsedAt(text) ?? 0, message: BatchxError.from(error).message }];
  }
}

function parses(compile: () => unknown): boolean {
  try {
    compile();
    return true;
  } catch {
    return false;
  }
}
