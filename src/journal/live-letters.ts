import { closeSync, fsyncSync, openSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { systemCode } from '../core/errors.js';
import { AppendFile } from './append-file.js';
import { STATE, type ItemTable } from './item-table.js';
import { FAILED } from './job-files.js';
import { entryOfLetter } from './letters.js';
import { eachLine } from './read-journal.js';
import { syncFolder } from './sync-folder.js';

const HELD = 1024 * 1024;

/** Leaves those letters of a job of items that have failed or are in doubt: the last of each. */
export function keepLiveLetters(folder: string, table: ItemTable): void {
  const path = join(folder, FAILED);
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return;
    throw error;
  }
  const temp = `${path}.new`;
  try {
    /** Where the last letter of each item begins, plus one. */
    const last = new Float64Array(table.size);
    const entryOf = (bytes: Buffer, from: number, to: number): number | undefined =>
      entryOfLetter(bytes.toString('utf8', from, to < 0 ? from : to), table);
    let letters = 0;
    eachLine(fd, (bytes, from, to, at) => {
      letters++;
      const entry = entryOf(bytes, from, to);
      if (entry !== undefined) last[entry] = at + 1;
    });
    const out = openSync(temp, 'w+');
    try {
      const file = new AppendFile(out, temp, 'off');
      eachLine(fd, (bytes, from, to, at) => {
        // The death of a run may have left a part of one.
        if (to < 0) return;
        const entry = entryOf(bytes, from, to);
        // What is no letter of an item that is known is not for us to drop.
        if (entry !== undefined) {
          const state = table.state(entry);
          if (last[entry] !== at + 1 || (state !== STATE.failed && state !== STATE.inDoubt)) return;
        }
        letters--;
        file.addText(bytes.toString('utf8', from, to + 1));
        if (file.held > HELD) file.write();
      });
      file.write();
      if (letters > 0) fsyncSync(out);
    } finally {
      closeSync(out);
    }
    if (letters === 0) {
      rmSync(temp);
      return;
    }
    renameSync(temp, path);
    syncFolder(folder);
  } finally {
    closeSync(fd);
  }
}
