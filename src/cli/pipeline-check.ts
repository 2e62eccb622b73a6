import { printable } from '../core/printable.js';
import { createRuntime } from '../core/runtime.js';
import { checkPipeline } from '../pipeline/file/check.js';
import { faultLine } from '../pipeline/file/faults.js';
import { type Ending, EXIT } from './exit.js';
import { type FileChoice, pipelineOf } from './pipeline-of.js';
import { say } from './terminal.js';
import { writeOut } from './write-out.js';

/** Tells what is wrong with the file of a pipeline, and gives how the program ends. */
export async function checkFile(
  path: string | undefined,
  flags: FileChoice & { readonly json: boolean },
): Promise<Ending> {
  const file = await pipelineOf(path, flags);
  const faults = await checkPipeline(file, createRuntime());
  if (flags.json) await writeOut(`${JSON.stringify(faults, null, 2)}\n`);
  else if (faults.length > 0) await writeOut(faults.map((fault) => `${printable(faultLine(fault))}\n`).join(''));
  else say(`${file.document.name}: nothing is wrong with it`);
  return faults.length > 0 ? EXIT.usage : EXIT.ok;
}
