import { asKeys, type Entry, leadingTo, type PipelineFile } from './pipeline-file.js';

/** A value that holds for a step. */
export interface Said {
  readonly value: unknown;
  /** The pipeline whose top says it, where the step does not say it itself. */
  readonly top: PipelineFile | undefined;
  /** Where names in it are looked up, the nearest first. */
  readonly scopes: readonly PipelineFile[];
}

/** The pipelines that a step is part of: first the one that it is written in, last the one that is run. */
export const scopesOf = (file: PipelineFile, { recipe }: Pick<Entry, 'recipe'>): PipelineFile[] => [
  ...leadingTo(recipe).map((each) => each.file),
  file,
];

/** What holds for a step: what it says itself, or, where it reaches outside, the top of the nearest pipeline. */
export function saidOf(file: PipelineFile, entry: Entry, key: string): Said {
  const { form, value } = entry;
  const { definition, common } = form;
  const scopes = scopesOf(file, entry);
  if (definition.kind !== 'step' || !common.has(key)) return { value: undefined, top: undefined, scopes };
  if (value[key] !== undefined || definition.reachesOut !== true) return { value: value[key], top: undefined, scopes };
  const at = scopes.findIndex(({ keys }) => keys[key] !== undefined);
  const top = scopes[at];
  return top === undefined
    ? { value: undefined, top, scopes }
    : { value: top.keys[key], top, scopes: scopes.slice(at) };
}

/** What has a name under `rates` or `breakers`, in the nearest pipeline that has one of that name. */
export function sharedBy(
  scopes: readonly PipelineFile[],
  part: 'rates' | 'breakers',
  name: string,
): { readonly value: unknown; readonly of: PipelineFile } | undefined {
  const of = scopes.find(({ keys }) => Object.hasOwn(asKeys(keys[part]), name));
  return of === undefined ? undefined : { value: asKeys(of.keys[part])[name], of };
}

/** All names that there are under `rates` or `breakers`. */
export const namesOf = (scopes: readonly PipelineFile[], part: 'rates' | 'breakers'): string[] => [
  ...new Set(scopes.flatMap(({ keys }) => Object.keys(asKeys(keys[part])))),
];
