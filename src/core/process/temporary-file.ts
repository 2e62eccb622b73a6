import { constants, openSync, unlinkSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Runtime } from '../runtime.js';

const { O_CREAT, O_EXCL, O_RDWR } = constants;

/** The folder for temporary files. */
export const temporaryFolder = ({ env }: Runtime): string =>
  env.TMPDIR === undefined || env.TMPDIR === '' ? tmpdir() : env.TMPDIR;

/** Opens a new file that only this process can see, for reading and writing: it has no name any more. */
export function openTemporary(runtime: Runtime, flags = 0): number {
  const word = (): string => Math.floor(runtime.random() * 2 ** 32).toString(36);
  for (let tries = 0; ; tries++) {
    const path = join(temporaryFolder(runtime), `batchx-${word()}${word()}-${tries}`);
    try {
      const fd = openSync(path, O_RDWR | O_CREAT | O_EXCL | flags, 0o600);
      unlinkSync(path);
      return fd;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST' || tries >= 100) throw error;
    }
  }
}

/** Writes all the bytes at a place of a file; where the file is read from does not change by it. */
export function writeAt(fd: number, bytes: Uint8Array, place: number): void {
  for (let at = 0; at < bytes.length;) at += writeSync(fd, bytes, at, bytes.length - at, place + at);
}
