import { Subscriber } from 'rxjs';
import { Room, ROOMS } from '../../src/core/rooms.js';

/** A subscriber with a room, as operators have them: holds what arrives until it is told to let it go. */
export class Holder<T> extends Subscriber<T> {
  readonly room: Room;
  readonly [ROOMS]: readonly Room[];
  /** All that ever arrived. */
  readonly values: T[] = [];
  /** How it ended, if it did. */
  ended: 'complete' | { readonly error: unknown } | undefined;

  constructor(limit = 1) {
    super();
    this.room = new Room(limit);
    this[ROOMS] = [this.room];
  }

  override next(value: T): void {
    if (this.closed) return;
    this.values.push(value);
    this.room.take(1);
  }

  override error(error: unknown): void {
    this.ended = { error };
    this.unsubscribe();
  }

  override complete(): void {
    this.ended = 'complete';
    this.unsubscribe();
  }

  /** Lets go `count` of what is held, one after another. */
  letGo(count = 1): void {
    for (let i = 0; i < count; i++) this.room.give(1);
  }
}

/** Lets all promises go on that can: as many turns as any chain in these tests has links. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 50; turn++) await Promise.resolve();
}
