import { closeSync, fsyncSync, openSync } from 'node:fs';
import { classOf } from '../core/error-class.js';

/** Brings the names in a folder to the disk. Some systems cannot do that: it is no failure, but a bad disk is. */
export function syncFolder(folder: string): void {
  try {
    const fd = openSync(folder, 'r');
    try {
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    if (classOf(error) === 'fatal') throw error;
  }
}
