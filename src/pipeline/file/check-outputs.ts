import { resolve } from 'node:path';
import type * as z from 'zod';
import { metaOf } from '../../core/option-meta.js';
import type { Fault, Path } from './document.js';
import type { PipelineContext } from './pipeline-context.js';
import { knownNames, outputOf } from './known-names.js';
import { asKeys, entriesOf, type PipelineFile, recipesIn, textOf } from './pipeline-file.js';
import { filledIn, placedIn } from './prepare-options.js';

/** An output that is one file, known before the run: where it is, how the pipeline calls it, and where it says that. */
export interface OutputPlace {
  readonly place: string;
  readonly text: string;
  readonly path: Path;
}

/** The files that the outputs of a pipeline are written to, with the report; `-` is standard output. */
export function outputPlaces(file: PipelineFile, context: PipelineContext): OutputPlace[] {
  const root = textOf(filledIn(file.keys.outputRoot, context));
  const listed = Array.isArray(file.keys.output) ? (file.keys.output as unknown[]) : [];
  const reports = listed.flatMap((each, index): [unknown, Path][] =>
    'report' in asKeys(each) ? [[asKeys(each).report, [...file.path, 'output', index, 'report']]] : [],
  );
  const files = entriesOf(file, 'output').flatMap(({ form, value, path }) => {
    const { definition } = form;
    if (definition.kind !== 'sink' || definition.writes !== undefined) return [];
    return Object.entries(definition.options.shape as Record<string, z.ZodType>).flatMap(([option, schema]) => {
      const key = option === definition.main ? form.verb : option;
      return metaOf(schema).place === 'output' ? [[value[key], [...path, key]] as [unknown, Path]] : [];
    });
  });
  return [...files, ...reports].flatMap(([given, path]) => {
    const text = textOf(filledIn(given, context));
    if (text === undefined || (text !== '-' && !isPlain(text))) return [];
    return [{ place: text === '-' ? text : resolve(placedIn(root, text)), text, path }];
  });
}

/** Two outputs of one file: the second would destroy the first. */
export function outputFaults(file: PipelineFile, context: PipelineContext): Fault[] {
  const seen = new Map<string, Path>();
  return outputPlaces(file, context).flatMap(({ place, text, path }) => {
    const first = seen.get(place);
    if (first === undefined) {
      seen.set(place, path);
      return [];
    }
    const what = text === '-' ? 'standard output' : text;
    const message = `${what} is what \`${String(first.at(-1))}\` (${first.slice(file.path.length).join('.')}) writes already; give each output a file of its own`;
    return [{ path, message }];
  });
}

/** Devices, such as /dev/null, take what several write. */
const isPlain = (path: string): boolean => !path.startsWith('/dev/');

/** What holds for a whole run, and so not for steps that are only a part of it. */
const OF_A_RUN = ['mode', 'halt', 'aggregate'];

/** What may be meant, and more often is not: keys of recipes that say nothing of the run that they are part of. */
export const recipeWarnings = (file: PipelineFile): Fault[] =>
  recipesIn(file).flatMap(({ document, path, keys }) =>
    OF_A_RUN.filter((key) => Object.hasOwn(keys, key)).map((key) => ({
      document,
      path: [...path, key],
      key: true,
      message: `\`${key}\` does not hold here, where this pipeline is part of ${file.document.name}: say it there`,
    })),
  );

/** What may be meant, and more often is not: names that hide others. */
export function nameWarnings(file: PipelineFile, fields: readonly string[] | undefined): Fault[] {
  const known = knownNames(file, fields);
  const seen = new Map<string, Path>();
  return entriesOf(file, 'steps').flatMap((entry, index): Fault[] => {
    const { path, value, recipe } = entry;
    const own = value.output === undefined ? undefined : outputOf(entry);
    if (own === undefined) return [];
    const at = { document: recipe?.file.document, path: [...path, 'output'] };
    const first = seen.get(own);
    // Steps of a recipe have names of their own.
    if (recipe === undefined) seen.set(own, path);
    if (first !== undefined && recipe === undefined)
      return [
        { ...at, message: `\`${own}\` is the output of ${first.join('.')} too; from here on it is that of this step` },
      ];
    if (known[index]?.fields?.includes(own) !== true) return [];
    const message = `\`${own}\` is a field of the items too; from here on \`{{ ${own} }}\` is this output, and \`{{ data.${own} }}\` the field`;
    return [{ ...at, message }];
  });
}
