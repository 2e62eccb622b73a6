import { isUtf8 } from 'node:buffer';
import { BatchxError } from './errors.js';
import { Item, type ItemExtra, type Metadata, type Place } from './item.js';
import { DEPTH_LIMIT, parseJsonRow } from './json-row.js';
import { LINE_LIMIT, notUtf8 } from './rows.js';

/** The first bytes of a dead letter: a line that begins so is not a row but an item that failed before. */
const MARK = '{"$batchx":"failed"';

/** The most of an error's message that is kept, in characters. */
const MESSAGE = 2000;

/**
 * A failed item, written so that it can be run again: one line of JSON that begins with the mark.
 *
 * One of `data`, `text`, `base64` and `bytes` says what the item was; none when that has no form in JSON or is too long.
 */
export interface DeadLetter {
  readonly $batchx: 'failed';
  readonly id: string;
  readonly metadata: Metadata;
  readonly error: { readonly code: string; readonly message: string };
  /** What the source made of the record. */
  readonly data?: unknown;
  /** A record that the source could not read. */
  readonly text?: string;
  /** A record that the source could not read because it is not text. */
  readonly base64?: string;
  /** Data that is bytes, in base64. */
  readonly bytes?: string;
}

/** Whether a line is a dead letter. */
export const isDeadLetter = (text: string): boolean => text.charCodeAt(1) === 0x22 && text.startsWith(MARK);

/** Whether a value is a dead letter that was parsed already. */
export const isDeadLetterValue = (value: unknown): value is DeadLetter =>
  typeof value === 'object' && value !== null && Object.hasOwn(value, '$batchx') && isLetter(value);

/** The items of the source that have to be run again for one that failed: itself, or those it was made from. */
export function rootsOf(item: Item): readonly Item[] {
  const parents = item.extra.origin?.parents;
  return parents === undefined ? [item.first ?? item] : parents.flatMap(rootsOf);
}

/** The line for an item of the source that failed with `error`. */
export function writeDeadLetter(item: Item, { code, message }: BatchxError): string {
  const { id, metadata } = item;
  const head = headOf({ $batchx: 'failed', id, metadata, error: { code, message: message.slice(0, MESSAGE) } });
  const line = head + inputOf(item) + '}';
  return Buffer.byteLength(line) > LINE_LIMIT ? `${head}}` : line;
}

/** All of a letter that comes before what the item was, without the closing brace. */
function headOf(letter: DeadLetter): string {
  const { $batchx, id, metadata, error } = letter;
  try {
    return JSON.stringify({ $batchx, id, metadata, error }).slice(0, -1);
  } catch {
    return JSON.stringify({ $batchx, id, metadata: {}, error }).slice(0, -1);
  }
}

/** What the item was, as the last member of its letter. A row is kept as it stands, so that no digit of it is lost. */
function inputOf({ data, raw, extra: { bytes } }: Item): string {
  if (bytes !== undefined) return `,"base64":"${Buffer.from(bytes).toString('base64')}"`;
  if (data instanceof Uint8Array) return `,"bytes":"${Buffer.from(data).toString('base64')}"`;
  if (raw !== undefined) return data === undefined ? `,"text":${JSON.stringify(raw)}` : `,"data":${raw}`;
  try {
    const json = JSON.stringify(data) as string | undefined;
    return json === undefined ? '' : `,"data":${json}`;
  } catch {
    return '';
  }
}

/**
 * Makes an item of the text of a record that could not be read before; throws what is wrong with it. Its data and its
 * row are taken, and the id that its source gives it, if it gives any.
 */
export type ReadRecord = (text: string, metadata: Metadata) => Item;

/**
 * The item that a line holds a dead letter of; undefined when it only looks like one.
 *
 * It has the id, the metadata and the data that it had. A record that could not be read is read again by `read`.
 */
export function openDeadLetter(line: string, seq: number, read: ReadRecord): Item | undefined {
  let letter: unknown;
  try {
    // The letter itself is a level around the data.
    letter = parseJsonRow(line, DEPTH_LIMIT + 1);
  } catch {
    return undefined;
  }
  return isLetter(letter) ? reopen(letter, seq, read, line) : undefined;
}

/** As `openDeadLetter`, of a letter that was parsed already. */
export const reopenDeadLetter = (letter: DeadLetter, seq: number, read: ReadRecord): Item => reopen(letter, seq, read);

function reopen(letter: DeadLetter, seq: number, read: ReadRecord, line?: string): Item {
  const { id, metadata, error } = letter;
  const extra: ItemExtra = { id };
  const place = new Before(metadata);
  if (letter.text !== undefined) return readAgain(letter.text, seq, read, place, extra);
  if (letter.base64 !== undefined) {
    const bytes = Buffer.from(letter.base64, 'base64');
    if (isUtf8(bytes)) return readAgain(bytes.toString('utf8'), seq, read, place, extra);
    return new Item<unknown>(seq, undefined, undefined, place, 0, { id, bytes }).fail(notUtf8(bytes));
  }
  if (letter.bytes !== undefined) return new Item(seq, Buffer.from(letter.bytes, 'base64'), undefined, place, 0, extra);
  if (!Object.hasOwn(letter, 'data')) {
    const lost = new BatchxError(
      'parse',
      `cannot be run again, its record was not kept; it had failed with: ${error.message}`,
    );
    return new Item<unknown>(seq, undefined, undefined, place, 0, extra).fail(lost);
  }
  return new Item(seq, letter.data, rawOf(letter, line), place, 0, extra);
}

function readAgain(text: string, seq: number, read: ReadRecord, place: Place, extra: ItemExtra): Item {
  try {
    const again = read(text, place.locate(0));
    return new Item(seq, again.data, again.raw, place, 0, { ...extra, ...again.extra });
  } catch (error) {
    return new Item<unknown>(seq, undefined, text, place, 0, extra).fail(BatchxError.from(error, 'parse'));
  }
}

/** The row within the line of a letter, byte for byte; only found when the line is as we write it. */
function rawOf(letter: DeadLetter, line: string | undefined): string | undefined {
  const before = `${headOf(letter)},"data":`;
  if (line?.startsWith(before) !== true || !line.endsWith('}')) return undefined;
  const raw = line.slice(before.length, -1);
  try {
    JSON.parse(raw);
    return raw;
  } catch {
    return undefined;
  }
}

/** Where an item came from when it was read the first time. */
class Before implements Place {
  readonly source: string | undefined;
  readonly #metadata: Metadata;

  constructor(metadata: Metadata) {
    const { source } = metadata;
    this.#metadata = metadata;
    this.source = typeof source === 'string' ? source : undefined;
  }

  locate(): Metadata {
    return this.#metadata;
  }
}

function isLetter(value: unknown): value is DeadLetter {
  if (typeof value !== 'object' || value === null) return false;
  const { $batchx, id, metadata, error, text, base64, bytes } = value as Record<keyof DeadLetter, unknown>;
  return (
    $batchx === 'failed' &&
    typeof id === 'string' &&
    isRecord(metadata) &&
    isRecord(error) &&
    [text, base64, bytes].every((part) => part === undefined || typeof part === 'string')
  );
}

const isRecord = (value: unknown): boolean => typeof value === 'object' && value !== null && !Array.isArray(value);
