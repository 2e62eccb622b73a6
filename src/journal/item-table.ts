import { hex32 } from './hex.js';

/** How far an item is. */
export const STATE = {
  /** Nothing is known of it but that it was begun. */
  begun: 0,
  ok: 1,
  skipped: 2,
  failed: 3,
  inDoubt: 4,
  deferred: 5,
  /** It had ended, and was begun again: what is left of it is that of before. */
  again: 6,
} as const;

export type State = (typeof STATE)[keyof typeof STATE];

/** What is known of an item besides how far it is. */
export const FLAG = {
  /** Files were written for it. */
  files: 1 << 3,
  /** It has been met in this run. */
  seen: 1 << 4,
  /** Its result may be that of other steps than those of this run. */
  other: 1 << 5,
  /** The files that it has by its last line are still its own: in this run no other item may have them. */
  holds: 1 << 6,
  /** Its result was shown. */
  emitted: 1 << 7,
} as const;

const STATE_BITS = 7;
/** Those that say nothing of how an item has ended. */
const KEPT_FLAGS = FLAG.seen | FLAG.holds;

/** Words of an entry: two of its key, two of its fingerprint, the low part of its place, and place, state and deaths. */
const WORDS = 6;
/** How much that is. */
export const ENTRY_BYTES = WORDS * 4;
/** Entries of a piece, of which there are as many as are needed: none of them is ever copied. */
const PIECE_BITS = 9;
const PIECE = 1 << PIECE_BITS;
const FULL = 0.8;
const GROWTH = 1.34;

/**
 * What is known of each item of a job: 24 bytes, and 5 to 8 more to find it by its key. Entries keep their order and their
 * number, which is how they are called here.
 */
export class ItemTable {
  readonly #pieces: Uint32Array[] = [];
  #size = 0;
  /**
   * The number of an entry plus one, in as many bits as that takes, and above it bits of the second word of its key: most
   * others are told apart by them, without a look at their entries. Open addressing by the first word.
   */
  #index = new Uint32Array(64);
  #bits = bitsFor(64);

  get size(): number {
    return this.#size;
  }

  /** How much memory it takes, in bytes. */
  get bytes(): number {
    return this.#pieces.length * PIECE * WORDS * 4 + this.#index.byteLength;
  }

  /** The number of the entry with a key; -1 when there is none. */
  find(hi: number, lo: number): number {
    return this.#entryAt(this.#slot(hi, lo));
  }

  /** The number of the entry with a key, a new one when there is none. */
  add(hi: number, lo: number): number {
    let slot = this.#slot(hi, lo);
    const found = this.#entryAt(slot);
    if (found >= 0) return found;
    if (this.#size >= FULL * this.#index.length) {
      this.#grow();
      slot = this.#slot(hi, lo);
    }
    const entry = this.#size++;
    if (entry % PIECE === 0) this.#pieces.push(new Uint32Array(PIECE * WORDS));
    this.#index[slot] = (lo << this.#bits) | (entry + 1);
    const piece = this.#piece(entry);
    const at = (entry % PIECE) * WORDS;
    piece[at] = hi;
    piece[at + 1] = lo;
    return entry;
  }

  keyHi(entry: number): number {
    return this.#word(entry, 0);
  }

  keyLo(entry: number): number {
    return this.#word(entry, 1);
  }

  /** The key in hexadecimal. */
  keyOf(entry: number): string {
    return hex32(this.keyHi(entry)) + hex32(this.keyLo(entry));
  }

  /** The fingerprint of an item, in hexadecimal. */
  fingerprintOf(entry: number): string {
    return hex32(this.#word(entry, 2)) + hex32(this.#word(entry, 3));
  }

  /** Whether the item had this fingerprint. */
  matches(entry: number, hi: number, lo: number): boolean {
    const piece = this.#piece(entry);
    const at = (entry % PIECE) * WORDS;
    return piece[at + 2] === hi && piece[at + 3] === lo;
  }

  setFingerprint(entry: number, hi: number, lo: number): void {
    const piece = this.#piece(entry);
    const at = (entry % PIECE) * WORDS;
    piece[at + 2] = hi;
    piece[at + 3] = lo;
  }

  /** Where its result, or its dead letter, is; undefined when none is kept. */
  place(entry: number): number | undefined {
    const high = this.#word(entry, 5) >>> 16;
    const low = this.#word(entry, 4);
    return high === 0 && low === 0 ? undefined : high * 2 ** 32 + low - 1;
  }

  setPlace(entry: number, place: number | undefined): void {
    const said = place === undefined ? 0 : place + 1;
    const piece = this.#piece(entry);
    const at = (entry % PIECE) * WORDS;
    piece[at + 4] = said >>> 0;
    piece[at + 5] = ((Math.floor(said / 2 ** 32) << 16) | ((piece[at + 5] as number) & 0xffff)) >>> 0;
  }

  /**
   * Takes how an item has ended, with the flags that say more of that: nobody has seen its result yet, and that it was being
   * run when runs died counts no more. Gives whether it had a place before.
   */
  settle(entry: number, hi: number, lo: number, state: State, place: number | undefined, flags: number): boolean {
    const piece = this.#piece(entry);
    const at = (entry % PIECE) * WORDS;
    const last = piece[at + 5] as number;
    const before = piece[at + 4] !== 0 || last >>> 16 !== 0;
    const said = place === undefined ? 0 : place + 1;
    piece[at + 2] = hi;
    piece[at + 3] = lo;
    piece[at + 4] = said >>> 0;
    piece[at + 5] = (Math.floor(said / 2 ** 32) << 16) | (last & KEPT_FLAGS) | flags | state;
    return before;
  }

  state(entry: number): State {
    return (this.#word(entry, 5) & STATE_BITS) as State;
  }

  setState(entry: number, state: State): void {
    const piece = this.#piece(entry);
    const at = (entry % PIECE) * WORDS + 5;
    piece[at] = (((piece[at] as number) & ~STATE_BITS) | state) >>> 0;
  }

  has(entry: number, flag: number): boolean {
    return (this.#word(entry, 5) & flag) !== 0;
  }

  set(entry: number, flag: number, on: boolean): void {
    const piece = this.#piece(entry);
    const at = (entry % PIECE) * WORDS + 5;
    piece[at] = (on ? (piece[at] as number) | flag : (piece[at] as number) & ~flag) >>> 0;
  }

  /** In how many runs that died it was being run; and how often alone, in the upper half. At most 15 of each. */
  deaths(entry: number): number {
    return (this.#word(entry, 5) >>> 8) & 255;
  }

  setDeaths(entry: number, deaths: number): void {
    const piece = this.#piece(entry);
    const at = (entry % PIECE) * WORDS + 5;
    piece[at] = (((piece[at] as number) & ~0xff00) | (deaths << 8)) >>> 0;
  }

  /** The entries as they lie in memory, piece by piece, for a snapshot. */
  *blocks(): Generator<Uint32Array> {
    for (let i = 0; i < this.#pieces.length; i++) {
      const entries = Math.min(PIECE, this.#size - i * PIECE);
      yield (this.#pieces[i] as Uint32Array).subarray(0, entries * WORDS);
    }
  }

  /** Takes so many entries as `blocks` gave them, each with a key of its own; the table has to be empty. */
  fill(entries: number, read: (block: Uint32Array) => void): void {
    this.clear();
    for (let entry = 0; entry < entries; entry += PIECE) {
      const piece = new Uint32Array(PIECE * WORDS);
      read(piece.subarray(0, Math.min(PIECE, entries - entry) * WORDS));
      this.#pieces.push(piece);
    }
    this.#size = entries;
    this.#reindex(Math.max(64, Math.ceil(entries / FULL) + 1));
  }

  clear(): void {
    this.#pieces.length = 0;
    this.#size = 0;
    this.#index = new Uint32Array(64);
    this.#bits = bitsFor(64);
  }

  /** Makes room in the index at once, where it is known how many entries will come. */
  reserve(entries: number): void {
    if (entries > FULL * this.#index.length) this.#reindex(Math.ceil(entries / FULL) + 1);
  }

  /** Gives room back that was made for entries which did not come. */
  fit(): void {
    const needed = Math.max(64, Math.ceil(this.#size / FULL) + 1);
    if (this.#index.length > needed * GROWTH) this.#reindex(needed);
  }

  #word(entry: number, word: number): number {
    return this.#piece(entry)[(entry % PIECE) * WORDS + word] as number;
  }

  #piece(entry: number): Uint32Array {
    return this.#pieces[entry >>> PIECE_BITS] as Uint32Array;
  }

  /** Where a key is in the index, or would be. */
  #slot(hi: number, lo: number): number {
    const index = this.#index;
    const bits = this.#bits;
    const own = lo << bits;
    let slot = Math.floor((hi / 2 ** 32) * index.length);
    for (;;) {
      const there = index[slot] as number;
      if (there === 0) return slot;
      if ((there ^ own) >>> bits === 0) {
        const entry = this.#entryAt(slot);
        const piece = this.#piece(entry);
        const at = (entry % PIECE) * WORDS;
        if (piece[at] === hi && piece[at + 1] === lo) return slot;
      }
      if (++slot === index.length) slot = 0;
    }
  }

  /** The number of the entry at a place of the index; -1 when none is there. */
  #entryAt(slot: number): number {
    return ((this.#index[slot] as number) & ((1 << this.#bits) - 1)) - 1;
  }

  #grow(): void {
    this.#reindex(Math.ceil(this.#index.length * GROWTH));
  }

  #reindex(length: number): void {
    const index = new Uint32Array(length);
    const bits = bitsFor(length);
    let entry = 0;
    for (const block of this.blocks()) {
      for (let at = 0; at < block.length; at += WORDS) {
        let slot = Math.floor(((block[at] as number) / 2 ** 32) * length);
        while (index[slot] !== 0) if (++slot === length) slot = 0;
        index[slot] = ((block[at + 1] as number) << bits) | ++entry;
      }
    }
    this.#index = index;
    this.#bits = bits;
  }
}

/** How many bits the number of an entry takes in an index of so many places. */
const bitsFor = (length: number): number => 32 - Math.clz32(length);
