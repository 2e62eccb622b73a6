/** How many are kept before idle ones are looked for. */
const FIRST_SWEEP = 1000;

/**
 * One of something for each key, made when it is first asked for, such as the lanes of a limiter.
 *
 * Idle ones are forgotten, so that memory does not grow with the number of keys: once there are 1,000, and from then on
 * whenever twice as many are there as stayed the last time. What was forgotten is made anew, so whatever `get` gives is
 * to be used at once, not kept.
 */
export class Keyed<T extends { readonly idle: boolean }> {
  readonly #byKey = new Map<string, T>();
  readonly #make: (key: string) => T;
  #sweepAt = FIRST_SWEEP;

  constructor(make: (key: string) => T) {
    this.#make = make;
  }

  get(key: string): T {
    const known = this.#byKey.get(key);
    if (known !== undefined) return known;
    if (this.#byKey.size >= this.#sweepAt) this.#sweep();
    const made = this.#make(key);
    this.#byKey.set(key, made);
    return made;
  }

  values(): Iterable<T> {
    return this.#byKey.values();
  }

  #sweep(): void {
    for (const [key, value] of this.#byKey) if (value.idle) this.#byKey.delete(key);
    this.#sweepAt = Math.max(FIRST_SWEEP, 2 * this.#byKey.size);
  }
}
