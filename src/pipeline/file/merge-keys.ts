import type { Document, Node, Pair, YAMLMap } from 'yaml';
import { exportsOf } from '../../core/commonjs.js';

/** What finds values in a document of YAML as they are once aliases and merge keys, `<<: *defaults`, are followed. */
export interface MergeKeys {
  /** What an alias stands for; any other node is itself. */
  meant(node: unknown): unknown;
  /** The pair of a key: of the map itself, or of those that are merged into it. */
  pairOf(map: YAMLMap, key: string): Pair | undefined;
  /** How many maps are gone through for what is merged into a map, also as part of others. */
  count(map: YAMLMap): number;
}

export async function mergeKeysOf(document: Document): Promise<MergeKeys> {
  const { isAlias, isMap, isScalar, isSeq } = exportsOf(await import('yaml'));
  const counts = new Map<YAMLMap, number>();
  const meant = (node: unknown): unknown => (isAlias(node) ? node.resolve(document) : node);
  const isMerge = ({ key }: Pair): boolean =>
    isScalar(key) && (typeof key.value === 'symbol' || (key.value === '<<' && key.type === 'PLAIN'));
  const merged = (map: YAMLMap): YAMLMap[] =>
    map.items.filter(isMerge).flatMap(({ value }) => {
      const from = meant(value);
      return (isSeq(from) ? (from.items as Node[]) : [from]).map(meant).filter((each) => isMap(each));
    });
  const pairOf = (map: YAMLMap, key: string): Pair | undefined => {
    const own = map.items.find((pair) => !isMerge(pair) && isScalar(pair.key) && String(pair.key.value) === key);
    if (own !== undefined) return own;
    for (const each of merged(map)) {
      const found = pairOf(each, key);
      if (found !== undefined) return found;
    }
    return undefined;
  };
  const count = (map: YAMLMap): number => {
    const known = counts.get(map);
    if (known !== undefined) return known;
    const all = merged(map).reduce((sum, each) => sum + 1 + count(each), 0);
    counts.set(map, all);
    return all;
  };
  return { meant, pairOf, count };
}
