/**
 * Where an operator keeps what waits for anything but more input.
 *
 * Pullers (sources, `split`) emit only while no room below them is full, so what is held in memory depends on the
 * rooms, never on the length of the input. An empty room admits one value of any weight.
 */
export class Room {
  #held = 0;
  #limit: number;
  /** Nearly always one puller: an array costs a third of what a set does. */
  readonly #waiting: (() => void)[] = [];

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** The weight that is held now. */
  get held(): number {
    return this.#held;
  }

  get limit(): number {
    return this.#limit;
  }

  get full(): boolean {
    return this.#held >= this.#limit;
  }

  setLimit(limit: number): void {
    this.#limit = limit;
    this.wake();
  }

  take(weight: number): void {
    this.#held += weight;
  }

  /** Gives weight back without waking anybody: for owners that are not in a consistent state yet; `wake` must follow. */
  release(weight: number): void {
    this.#held -= weight;
  }

  give(weight: number): void {
    this.#held -= weight;
    this.wake();
  }

  /** Lets waiting pullers go on, the longest waiting first, until the room is full again. */
  wake(): void {
    while (this.#waiting.length > 0 && !this.full) (this.#waiting.shift() as () => void)();
  }

  /** Calls `resume` once, as soon as the room is not full any more. */
  whenFree(resume: () => void): void {
    if (!this.#waiting.includes(resume)) this.#waiting.push(resume);
  }

  /** Takes back a `whenFree`. */
  forget(resume: () => void): void {
    const at = this.#waiting.indexOf(resume);
    if (at >= 0) this.#waiting.splice(at, 1);
  }
}

/** The limit of a room whose operator runs `cap` calls at once. */
export const roomFor = (cap: number): number => Math.max(64, 2 * cap);

/** Subscribers of operators that hold values carry their rooms under this key. */
export const ROOMS = Symbol.for('batchx.rooms');

let ambient: readonly Room[] = [];

/** Runs `subscribe` so that pullers subscribed to in it, at once, find `rooms` below them. */
export function withRooms<T>(rooms: readonly Room[], subscribe: () => T): T {
  const before = ambient;
  ambient = rooms;
  try {
    return subscribe();
  } finally {
    ambient = before;
  }
}

const none: readonly Room[] = [];

/** Runs user code or an emission, in which unrelated pipelines may be subscribed to, without any rooms around it. */
export function withoutRooms<T>(run: () => T): T {
  return ambient.length === 0 ? run() : withRooms(none, run);
}

/** Whether a subscription is going on that announces rooms to the pullers above it. */
export const roomsAnnounced = (): boolean => ambient.length > 0;

interface Walkable {
  readonly [ROOMS]?: readonly Room[];
  readonly destination?: unknown;
}

/**
 * The rooms below a subscriber: those announced around the subscription that is going on, and those found by walking
 * down from it. Each way alone loses some: hand-written Observables hide the walk, late subscriptions (`concat`,
 * `retry` with delay, `subscribeOn`) have nothing around them.
 */
export function findRooms(subscriber: unknown): readonly Room[] {
  const found = new Set<Room>(ambient);
  const seen = new Set<unknown>();
  let at = subscriber as Walkable | null | undefined;
  while (at !== null && typeof at === 'object' && !seen.has(at)) {
    seen.add(at);
    for (const room of at[ROOMS] ?? none) found.add(room);
    at = at.destination as Walkable | null | undefined;
  }
  return [...found];
}
