/** The numbers of the places that run commands, from 1: each that begins takes the lowest that is free. */
export class PlaceNumbers {
  readonly #taken: boolean[] = [];

  take(): number {
    const free = this.#taken.indexOf(false);
    const at = free < 0 ? this.#taken.length : free;
    this.#taken[at] = true;
    return at + 1;
  }

  give(place: number): void {
    this.#taken[place - 1] = false;
  }
}
