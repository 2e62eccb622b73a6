import type { Stats } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { Events } from './events.js';
import type { Runtime } from './runtime.js';

/** The inputs that are being read, by run: one entry for each source. */
const inUse = new WeakMap<Events, Set<readonly string[]>>();

/** Notes that a source reads these files, so that no sink of the run destroys them; call what comes back at its end. */
export function useInputs(paths: readonly string[], { events }: Runtime): () => void {
  const uses = inUse.get(events) ?? new Set();
  inUse.set(events, uses);
  // A copy, so that the same list may be read by two sources.
  const use = [...paths];
  uses.add(use);
  return () => uses.delete(use);
}

/** The input of the run that is the same file as an output, by whatever name; undefined when there is none. */
export async function inputAt(path: string, { events }: Runtime): Promise<string | undefined> {
  // Awaited before the inputs are looked at: sinks are opened just before their source is.
  const output = await fileAt(path);
  if (output === undefined) return undefined;
  for (const input of [...(inUse.get(events) ?? [])].flat()) {
    const read = await fileAt(input);
    if (read?.dev === output.dev && read.ino === output.ino) return input;
  }
  return undefined;
}

async function fileAt(path: string): Promise<Stats | undefined> {
  try {
    const found = await stat(path);
    return found.isFile() ? found : undefined;
  } catch {
    return undefined;
  }
}
