import type { Stats } from 'node:fs';
import { readlink, realpath, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { BatchxError } from './errors.js';
import type { Events } from './events.js';
import type { Runtime } from './runtime.js';

/** The inputs that are being read, by run: one entry for each source. */
const inputs = new WeakMap<Events, Set<readonly string[]>>();
/** Who wants to know which files a run has read, also once it does not read them any more. */
const watchers = new WeakMap<Events, Set<InputWatch>>();
/** The files that are being written, by run, in the order in which they were asked for. */
const outputs = new WeakMap<Events, Set<Output>>();

interface Output {
  readonly path: string;
  /** The path without links: the file may not be there yet. */
  readonly real: Promise<string>;
  /** Done when the file has been closed; not there as long as it is written to. */
  closing?: Promise<void>;
}

/** Notes that a source reads these files, so that no sink of the run destroys them; call what comes back at its end. */
export function useInputs(paths: readonly string[], { events }: Runtime): () => void {
  const uses = inputs.get(events) ?? new Set();
  inputs.set(events, uses);
  // A copy, so that the same list may be read by two sources.
  const use = [...paths];
  uses.add(use);
  for (const { seen } of watchers.get(events) ?? []) seen.add(use);
  return () => uses.delete(use);
}

/** The inputs of a run from some time on: one entry for each source, whether it is still read or not. */
export interface InputWatch {
  readonly seen: Set<readonly string[]>;
  end(): void;
}

/** Remembers the inputs that the run reads now, and those that it will, until it is told to end. */
export function watchInputs({ events }: Runtime): InputWatch {
  const all = watchers.get(events) ?? new Set();
  watchers.set(events, all);
  const watch: InputWatch = { seen: new Set(inputs.get(events)), end: () => void all.delete(watch) };
  all.add(watch);
  return watch;
}

/** The input of the run that is the same file as an output, by whatever name; undefined when there is none. */
export async function inputAt(path: string, { events }: Runtime): Promise<string | undefined> {
  // Sinks are opened just before their source is. It may have been read to its end before the disk has answered.
  await Promise.resolve();
  return fileAmong([...(inputs.get(events) ?? [])], path);
}

/** The first of some files that is the same one as another, by whatever name; undefined when none is. */
export async function fileAmong(
  lists: Iterable<readonly (string | Buffer)[]>,
  path: string,
): Promise<string | undefined> {
  const file = await fileAt(path);
  if (file === undefined) return undefined;
  for (const list of lists) {
    for (const other of list) if (isSame(await fileAt(other), file)) return String(other);
  }
  return undefined;
}

/** The output of a sink of the run that is written to this path, which has no links in it; undefined when none is. */
export async function outputAt(path: string, { events }: Runtime): Promise<string | undefined> {
  for (const use of outputs.get(events) ?? []) {
    if ((await use.real) === path) return use.path;
  }
  return undefined;
}

/**
 * Notes that a sink writes a file, and throws when another one of the run does, by whatever name. Call what comes back
 * to close the file: it is free again when that is done. What is not a file, such as a pipe, may be written by several.
 */
export async function useOutput(
  path: string,
  { events }: Runtime,
): Promise<(close: () => void | Promise<void>) => Promise<void>> {
  const uses = outputs.get(events) ?? new Set();
  outputs.set(events, uses);
  const before = [...uses];
  const use: Output = { path, real: realPath(path) };
  // Before anything is waited for: of two that come at once the second has to see the first, however quick that is.
  uses.add(use);
  const close = async (closing: () => void | Promise<void>): Promise<void> => {
    try {
      await closing();
    } finally {
      uses.delete(use);
    }
  };
  try {
    // Whoever was left just now, for this one to begin, has got to close his file by then.
    await Promise.resolve();
    const open = before.filter(({ closing }) => closing === undefined);
    for (const other of before) await refuseSame(other, use, open.includes(other));
  } catch (error) {
    uses.delete(use);
    throw error;
  }
  return (closing) => (use.closing ??= close(closing));
}

async function refuseSame(other: Output, { path, real }: Output, open: boolean): Promise<void> {
  const file = await stat(path).catch(() => undefined);
  if (file !== undefined && !file.isFile()) return;
  if ((await other.real) !== (await real) && !isSame(await fileAt(other.path), file)) return;
  if (!open) {
    // Its failure is told to those who write it.
    await other.closing?.catch(() => undefined);
    return;
  }
  const which = other.path === path ? 'it' : `it is the same file as ${other.path}, which`;
  throw new BatchxError(
    'usage',
    `cannot write ${path}: ${which} is being written by another sink of this run; write to another file`,
    { where: path },
  );
}

const isSame = (a: Stats | undefined, b: Stats | undefined): boolean =>
  a !== undefined && b !== undefined && a.dev === b.dev && a.ino === b.ino;

async function fileAt(path: string | Buffer): Promise<Stats | undefined> {
  try {
    const found = await stat(path);
    return found.isFile() ? found : undefined;
  } catch {
    return undefined;
  }
}

/** As many links as the system follows one after another. */
const LINKS = 40;

/** The path that is written to, with all links followed, also when there is no file yet. */
export async function realPath(path: string, links = LINKS): Promise<string> {
  const known = await realpath(path).catch(() => undefined);
  if (known !== undefined) return known;
  const target = await readlink(path).catch(() => undefined);
  if (target !== undefined && links > 0) return realPath(resolve(dirname(path), target), links - 1);
  const folder = await realpath(dirname(path)).catch(() => resolve(dirname(path)));
  return join(folder, basename(path));
}
