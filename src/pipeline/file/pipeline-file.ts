import { dirname, isAbsolute, join } from 'node:path';
import type { Registry } from '../../core/registry.js';
import { didYouMean } from '../../core/suggest.js';
import type { Document, Fault, Path } from './document.js';
import { type FileSchema, fileSchemaOf, type Part } from './file-schema.js';
import { unusable } from './faults.js';
import type { Form } from './forms.js';
import { shapeFaults } from './shape-faults.js';

/** A value of a file with the way to it, so that what is wrong with it can be placed. */
export interface Entry {
  readonly form: Form;
  readonly path: Path;
  readonly value: Readonly<Record<string, unknown>>;
  /** The pipeline whose step it is, where that is another one. */
  readonly recipe?: Recipe | undefined;
}

/** Another pipeline whose steps are done in the place of a step. */
export interface Recipe {
  readonly file: PipelineFile;
  /** The values that it was given for its config. */
  readonly config: Keys;
  /** The one that it is part of itself. */
  readonly within?: Recipe | undefined;
}

/** A step of a recipe, and where it stands there. */
export interface RecipeStep {
  readonly recipe: Recipe;
  readonly path: Path;
}

/** The keys of a pipeline, as they were written. */
export type Keys = Readonly<Record<string, unknown>>;

/** One pipeline of a file: of several the one that was chosen, with what stands beside them. */
export interface PipelineFile {
  readonly name: string;
  readonly document: Document;
  readonly schema: FileSchema;
  /** Where its own keys stand. */
  readonly path: Path;
  readonly keys: Keys;
  /** The folder that relative paths of modules, recipes and schemas are meant from. */
  readonly folder: string;
  /** What is wrong with the whole file. */
  readonly faults: readonly Fault[];
  /** The files that say some of its keys in its place. */
  readonly elsewhere?: ReadonlyMap<string, Document>;
  /** The files that values of its config were read from. */
  readonly values?: readonly string[];
  /** Which of the steps are those of recipes, by their place among `keys.steps`. */
  readonly recipes?: ReadonlyMap<number, RecipeStep>;
}

/** What of the top of a file holds for each of its pipelines. */
const SHARED = [
  'config',
  'requires',
  'secrets',
  'rates',
  'breakers',
  'outputRoot',
  'concurrency',
  'timeout',
  'deadline',
  'rate',
  'breaker',
  'retry',
  'mode',
  'halt',
];

/**
 * Looks at what was written, and finds the pipeline that is meant. With several in one file `chosen` has to name one;
 * an unknown name, and none where there is a choice, throw.
 */
export function pipelineIn(document: Document, registry: Registry, chosen?: string): PipelineFile {
  const schema = fileSchemaOf(registry);
  const faults = shapeFaults(schema, document.value);
  const top = asKeys(document.value);
  const several = asKeys(top.pipelines);
  const names = Object.keys(several);
  const usual = document.name.replace(/^.*\//, '').replace(/\.\w+$/, '');
  const base = { document, schema, faults, folder: dirname(document.name) };
  if (chosen === undefined && names.length === 0) {
    return { ...base, name: textOf(top.name) ?? usual, path: [], keys: top };
  }
  const name = chosen ?? (names.length === 1 ? names[0] : undefined);
  if (name === undefined || !names.includes(name)) {
    const there = names.length === 0 ? 'it has only one, without a name' : `there are ${names.join(', ')}`;
    const hint = name === undefined ? `; choose one by --pipeline: ${there}` : didYouMean(name, names) || `; ${there}`;
    const what = name === undefined ? 'it has several pipelines' : `no pipeline is called "${name}"`;
    throw unusable(document.name, `${what}${hint}`);
  }
  const own = asKeys(several[name]);
  const shared = Object.fromEntries(Object.entries(top).filter(([key]) => SHARED.includes(key)));
  const config = { ...asKeys(top.config), ...asKeys(own.config) };
  // Another one may be as it is, as long as it is not run.
  const mine = faults.filter(({ path: [part, of] }) => part !== 'pipelines' || of === undefined || of === name);
  return { ...base, name, faults: mine, path: ['pipelines', name], keys: { ...shared, ...own, config } };
}

/** What the pipelines of a file are called where it has several. */
export const pipelineNames = ({ value }: Document): string[] => Object.keys(asKeys(asKeys(value).pipelines));

/** Where a key of a pipeline stands: what holds for all pipelines of a file stands beside them. */
export function placeOfKey({ document, path }: PipelineFile, key: string): Path {
  const [part = '', name = ''] = path.map(String);
  const own = path.length === 0 || Object.hasOwn(asKeys(asKeys(asKeys(document.value)[part])[name]), key);
  return own ? [...path, key] : [key];
}

/** The entries of a part: the source, the steps, the outputs or the aggregates. Those that no form fits are left out. */
export function entriesOf(file: PipelineFile, part: Part): Entry[] {
  const value = file.keys[part];
  const all = part === 'input' ? [[value, [...file.path, part]] as const] : listed(value, [...file.path, part]);
  return all.flatMap(([each, path], index) => {
    const keys = asKeys(each);
    const form = file.schema.forms[part].find(({ verb }) => Object.hasOwn(keys, verb));
    const step = part === 'steps' ? file.recipes?.get(index) : undefined;
    return form === undefined ? [] : [{ form, path: step?.path ?? path, value: keys, recipe: step?.recipe }];
  });
}

const listed = (value: unknown, path: Path): (readonly [unknown, Path])[] =>
  Array.isArray(value) ? value.map((each, index) => [each, [...path, index]] as const) : [];

/** The recipes whose steps a pipeline does, each once. */
export const recipesIn = ({ recipes }: PipelineFile): PipelineFile[] => {
  const files = [...(recipes?.values() ?? [])].flatMap(({ recipe }) => leadingTo(recipe)).map((recipe) => recipe.file);
  return [...new Map(files.map((file) => [file.document.name, file])).values()];
};

/** A recipe, and those that it is part of. */
export const leadingTo = (recipe: Recipe | undefined): Recipe[] =>
  recipe === undefined ? [] : [recipe, ...leadingTo(recipe.within)];

/** Something that has keys, or nothing of that kind. */
export const asKeys = (value: unknown): Keys =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Keys) : {};

export const textOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);

/** A path that a pipeline names, seen from its folder. */
export const besideFile = ({ folder }: PipelineFile, path: string): string =>
  isAbsolute(path) ? path : join(folder, path);
