import { closeSync, fsyncSync, openSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { AppendFile } from './append-file.js';
import { readHex32 } from './hex.js';
import type { ItemTable } from './item-table.js';
import { eachLine } from './read-journal.js';
import { holds, isWhole } from './summed-lines.js';

/** How much is held before it is written, in bytes. */
const HELD = 1024 * 1024;

/** What a line of results begins with, and how far its key and its fingerprint are from there. */
const KEY = Buffer.from('{"k":"');
const FINGERPRINT = Buffer.from('","f":"');
const AT_KEY = KEY.length;
const AT_FINGERPRINT = AT_KEY + 16 + FINGERPRINT.length;

/** How much there is of the results that were looked through, in bytes. */
export interface Looked {
  readonly before: number;
  readonly after: number;
}

/**
 * Copies those lines of results that are still of use: the last of each item, and what its steps had made of the same
 * content before. The table then has their new places; a line that is not whole is left out, and with it its item's
 * place. `keep` says of the sizes whether the copy is to stay: otherwise it is removed, and the table is as it was.
 */
export function copyLiveResults(
  folder: string,
  from: string,
  to: string,
  table: ItemTable,
  keep: (looked: Looked) => boolean,
): Looked & { readonly kept: boolean } {
  const fd = openSync(join(folder, from), 'r');
  try {
    const path = join(folder, to);
    const out = openSync(path, 'w+');
    try {
      const file = new AppendFile(out, path, 'off');
      const places = copyLines(fd, table, file);
      file.write();
      fsyncSync(out);
      const looked = { before: places.size, after: file.size };
      const kept = keep(looked);
      if (kept) places.apply();
      else rmSync(path);
      return { ...looked, kept };
    } finally {
      closeSync(out);
    }
  } finally {
    closeSync(fd);
  }
}

function copyLines(fd: number, table: ItemTable, file: AppendFile): { readonly size: number; apply(): void } {
  const last = fingerprintsOfLast(fd, table);
  /** Where the line of each item is that was copied last, plus one. */
  const copied = new Float64Array(table.size);
  /** Those of which the last line was copied. */
  const ended = new Uint8Array(table.size);
  const size = eachLine(fd, (bytes, begin, end, at) => {
    const entry = end < 0 ? -1 : entryOf(bytes, begin, table);
    if (entry < 0 || ended[entry] === 1 || !isWhole(bytes, begin, end)) return;
    const isLast = at === table.place(entry);
    if (!isLast && !isStep(bytes, begin, end, last, entry)) return;
    const text = bytes.toString('utf8', begin, end - SUM);
    const q = (copied[entry] as number) - 1;
    copied[entry] = file.end + 1;
    if (isLast) ended[entry] = 1;
    file.add(text.replace(LINK, `"q":${q}`));
    if (file.held > HELD) file.write();
  });
  return {
    size,
    apply: () => {
      for (let entry = 0; entry < table.size; entry++) {
        if (table.place(entry) === undefined) continue;
        table.setPlace(entry, ended[entry] === 1 ? (copied[entry] as number) - 1 : undefined);
      }
    },
  };
}

/** The link to the line before, which is the first of its name: all before it are hashes. */
const LINK = /"q":-?\d+/;
/** What stands behind all else: `,"c":"xxxxxxxx"}`. */
const SUM = 16;

/** The fingerprints of the last lines of all items. */
function fingerprintsOfLast(fd: number, table: ItemTable): Uint32Array {
  const words = new Uint32Array(table.size * 2);
  eachLine(fd, (bytes, begin, end, at) => {
    const entry = end < 0 ? -1 : entryOf(bytes, begin, table);
    if (entry < 0 || at !== table.place(entry)) return;
    words[entry * 2] = readHex32(bytes, begin + AT_FINGERPRINT) ?? 0;
    words[entry * 2 + 1] = readHex32(bytes, begin + AT_FINGERPRINT + 8) ?? 0;
  });
  return words;
}

function entryOf(bytes: Buffer, begin: number, table: ItemTable): number {
  if (!holds(bytes, begin, KEY) || !holds(bytes, begin + AT_KEY + 16, FINGERPRINT)) return -1;
  const hi = readHex32(bytes, begin + AT_KEY);
  const lo = readHex32(bytes, begin + AT_KEY + 8);
  return hi === undefined || lo === undefined ? -1 : table.find(hi, lo);
}

/** Whether a line is what a step has made of the content that its item has at last. */
function isStep(bytes: Buffer, begin: number, end: number, last: Uint32Array, entry: number): boolean {
  if (readHex32(bytes, begin + AT_FINGERPRINT) !== last[entry * 2]) return false;
  if (readHex32(bytes, begin + AT_FINGERPRINT + 8) !== last[entry * 2 + 1]) return false;
  return (JSON.parse(bytes.toString('utf8', begin, end)) as { readonly a?: 1 }).a === 1;
}
