import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { writeAtomically } from '../core/atomic-file.js';
import { unwritable } from '../core/bytes-out.js';
import { makeFoldersNow } from '../core/make-folders.js';
import type { Runtime } from '../core/runtime.js';

/** The folder of what the runs of a job have told, in that of the job. */
export const RUNS = 'runs';
const REPORT = 'report.json';

/** How a run is called that began at a time, as ISO 8601 says that: no file system minds it, and later ones come later. */
export const stampOfRun = (at: string): string => at.replaceAll(':', '-');

/** Where the report of a run is. */
export const reportPath = (folder: string, stamp: string): string => join(folder, RUNS, stamp, REPORT);

/** The stamps of the runs that have left something, the newest first. */
export function stampsIn(folder: string): string[] {
  try {
    return readdirSync(join(folder, RUNS)).sort().reverse();
  } catch {
    return [];
  }
}

/** The text of the report of a run; undefined when there is none. */
export function readReport(folder: string, stamp: string): string | undefined {
  try {
    return readFileSync(reportPath(folder, stamp), 'utf8');
  } catch {
    return undefined;
  }
}

/** Keeps the report of a run: it is there whole or not at all. */
export async function keepReport(folder: string, stamp: string, text: string, runtime: Runtime): Promise<void> {
  const path = reportPath(folder, stamp);
  try {
    makeFoldersNow(join(folder, RUNS, stamp));
    await writeAtomically(path, Buffer.from(text), { onExists: 'overwrite' }, runtime);
  } catch (error) {
    throw unwritable(path, error);
  }
}

/** The stamps of those runs that are not among the newest so many. */
export const olderRuns = (folder: string, keep: number): string[] => stampsIn(folder).slice(keep);

/** Removes what runs have told. */
export function removeRuns(folder: string, stamps: readonly string[]): void {
  for (const stamp of stamps) rmSync(join(folder, RUNS, stamp), { recursive: true, force: true });
}
