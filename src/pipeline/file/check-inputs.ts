import { statSync } from 'node:fs';
import { fileAmong } from '../../core/in-use.js';
import { outputPlaces } from './check-outputs.js';
import type { Fault } from './document.js';
import type { PipelineContext } from './pipeline-context.js';
import type { PipelineFile } from './pipeline-file.js';

/** What a pipeline reads, as far as it is known before. */
export interface InputFiles {
  /** The files that it names. */
  readonly named: readonly string[];
  /** Whether it names the file at an absolute path, where the list does not tell. */
  names(path: string): boolean;
}

/** Outputs that would take the place of a file that the pipeline names as its input. What only a glob would find is not read. */
export async function inputFaults(file: PipelineFile, context: PipelineContext, inputs: InputFiles): Promise<Fault[]> {
  const faults: Fault[] = [];
  for (const { place, text, path } of outputPlaces(file, context)) {
    // Dead letters may be read and written: those that are new come in the place of the older ones at the end.
    if (place === '-' || path.at(-1) === LETTERS) continue;
    const input = (await fileAmong([inputs.named], place)) ?? (isFile(place) && inputs.names(place) ? text : undefined);
    if (input === undefined) continue;
    const what = input === text ? 'it is' : `it is ${input}, which is`;
    faults.push({ path, message: `cannot write ${text}: ${what} read by this run; write to another file` });
  }
  return faults;
}

const LETTERS = 'failed';

const isFile = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isFile() === true;
