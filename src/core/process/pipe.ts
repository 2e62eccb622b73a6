import { closeSync, constants, openSync, readSync } from 'node:fs';
import { Socket, type SocketConstructorOpts, type TcpSocketConnectOpts } from 'node:net';
import type { SchedulerLike } from 'rxjs';
import { BLOCK } from '../bytes-in.js';
import { systemCode } from '../errors.js';
import { LINGER, MOST_UNREAD, type Outlet, type Take } from './outlet.js';
import { within } from './within.js';

/** One for all: a read is taken before the next one is made. */
const buffer = Buffer.allocUnsafeSlow(BLOCK);

const ignore: Take = () => undefined;

/**
 * A pipe of the system, which one program after the other can write to.
 *
 * Its writing end is held as long as the program runs. So it does not come to its end behind our back, can be used
 * again, and after the exit tells at once whether anybody else can still write to it.
 */
export class Pipe implements Outlet {
  readonly #fd: number;
  readonly #scheduler: SchedulerLike;
  readonly #release: (pipe: Pipe, clean: boolean) => void;
  readonly #socket: Socket;
  readonly #ended: Promise<void>;
  #writer: number | undefined;
  #take = ignore;
  /** What `take` has made of the last read, until it is done. */
  #held: Promise<void> | undefined;
  #reading = false;
  /** Nothing is in it, and nobody can write to it. */
  #clean = true;

  /** Of the reading end, which is the pipe's from now on. Closing it is left to `release`, which may use it again. */
  constructor(fd: number, scheduler: SchedulerLike, release: (pipe: Pipe, clean: boolean) => void) {
    this.#fd = fd;
    this.#scheduler = scheduler;
    this.#release = release;
    const options: SocketConstructorOpts & Pick<TcpSocketConnectOpts, 'onread'> = {
      fd,
      readable: true,
      writable: false,
      onread: { buffer, callback: (size) => this.#bytes(size) },
    };
    this.#socket = new Socket(options);
    this.#socket.pause();
    this.#ended = new Promise((resolve) => {
      for (const event of ['end', 'error', 'close']) this.#socket.on(event, () => resolve());
    });
  }

  open(): number {
    return (this.#writer ??= openSync(`/proc/self/fd/${this.#fd}`, constants.O_WRONLY));
  }

  read(take: Take): void {
    this.#take = take;
    this.#clean = false;
    this.#resume();
  }

  #resume(): void {
    this.#reading = true;
    this.#socket.resume();
  }

  #bytes(size: number): boolean {
    this.#held = this.#take(buffer.subarray(0, size))?.then(() => {
      this.#held = undefined;
      if (this.#reading) this.#socket.resume();
    });
    return this.#held === undefined;
  }

  #pause(): void {
    this.#reading = false;
    this.#socket.pause();
  }

  async finish(): Promise<void> {
    this.#pause();
    this.#closeWriter();
    await this.#held;
    for (let taken = 0; taken < MOST_UNREAD && !this.#socket.destroyed;) {
      const size = this.#readNow();
      if (size === 0) {
        this.#clean = true;
        return;
      }
      if (size === undefined) break;
      taken += size;
      await this.#take(buffer.subarray(0, size));
    }
    if (this.#socket.destroyed) return;
    this.#resume();
    await within(this.#ended, LINGER, this.#scheduler);
    this.#pause();
    await this.#held;
  }

  /** How many bytes there are now: 0 at the end, nothing when somebody can still write. */
  #readNow(): number | undefined {
    try {
      return readSync(this.#fd, buffer);
    } catch (error) {
      if (systemCode(error) === 'EAGAIN') return undefined;
      throw error;
    }
  }

  #closeWriter(): void {
    if (this.#writer !== undefined) closeSync(this.#writer);
    this.#writer = undefined;
  }

  close(): void {
    this.#reading = false;
    this.#closeWriter();
    this.#take = ignore;
    this.#release(this, this.#clean);
  }

  destroy(): void {
    this.#closeWriter();
    this.#socket.destroy();
  }
}
