import { isUtf8 } from 'node:buffer';
import { BatchxError, type ErrorCode } from './errors.js';
import { Item, type Metadata, type Place } from './item.js';
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
  /** The sum of all that is said behind it, of one that a job keeps. */
  readonly sum?: string | undefined;
  /** There when it may have been done all the same: then it is not run again unless somebody says so. */
  readonly outcome?: 'in-doubt' | undefined;
  readonly id: string;
  /** By what its job knows it, where it was run in one. */
  readonly key?: string | undefined;
  readonly metadata: Metadata;
  readonly error: { readonly code: string; readonly message: string };
  /** What the source made of the record. */
  readonly data?: unknown;
  /** The format of `text` or `base64`: a source of another one would make something else of it. */
  readonly as?: string;
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
export function writeDeadLetter(item: Item, failure: BatchxError): string {
  const { id, metadata } = item;
  // One that has a name of its own is known by that.
  const key = item.extra.id === undefined ? item.extra.identity?.key : undefined;
  const { code, message } = failure instanceof LeftInDoubt ? failure.before : failure;
  const error = { code, message: message.slice(0, MESSAGE) };
  const outcome = failure.inDoubt ? 'in-doubt' : undefined;
  const head = headOf({ $batchx: 'failed', outcome, id, key, metadata, error });
  const line = head + inputOf(item) + '}';
  return Buffer.byteLength(line) > LINE_LIMIT ? `${head}}` : line;
}

/** The letters of an item that failed: one for each item of the source that is not among those `written`. */
export function lettersOf(item: Item, error: BatchxError, written: WeakSet<Item>): string {
  let text = '';
  for (const root of rootsOf(item)) {
    if (written.has(root)) continue;
    written.add(root);
    text += writeDeadLetter(root, error) + '\n';
  }
  return text;
}

/** All of a letter that comes before what the item was, without the closing brace. */
function headOf(letter: DeadLetter): string {
  const { $batchx, sum, outcome, id, key, metadata, error } = letter;
  try {
    return JSON.stringify({ $batchx, sum, outcome, id, key, metadata, error }).slice(0, -1);
  } catch {
    return JSON.stringify({ $batchx, sum, outcome, id, key, metadata: {}, error }).slice(0, -1);
  }
}

/** What the item was, as the last member of its letter. A row is kept as it stands, so that no digit of it is lost. */
function inputOf({ data, raw, extra: { bytes, format } }: Item): string {
  const as = format === undefined ? '' : `,"as":${JSON.stringify(format)}`;
  if (bytes !== undefined) return `${as},"base64":"${Buffer.from(bytes).toString('base64')}"`;
  if (data instanceof Uint8Array) return `,"bytes":"${Buffer.from(data).toString('base64')}"`;
  if (raw !== undefined) return data === undefined ? `${as},"text":${JSON.stringify(raw)}` : `,"data":${raw}`;
  try {
    const json = JSON.stringify(data) as string | undefined;
    return json === undefined ? '' : `,"data":${json}`;
  } catch {
    return '';
  }
}

/** The error of an item that an earlier run left in doubt without having its end; `how` says how it had ended, `flag` what runs it again. */
export const leftInDoubt = (how: string, flag: string): BatchxError =>
  new LeftInDoubt({ code: 'aborted', message: how }, flag);

/** The error of an item that an earlier run left in doubt, and that is not run again for that. */
class LeftInDoubt extends BatchxError {
  /** What it had ended with. */
  readonly before: DeadLetter['error'];

  constructor(before: DeadLetter['error'], flag = '--retry-in-doubt') {
    const why = `it may have been done by an earlier run, so it is left in doubt; ${flag} runs it again`;
    super(before.code as ErrorCode, `${why}. It had ended with: ${before.message}`, {
      class: 'permanent',
      inDoubt: true,
    });
    this.before = before;
  }
}

/** An item that an earlier run left in doubt as one that is to be run again; any other item as it is. */
export function withoutDoubt<T>(item: Item<T>): Item<T> {
  if (!(item.error instanceof LeftInDoubt)) return item;
  const { seq, data, raw, place, at, extra } = item;
  return new Item(seq, data, raw, place, at, extra);
}

/** How a source reads a record that it, or another one of its format, could not read before. */
export interface Rereader {
  /** What the text of its records is. */
  readonly format: string;
  /**
   * Makes an item of the text of a record; throws what is wrong with it. Its data and its row are taken, and the id that
   * its source gives it, if it gives any.
   */
  read(text: string, metadata: Metadata): Item;
}

/**
 * The item that a line holds a dead letter of; undefined when it only looks like one.
 *
 * It has the id, the metadata and the data that it had. A record that could not be read is read again, unless it is of
 * another format: then the item fails. One that was in doubt still is.
 */
export function openDeadLetter(line: string, seq: number, reader: Rereader): Item | undefined {
  let letter: unknown;
  try {
    // The letter itself is a level around the data.
    letter = parseJsonRow(line, DEPTH_LIMIT + 1);
  } catch {
    return undefined;
  }
  return isLetter(letter) ? reopen(letter, seq, reader, line) : undefined;
}

/** As `openDeadLetter`, of a letter that was parsed already. */
export const reopenDeadLetter = (letter: DeadLetter, seq: number, reader: Rereader): Item =>
  reopen(letter, seq, reader);

const UNKEPT = 'cannot be run again, its record was not kept; it had failed with: ';

function reopen(letter: DeadLetter, seq: number, reader: Rereader, line?: string): Item {
  const { key } = letter;
  const made = itemOf(letter, seq, reader, line);
  const item = key === undefined ? made : made.withExtra({ key });
  return letter.outcome === 'in-doubt' && item.live ? item.fail(new LeftInDoubt(letter.error)) : item;
}

function itemOf(letter: DeadLetter, seq: number, reader: Rereader, line: string | undefined): Item {
  const { id, metadata, error, text, base64, as } = letter;
  const place = new Before(metadata);
  const ours = as === undefined || as === reader.format;
  if (text !== undefined) {
    if (ours) return readAgain(text, seq, reader, place, id);
    return new Item<unknown>(seq, undefined, text, place, 0, { id, format: as }).fail(otherFormat(reader, as));
  }
  if (base64 !== undefined) {
    const bytes = Buffer.from(base64, 'base64');
    if (ours && isUtf8(bytes)) return readAgain(bytes.toString('utf8'), seq, reader, place, id);
    const why = ours ? notUtf8(bytes) : otherFormat(reader, as);
    return new Item<unknown>(seq, undefined, undefined, place, 0, { id, bytes, format: as }).fail(why);
  }
  if (letter.bytes !== undefined)
    return new Item(seq, Buffer.from(letter.bytes, 'base64'), undefined, place, 0, { id });
  if (!Object.hasOwn(letter, 'data')) {
    const { message } = error;
    // Once is enough, however often it is tried.
    const lost = new BatchxError('parse', message.startsWith(UNKEPT) ? message : `${UNKEPT}${message}`);
    return new Item<unknown>(seq, undefined, undefined, place, 0, { id }).fail(lost);
  }
  return new Item(seq, letter.data, rawOf(letter, line), place, 0, { id });
}

const otherFormat = ({ format }: Rereader, as: string): BatchxError =>
  new BatchxError(
    'parse',
    `expected a record of ${format}, got one of ${as}: run it again with a source of that format`,
  );

function readAgain(text: string, seq: number, reader: Rereader, place: Place, id: string): Item {
  try {
    const again = reader.read(text, place.locate(0));
    return new Item(seq, again.data, again.raw, place, 0, { id, ...again.extra });
  } catch (error) {
    return new Item<unknown>(seq, undefined, text, place, 0, { id, format: reader.format }).fail(
      BatchxError.from(error, 'parse'),
    );
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
  const { $batchx, id, key, metadata, error, as, text, base64, bytes } = value as Record<keyof DeadLetter, unknown>;
  return (
    $batchx === 'failed' &&
    typeof id === 'string' &&
    isRecord(metadata) &&
    isRecord(error) &&
    [key, as, text, base64, bytes].every((part) => part === undefined || typeof part === 'string')
  );
}

const isRecord = (value: unknown): boolean => typeof value === 'object' && value !== null && !Array.isArray(value);
