import { closeSync, fsyncSync, openSync, readSync, renameSync, writeSync } from 'node:fs';
import { endianness } from 'node:os';
import { join } from 'node:path';
import { unwritable } from '../core/bytes-out.js';
import { BatchxError, systemCode } from '../core/errors.js';
import { crc32c } from './crc32c.js';
import type { JournalState, SavedState } from './load-journal.js';
import type { RunHistory, RunOfJob } from './run-history.js';
import { isWhole, SummedLines } from './summed-lines.js';
import { syncFolder } from './sync-folder.js';

/** All that the records of a journal up to one of them have said, in the folder of a job. */
export const SNAPSHOT = 'snapshot';

const FORMAT = 1;
const LF = 0x0a;
const FIRST = 64 * 1024;

/** The first line of a snapshot. The entries of the table and whose files are come behind it, as they lie in memory. */
export interface SnapshotHead {
  readonly t: 'snapshot';
  readonly v: number;
  /** In which order the bytes of a number are. */
  readonly order: 'LE' | 'BE';
  /** The number of the last record that is in it. */
  readonly after: number;
  /** The name of the file of results that the places in it are of, and how large that was when it was looked through. */
  readonly results: string;
  readonly looked: number;
  /** How many words of owners there are. */
  readonly owners: number;
  /** The sum of all that comes behind the line. */
  readonly crc: number;
  readonly runs: readonly RunOfJob[];
  readonly state: SavedState;
}

export type SnapshotAbout = Pick<SnapshotHead, 'after' | 'results' | 'looked'>;

/** Writes a snapshot: when the call is over it is on the disk, in the place of the one before. */
export function writeSnapshot(folder: string, about: SnapshotAbout, state: JournalState, history: RunHistory): void {
  const path = join(folder, SNAPSHOT);
  const temp = `${path}.new`;
  const blocks = (): Iterable<Uint32Array> => blocksOf(state);
  let crc = 0;
  for (const block of blocks()) crc = crc32c(bytesOf(block), 0, block.byteLength, crc);
  const head: SnapshotHead = {
    t: 'snapshot',
    v: FORMAT,
    order: endianness(),
    ...about,
    owners: state.owners.words.length,
    crc,
    runs: history.runs,
    state: state.saved(),
  };
  const lines = new SummedLines();
  lines.add(JSON.stringify(head).slice(0, -1));
  try {
    const fd = openSync(temp, 'w');
    try {
      writeAll(fd, lines.take());
      for (const block of blocks()) writeAll(fd, bytesOf(block));
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    renameSync(temp, path);
    syncFolder(folder);
  } catch (error) {
    throw unwritable(path, error);
  }
}

/** Reads a snapshot; undefined when there is none. Throws when it is not whole. */
export function readSnapshot(folder: string, state: JournalState, history?: RunHistory): SnapshotAbout | undefined {
  const path = join(folder, SNAPSHOT);
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw error;
  }
  try {
    const { head, end } = readHead(fd, path);
    if (head.v > FORMAT)
      throw refused(path, `is of format ${head.v}, this version of batchx reads format ${FORMAT}: use a newer one`);
    if (head.order !== endianness())
      throw refused(path, 'was written by a machine with another order of bytes: go on there');
    let at = end;
    let crc = 0;
    const fill = (block: Uint32Array): void => {
      const bytes = bytesOf(block);
      for (let from = 0; from < bytes.length;) {
        const read = readSync(fd, bytes, from, bytes.length - from, at);
        if (read === 0) throw damagedSnapshot(path);
        from += read;
        at += read;
      }
      crc = crc32c(bytes, 0, bytes.length, crc);
    };
    state.table.fill(head.state.items, fill);
    fill(state.owners.room(head.owners, head.state.owners));
    if (crc !== head.crc || readSync(fd, Buffer.alloc(1), 0, 1, at) !== 0) throw damagedSnapshot(path);
    state.restore(head.state);
    history?.restore(head.runs);
    return head;
  } finally {
    closeSync(fd);
  }
}

/** The first line of a snapshot; undefined when there is no snapshot, or the line is not whole. */
export function snapshotHead(folder: string): SnapshotHead | undefined {
  try {
    const fd = openSync(join(folder, SNAPSHOT), 'r');
    try {
      return readHead(fd, '').head;
    } finally {
      closeSync(fd);
    }
  } catch {
    return undefined;
  }
}

function readHead(fd: number, path: string): { readonly head: SnapshotHead; readonly end: number } {
  let bytes = Buffer.allocUnsafe(FIRST);
  for (let length = 0; ;) {
    if (length === bytes.length) bytes = Buffer.concat([bytes], length * 2);
    const read = readSync(fd, bytes, length, bytes.length - length, length);
    const lf = bytes.subarray(length, length + read).indexOf(LF);
    if (read === 0) throw damagedSnapshot(path);
    length += read;
    if (lf < 0) continue;
    const end = length - read + lf;
    if (!isWhole(bytes, 0, end)) throw damagedSnapshot(path);
    return { head: JSON.parse(bytes.toString('utf8', 0, end)) as SnapshotHead, end: end + 1 };
  }
}

function* blocksOf({ table, owners }: JournalState): Generator<Uint32Array> {
  yield* table.blocks();
  yield owners.words;
}

const bytesOf = ({ buffer, byteOffset, byteLength }: Uint32Array): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength);

function writeAll(fd: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length;) {
    const taken = writeSync(fd, bytes, at, bytes.length - at);
    if (taken === 0) throw new Error('the system takes no more bytes');
    at += taken;
  }
}

const damagedSnapshot = (path: string): BatchxError =>
  refused(path, 'is not whole; `batchx repair` keeps what can be read, --fresh starts over');

const refused = (path: string, what: string): BatchxError =>
  new BatchxError('locked', `the snapshot of the job is of no use: ${path} ${what}`, { where: path });
