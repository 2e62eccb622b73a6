/** How long the rest will probably take, in milliseconds: by what was done lately, and by what was done in all. */
export interface Remaining {
  readonly least: number;
  /** Undefined when nothing was done lately. */
  readonly most: number | undefined;
}

/** What counts as lately; in milliseconds. */
const LATELY = 20_000;
/** How far apart the looks are that are kept, and from which age on one tells something. */
const APART = 1_000;
const OLD_ENOUGH = 5_000;
/** Of a shorter run nothing is foretold. */
const LEAST = 1_000;

interface Look {
  readonly at: number;
  readonly done: number;
}

/** Foretells how long the rest of a run takes, from how much was done each time that somebody looked. */
export class Estimate {
  readonly #looks: Look[] = [];
  readonly #began: number;

  /** Times are those of one clock, in milliseconds. */
  constructor(began: number) {
    this.#began = began;
    this.#looks.push({ at: began, done: 0 });
  }

  /** Notes that so much is done by now. */
  look(at: number, done: number): void {
    const looks = this.#looks;
    const last = looks.at(-1);
    if (last !== undefined && at - last.at < APART) return;
    looks.push({ at, done });
    // The youngest of those that are too old stays: between it and now is no less than the time that counts.
    while (looks.length > 1 && at - (looks[1] as Look).at >= LATELY) looks.shift();
  }

  /** Undefined while nothing is known: nothing was done yet, or there is no rest. */
  remaining(now: number, done: number, total: number): Remaining | undefined {
    const left = total - done;
    const elapsed = now - this.#began;
    if (done <= 0 || left <= 0 || elapsed < LEAST) return undefined;
    const inAll = (left * elapsed) / done;
    const [first] = this.#looks;
    if (first === undefined || now - first.at < OLD_ENOUGH) return { least: inAll, most: inAll };
    const lately = done - first.done;
    if (lately <= 0) return { least: inAll, most: undefined };
    const byThat = (left * (now - first.at)) / lately;
    return { least: Math.min(inAll, byThat), most: Math.max(inAll, byThat) };
  }
}
