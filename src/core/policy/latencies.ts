/** How long the attempts of one window took: their mean, and how exactly that is known. */
export class Latencies {
  count = 0;
  /** Attempts that were ended because they took too long. */
  late = 0;
  /** How many attempts ran at once at most. */
  peak = 0;
  #mean = 0;
  #squares = 0;

  /** Less than this cannot be told from nothing. */
  static readonly least = 0.05;

  add(ms: number): void {
    const value = Math.max(ms, Latencies.least);
    const off = value - this.#mean;
    this.#mean += off / ++this.count;
    this.#squares += off * (value - this.#mean);
  }

  get mean(): number {
    return this.#mean;
  }

  /** The standard error of the mean, as a part of it. */
  get error(): number {
    return this.count < 2 ? Infinity : Math.sqrt(this.#squares / (this.count - 1) / this.count) / this.#mean;
  }
}
