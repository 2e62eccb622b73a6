import { closeSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { type DeadLetter, isDeadLetterValue } from '../core/dead-letter.js';
import { systemCode } from '../core/errors.js';
import { keyOfId } from './fingerprints.js';
import { type ItemTable, STATE, type State } from './item-table.js';
import { FAILED } from './job-files.js';
import type { PeekedJob } from './peek-job.js';
import { eachLine } from './read-journal.js';
import { unsealed } from './sealed-letters.js';
import { wordOf } from './words.js';

/** The dead letter of an item, and where it is in its file. */
export interface Found {
  readonly letter: DeadLetter;
  /** By what its job knows the item. */
  readonly key: string;
  readonly state: State;
  readonly at: number;
  readonly length: number;
}

/** By what a job knows the item of a letter: one that has a name of its own by that. */
const keyOf = ({ key, id }: DeadLetter): string => key ?? keyOfId(id);

/** Letters of a job, in a file that stays open: another one may come in its place. */
export interface Letters {
  readonly fd: number;
  readonly found: readonly Found[];
}

/**
 * The last letters of those items of a job that have failed, or are in doubt, in the order in which they did so. Those of
 * items that went well since are passed over. Undefined when there are none.
 */
export function lettersIn({ folder, table }: PeekedJob): Letters | undefined {
  const found = new Map<number, Found>();
  const path = join(folder, FAILED);
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw error;
  }
  try {
    eachLine(fd, (bytes, from, to, at) => {
      const letter = to < 0 ? undefined : parsed(unsealed(bytes.toString('utf8', from, to), path));
      if (letter === undefined) return;
      const key = keyOf(letter);
      const entry = table.find(wordOf(key, 0), wordOf(key, 8));
      const state = entry < 0 ? STATE.ok : table.state(entry);
      // The last one counts, in its place.
      found.delete(entry);
      if (state === STATE.failed || state === STATE.inDoubt)
        found.set(entry, { letter: withoutData(letter), key, state, at, length: to - from });
    });
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  return { fd, found: [...found.values()] };
}

/** The line of a letter, as it was written. */
export function lineAt(fd: number, { at, length }: Pick<Found, 'at' | 'length'>): string {
  const bytes = Buffer.alloc(length);
  let read = 0;
  while (read < length) {
    const more = readSync(fd, bytes, read, length - read, at + read);
    if (more === 0) break;
    read += more;
  }
  return bytes.toString('utf8', 0, read);
}

/** Whether a letter holds what the item was: of a record that could not be read, or was too long, it does not. */
export const canRunAgain = (letter: DeadLetter): boolean => Object.hasOwn(letter, 'data') || letter.bytes !== undefined;

/** What is looked at of a letter does not need all of a large item; text is what messages are told without. */
function withoutData(letter: DeadLetter): DeadLetter {
  const { data } = letter;
  if (!canRunAgain(letter) || (typeof data === 'string' && data.length < SMALL)) return letter;
  const { bytes, ...rest } = letter;
  return { ...rest, ...(bytes === undefined ? { data: null } : { bytes: '' }) };
}

const SMALL = 300;

/** The entry of the item that a letter is of; undefined when it is none, or of an item that is not known. */
export function entryOfLetter(line: string, table: ItemTable): number | undefined {
  const letter = parsed(line);
  if (letter === undefined) return undefined;
  const key = keyOf(letter);
  const entry = table.find(wordOf(key, 0), wordOf(key, 8));
  return entry < 0 ? undefined : entry;
}

function parsed(line: string): DeadLetter | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return isDeadLetterValue(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
