import type { Subscriber } from 'rxjs';
import type { Job } from './job.js';
import { pass } from './pass.js';
import { Ring } from './ring.js';
import type { Room } from './rooms.js';

/** Keeps results in the order of the values: those that come before their turn are held, and counted in the room. */
export class Line<R> {
  readonly #out: Subscriber<R>;
  readonly #room: Room;
  /** The calls in the order of their values, the next to be emitted first. */
  readonly #jobs = new Ring<Job<R>>();
  #advancing = false;

  constructor(out: Subscriber<R>, room: Room) {
    this.#out = out;
    this.#room = room;
  }

  /** Whether results are being emitted of which more may follow. */
  get advancing(): boolean {
    return this.#advancing;
  }

  push(job: Job<R>): void {
    this.#jobs.push(job);
  }

  emit(job: Job<R>, result: R): void {
    if (job.held === undefined && this.#jobs.peek() === job) pass(this.#out, result);
    else {
      (job.held ??= []).push(result);
      job.heldRoom?.take(1);
    }
  }

  /** A call is over: the ones behind it have their turn, or it waits for its own. */
  done(job: Job<R>): void {
    if (this.#jobs.peek() === job) this.#advance();
    else this.#room.take(job.weight);
  }

  /** Emits all that is held, in its order, whatever would have had to come before. */
  flush(): void {
    for (let job = this.#jobs.shift(); job !== undefined; job = this.#jobs.shift()) {
      for (const result of job.held ?? []) pass(this.#out, result);
    }
  }

  clear(): void {
    for (let job = this.#jobs.shift(); job !== undefined; job = this.#jobs.shift())
      job.heldRoom?.give(job.heldRoom.held);
  }

  /** The first in line is over: emits what the next ones hold, up to the first that still runs. */
  #advance(): void {
    if (this.#advancing) return;
    this.#advancing = true;
    while (this.#jobs.peek()?.over === true && !this.#out.closed) {
      this.#jobs.shift();
      const next = this.#jobs.peek();
      if (next === undefined) break;
      // A call that was over before its turn has been counted; one that ends while it is emitted here has not.
      const counted = next.over;
      const held = next.held;
      // Emitting may bring more results of the same call: they are appended, and the loop finds them.
      for (let i = 0; held !== undefined && i < held.length && !this.#out.closed; i++) pass(this.#out, held[i] as R);
      if (this.#out.closed) break;
      next.held = undefined;
      if (counted) this.#room.release(next.weight);
      next.heldRoom?.give(next.heldRoom.held);
    }
    this.#advancing = false;
  }
}
