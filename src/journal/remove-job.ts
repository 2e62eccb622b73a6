import { renameSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { BatchxError, messageOf } from '../core/errors.js';
import { Lock } from './lock.js';

/** Removes all that is kept of a job. Throws `locked` when a run of it goes on. */
export function removeJob(folder: string, at: string): void {
  const lock = Lock.take(folder, at);
  const away = join(dirname(folder), `.removed-${lock.epoch}-${basename(folder)}`);
  try {
    // In one step: a run that begins now finds all of it or nothing.
    rmSync(away, { recursive: true, force: true });
    renameSync(folder, away);
    rmSync(away, { recursive: true, force: true });
  } catch (error) {
    lock.release();
    throw new BatchxError('output', `cannot remove ${folder}: ${messageOf(error)}`, { cause: error, where: folder });
  }
}
