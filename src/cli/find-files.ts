import { BatchxError, systemCode } from '../core/errors.js';
import { FileEntry } from '../core/file-entry.js';
import { walk } from '../core/walk.js';
import { targetsOf } from '../core/walk/targets.js';

const never = new AbortController().signal;

/** The paths of the files that match, seen from a folder; links are followed. A folder that cannot be read throws. */
export async function findFiles(pattern: string, cwd = ''): Promise<string[]> {
  const paths: string[] = [];
  try {
    for await (const entry of entriesOf(pattern, cwd, true)) paths.push(textPath(entry));
  } catch (error) {
    // Nothing matches in a folder that is not there.
    if (!(error instanceof BatchxError) || systemCode(error.cause) !== 'ENOENT') throw error;
  }
  return paths;
}

/** Those patterns and folders that no file is found by, as far as they can be looked through. */
export async function unmatched(patterns: readonly string[]): Promise<string[]> {
  const found = await Promise.all(patterns.map(async (pattern) => ((await hasFile(pattern)) ? [] : [pattern])));
  return found.flat();
}

async function hasFile(pattern: string): Promise<boolean> {
  try {
    return (await entriesOf(pattern, '', false).next()).done !== true;
  } catch {
    // Whoever reads them will say why it cannot be done.
    return true;
  }
}

async function* entriesOf(pattern: string, cwd: string, follow: boolean): AsyncGenerator<FileEntry> {
  const options = { patterns: [pattern], exclude: [], cwd, hidden: false, stats: false };
  const { files, trees } = await targetsOf(options);
  yield* files;
  for (const tree of trees) {
    for await (const block of walk(tree, { follow, stats: false, signal: never })) {
      for (const found of block) {
        if (!(found instanceof FileEntry)) throw found.error;
        yield found;
      }
    }
  }
}

/** Rows are read from files whose names are text. */
function textPath({ path, pathBytes }: FileEntry): string {
  if (pathBytes === undefined) return path;
  const message = `cannot read ${path}: its name is not UTF-8; rename it, or give it to standard input`;
  throw new BatchxError('input', message, { where: path });
}
