import { DONE_AS } from './records.js';
import type { DoneAs } from './records.js';

/** An item that has ended, as its record says it. */
export interface EndedItem {
  entry: number;
  hi: number;
  lo: number;
  as: DoneAs;
  p: number;
  place: number;
  files: boolean;
}

/** How many numbers are kept of each. */
const WIDTH = 7;
const FIRST = 64;
/** More room than this is not kept, in items. */
const KEPT = 16 * 1024;

/** Items that have ended, until it is known that they count: as numbers in a row, since there may be very many. */
export class EndedItems {
  #numbers = new Float64Array(FIRST * WIDTH);
  #length = 0;

  add(entry: number, hi: number, lo: number, as: DoneAs, p: number, place: number, files: boolean): void {
    if (this.#length + WIDTH > this.#numbers.length) this.#grow();
    const numbers = this.#numbers;
    let at = this.#length;
    numbers[at++] = entry;
    numbers[at++] = hi;
    numbers[at++] = lo;
    numbers[at++] = DONE_AS.indexOf(as);
    numbers[at++] = p;
    numbers[at++] = place;
    numbers[at++] = files ? 1 : 0;
    this.#length = at;
  }

  /** Gives each to `take`, in their order, and has none then. What it is given is another one at the next call. */
  drain(take: (item: Readonly<EndedItem>) => void): void {
    const item: EndedItem = { entry: 0, hi: 0, lo: 0, as: 'ok', p: 0, place: 0, files: false };
    const numbers = this.#numbers;
    for (let at = 0; at < this.#length;) {
      item.entry = numbers[at++] as number;
      item.hi = numbers[at++] as number;
      item.lo = numbers[at++] as number;
      item.as = DONE_AS[numbers[at++] as number] as DoneAs;
      item.p = numbers[at++] as number;
      item.place = numbers[at++] as number;
      item.files = numbers[at++] === 1;
      take(item);
    }
    this.clear();
  }

  clear(): void {
    this.#length = 0;
    if (this.#numbers.length > KEPT * WIDTH) this.#numbers = new Float64Array(FIRST * WIDTH);
  }

  #grow(): void {
    const larger = new Float64Array(this.#numbers.length * 2);
    larger.set(this.#numbers);
    this.#numbers = larger;
  }
}
