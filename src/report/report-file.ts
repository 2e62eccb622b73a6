import { access, constants, realpath, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { writeAtomically } from '../core/atomic-file.js';
import { unwritable, writeToFile } from '../core/bytes-out.js';
import { BatchxError, systemCode } from '../core/errors.js';
import { fileAmong } from '../core/in-use.js';
import type { RunRecorder } from './run-recorder.js';

/** Throws when a file can surely not be written there: a run need not come to its end for that to be found out. */
export async function checkReportPath(path: string): Promise<void> {
  try {
    const file = await statOf(path);
    if (file?.isDirectory() === true) throw Object.assign(new Error(), { code: 'EISDIR' });
    if (file === undefined || file.isFile()) await access(dirname(path), constants.W_OK | constants.X_OK);
    else await access(path, constants.W_OK);
  } catch (error) {
    throw unwritable(path, error);
  }
}

/**
 * Writes the text of a report: the file is there whole or not at all. An older one is replaced, unless it is what the run
 * has read or written otherwise. What is no file, such as a pipe, is written to as it is. By the mark of its job the next
 * run knows what is left when the process dies meanwhile.
 */
export async function writeReport(
  path: string,
  text: string,
  recorder: RunRecorder,
  mark: string | undefined,
): Promise<void> {
  const bytes = Buffer.from(text);
  try {
    const file = await statOf(path);
    if (file !== undefined && !file.isFile() && !file.isDirectory()) {
      const output = await writeToFile(path);
      await output.write(bytes);
      await output.close();
      return;
    }
    await refuseUsed(path, recorder);
    const real = await realpath(path).catch(() => path);
    await writeAtomically(real, bytes, { onExists: 'overwrite', shown: path, mark }, recorder.runtime);
  } catch (error) {
    const { code, message } = unwritable(path, error);
    throw new BatchxError(code === 'closed' ? 'closed' : 'output', message, { cause: error, where: path });
  }
}

async function refuseUsed(path: string, { inputs, outputs }: RunRecorder): Promise<void> {
  const input = await fileAmong(inputs.seen, path);
  const used = input ?? (await fileAmong([outputs.list.map((output) => output.path)], path));
  if (used === undefined) return;
  const how = input === undefined ? 'is an output of this run' : 'is read by this run';
  throw new BatchxError('output', `cannot write ${path}: it ${how}; choose another path for the report`);
}

async function statOf(path: string) {
  try {
    return await stat(path);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}
