import type * as z from 'zod';
import { BatchxError } from '../../core/errors.js';
import { fileAmong } from '../../core/in-use.js';
import { metaOf } from '../../core/option-meta.js';
import { outputPlaces } from './check-outputs.js';
import type { Document, Fault } from './document.js';
import { isModule } from './load-pipeline.js';
import type { PipelineContext } from './pipeline-context.js';
import { besideFile, entriesOf, type PipelineFile, recipesIn, textOf } from './pipeline-file.js';

/** What is told of an output that is one of them. */
const PART = 'a part of this pipeline; write to another file';

/** The files that a pipeline consists of: its own, those of recipes, and the modules and schemas that they name. */
export function partFiles(file: PipelineFile): string[] {
  const documents = [file, ...recipesIn(file)].map(({ document }) => document);
  const said = [...documents, ...(file.elsewhere?.values() ?? [])].filter(isFile).map(({ name }) => name);
  const named = entriesOf(file, 'steps').flatMap(({ form: { definition, verb }, value, recipe }) =>
    [
      ...Object.entries(definition.options.shape as Record<string, z.ZodType>)
        .filter(([, option]) => metaOf(option).place === 'pipeline')
        .map(([option]) => value[option === definition.main ? verb : option]),
      value.accepts,
      value.returns,
    ]
      .flatMap((path) => textOf(path) ?? [])
      .map((path) => besideFile(recipe?.file ?? file, path)),
  );
  return [...new Set([...said, ...named, ...(file.values ?? [])])];
}

/** A pipeline that code has made is called by a name that is no file. */
const isFile = (document: Document): boolean => document.position([]) !== undefined || isModule(document.name);

/** Outputs that would take the place of a part of the pipeline. */
export async function partFaults(file: PipelineFile, context: PipelineContext): Promise<Fault[]> {
  const parts = partFiles(file);
  const faults: Fault[] = [];
  for (const { place, text, path } of outputPlaces(file, context)) {
    const part = place === '-' ? undefined : await fileAmong([parts], place);
    if (part !== undefined) faults.push({ path, message: `cannot write ${text}: ${isPart(text, part)}` });
  }
  return faults;
}

/** Throws for a path that is written to besides the outputs, if it is that of a part of the pipeline. */
export async function refusePart(file: PipelineFile, path: string): Promise<void> {
  const part = await fileAmong([partFiles(file)], path);
  if (part !== undefined)
    throw new BatchxError('usage', `cannot write ${path}: ${isPart(path, part)}`, { where: path });
}

const isPart = (path: string, part: string): string => (path === part ? `it is ${PART}` : `it is ${part}, ${PART}`);
