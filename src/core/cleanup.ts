/**
 * What goes on after the stream of a run is over: processes that were told to end, files that are being removed. Who
 * gives something up adds its end, and the run waits for it.
 */
export class Cleanup {
  #open = 0;
  #waiting: (() => void)[] = [];

  /** How many ends are waited for. */
  get open(): number {
    return this.#open;
  }

  /** Notes something that will end; how it ends does not matter here. */
  add(end: PromiseLike<unknown>): void {
    this.#open++;
    const over = (): void => {
      if (--this.#open > 0) return;
      const waiting = this.#waiting;
      this.#waiting = [];
      for (const go of waiting) go();
    };
    end.then(over, over);
  }

  /** Done when all that was added is over, also what is added meanwhile. */
  async idle(): Promise<void> {
    if (this.#open > 0) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }
}
