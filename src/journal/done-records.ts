import { DIGITS, type DoneAs, type JournalRecord } from './records.js';

/** An item that has ended: see the record `done`. */
export interface Done {
  readonly k: string;
  readonly f: string;
  readonly m?: string | undefined;
  readonly as: DoneAs;
  readonly p: number;
  readonly r: number;
  readonly w?: 1 | undefined;
}

/** How many items a record tells of, at most: so many are done again when one is damaged. */
const MOST = 256;

/** Items that have ended, as records that tell of several of them: of those that follow each other and are alike. */
export class DoneRecords {
  #full: string[] = [];
  /** What all items of the record have in common that grows. */
  #as: DoneAs = 'ok';
  #p = 0;
  #w = false;
  #timed = false;
  #count = 0;
  #k = '';
  #f = '';
  #m = '';
  #r = '';

  get empty(): boolean {
    return this.#count === 0 && this.#full.length === 0;
  }

  add({ k, f, m, as, p, r, w }: Done): void {
    const alike = as === this.#as && p === this.#p && (w === 1) === this.#w && (m !== undefined) === this.#timed;
    if (!alike || this.#count === MOST) this.#close();
    if (this.#count === 0) [this.#as, this.#p, this.#w, this.#timed] = [as, p, w === 1, m !== undefined];
    this.#count++;
    this.#k += k;
    this.#f += f;
    this.#r = this.#r === '' ? String(r) : `${this.#r},${r}`;
    if (m !== undefined) this.#m += m;
  }

  /** The records of all that was added since the last time, each without its closing brace. */
  take(): readonly string[] {
    this.#close();
    const taken = this.#full;
    this.#full = [];
    return taken;
  }

  #close(): void {
    if (this.#count === 0) return;
    // Keys and fingerprints are hexadecimal, and need no quoting.
    const times = this.#timed ? `,"m":"${this.#m}"` : '';
    const files = this.#w ? ',"w":1' : '';
    const what = `"k":"${this.#k}","f":"${this.#f}"${times},"r":[${this.#r}]${files}`;
    this.#full.push(`{"t":"done","as":"${this.#as}","p":${this.#p},${what}`);
    this.#k = this.#f = this.#m = this.#r = '';
    this.#count = 0;
  }
}

/** Calls `each` for each item of a record, with where its words stand. */
export function eachDone(
  { r }: Extract<JournalRecord, { readonly t: 'done' }>,
  each: (at: number, place: number) => void,
): void {
  for (const [i, place] of r.entries()) each(i * DIGITS, place);
}
