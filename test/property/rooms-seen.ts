import { Room } from '../../src/core/rooms.js';

/** Collects every room that holds something while `run` goes on. */
export async function withRoomsSeen<T>(run: (rooms: ReadonlySet<Room>) => T | Promise<T>): Promise<T> {
  const rooms = new Set<Room>();
  const take = Object.getOwnPropertyDescriptor(Room.prototype, 'take')?.value as Room['take'];
  Room.prototype.take = function (this: Room, weight: number): void {
    rooms.add(this);
    take.call(this, weight);
  };
  try {
    return await run(rooms);
  } finally {
    Room.prototype.take = take;
  }
}

/** What is held in rooms now: nothing, once a stream is over. */
export const heldIn = (rooms: ReadonlySet<Room>): number[] =>
  [...rooms].map(({ held }) => held).filter((held) => held !== 0);
