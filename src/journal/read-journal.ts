import { readSync } from 'node:fs';
import { isWhole } from './summed-lines.js';
import type { JournalRecord } from './records.js';

/** What a journal is read into. */
export interface JournalReader {
  record(record: JournalRecord): void;
}

/** How far a journal was good. */
export interface JournalRead {
  /** Where the good part ends, in bytes. */
  readonly end: number;
  /** The number of its last record. */
  readonly last: number;
  /** Where something is wrong that had been on the disk: what comes behind it cannot be trusted to be all. */
  readonly damagedAt: number | undefined;
  /** How much comes behind the good part, in bytes. */
  readonly torn: number;
}

const BLOCK = 1024 * 1024;
const LF = 0x0a;

/**
 * Reads the records of a journal up to its end, or to the first that is not whole. The number of each is one more than
 * that of the one before it; those up to `after` are in a snapshot already and are left out.
 *
 * A tail that was being written when the process or the machine died may be anything. What had been on the disk
 * once cannot: where a later record says that, the journal is damaged.
 */
export function readJournal(fd: number, reader: JournalReader, after = 0): JournalRead {
  let last: number | undefined;
  let bad: number | undefined;
  let damaged = false;
  let end = 0;
  const refute = (bytes: Buffer, from: number, to: number): void => {
    damaged ||= bad !== undefined && to >= 0 && wholeUpTo(bytes, from, to) > bad;
  };
  const size = eachLine(fd, (bytes, from, to, at) => {
    if (bad !== undefined) {
      refute(bytes, from, to);
      return;
    }
    const n = to < 0 || !isWhole(bytes, from, to) ? undefined : numberOf(bytes, to);
    if (n === undefined || (last === undefined ? n > after + 1 : n !== last + 1)) {
      bad = at;
      // What is whole was written whole: then others are missing before it.
      damaged = n !== undefined;
      refute(bytes, from, to);
      return;
    }
    last = n;
    end = at + (to - from) + 1;
    if (n > after) reader.record(parse(bytes, from, to));
  });
  return { end, last: last ?? after, damagedAt: damaged ? bad : undefined, torn: size - end };
}

/**
 * Calls `each` for each line of a journal, with its number, undefined when it is not whole, and what gives it to a reader.
 */
export function eachRecord(
  fd: number,
  each: (n: number | undefined, line: Buffer, take: (reader: JournalReader) => void) => void,
): void {
  eachLine(fd, (bytes, from, to) => {
    const n = to < 0 || !isWhole(bytes, from, to) ? undefined : numberOf(bytes, to);
    each(n, bytes.subarray(from, to < 0 ? from : to), (reader) => {
      reader.record(parse(bytes, from, to));
    });
  });
}

/**
 * Calls `line` for each line of a file, with where it begins in the file; the end of the last one is -1 when it has no
 * line feed. Gives the size of the file.
 */
export function eachLine(
  fd: number,
  line: (bytes: Buffer, from: number, to: number, at: number) => void,
  begin = 0,
): number {
  let block = Buffer.allocUnsafe(BLOCK);
  let held = 0;
  let at = begin;
  for (;;) {
    if (held === block.length) block = Buffer.concat([block], block.length * 2);
    const read = readSync(fd, block, held, block.length - held, at + held);
    if (read === 0) break;
    held += read;
    let from = 0;
    for (let to = block.indexOf(LF, from); to >= 0 && to < held; to = block.indexOf(LF, from)) {
      line(block, from, to, at + from);
      from = to + 1;
    }
    block.copyWithin(0, from, held);
    held -= from;
    at += from;
  }
  if (held > 0) line(block, 0, -1, at);
  return at + held;
}

const RECORD = Buffer.from('{"t":"');

/**
 * How much of the journal was whole once, as a line says: what had been synced, or all before a run that had read it. The
 * line may hang on another one, when it is the line feed between them that is damaged.
 */
function wholeUpTo(bytes: Buffer, from: number, to: number): number {
  const line = bytes.subarray(from, to);
  const at = line.lastIndexOf(RECORD);
  if (at < 0 || !isWhole(bytes, from + at, to)) return 0;
  const record = parse(bytes, from + at, to);
  if (record.t === 'run') return Infinity;
  return record.t === 'synced' ? record.to : 0;
}

const parse = (bytes: Buffer, from: number, to: number): JournalRecord =>
  JSON.parse(bytes.toString('latin1', from, to)) as JournalRecord;

/** What stands between the number and the sum: `,"c":"xxxxxxxx"}`. */
const BEHIND = 16;

/** The number of a record that is whole, which is the last before its sum. */
function numberOf(bytes: Buffer, to: number): number | undefined {
  let at = to - BEHIND - 1;
  let value = 0;
  for (let unit = 1; ; unit *= 10, at--) {
    const digit = (bytes[at] as number) - 0x30;
    if (digit < 0 || digit > 9) break;
    value += digit * unit;
  }
  return bytes[at] === 0x3a && bytes[at - 2] === 0x6e ? value : undefined;
}
