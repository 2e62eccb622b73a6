import { createHash } from 'node:crypto';

/** Three words of a hash and one for the number. */
const WORDS = 4;
const FULL = 0.8;
const GROWTH = 1.6;

/**
 * Texts that were seen, each with a whole number; only a hash of 96 bits is kept of a text.
 *
 * That takes 20 to 32 bytes a text. Among ten million texts two that are taken for one are as likely as one in 10^15.
 */
export class Digests {
  #slots = new Uint32Array(64 * WORDS);
  #size = 0;

  /** How much memory it takes. */
  get bytes(): number {
    return this.#slots.byteLength;
  }

  /** All that is kept, as it lies in memory. */
  get words(): Uint32Array {
    return this.#slots;
  }

  get size(): number {
    return this.#size;
  }

  /** Room to be filled with the `words` of others, of which so many texts are in them. */
  room(words: number, size: number): Uint32Array {
    this.#slots = new Uint32Array(words);
    this.#size = size;
    return this.#slots;
  }

  /** The number of a text; undefined when it was not added. */
  get(text: string): number | undefined {
    const number = this.#slots[this.#find(hashOf(text)) + 3] as number;
    return number === 0 ? undefined : number - 1;
  }

  /** Adds a text, or gives it another number. Of numbers beyond 2^32 only that they are so is kept. */
  set(text: string, number: number): void {
    if (this.#size * WORDS >= FULL * this.#slots.length) this.#grow();
    const hash = hashOf(text);
    const at = this.#find(hash);
    if (this.#slots[at + 3] === 0) this.#size++;
    this.#slots.set(hash, at);
    this.#slots[at + 3] = Math.min(number + 1, 2 ** 32 - 1);
  }

  /** Where a hash is, or would be. */
  #find(hash: Uint32Array): number {
    const slots = this.#slots;
    const [a, b, c] = hash as unknown as readonly [number, number, number];
    let at = Math.floor((a / 2 ** 32) * (slots.length / WORDS)) * WORDS;
    while (slots[at + 3] !== 0 && (slots[at] !== a || slots[at + 1] !== b || slots[at + 2] !== c))
      at = at + WORDS < slots.length ? at + WORDS : 0;
    return at;
  }

  #grow(): void {
    const old = this.#slots;
    this.#slots = new Uint32Array(Math.ceil((old.length / WORDS) * GROWTH) * WORDS);
    for (let from = 0; from < old.length; from += WORDS) {
      if (old[from + 3] === 0) continue;
      const entry = old.subarray(from, from + WORDS);
      this.#slots.set(entry, this.#find(entry));
    }
  }
}

const hashOf = (text: string): Uint32Array => {
  const bytes = createHash('sha256').update(text).digest();
  return new Uint32Array([bytes.readUInt32LE(0), bytes.readUInt32LE(4), bytes.readUInt32LE(8)]);
};
