import type { Item } from '../core/item.js';
import { contentOf, contentOfFile, fileOf, fingerprintOf, keyOfId, keyOfRow, timesOf } from './fingerprints.js';

/** By what an item is known, before it was looked up. */
export interface Known {
  readonly key: string;
  readonly fingerprint: string;
  readonly times: string | undefined;
}

/** The key of an item that has a name of its own, wherever it stands; undefined for a row that is known by its content. */
export function namedKey({ extra: { id, key } }: Item): string | undefined {
  if (key !== undefined) return key;
  const said = typeof id === 'function' ? id() : id;
  return said === undefined ? undefined : keyOfId(said);
}

/** Numbers the rows of one content, in their order. */
export class Occurrences {
  readonly #counts = new Map<string, number>();

  /** How often the row has been met before; only told once it has been, as the most have not. */
  next(fingerprint: string): number {
    const count = (this.#counts.get(fingerprint) ?? 0) + 1;
    this.#counts.set(fingerprint, count);
    return count;
  }
}

/**
 * What a row or a value is known by; one without a name by its content, as if it were the first of that. Undefined for what
 * has neither a name nor a content that can be said.
 */
export function identifyRow(item: Item): Known | undefined {
  const fingerprint = contentOf(item);
  const named = namedKey(item);
  if (fingerprint === undefined && named === undefined) return undefined;
  // Of what has a name and cannot be said it is only known that it is there.
  const key = named ?? keyOfRow(fingerprint as string, 0);
  return { key, fingerprint: fingerprint ?? NOTHING, times: undefined };
}

export const NOTHING = fingerprintOf('');

/**
 * What a file is known by: `content` gives the fingerprint that it had when its times were these. Undefined when it is no
 * file, or is not there.
 */
export async function identifyFile(
  item: Item,
  content: (key: string, times: string) => string | undefined,
): Promise<Known | undefined> {
  const file = fileOf(item);
  if (file === undefined) return undefined;
  const key = namedKey(item) ?? keyOfId(file.relative);
  const times = await timesOf(file);
  if (times === undefined) return { key, fingerprint: '', times };
  return { key, fingerprint: content(key, times) ?? (await contentOfFile(file)) ?? '', times };
}
