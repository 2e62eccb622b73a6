import { existsSync } from 'node:fs';
import { BatchxError } from '../../core/errors.js';
import { findProgram } from '../../core/process/not-started.js';
import type { Runtime } from '../../core/runtime.js';
import { metaOf } from '../../core/option-meta.js';
import type * as z from 'zod';
import type { Fault } from './document.js';
import { optionsIn } from './forms.js';
import { asKeys, besideFile, entriesOf, type Entry, type PipelineFile, recipesIn, textOf } from './pipeline-file.js';

/**
 * What a pipeline and its recipes need of the machine and do not find: variables, programs, files. `made` is what the
 * steps say themselves.
 */
export function worldFaults(file: PipelineFile, runtime: Runtime, made: readonly Fault[] = []): Fault[] {
  const told = new Set(made.map(({ path }) => path.join('.')));
  const steps = entriesOf(file, 'steps').flatMap((entry) => [
    ...stepFaults(file, entry, runtime),
    ...partFaults(file, entry),
  ]);
  return [
    ...requiredFaults(file, runtime),
    ...recipesIn(file).flatMap((recipe) =>
      requiredFaults(recipe, runtime).map((fault) => ({ ...fault, document: recipe.document })),
    ),
    ...steps.filter(({ path }) => !told.has(path.join('.'))),
  ];
}

function requiredFaults(file: PipelineFile, runtime: Runtime): Fault[] {
  const { env, programs, files } = asKeys(file.keys.requires);
  const requires = [...file.path, 'requires'];
  const missing = (list: unknown, key: string, isThere: (name: string) => boolean, message: (name: string) => string) =>
    named(list).flatMap(([name, index]) =>
      isThere(name)
        ? []
        : [
            {
              path: key === 'secrets' ? [...file.path, key, index] : [...requires, key, index],
              message: message(name),
            },
          ],
    );
  const isSet = (name: string): boolean => runtime.env[name] !== undefined && runtime.env[name] !== '';
  const unset = (name: string): string => `the variable ${name} is not set: export ${name}=...`;
  return [
    ...missing(env, 'env', isSet, unset),
    ...missing(file.keys.secrets, 'secrets', isSet, unset),
    ...missing(programs, 'programs', (name) => isInstalled(name, runtime), notInstalled),
    ...missing(
      files,
      'files',
      (name) => existsSync(besideFile(file, name)),
      (name) => `there is no file ${name}`,
    ),
  ];
}

const named = (list: unknown): (readonly [string, number])[] =>
  Array.isArray(list) ? list.flatMap((name, index) => (typeof name === 'string' ? [[name, index] as const] : [])) : [];

const isInstalled = (program: string, { env }: Runtime): boolean => findProgram(program, env).path !== undefined;

const notInstalled = (name: string): string => `the program ${name} is not installed`;

/** The files of a step that are parts of the pipeline, such as a module. */
function partFaults(file: PipelineFile, { form, path, value, recipe }: Entry): Fault[] {
  const { definition } = form;
  return Object.entries(definition.options.shape as Record<string, z.ZodType>).flatMap(([option, schema]) => {
    const key = option === definition.main ? form.verb : option;
    const given = textOf(value[key]);
    if (metaOf(schema).place !== 'pipeline' || given === undefined || given.includes('{{')) return [];
    if (existsSync(besideFile(recipe?.file ?? file, given))) return [];
    return [{ document: recipe?.file.document, path: [...path, key], message: `there is no file ${given}` }];
  });
}

/** Options in which the values of the config stand: by them a program may be named. */
const withConfig = (value: unknown, config: Readonly<Record<string, unknown>>): unknown => {
  if (Array.isArray(value)) return value.map((each) => withConfig(each, config));
  if (typeof value !== 'string') return value;
  return value.replace(/\{\{\s*config\.([\w$-]+)\s*\}\}/g, (whole, name: string) =>
    typeof config[name] === 'string' && /^\S+$/.test(config[name]) ? config[name] : whole,
  );
};

/** The programs of a step, where its options are right. */
function stepFaults(file: PipelineFile, { form, path, value, recipe }: Entry, runtime: Runtime): Fault[] {
  const { definition } = form;
  const document = recipe?.file.document;
  if (definition.kind !== 'step' || definition.programs === undefined) return [];
  const config = recipe?.config ?? asKeys(file.keys.config);
  const given = Object.entries(optionsIn(form, value)).map(([key, option]) => [key, withConfig(option, config)]);
  const parsed = definition.options.safeParse(Object.fromEntries(given));
  if (!parsed.success) return [];
  try {
    const absent = definition.programs(parsed.data).filter((name) => !isInstalled(name, runtime));
    return absent.map((name) => ({ document, path: [...path, form.verb], message: notInstalled(name) }));
  } catch (error) {
    return [{ document, path: [...path, form.verb], message: BatchxError.from(error).message }];
  }
}
