import { existsSync } from 'node:fs';
import { BatchxError } from '../../core/errors.js';
import { findProgram } from '../../core/process/not-started.js';
import type { Runtime } from '../../core/runtime.js';
import type { Fault } from './document.js';
import { optionsIn } from './forms.js';
import { asKeys, besideFile, entriesOf, type Entry, type PipelineFile } from './pipeline-file.js';

/** What a pipeline needs of the machine and does not find: variables, programs, files. */
export function worldFaults(file: PipelineFile, runtime: Runtime): Fault[] {
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
    ...entriesOf(file, 'steps').flatMap((entry) => stepFaults(entry, runtime)),
  ];
}

const named = (list: unknown): (readonly [string, number])[] =>
  Array.isArray(list) ? list.flatMap((name, index) => (typeof name === 'string' ? [[name, index] as const] : [])) : [];

const isInstalled = (program: string, { env }: Runtime): boolean => findProgram(program, env).path !== undefined;

const notInstalled = (name: string): string => `the program ${name} is not installed`;

/** The programs of a step, where its options are right. */
function stepFaults({ form, path, value, recipe }: Entry, runtime: Runtime): Fault[] {
  const { definition } = form;
  const document = recipe?.file.document;
  if (definition.kind !== 'step' || definition.programs === undefined) return [];
  const parsed = definition.options.safeParse(optionsIn(form, value));
  if (!parsed.success) return [];
  try {
    const absent = definition.programs(parsed.data).filter((name) => !isInstalled(name, runtime));
    return absent.map((name) => ({ document, path: [...path, form.verb], message: notInstalled(name) }));
  } catch (error) {
    return [{ document, path: [...path, form.verb], message: BatchxError.from(error).message }];
  }
}
