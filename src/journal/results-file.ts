import { readSync } from 'node:fs';
import type { ItemChange, OutputFile } from '../core/identity.js';
import type { AppendFile } from './append-file.js';
import { type LargeOutputs, readKept } from '../core/kept.js';
import { isWhole } from './summed-lines.js';
import { BatchxError } from '../core/errors.js';

/** What is kept of an item, after some of its steps or at its end. */
export interface KeptLine {
  readonly k: string;
  readonly f: string;
  readonly m?: string | undefined;
  /** What had been done by then: the link of the chain of steps. */
  readonly s: string;
  /** Where the one before it of the same item is; -1 when there is none. */
  readonly q: number;
  readonly id: string;
  /** The files that were written for it. */
  readonly w?: readonly OutputFile[] | undefined;
  /** Why it failed. */
  readonly e?: KeptError | undefined;
  /** Why it was passed over. */
  readonly x?: string | undefined;
  /** Its row, which no step has changed. */
  readonly t?: string | undefined;
  /** The item was passed on as it had been read. */
  readonly u?: true | undefined;
  /** There when this is what one step has made of it, and not its end. */
  readonly a?: 1 | undefined;
  /** Its result is that of another item, with which it went on. */
  readonly b?: 1 | undefined;
  /** The key of that item. */
  readonly l?: string | undefined;
  /** The keys of all items of which this is the result, where it is that of several; this one's is the first. */
  readonly g?: readonly string[] | undefined;
  /** It was split: its parts are known by themselves. */
  readonly y?: 1 | undefined;
  /** By what flows know it that remember what has come by. */
  readonly h?: readonly string[] | undefined;
  /** Its data are those which the line before it has of a step. */
  readonly v?: 1 | undefined;
  /** Its result could not be kept, or is not needed. */
  readonly n?: 1 | undefined;
}

/** A line as it was read, with what was put beside the data, and the data. */
export interface ReadLine extends KeptLine {
  readonly o?: Record<string, unknown>;
  readonly d?: unknown;
}

export interface KeptError {
  readonly code: string;
  readonly class: string;
  readonly message: string;
  readonly inDoubt?: boolean | undefined;
  readonly where?: string | undefined;
}

const LF = 0x0a;
/** Text that stands for itself in JSON, as most ids do. */
const PLAIN = /^[\w .:/#@+,=()-]*$/;
/** How much is read at first; most lines are shorter. */
const FIRST = 4096;

/** The results of a job: a file to which lines are added, and from which single ones are read. */
export class ResultsFile {
  readonly #file: AppendFile;
  readonly #large: LargeOutputs | undefined;
  #buffer = Buffer.allocUnsafe(FIRST);

  constructor(file: AppendFile, large?: LargeOutputs) {
    this.#file = file;
    this.#large = large;
  }

  /** Adds a line, with the outputs and the data as `keep` says them; gives where it is. */
  add(line: KeptLine, o: string | undefined, d: string | undefined): number {
    const place = this.#file.end;
    this.#file.add(headOf(line) + (o === undefined ? '' : `,"o":${o}`) + (d === undefined ? '' : `,"d":${d}`));
    return place;
  }

  /** The line at a place. What is not whole there throws. */
  read(place: number): ReadLine {
    if (place >= this.#file.size) this.#file.write();
    let length = 0;
    let end = -1;
    while (end < 0) {
      if (length === this.#buffer.length) this.#buffer = Buffer.concat([this.#buffer], length * 2);
      const read = readSync(this.#file.fd, this.#buffer, length, this.#buffer.length - length, place + length);
      if (read === 0) break;
      const lf = this.#buffer.subarray(length, length + read).indexOf(LF);
      if (lf >= 0) end = length + lf;
      length += read;
    }
    const bytes = this.#buffer;
    if (this.#buffer.length > FIRST * 256) this.#buffer = Buffer.allocUnsafe(FIRST);
    if (end < 0 || !isWhole(bytes, 0, end)) throw damagedResults(this.#file.path, place);
    const line = parsed(bytes.toString('utf8', 0, end), this.#large);
    return line.v === 1 ? { ...line, d: (this.read(line.q).d as ItemChange).data } : line;
  }
}

/** What is told where no whole line of results is, although there was one. */
export function damagedResults(path: string, place: number): BatchxError {
  const what = `the results of the job are damaged: ${path} has no whole line at byte ${place}`;
  return new BatchxError('locked', `${what}; \`batchx repair\` drops what cannot be read, and that is done again`, {
    where: path,
  });
}

/** A line without its closing brace. Keys, fingerprints and links are hexadecimal, and need no quoting. */
function headOf(line: KeptLine): string {
  const { k, f, m, s, q, id, w, e, x, u, t, a, b, l, g, y, h, v, n } = line;
  const times = m === undefined ? '' : `,"m":"${m}"`;
  const head = `{"k":"${k}","f":"${f}"${times},"s":"${s}","q":${q},"id":${PLAIN.test(id) ? `"${id}"` : JSON.stringify(id)}`;
  // Most have nothing else to say.
  const isPlain = w === undefined && e === undefined && x === undefined && u === undefined && t === undefined;
  const isOwn =
    a === undefined && b === undefined && g === undefined && y === undefined && h === undefined && v === undefined;
  if (isPlain && isOwn) return n === undefined ? head : `${head},"n":1`;
  return `${head},${JSON.stringify({ w, e, x, u, t, a, b, l, g, y, h, v, n }).slice(1, -1)}`;
}

function parsed(text: string, large: LargeOutputs | undefined): ReadLine {
  const { o, d, ...line } = JSON.parse(text) as ReadLine;
  return {
    ...line,
    ...(o !== undefined && { o: readKept(o, text, large) as Record<string, unknown> }),
    ...(d !== undefined && { d: readKept(d, text, large) }),
  };
}
