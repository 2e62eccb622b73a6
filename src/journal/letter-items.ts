import * as z from 'zod';
import { Arguments } from '../core/command/arguments.js';
import { openDeadLetter } from '../core/dead-letter.js';
import { defineSource } from '../core/define.js';
import { BatchxError } from '../core/errors.js';
import { FileEntry } from '../core/file-entry.js';
import { Item } from '../core/item.js';
import { type Found, type Letters, lineAt } from './letters.js';
import { unsealed } from './sealed-letters.js';

/** What JSON has made something else of: values of commands, and files. */
const AS = ['values', 'files', 'rows'] as const;

/** How many items are read at once. */
const BLOCK = 64;

/** How a letter begins of an item that is in doubt. */
const IN_DOUBT = '{"$batchx":"failed","outcome":"in-doubt",';
const PLAIN = '{"$batchx":"failed",';

/** What no letter holds is not asked for. */
const none = {
  format: '',
  read: (): Item => {
    throw new BatchxError('parse', 'its record was not kept');
  },
};

/** The source of the items that some letters of a job were written for: as they were, by the keys that they had. */
export const letterItems = ({ fd, found }: Letters) =>
  defineSource({
    name: LETTERS,
    status: 'stable',
    summary: 'Reads the items again that failed in a job.',
    options: z.strictObject({ as: z.enum(AS).describe('What its sources had made of what they read.') }),
    examples: [],
    total: () => found.length,
    *open({ as }) {
      for (let at = 0; at < found.length; at += BLOCK)
        yield found.slice(at, at + BLOCK).map((one, index) => itemOf(lineAt(fd, one), one, at + index, as));
    },
  });

export const LETTERS = 'letters-of-job';

function itemOf(sealed: string, { key, letter }: Found, seq: number, as: (typeof AS)[number]): Item {
  const line = unsealed(sealed, letter.id);
  const plain = line.startsWith(IN_DOUBT) ? `${PLAIN}${line.slice(IN_DOUBT.length)}` : line;
  const item = openDeadLetter(plain, seq, none);
  if (item === undefined)
    throw new BatchxError('locked', `the letters of the job have changed while they were read (${letter.id})`);
  const { data, raw, place, at, extra, error } = item;
  return new Item(seq, AGAIN[as](data), raw, place, at, { ...extra, key }, error);
}

const AGAIN = {
  values: (json: unknown): unknown => Arguments.fromJSON(json) ?? FileEntry.fromJSON(json) ?? json,
  files: (json: unknown): unknown => FileEntry.fromJSON(json) ?? json,
  rows: (json: unknown): unknown => json,
} as const satisfies Record<(typeof AS)[number], unknown>;
