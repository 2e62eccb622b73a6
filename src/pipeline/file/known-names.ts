import type { Scope } from '../../core/template-scope.js';
import { entriesOf, type Entry, type PipelineFile, textOf } from './pipeline-file.js';

/** What templates and expressions of a step may name. */
export interface KnownNames {
  /** What earlier steps have put beside the data. */
  readonly outputs: readonly string[];
  /** The fields of the data, where they are known. */
  readonly fields: readonly string[] | undefined;
}

/** What every item has, and every pipeline. */
export const ALWAYS = ['data', 'id', 'index', 'metadata', 'config', 'env', 'run'];

/** The name under which the result of a step stands beside the data; undefined when it replaces them. */
export function outputOf({ form, value }: Entry): string | undefined {
  const own = textOf(value.output);
  if (form.definition.kind !== 'step') return undefined;
  return own ?? form.definition.output;
}

/** What each step of a pipeline may name, and at the end what its outputs may. `fields` are those that the source gives. */
export function knownNames(file: PipelineFile, fields: readonly string[] | undefined): KnownNames[] {
  const entries = entriesOf(file, 'steps');
  const { steps } = file.keys;
  // What a step gives that nobody understands is not known either.
  const all = Array.isArray(steps) && steps.length > entries.length ? undefined : fields;
  const known: KnownNames[] = [{ outputs: [], fields: all }];
  for (const entry of entries) {
    const before = known.at(-1) as KnownNames;
    const output = outputOf(entry);
    const { definition } = entry.form;
    if (output !== undefined) known.push({ ...before, outputs: [...new Set([...before.outputs, output, 'result'])] });
    else if (definition.kind === 'step' && definition.gives !== 'data') known.push(before);
    // The data are others from here on.
    else known.push({ ...before, fields: undefined });
  }
  return known;
}

/** Whether a name is known, as far as that can be told. */
export const isKnown = ({ outputs, fields }: KnownNames, name: string): boolean =>
  fields === undefined || outputs.includes(name) || fields.includes(name) || ALWAYS.includes(name);

/** All names that are known. */
export const allNames = ({ outputs, fields = [] }: KnownNames): string[] => [...outputs, ...fields, ...ALWAYS];

/** A scope in which each name has a value, to ask a template what it makes of it. */
export function scopeIn(known: KnownNames): Scope {
  const names = allNames(known);
  const has = (name: string): unknown => (names.includes(name.split('.')[0] as string) ? name : undefined);
  return Object.assign(has, { names: () => names });
}
