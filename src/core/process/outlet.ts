import type { Readable } from 'node:stream';
import type { SchedulerLike } from 'rxjs';
import { within } from './within.js';

/** Is given each read, and holds back the next one by a promise. Of its own failures it takes care itself. */
export type Take = (bytes: Buffer) => void | Promise<void>;

/** Where a program writes to, and where that is read. */
export interface Outlet {
  /** What `spawn` is to give the program. Throws when the system has no descriptor left. */
  open(): number | 'pipe';
  /** Reads, once the program runs; the stream is the one that Node has made, if it was asked for one. */
  read(take: Take, stream: Readable | null): void;
  /**
   * Once the program has exited: done when all that it wrote is taken and nobody else can write there. What it has
   * left running in the background may hold the outlet open for long: it is waited for only briefly.
   */
  finish(): Promise<void>;
  /** Lets go. */
  close(): void;
}

/** How long a program that has exited may have its outputs held open by others, in milliseconds. */
export const LINGER = 100;

/** What a program can have written without it being read: pipes of Linux can be made as large as this. */
export const MOST_UNREAD = 1024 * 1024;

/** An outlet by what Node makes for it. On Linux that is a socket, which programs cannot open as `/dev/stdout`. */
export class StreamOutlet implements Outlet {
  readonly #scheduler: SchedulerLike;
  #reading = Promise.resolve();
  #busy: Promise<void> | undefined;
  #size = 0;

  constructor(scheduler: SchedulerLike) {
    this.#scheduler = scheduler;
  }

  open(): 'pipe' {
    return 'pipe';
  }

  read(take: Take, stream: Readable | null): void {
    if (stream !== null) this.#reading = this.#readAll(stream, take);
  }

  async #readAll(stream: Readable, take: Take): Promise<void> {
    try {
      for await (const chunk of stream) {
        this.#size += (chunk as Buffer).length;
        const held = take(chunk as Buffer);
        if (held === undefined) continue;
        this.#busy = held;
        await held;
        this.#busy = undefined;
      }
    } catch {
      // The outlet was closed: there is nobody to tell.
    }
  }

  async finish(): Promise<void> {
    const before = this.#size;
    for (;;) {
      const size = this.#size;
      if (await within(this.#reading, LINGER, this.#scheduler)) return;
      await this.#busy;
      // As long as it comes, some of it may still be the program's own.
      if (this.#size === size || this.#size - before > MOST_UNREAD) return;
    }
  }

  close(): void {
    // The stream is the child's, as it may also be there when nothing was read.
  }
}
