import { isAbsolute, relative, resolve } from 'node:path';
import type * as z from 'zod';
import { metaOf } from '../core/option-meta.js';
import { createRuntime } from '../core/runtime.js';
import { contextOf } from '../pipeline/file/context.js';
import type { Fault } from '../pipeline/file/document.js';
import { faultsError } from '../pipeline/file/faults.js';
import { placedFaults } from '../pipeline/file/place-faults.js';
import { foundElsewhere } from '../pipeline/file/manifest-file.js';
import { asKeys, entriesOf, type Entry, type PipelineFile, textOf } from '../pipeline/file/pipeline-file.js';
import { filledIn, placedIn } from '../pipeline/file/prepare-options.js';

/** The same pipeline, whose outputs lie in another folder: `out_test` beside `out`. */
export function inTest(file: PipelineFile): PipelineFile {
  const root = textOf(file.keys.outputRoot);
  return { ...file, keys: { ...file.keys, outputRoot: `${root?.replace(/\/+$/, '') ?? file.name}_test` } };
}

/** Throws when something of a pipeline in a test would be written elsewhere than in its folder. */
export function refuseOutside(file: PipelineFile): void {
  const faults = outputsOutside(file);
  if (faults.length > 0) throw faultsError(placedFaults(file.document, foundElsewhere(file, faults)));
}

/** What a pipeline writes elsewhere than in the folder of its outputs, wherever that is. */
export function outputsOutside(file: PipelineFile): Fault[] {
  const context = contextOf(file, createRuntime());
  const root = textOf(filledIn(file.keys.outputRoot, context)) ?? '.';
  return [
    ...(['output', 'steps'] as const).flatMap((part) => entriesOf(file, part).flatMap(placesOf)),
    ...reports(file),
  ]
    .map((fault) => ({ ...fault, given: fault.item ? fault.given : filledIn(fault.given, context) }))
    .flatMap(({ given, path, document }): Fault[] => {
      const text = textOf(given);
      if (text === undefined || text === '-' || text.startsWith('/dev/') || isWithin(root, placedIn(root, text)))
        return [];
      return [
        {
          document,
          path,
          message: `with --test nothing is written outside of ${root}, and ${text} is; let it be relative, without \`..\``,
        },
      ];
    });
}

/** Where something is written, as the pipeline says it; by `item` it is a template. */
interface Place extends Omit<Fault, 'message'> {
  readonly given: unknown;
  readonly item: boolean;
}

const placesOf = ({ form: { definition, verb }, value, path, recipe }: Entry): Place[] =>
  Object.entries(definition.options.shape as Record<string, z.ZodType>).flatMap(([option, schema]) => {
    const { place, template } = metaOf(schema);
    const key = option === definition.main ? verb : option;
    if (place !== 'output') return [];
    return [{ given: value[key], item: template !== undefined, path: [...path, key], document: recipe?.file.document }];
  });

const reports = ({ keys: { output }, path }: PipelineFile): Place[] =>
  (Array.isArray(output) ? (output as unknown[]) : []).map((each, index) => ({
    given: asKeys(each).report,
    item: false,
    path: [...path, 'output', index, 'report'],
  }));

function isWithin(root: string, path: string): boolean {
  const way = relative(resolve(root), resolve(path));
  return way !== '..' && !way.startsWith('../') && !isAbsolute(way);
}
