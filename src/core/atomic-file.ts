import { constants, type Stats } from 'node:fs';
import { type FileHandle, open, rename, rm, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { BatchxError, systemCode } from './errors.js';
import { FolderSync } from './folder-sync.js';
import { unwritten } from './output-error.js';
import { tempName } from './output-path.js';
import { putInPlace, statOf } from './put-in-place.js';
import type { Runtime } from './runtime.js';

/** What to do where a file is that is to be written. */
export type OnExists = 'fail' | 'skip' | 'overwrite';

export interface AtomicOptions {
  /** What to do where a file is already; `fail` unless said. */
  readonly onExists?: OnExists | undefined;
  /** The permissions of the file: unless said those of the one it replaces, or what the system gives new files. */
  readonly mode?: number | undefined;
  /** `power`, unless said, waits until the file is on the disk; `off` leaves that to the system. */
  readonly durability?: 'power' | 'off' | undefined;
  /** What messages call the file; its path unless said. */
  readonly shown?: string | undefined;
  /** Asked when something is there, whatever `onExists` says; throws when it must not be replaced. */
  readonly refuse?: () => Promise<void>;
  /** Whether a file that is there is an older one of the same output, which is replaced whatever `onExists` says. */
  readonly owned?: (() => boolean) | undefined;
  /** How the names of temporary files go on behind their beginning, so that it is known whose they are. */
  readonly mark?: string | undefined;
  /** Told before a temporary file is made in a folder. */
  readonly onFolder?: ((folder: string) => void) | undefined;
  /** Who syncs the folders of several files; one for this file unless given. */
  readonly folders?: FolderSync | undefined;
}

/** A file that is written under another name and gets its own once it is whole. */
export interface AtomicFile {
  readonly path: string;
  /**
   * Where a program is to write it: a hidden name in the same folder, with the same extension, that nothing has. `fill`
   * may choose another one.
   */
  readonly temp: string;
  /** Writes the content to `temp`. */
  fill(content: Uint8Array): Promise<void>;
  /**
   * Puts the file in its place, after `check` has seen it. False when one has come there meanwhile that is to stay. The
   * temporary file is gone afterwards, whatever happens.
   */
  commit(check?: (file: { readonly temp: string; readonly size: number }) => void | Promise<void>): Promise<boolean>;
  /** Removes the temporary file. Does nothing after a commit. */
  discard(): Promise<void>;
}

/**
 * Writes a file that is there whole or not at all, however the process or the machine ends. False when one was there
 * that is to stay.
 */
export async function writeAtomically(
  path: string,
  content: Uint8Array,
  options: AtomicOptions,
  runtime: Runtime,
): Promise<boolean> {
  const file = await prepareFile(path, options, runtime);
  if (file === undefined) return false;
  await file.fill(content);
  return file.commit();
}

/**
 * Prepares a file for `fill`, or for a program that writes to `temp`. Undefined when one is there that is to stay; what
 * cannot be replaced throws. The folder has to be there.
 */
export async function prepareFile(
  path: string,
  options: AtomicOptions,
  runtime: Runtime,
): Promise<AtomicFile | undefined> {
  const { shown = path } = options;
  let { onExists = 'fail' } = options;
  try {
    const old = await statOf(path);
    if (old !== undefined) {
      await options.refuse?.();
      if (old.isFile() && options.owned?.() === true) onExists = 'overwrite';
      const why = against(old, onExists);
      if (why !== undefined) throw refused(shown, why);
      if (onExists === 'skip') return undefined;
    }
    const name = (): string =>
      join(
        dirname(path),
        tempName(basename(path), () => runtime.random(), options.mark),
      );
    options.onFolder?.(dirname(path));
    return new Replacing(path, name, old?.isFile() === true ? old : undefined, {
      ...options,
      onExists,
      durability: runtime.durability === 'off' ? 'off' : options.durability,
    });
  } catch (error) {
    throw unwritten(shown, error);
  }
}

/** Why what is there must not be replaced; undefined when it may be, or may stay. */
export function against(old: Stats, onExists: OnExists): string | undefined {
  if (old.isDirectory()) return 'it is a folder';
  if (!old.isFile() && !old.isSymbolicLink()) return 'it is there and no plain file';
  if (onExists === 'overwrite') return undefined;
  if (old.isSymbolicLink()) return 'it is a symbolic link; `onExists: overwrite` replaces it, and not what it leads to';
  return onExists === 'skip' ? undefined : TAKEN;
}

const TAKEN = 'it is there already; remove it, or say skip or overwrite by `onExists` (--on-exists)';

/** The error of a file that must not be written, and why. */
export const refused = (shown: string, why: string): BatchxError =>
  new BatchxError('path', `cannot write ${shown}: ${why}`, { where: shown });

class Replacing implements AtomicFile {
  readonly path: string;
  readonly #name: () => string;
  #temp: string;
  readonly #old: Stats | undefined;
  readonly #options: AtomicOptions;
  readonly #shown: string;
  /** The file as `fill` has made it, with the permissions that it is to have. */
  #made: { readonly handle: FileHandle; readonly size: number; readonly mode: number | undefined } | undefined;
  #over = false;

  constructor(path: string, name: () => string, old: Stats | undefined, options: AtomicOptions) {
    this.path = path;
    this.#name = name;
    this.#temp = name();
    this.#old = old;
    this.#options = options;
    this.#shown = options.shown ?? path;
  }

  get temp(): string {
    return this.#temp;
  }

  async fill(content: Uint8Array): Promise<void> {
    const known = this.#options.mode ?? modeOf(this.#old);
    const handle = await this.#create(known === undefined ? 0o666 : 0o600);
    this.#made = { handle, size: content.length, mode: known };
    try {
      if (known === undefined) {
        // Only the system knows the permissions of a new file: by the mask of the process, or the rules of the folder.
        this.#made = { handle, size: content.length, mode: modeOf(await handle.stat()) };
        await handle.chmod(0o600).catch(ignoreUnsupported);
      }
      await writeAll(handle, content);
    } catch (error) {
      throw await this.#failed(error);
    }
  }

  async commit(
    check?: (file: { readonly temp: string; readonly size: number }) => void | Promise<void>,
  ): Promise<boolean> {
    try {
      const handle = this.#made?.handle ?? (await openMade(this.temp, this.#shown));
      try {
        const made = await handle.stat();
        const fault = this.#faultOf(made);
        if (fault !== undefined) throw fault;
        await check?.({ temp: this.temp, size: made.size });
        await this.#seal(handle, made);
      } finally {
        this.#made = undefined;
        await handle.close();
      }
      const placed = await this.#place();
      this.#over = true;
      const { durability, folders = new FolderSync() } = this.#options;
      if (durability !== 'off') await folders.sync(dirname(this.path));
      return placed;
    } catch (error) {
      throw await this.#failed(error);
    }
  }

  async discard(): Promise<void> {
    if (this.#over) return;
    this.#over = true;
    const made = this.#made;
    this.#made = undefined;
    await made?.handle.close();
    await rm(this.temp, { force: true, recursive: true });
  }

  /** Opens a new file: what lies there is another run's, and may not be written to. */
  async #create(mode: number): Promise<FileHandle> {
    for (;;) {
      try {
        return await open(this.#temp, 'wx', mode);
      } catch (error) {
        if (systemCode(error) !== 'EEXIST') {
          this.#over = true;
          throw unwritten(this.#shown, error);
        }
        this.#temp = this.#name();
      }
    }
  }

  #faultOf(made: Stats): BatchxError | undefined {
    if (!made.isFile()) return unmade(this.#shown, 'what was made is no plain file');
    const { size = made.size } = this.#made ?? {};
    if (made.size === size) return undefined;
    return new BatchxError('output', `cannot write ${this.#shown}: only ${made.size} of ${size} bytes are there`);
  }

  /** Gives the file its permissions and its owner, and brings it to the disk. */
  async #seal(handle: FileHandle, made: Stats): Promise<void> {
    const old = this.#old;
    // First, as a change of the owner may take permissions away. Only the superuser may give files to others.
    if (old !== undefined && (old.uid !== made.uid || old.gid !== made.gid))
      await handle.chown(old.uid, old.gid).catch(ignoreUnsupported);
    const mode = this.#made?.mode ?? this.#options.mode ?? modeOf(old);
    if (mode !== undefined && mode !== modeOf(made)) await handle.chmod(mode);
    if (this.#options.durability !== 'off') await handle.sync();
  }

  /** Only `link` refuses, in one step, to replace what is there. */
  async #place(): Promise<boolean> {
    const { onExists = 'fail' } = this.#options;
    if (onExists === 'overwrite') {
      await rename(this.temp, this.path);
      return true;
    }
    if (await putInPlace(this.temp, this.path)) return true;
    if (onExists === 'fail') throw refused(this.#shown, TAKEN);
    await unlink(this.temp);
    return false;
  }

  async #failed(error: unknown): Promise<BatchxError> {
    // That of the clean-up would hide the first one.
    await this.discard().catch(() => undefined);
    return unwritten(this.#shown, error);
  }
}

async function openMade(temp: string, shown: string): Promise<FileHandle> {
  try {
    // Opening a pipe would wait for somebody to write to it.
    return await open(temp, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') throw unmade(shown, 'nothing was written to its temporary path');
    if (systemCode(error) === 'ELOOP') throw unmade(shown, 'what was made is a symbolic link, expected a plain file');
    throw error;
  }
}

const unmade = (shown: string, why: string): BatchxError =>
  new BatchxError('output', `cannot write ${shown}: ${why}`, { class: 'permanent', where: shown });

/** The system may take fewer bytes than it was given: goes on until it has all, or says why it does not take them. */
async function writeAll(handle: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) {
    const { bytesWritten } = await handle.write(bytes, at, bytes.length - at);
    if (bytesWritten === 0) throw new Error('the system takes no more bytes');
    at += bytesWritten;
  }
}

/** The permissions alone: what runs a file as its owner is not carried over to other content. */
const modeOf = (stats: Stats | undefined): number | undefined => stats && stats.mode & 0o777;

function ignoreUnsupported(error: unknown): void {
  if (!['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EINVAL'].includes(systemCode(error) ?? '')) throw error;
}
