import type { Subscriber } from 'rxjs';
import { roomsAnnounced, withoutRooms } from './rooms.js';

/**
 * Emits a value. What is below may be told of it while a source is being subscribed to, whose rooms are no concern of
 * theirs.
 */
export function pass<T>(out: Subscriber<T>, value: T): void {
  if (roomsAnnounced()) passApart(out, value);
  else out.next(value);
}

// A function of its own: a closure beside the usual way would cost that way, too.
function passApart<T>(out: Subscriber<T>, value: T): void {
  withoutRooms(() => out.next(value));
}
