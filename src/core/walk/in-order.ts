import { FileEntry } from '../file-entry.js';
import type { Found } from '../walk.js';

export const FILE_ORDERS = ['name', 'smallest', 'largest', 'newest', 'oldest'] as const;
export type FileOrder = (typeof FILE_ORDERS)[number];

type Compare = (a: FileEntry, b: FileEntry) => number;

const size = ({ size = 0 }: FileEntry): number => size;
const time = ({ mtimeMs = 0 }: FileEntry): number => mtimeMs;

/** By what files are compared first; files that are alike in that are ordered by their paths. */
const compareBy: Readonly<Record<FileOrder, Compare>> = {
  name: () => 0,
  smallest: (a, b) => size(a) - size(b),
  largest: (a, b) => size(b) - size(a),
  newest: (a, b) => time(b) - time(a),
  oldest: (a, b) => time(a) - time(b),
};

/** Whether files have to be asked for their size and time to be ordered so. */
export const needsStats = (order: FileOrder): boolean => order !== 'name';

/** So many files make a block. */
const BLOCK = 512;

/** The same files in an order: they are held until the last one is there. What could not be read comes as it is met. */
export async function* inOrder(
  blocks: AsyncIterable<readonly Found[]>,
  order: FileOrder,
): AsyncGenerator<readonly Found[]> {
  const held: FileEntry[] = [];
  for await (const block of blocks) {
    const unread: Found[] = [];
    for (const found of block) {
      if (found instanceof FileEntry) held.push(found);
      else unread.push(found);
    }
    if (unread.length > 0) yield unread;
  }
  const compare = compareBy[order];
  const byPath: Compare = held.some(({ path }) => BEYOND.test(path)) ? byBytes : byUnits;
  held.sort((a, b) => compare(a, b) || byPath(a, b));
  for (let i = 0; i < held.length; i += BLOCK) yield held.slice(i, i + BLOCK);
}

/** Characters of which the order by units of UTF-16 differs from that by bytes of UTF-8. */
const BEYOND = /[\ud800-\udfff]/;

const byUnits: Compare = ({ path: a }, { path: b }) => (a < b ? -1 : a > b ? 1 : 0);
const byBytes: Compare = ({ path: a }, { path: b }) => Buffer.compare(Buffer.from(a), Buffer.from(b));
