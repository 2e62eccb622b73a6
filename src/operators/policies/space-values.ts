import { type MonoTypeOperatorFunction, Observable, type Subscriber } from 'rxjs';
import { BatchxError } from '../../core/errors.js';
import { Item, weightOf } from '../../core/item.js';
import { pass } from '../../core/pass.js';
import type { Limiter } from '../../core/policy/limiter.js';
import { Ring } from '../../core/ring.js';
import { Room, withoutRooms } from '../../core/rooms.js';
import { show } from '../../core/schema.js';
import { type Intake, subscribeThrough } from '../../core/upstream.js';

export interface SpacingOptions<T> {
  /** Asked once for each subscription. */
  readonly limiter: () => Limiter;
  readonly key: ((value: T) => string) | undefined;
  readonly weight: ((value: T) => number) | undefined;
  /** When it fires, values that wait are dropped. */
  readonly stopping: AbortSignal;
}

/** How many values wait before sources stop reading. */
const MOST = 64;

/** Emits each value once there is a permit for it, in their order. */
export function spaceValues<T>(options: SpacingOptions<T>): MonoTypeOperatorFunction<T> {
  return (source) =>
    new Observable((out) => {
      const { stopping } = options;
      const spacing = new SpacedValues(out, options);
      if (stopping.aborted) spacing.stop();
      stopping.addEventListener('abort', spacing.stop);
      subscribeThrough(source, spacing, out, [spacing.room]);
      out.add(() => {
        stopping.removeEventListener('abort', spacing.stop);
        spacing.clear();
      });
    });
}

interface Held<T> {
  value: T;
  /** What it takes in the room. */
  readonly weight: number;
  /** When it came, by the clock of the limiter. */
  readonly since: number;
}

class SpacedValues<T> implements Intake<T> {
  readonly room = new Room(MOST);
  readonly #out: Subscriber<T>;
  readonly #limiter: Limiter;
  readonly #options: SpacingOptions<T>;
  readonly #queue = new Ring<Held<T>>();
  /** Takes the first one out of the limiter's queue, while it waits there. */
  #cancel: (() => void) | undefined = undefined;
  /** Whether the first one may go on. */
  #granted = false;
  #advancing = false;
  #sourceDone = false;
  #stopped = false;

  constructor(out: Subscriber<T>, options: SpacingOptions<T>) {
    this.#out = out;
    this.#options = options;
    this.#limiter = options.limiter();
  }

  next(value: T): void {
    if (this.#stopped) return;
    const weight = weightOf(value);
    this.room.take(weight);
    this.#queue.push({ value, weight, since: this.#limiter.runtime.scheduler.now() });
    this.#advance();
  }

  complete(): void {
    this.#sourceDone = true;
    this.#advance();
  }

  readonly stop = (): void => {
    this.#stopped = true;
    this.#cancel?.();
    this.#cancel = undefined;
    for (let held = this.#queue.shift(); held !== undefined; held = this.#queue.shift()) {
      this.room.release(held.weight);
    }
    // Those that wait for room would wait for ever: what they bring now is dropped.
    this.room.wake();
    this.#advance();
  };

  clear(): void {
    this.#cancel?.();
    this.#queue.clear();
    this.room.give(this.room.held);
  }

  /** Emits as many as may go on; what they bring while they are emitted is for the same loop. */
  #advance(): void {
    if (this.#advancing || this.#cancel !== undefined) return;
    this.#advancing = true;
    while (!this.#out.closed) {
      const first = this.#queue.peek();
      if (first === undefined || !this.#mayGo(first)) break;
      this.#queue.shift();
      this.#granted = false;
      pass(this.#out, first.value);
      // Whoever is let in by this must come after the value; when the stream has ended the room is empty already.
      if (!this.#out.closed) this.room.give(first.weight);
    }
    this.#advancing = false;
    if (this.#sourceDone && this.#queue.length === 0) withoutRooms(() => this.#out.complete());
  }

  /** Whether the first one may go on now; otherwise the loop goes on once it may. */
  #mayGo(held: Held<T>): boolean {
    if (this.#granted || (held.value instanceof Item && !held.value.live)) return true;
    let told = false;
    const go = (error?: BatchxError): void => {
      told = true;
      this.#cancel = undefined;
      if (error === undefined) this.#granted = true;
      else this.#refuse(held, error);
      this.#advance();
    };
    try {
      const cancel = this.#laneOf(held.value).wait(go, { weight: this.#weightOf(held.value), since: held.since });
      if (!told) this.#cancel = cancel;
    } catch (error) {
      this.#refuse(held, error);
      told = true;
    }
    return told && !this.#out.closed;
  }

  #laneOf(value: T): Limiter {
    if (this.#options.key === undefined) return this.#limiter;
    const key: unknown = this.#options.key(value);
    if (typeof key === 'string') return this.#limiter.of(key);
    throw new BatchxError('expression', `expected \`key\` to give text, got ${show(key)}`);
  }

  #weightOf(value: T): number {
    if (this.#options.weight === undefined) return 1;
    const weight: unknown = this.#options.weight(value);
    if (typeof weight === 'number' && weight > 0 && weight < Infinity) return weight;
    throw new BatchxError('expression', `expected \`weight\` to give a number above 0, got ${show(weight)}`);
  }

  /** An item fails, and goes on in its turn; any other value ends the stream. */
  #refuse(held: Held<T>, error: unknown): void {
    if (held.value instanceof Item) held.value = held.value.fail(BatchxError.from(error)) as T;
    else this.#out.error(error);
  }
}
