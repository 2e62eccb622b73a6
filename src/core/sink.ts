import { Observable, type OperatorFunction, type Subscriber } from 'rxjs';
import * as z from 'zod';
import { BatchxError } from './errors.js';
import { Item } from './item.js';
import { detached, settle } from './origin.js';
import { type DataOf, Outcome, type OutcomeOf } from './outcome.js';
import { isPromiseLike } from './promise.js';
import { Room, withoutRooms } from './rooms.js';
import { defaultRuntime, type Runtime } from './runtime.js';
import { expectFunction, given, parseOptions } from './schema.js';
import { type SinkWriter, type Takes, writeBlock } from './sink-writer.js';
import { type Intake, subscribeThrough } from './upstream.js';

export interface SinkOptions {
  /** Which items are given to `write`: those that went well, unless said. */
  readonly takes?: Takes;
  /** How many rows make a block that does not wait for more; 512 unless said. */
  readonly rows?: number;
  /** Whose account the items are settled in; the one of the process unless said. */
  readonly runtime?: Runtime;
}

const sinkOptions = z.strictObject({
  takes: z.enum(['ok', 'failed', 'settled', 'all']).optional(),
  rows: z.int().min(1).optional(),
  runtime: given('a runtime', (value) => typeof value === 'object' && value !== null && 'events' in value).optional(),
});

/** How many rows make a block that does not wait for more. */
const ROWS = 512;
/** What a sink is known by to the sinks above it, which then leave it to settle the items. */
const SINK = Symbol.for('batchx.sink');

/**
 * Makes an operator of a sink: items in, outcomes out, each once its item has been written.
 *
 * Rows are gathered while the source has some ready, and written as one block as soon as it pauses. While a write is
 * under way what arrives waits in a room, so that a blocked disk or reader stops the reading. Order is kept. Values
 * that are not items are taken as items that are ok; outcomes of a sink above are taken too, and then the last sink
 * settles the items. An error of the source comes once what was read before it is written and the sink is closed; what
 * the writer throws is the error of the Observable.
 *
 * ```
 * source     -a-b--x-c--|          x failed
 * written    -a-b----c--  close
 * toSink     -a-b--x-c----|        outcomes
 * ```
 *
 * @example
 * import { literals, toSink } from 'batchx';
 *
 * const toConsole = toSink(() => ({
 *   write: (items) => items.forEach((item) => console.log(item.data)),
 *   close: () => console.log('closed'),
 * }));
 * literals(['a', 'b']).pipe(toConsole).subscribe(); // a, b, closed
 */
export function toSink<T>(
  open: () => SinkWriter<DataOf<T>> | Promise<SinkWriter<DataOf<T>>>,
  options: SinkOptions = {},
): OperatorFunction<T, OutcomeOf<T>> {
  expectFunction(open, 'toSink');
  parseOptions(sinkOptions, options, 'toSink');
  return (source) =>
    new Observable((subscriber) => {
      const sink = new Sink(subscriber, open, options);
      subscribeThrough(source, sink, subscriber, [sink.room], { [SINK]: true });
      subscriber.add(() => sink.leave());
    });
}

class Sink implements Intake<unknown> {
  readonly room: Room;
  readonly #rows: number;
  readonly #out: Subscriber<Outcome>;
  readonly #takes: Takes;
  readonly #runtime: Runtime;
  /** False when a sink further down has the last word. */
  readonly #settles: boolean;
  #writer: SinkWriter | undefined;
  #gathered: Outcome[] = [];
  #scheduled = false;
  /** True while the sink is opened, written to or closed, or outcomes are emitted: what arrives then has to wait. */
  #busy = true;
  #ended: { readonly error?: unknown } | undefined;
  #closing = false;
  #seq = 0;

  constructor(
    out: Subscriber<Outcome>,
    open: () => SinkWriter | Promise<SinkWriter>,
    { takes = 'ok', runtime = defaultRuntime(), rows = ROWS }: SinkOptions,
  ) {
    this.room = new Room(rows);
    this.#rows = rows;
    this.#out = out;
    this.#takes = takes;
    this.#runtime = runtime;
    this.#settles = !hasSink(out);
    withoutRooms(() => void this.#open(open));
  }

  async #open(open: () => SinkWriter | Promise<SinkWriter>): Promise<void> {
    try {
      this.#writer = await open();
    } catch (error) {
      this.#fail(error);
      return;
    }
    this.#goOn();
  }

  next(value: unknown): void {
    const outcome =
      value instanceof Outcome
        ? value
        : Outcome.of(value instanceof Item ? value : Item.of(value, { seq: this.#seq++, origin: detached }));
    this.#gathered.push(outcome);
    this.room.take(bulk(outcome));
    if (this.#busy) return;
    if (this.#gathered.length >= this.#rows) this.#goOn();
    else if (!this.#scheduled) {
      this.#scheduled = true;
      queueMicrotask(this.#flushGathered);
    }
  }

  error(error: unknown): void {
    this.#end({ error });
  }

  complete(): void {
    this.#end({});
  }

  /** Nobody wants outcomes any more. */
  leave(): void {
    this.#gathered = [];
    this.room.give(this.room.held);
    if (this.#busy) return;
    // Nobody is left to be told of an error of the clean-up, but it should not pass unnoticed.
    this.#close(false).catch((error: unknown) => {
      const { message, where } = BatchxError.from(error, 'output');
      this.#runtime.events.emit('batch:warning', { message, where });
    });
  }

  /** The source is over; with an error, what came before it is still written. */
  #end(end: { readonly error?: unknown }): void {
    this.#ended = end;
    if (!this.#busy) this.#goOn();
  }

  readonly #flushGathered = (): void => {
    this.#scheduled = false;
    if (!this.#busy) this.#goOn();
  };

  /** What to do now that nothing is under way: write what was gathered, then end when the source has ended. */
  #goOn(): void {
    this.#busy = true;
    while (this.#gathered.length > 0 && !this.#out.closed) {
      const block = this.#gathered;
      this.#gathered = [];
      const known = new Set<number>();
      let written: void | Promise<void>;
      try {
        written = writeBlock(this.#writer as SinkWriter, block, this.#takes, known);
      } catch (error) {
        this.#failIn(block, known, error);
        break;
      }
      if (isPromiseLike(written)) {
        written.then(
          () => {
            this.#emit(block);
            this.#goOn();
          },
          (error: unknown) => {
            this.#failIn(block, known, error);
            this.#goOn();
          },
        );
        this.room.wake();
        return;
      }
      this.#emit(block);
    }
    if (!this.#out.closed && this.#ended !== undefined) {
      void this.#finish(this.#ended);
      return;
    }
    this.#busy = false;
    if (this.#out.closed) this.leave();
    else this.room.wake();
  }

  #emit(block: readonly Outcome[]): void {
    const { events } = this.#runtime;
    let held = 0;
    for (const outcome of block) {
      if (this.#out.closed) return;
      held += bulk(outcome);
      if (this.#settles && !outcome.settled) {
        outcome.settled = true;
        settle(outcome, (settled) => {
          events.emit('batch:item:end', settled);
        });
      }
      this.#out.next(outcome);
    }
    if (!this.#out.closed) this.room.release(held);
  }

  async #finish(end: { readonly error?: unknown }): Promise<void> {
    try {
      await this.#close(!('error' in end));
    } catch (error) {
      this.#fail(error);
      return;
    }
    if ('error' in end) this.#out.error(end.error);
    else this.#out.complete();
  }

  /** What is known of a block before the error is told. */
  #failIn(block: readonly Outcome[], known: ReadonlySet<number>, error: unknown): void {
    if (known.size > 0) this.#emit(block.filter((_, place) => known.has(place)));
    this.#fail(error);
  }

  #fail(error: unknown): void {
    this.#out.error(BatchxError.from(error, 'output'));
  }

  async #close(whole: boolean): Promise<void> {
    if (this.#closing) return;
    this.#closing = true;
    await this.#writer?.close(whole);
  }
}

/** What an outcome weighs in the room of a sink: rows are counted, and long ones as several. */
const bulk = ({ item }: Outcome): number => 1 + (item.size >> 10);

function hasSink(subscriber: unknown): boolean {
  let at = subscriber as { readonly [SINK]?: boolean; readonly destination?: unknown } | null | undefined;
  while (at !== null && typeof at === 'object') {
    if (at[SINK] === true) return true;
    at = at.destination as typeof at;
  }
  return false;
}
