import { isDeepStrictEqual } from 'node:util';

/** The folder that the names of some files are relative to, said by how their paths begin. */
export interface FileRoot {
  /** How much of a path leads to where the names begin. */
  readonly cut: number;
  /** What stands before the rest. */
  readonly lead: string;
}

/** What only some entries have, so that the others need not carry it. */
export interface FileExtra {
  readonly pathBytes?: Uint8Array | undefined;
  readonly size?: number | undefined;
  readonly mtimeMs?: number | undefined;
}

/**
 * A file that was found: its `path`, and the parts of it, which are computed when they are asked for.
 *
 * @example
 * import { files } from 'batchx';
 *
 * files('photos/20??/*.avif').subscribe(({ data: { path, relative, basename } }) => {
 *   // As: photos/2024/sea.avif, 2024/sea.avif, sea.
 *   console.log(path, relative, basename);
 * });
 */
export class FileEntry {
  /** The names of all that is known of a file. */
  static readonly fields = ['path', 'relative', 'dir', 'filename', 'basename', 'ext', 'size', 'mtimeMs', 'pathBytes'];

  /** As it is to be opened. One that begins with `-` is given as `./-...`, so that no program takes it for a flag. */
  readonly path: string;
  readonly #root: FileRoot;
  readonly #extra: FileExtra | undefined;

  constructor(path: string, root: FileRoot, extra?: FileExtra) {
    this.path = path;
    this.#root = root;
    this.#extra = extra;
  }

  /** The bytes of the path, where it is not text: then only these can be opened, and `path` is made for reading. */
  get pathBytes(): Uint8Array | undefined {
    return this.#extra?.pathBytes;
  }

  /** The path from the root of the glob on: the folder before its first part that is no name. */
  get relative(): string {
    const { cut, lead } = this.#root;
    const name = lead + this.path.slice(cut === 0 && this.path.startsWith('./-') ? 2 : cut);
    return plainly(name);
  }

  /** The folder that it is in; `.` when the path has none. */
  get dir(): string {
    const end = this.path.lastIndexOf('/');
    return end > 0 ? this.path.slice(0, end) : end === 0 ? '/' : '.';
  }

  get filename(): string {
    return this.path.slice(this.path.lastIndexOf('/') + 1);
  }

  /** The name without its extension: `basename` and `ext` make `filename`. */
  get basename(): string {
    const { filename } = this;
    return filename.slice(0, dotOf(filename));
  }

  /** The extension with its dot; empty when there is none. */
  get ext(): string {
    const { filename } = this;
    return filename.slice(dotOf(filename));
  }

  /** In bytes. Known when the files were ordered by size or time; undefined otherwise. */
  get size(): number | undefined {
    return this.#extra?.size;
  }

  /** When it was changed last, in milliseconds since 1970. Known when the files were ordered by size or time. */
  get mtimeMs(): number | undefined {
    return this.#extra?.mtimeMs;
  }

  /** What `toJSON` gave, read again; undefined when it is something else. */
  static fromJSON(json: unknown): FileEntry | undefined {
    if (typeof json !== 'object' || json === null) return undefined;
    const given = json as Record<string, unknown>;
    const { path, relative, size, mtimeMs, pathBytes } = given;
    if (typeof path !== 'string' || typeof relative !== 'string') return undefined;
    const entry = new FileEntry(
      path,
      { cut: path.length, lead: relative },
      {
        size: typeof size === 'number' ? size : undefined,
        mtimeMs: typeof mtimeMs === 'number' ? mtimeMs : undefined,
        pathBytes: typeof pathBytes === 'string' ? Buffer.from(pathBytes, 'base64') : undefined,
      },
    );
    // Of a row that only has such fields too, the others are something else.
    return isDeepStrictEqual(plain(entry.toJSON()), plain(given)) ? entry : undefined;
  }

  /** All of it; the bytes of the path in base64. */
  toJSON(): Record<string, unknown> {
    const { path, relative, dir, filename, basename, ext, size, mtimeMs, pathBytes } = this;
    const base64 = pathBytes && Buffer.from(pathBytes).toString('base64');
    return { path, relative, dir, filename, basename, ext, size, mtimeMs, pathBytes: base64 };
  }
}

const plain = (json: unknown): unknown => JSON.parse(JSON.stringify(json));

/** A path that no program takes for a flag. */
export const plainly = (path: string): string => (path.startsWith('-') ? `./${path}` : path);

/** Where the extension of a name begins: at its last dot, unless it begins with that. */
function dotOf(filename: string): number {
  const dot = filename.lastIndexOf('.');
  return dot > 0 ? dot : filename.length;
}
