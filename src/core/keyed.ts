/** How many are kept before idle ones are looked for. */
const FEW = 1000;
/** How many are looked at for each that is made, as long as they are idle; of those that are not, two. */
const MOST = 32;
/** How often one is looked at when none is made: each time that so many were asked for. */
const SELDOM = 16;

/**
 * One of something for each key, made when it is first asked for, such as the lanes of a limiter.
 *
 * Idle ones are forgotten, so that memory does not grow with the number of keys: when there are 1,000, some are looked
 * at in turn with each that is made, and one now and then without. What was forgotten is made anew, so whatever `get`
 * gives is to be used at once, not kept.
 */
export class Keyed<T extends { readonly idle: boolean }> {
  readonly #byKey = new Map<string, T>();
  readonly #make: (key: string) => T;
  /** Goes round and round; a new one begins where the last one was at its end. */
  #next: Iterator<[string, T], undefined>;
  #asked = 0;

  constructor(make: (key: string) => T) {
    this.#make = make;
    this.#next = this.#byKey.entries();
  }

  get(key: string): T {
    // First, so that the one that is asked for is not forgotten before it is used.
    if (++this.#asked === SELDOM) this.#sweep(1);
    const known = this.#byKey.get(key);
    if (known !== undefined) return known;
    this.#sweep(MOST);
    const made = this.#make(key);
    this.#byKey.set(key, made);
    return made;
  }

  values(): Iterable<T> {
    return this.#byKey.values();
  }

  #sweep(most: number): void {
    this.#asked = 0;
    for (let n = 0, busy = 0; n < most && busy < 2 && this.#byKey.size >= FEW; n++) {
      const { done, value } = this.#next.next();
      if (done === true) this.#next = this.#byKey.entries();
      else if (value[1].idle) this.#byKey.delete(value[0]);
      else busy++;
    }
  }
}
