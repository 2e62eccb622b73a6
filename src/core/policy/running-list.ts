/** An attempt that runs, as the list keeps it. */
export interface Entry<L> {
  startedAt: number;
  /** Undefined once it is out of the list, so that nothing of it is kept by whoever keeps the entry. */
  onLate: L | undefined;
  previous: Entry<L> | undefined;
  next: Entry<L> | undefined;
}

/** Attempts that run, in order of start; each can be taken out at once wherever it is. */
export class RunningList<L> {
  head: Entry<L> | undefined = undefined;
  #tail: Entry<L> | undefined = undefined;

  push(startedAt: number, onLate: L): Entry<L> {
    const previous = this.#tail;
    const entry: Entry<L> = { startedAt, onLate, previous, next: undefined };
    this.#tail = entry;
    if (previous === undefined) this.head = entry;
    else previous.next = entry;
    return entry;
  }

  /** What was to be called when it is late; undefined when it was not in the list any more. */
  remove(entry: Entry<L>): L | undefined {
    const { onLate, previous, next } = entry;
    if (onLate === undefined) return undefined;
    if (previous === undefined) this.head = next;
    else previous.next = next;
    if (next === undefined) this.#tail = previous;
    else next.previous = previous;
    entry.previous = entry.next = entry.onLate = undefined;
    return onLate;
  }

  /** Counts all as begun later by `ms`, but not after `now`; their order stays. */
  shift(ms: number, now: number): void {
    for (let entry = this.head; entry !== undefined; entry = entry.next)
      entry.startedAt = Math.min(entry.startedAt + ms, now);
  }
}
