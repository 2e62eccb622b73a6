import type { Observable } from 'rxjs';
import * as z from 'zod';
import { defineSource } from '../core/define.js';
import { FileEntry } from '../core/file-entry.js';
import type { OwnFiles } from '../core/own-files.js';
import { Item, type Place } from '../core/item.js';
import { defaultRuntime, type Runtime } from '../core/runtime.js';
import { parseOptions } from '../core/schema.js';
import { fromSource } from '../core/source.js';
import { type Found, walk, type WalkOptions } from '../core/walk.js';
import { FILE_ORDERS, inOrder, needsStats } from '../core/walk/in-order.js';
import { covers } from '../core/walk/covers.js';
import { absolute, joined } from '../core/walk/locate.js';
import { type Targets, targetsOf } from '../core/walk/targets.js';

const text = (what: string) =>
  z
    .string()
    .min(1, `expected ${what}, got empty text`)
    .refine((value) => !value.includes('\0'), `expected ${what} without NUL`);

const patterns = () => z.union([text('a pattern'), z.array(text('a pattern'))]);

export const filesOptions = z.strictObject({
  pattern: patterns()
    .refine((given) => given.length > 0, 'expected at least one pattern')
    .describe('A glob such as `photos/**/*.avif`, a path, a folder for all that is in it, or several of them.'),
  exclude: patterns()
    .default([])
    .describe('Patterns of files and folders that are left out; such folders are not looked into.'),
  order: z
    .enum(['none', ...FILE_ORDERS])
    .default('none')
    .describe('What comes first. All but `none` hold every file until the last one is found.'),
  cwd: text('a path').optional().describe('The folder that patterns are meant from; the current one unless said.'),
  hidden: z.boolean().default(false).describe('Whether `*` and `**` match names that begin with a dot.'),
  follow: z.boolean().default(false).describe('Whether folders behind symbolic links are looked into.'),
});

/** The options of `files` beside the pattern. */
export type FilesOptions = Omit<z.input<typeof filesOptions>, 'pattern'>;

/**
 * Emits an item for each file that matches, from the first one on while folders are still being read.
 *
 * A pattern is a path, a folder for all that is in it, or a glob: `*`, `?`, `[a-z]`, `{a,b}`, `{1..9}`, `!(a|b)` and its
 * kin, `**` for any number of folders, and a backslash before what is to stand for itself. A path that exists means
 * itself, whatever is in it. The id of an item is its path below the root: the folder before the first glob, or, of
 * several patterns, the folder that all of them have in common. A file that several match is given once. What leads to
 * something else than a file, as sockets and pipes, is passed over, unless it is named.
 *
 * `*` and `**` leave out names that begin with a dot, also in folders, unless `hidden`. Links to files are given; folders
 * behind links are looked into when the pattern says their name, or all of them with `follow`: each once, after the
 * others, and not again by another way that the pattern treats alike. `exclude` is meant from the same folder as the
 * patterns; one that begins with `**` holds everywhere. What is in an excluded folder is excluded.
 *
 * What the run, or one of its job before it, writes itself is left out, unless it is named without a glob.
 *
 * Without `order` files come in no particular one, which is the same as long as the tree is. Held are the names of twelve
 * folders, the paths of folders that are still to come, and 512 files; with `follow` also 100 bytes for each folder. Of
 * a folder that the pattern names and that is large, 1,024 names are held, of others all: some 200 bytes each. Any other
 * `order` holds every file until the last one is found: 140 bytes each for `name`, 220 for those that ask for its size
 * or time, for paths of 20 characters. Only then `size` and `mtimeMs` are known.
 *
 * Names that are not UTF-8 are found too: see `pathBytes`. A folder that cannot be read is an item that failed in
 * `input`, and the rest goes on; one that is gone by then is passed over. A path that does not exist, and a glob whose
 * root does not, are the error of the Observable.
 *
 * ```
 * sea.avif  hut.txt  2024/sea.avif        of '*.avif', at any depth
 * (sea.avif          2024/sea.avif)|
 * ```
 *
 * @example
 * import { files, mapItems, toJsonl } from 'batchx';
 * import { readFile } from 'node:fs/promises';
 *
 * files('photos/*.svg', { exclude: '*.min.svg' })
 *   .pipe(mapItems(async ({ path, basename }) => ({ basename, size: (await readFile(path)).length })), toJsonl('sizes.jsonl'))
 *   .subscribe();
 */
export function files(
  pattern: string | string[],
  options: FilesOptions = {},
  runtime: Runtime = defaultRuntime(),
): Observable<Item<FileEntry>> {
  return fromSource(filesSource, parseOptions(filesOptions, { ...options, pattern }, 'files'), runtime) as Observable<
    Item<FileEntry>
  >;
}

export const filesSource = defineSource({
  name: 'files',
  main: 'pattern',
  fields: FileEntry.fields,
  status: 'stable',
  summary: 'Finds files, one item for each.',
  options: filesOptions,
  examples: [
    { title: 'All files of a kind', options: { pattern: 'photos/**/*.avif' } },
    { title: 'Two folders, without the tests', options: { pattern: ['src', 'bin'], exclude: '**/*.test.ts' } },
    { title: 'The smallest first', options: { pattern: '*.csv', order: 'smallest' } },
  ],
  covers: ({ pattern, exclude, cwd = '', hidden }, path) =>
    covers([pattern].flat(), cwd, hidden, path) && !covers([exclude].flat(), cwd, true, path),
  names: ({ pattern, exclude, cwd = '' }, path) =>
    [pattern].flat().some((each) => absolute(joined(cwd, each)) === path) && !covers([exclude].flat(), cwd, true, path),
  ready: (options) => targetsIn(options),
  async *open(options, { own }, signal) {
    const { pattern, order, follow } = options;
    const stats = needsStatsOf(options);
    const patterns = [pattern].flat();
    const targets = await targetsIn(options);
    const found = walkAll(targets, { follow, stats, signal }, own);
    const place: Place = { source: patterns.join(' '), locate: () => ({}) };
    let seq = 0;
    for await (const block of order === 'none' ? found : inOrder(found, order)) {
      yield block.map((each) => itemOf(each, seq++, place));
    }
  },
});

const needsStatsOf = ({ order }: z.output<typeof filesOptions>): boolean => order !== 'none' && needsStats(order);

const targetsIn = (options: z.output<typeof filesOptions>): Promise<Targets> => {
  const { pattern, exclude, cwd = '', hidden } = options;
  const stats = needsStatsOf(options);
  return targetsOf({ patterns: [pattern].flat(), exclude: [exclude].flat(), cwd, hidden, stats });
};

async function* walkAll(
  { files: named, trees }: Targets,
  options: WalkOptions,
  own: OwnFiles | undefined,
): AsyncGenerator<readonly Found[]> {
  yield named;
  for (const tree of trees) {
    const isOwn = own?.below(tree.prefix);
    if (isOwn === undefined) yield* walk(tree, options);
    else for await (const block of walk(tree, options)) yield block.filter((found) => !isOwn(pathOf(found)));
  }
}

const pathOf = (found: Found): string => (found instanceof FileEntry ? found : found.entry).path;

function itemOf(found: Found, seq: number, place: Place): Item {
  if (found instanceof FileEntry) return new Item(seq, found, undefined, place, 0, { id: found.relative });
  return new Item<unknown>(seq, undefined, undefined, place, 0, { id: found.entry.relative }).fail(found.error);
}
