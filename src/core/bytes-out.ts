import { fstatSync, write, writeSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { Socket } from 'node:net';
import type { Writable } from 'node:stream';
import { isatty, WriteStream } from 'node:tty';
import { BatchxError, messageOf, systemCode } from './errors.js';

/** Where bytes go: a file or an open descriptor. `write` is done when the system has accepted every byte. */
export interface ByteWriter {
  write(bytes: Uint8Array): void | Promise<void>;
  /** Whether there is something in it already, behind which is written. */
  readonly begun?: boolean;
  /** Only of a file: done when what was written is on the disk. */
  sync?(): Promise<void>;
  close(): Promise<void>;
}

/** Which file is written, where it is not the one that is replaced. */
export interface NewFile {
  /** How messages call it. */
  readonly shown: string;
  readonly mode?: number | undefined;
}

/**
 * Writes a file from its beginning; what was in it before is gone. Its bytes are on the disk once it is closed, unless that
 * is left to the system. One that is said to be `made` must not be there.
 */
export async function writeToFile(
  path: string,
  durability: 'power' | 'off' = 'power',
  made?: NewFile,
): Promise<ByteWriter> {
  const { shown = path, mode } = made ?? {};
  let file: FileHandle;
  try {
    file = await open(path, made === undefined ? 'w' : 'wx', mode);
  } catch (error) {
    throw unwritable(shown, error);
  }
  const sync = async (): Promise<void> => {
    try {
      if (durability !== 'off' && (await file.stat()).isFile()) await file.datasync();
    } catch (error) {
      throw unwritable(shown, error);
    }
  };
  return {
    write: writerFor(file.fd, shown),
    sync,
    close: () => sync().finally(() => file.close()),
  };
}

/** Writes to a descriptor that is open already, and leaves it open: a pipe pushes back, a terminal and a file too. */
export function writeToDescriptor(fd: number, name: string): ByteWriter {
  const stream = streamFor(fd, name);
  if (stream === undefined) return { write: writerFor(fd, name), close: () => Promise.resolve() };
  // An error also reaches the callback of the write that met it; without a listener it would end the process.
  stream.on('error', () => undefined);
  return {
    write: (bytes) =>
      new Promise((resolve, reject) => {
        stream.write(bytes, (error) => {
          if (error == null) resolve();
          else reject(unwritable(name, error));
        });
      }),
    close: () => Promise.resolve(),
  };
}

function streamFor(fd: number, name: string): Writable | undefined {
  try {
    if (isatty(fd)) return new WriteStream(fd);
    const stat = fstatSync(fd);
    return stat.isFIFO() || stat.isSocket() ? new Socket({ fd, readable: false, writable: true }) : undefined;
  } catch (error) {
    throw unwritable(name, error);
  }
}

/**
 * A plain file takes what it is given at once, into the system's memory: to have it done by another thread costs more
 * than to do it. What else has no stream, such as a device, may let one wait.
 */
function writerFor(fd: number, name: string): ByteWriter['write'] {
  return fstatSync(fd).isFile()
    ? (bytes) => {
        writeAllNow(fd, name, bytes);
      }
    : (bytes) => writeAll(fd, name, bytes);
}

function writeAllNow(fd: number, name: string, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length;) {
    let taken: number;
    try {
      taken = writeSync(fd, bytes, at, bytes.length - at);
    } catch (error) {
      throw unwritable(name, error);
    }
    at += checked(taken, name);
  }
}

/** The system may take fewer bytes than it was given (a full disk, a quota, a signal): goes on until all are taken. */
async function writeAll(fd: number, name: string, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) {
    const taken = await new Promise<number>((resolve, reject) => {
      write(fd, bytes, at, bytes.length - at, null, (error, written) => {
        if (error === null) resolve(written);
        else reject(unwritable(name, error));
      });
    });
    at += checked(taken, name);
  }
}

function checked(taken: number, name: string): number {
  if (taken > 0) return taken;
  throw new BatchxError('output', `cannot write ${name}: the system takes no more bytes`);
}

/** The error of an output that cannot be opened or written. */
export function unwritable(name: string, error: unknown): BatchxError {
  if (error instanceof BatchxError) return error;
  const code = systemCode(error) === 'EPIPE' ? 'closed' : 'output';
  return new BatchxError(code, `cannot write ${name}: ${reasonOf(error)}`, { cause: error, where: name });
}

/** What users meet most, in words; the rest as the system says it. */
function reasonOf(error: unknown): string {
  const code = systemCode(error);
  if (code === 'ENOENT') return 'there is no such folder';
  if (code === 'EISDIR') return 'it is a directory';
  return messageOf(error);
}
