import type { AnyDefinition } from './define.js';
import { BatchxError } from './errors.js';
import { didYouMean } from './suggest.js';

export type Kind = AnyDefinition['kind'];
type OfKind<K extends Kind> = Extract<AnyDefinition, { kind: K }>;

/** The components that pipelines are made of, found by kind and name. */
export interface Registry {
  readonly all: readonly AnyDefinition[];
  /** The component of that name; an unknown name throws with the one that was probably meant. */
  get<K extends Kind>(kind: K, name: string): OfKind<K>;
  /** A registry with more components; one of a name that is taken replaces the old one. */
  with(...definitions: readonly AnyDefinition[]): Registry;
}

/** Makes a registry of definitions. */
export function createRegistry(definitions: readonly AnyDefinition[]): Registry {
  const byKey = new Map(definitions.map((definition) => [`${definition.kind} ${definition.name}`, definition]));
  const all = [...byKey.values()];
  return {
    all,
    get<K extends Kind>(kind: K, name: string) {
      const found = byKey.get(`${kind} ${name}`);
      if (found !== undefined) return found as OfKind<K>;
      const names = all.filter((definition) => definition.kind === kind).map((definition) => definition.name);
      throw new BatchxError('usage', `no ${kind} is called "${name}"${didYouMean(name, names)}`);
    },
    with: (...more) => createRegistry([...all, ...more]),
  };
}
