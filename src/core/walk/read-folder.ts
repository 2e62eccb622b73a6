import { type Dirent, readdir } from 'node:fs';
import { opendir } from 'node:fs/promises';
import { isDoubtful, readableName } from './file-name.js';

/** A name in a folder, and what it is of. */
export interface Named {
  readonly name: string;
  /** The bytes of the name, where the text is not the name itself. */
  readonly raw?: Buffer;
  isFile(): boolean;
  isDirectory(): boolean;
  isSymbolicLink(): boolean;
}

/**
 * How the names of a folder are read: as text, which is quick, leaving out those that may not be text; those alone, or
 * all of them, by their bytes.
 */
export type Reading = 'text' | 'doubtful' | 'bytes';

/** Calls back with the names of a folder, all at once. */
export function readFolder(
  path: string | Buffer,
  reading: Reading,
  done: (error: Error | null, names: readonly Named[]) => void,
): void {
  if (reading === 'text') readdir(path, { withFileTypes: true }, done);
  else {
    readdir(path, { withFileTypes: true, encoding: 'buffer' }, (error, found) => {
      if (error === null) done(null, named(found, reading));
      else done(error, []);
    });
  }
}

/** So many names of a folder are read at a time when it is a large one. */
const AT_A_TIME = 1024;

/** The names of a folder, in parts: for one that has so many that they should not be held at once. */
export async function* readLargeFolder(path: string | Buffer, reading: Reading): AsyncGenerator<readonly Named[]> {
  const encoding = reading === 'text' ? 'utf8' : ('buffer' as BufferEncoding);
  const folder = await opendir(path, { bufferSize: AT_A_TIME, encoding });
  try {
    for (let more = true; more;) {
      const names: Dirent[] = [];
      // The first read fills a buffer, which the others empty: nothing waits for the disk but the first.
      for (let next = await folder.read(); next !== null; next = folder.readSync()) {
        if (names.push(next) === AT_A_TIME) break;
      }
      more = names.length === AT_A_TIME;
      yield reading === 'text' ? names : named(names as unknown as Dirent<Buffer>[], reading);
    }
  } finally {
    await folder.close();
  }
}

function named(found: readonly Dirent<Buffer>[], reading: Reading): Named[] {
  return found.flatMap((entry) => {
    if (reading === 'doubtful' && !isDoubtful(entry.name.toString('utf8'))) return [];
    const { text, exact } = readableName(entry.name);
    return new ByBytes(text, exact ? undefined : entry.name, entry);
  });
}

class ByBytes implements Named {
  readonly name: string;
  declare readonly raw?: Buffer;
  readonly #entry: Dirent<Buffer>;

  constructor(name: string, raw: Buffer | undefined, entry: Dirent<Buffer>) {
    this.name = name;
    if (raw !== undefined) this.raw = raw;
    this.#entry = entry;
  }

  isFile(): boolean {
    return this.#entry.isFile();
  }

  isDirectory(): boolean {
    return this.#entry.isDirectory();
  }

  isSymbolicLink(): boolean {
    return this.#entry.isSymbolicLink();
  }
}
