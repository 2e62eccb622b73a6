import type { Item, ItemExtra, Metadata } from './item.js';
import type { Outcome } from './outcome.js';

/** The first bytes of a dead letter: a line that begins so is not a row but an item that failed before. */
const MARK = '{"$batchx":"failed"';

/** The most of an error's message that is kept, in characters. */
const MESSAGE = 2000;

/** A failed item, written so that it can be run again: one line of JSON, beginning with the mark. */
export interface DeadLetter {
  readonly $batchx: 'failed';
  readonly id: string;
  /** What the item was: its data as JSON, or the text or bytes of a record that could not be read. */
  readonly data?: unknown;
  readonly text?: string;
  readonly base64?: string;
  readonly metadata: Metadata;
  readonly error: { readonly code: string; readonly message: string };
}

/** Whether a line is a dead letter. */
export const isDeadLetter = (text: string): boolean => text.charCodeAt(1) === 0x22 && text.startsWith(MARK);

/** The line for a failed item. Throws when its data has no form in JSON. */
export function writeDeadLetter({ item, error }: Outcome): string {
  const input = inputOf(item);
  const letter: DeadLetter = {
    $batchx: 'failed',
    id: item.id,
    ...input,
    metadata: item.metadata,
    error: { code: error?.code ?? 'bug', message: (error?.message ?? 'no error is known').slice(0, MESSAGE) },
  };
  return JSON.stringify(letter);
}

/** Bytes that are not text are kept as the data of their item. */
function inputOf(item: Item): Pick<DeadLetter, 'data' | 'text' | 'base64'> {
  if (item.data instanceof Uint8Array) return { base64: Buffer.from(item.data).toString('base64') };
  if (item.data === undefined && item.raw !== undefined) return { text: item.raw };
  return { data: item.data };
}

/** A dead letter as the item it was: its data, or the text that could not be read, with its id and metadata. */
export interface Reopened {
  readonly data: unknown;
  readonly text: string | undefined;
  readonly extra: ItemExtra;
}

/** Opens a line that `isDeadLetter`; undefined when it only looks like one. */
export function openDeadLetter(line: string): Reopened | undefined {
  let letter: DeadLetter;
  try {
    letter = JSON.parse(line) as DeadLetter;
  } catch {
    return undefined;
  }
  const text = letter.base64 === undefined ? letter.text : Buffer.from(letter.base64, 'base64').toString('utf8');
  return { data: letter.data, text, extra: { id: letter.id, metadata: letter.metadata } };
}
