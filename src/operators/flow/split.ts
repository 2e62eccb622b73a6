import { Observable, type OperatorFunction, type Subscriber } from 'rxjs';
import * as z from 'zod';
import { defineFlow } from '../../core/define.js';
import { compileExpression, expression } from '../../core/expression.js';
import type { Item } from '../../core/item.js';
import { type Project, Splitting } from '../../core/parts.js';
import { isPromiseLike } from '../../core/promise.js';
import { Ring } from '../../core/ring.js';
import { findRooms, Room, roomFor, roomsAnnounced, withoutRooms } from '../../core/rooms.js';
import { defaultRuntime, type Runtime } from '../../core/runtime.js';
import { expectFunction } from '../../core/schema.js';
import type { Slot } from '../../core/slot.js';
import { type Intake, subscribeThrough } from '../../core/upstream.js';

export const splitOptions = z.strictObject({
  expression: expression().describe(
    'An expression over `data` and `item`, or an arrow function of both, that gives an iterable of parts; may be async.',
  ),
});

/** What an item can be split into: an array, a generator, an asynchronous one, or the promise of any. */
export type Parts<R> = Iterable<R> | AsyncIterable<R>;

/**
 * Emits an item for each part that `project` makes of an item, one item after another, while there is room below.
 *
 * Order is kept. Parts are asked for one by one, as they can be taken, so a generator may be endless; it is left early
 * when the subscription ends, and `slot.signal` fires then. The next items wait in a room of 64. Parts are called
 * `<id>/1`, `<id>/2`, ..., and the item that was split settles with the last of them, as the worst of them did.
 *
 * An item without any part goes on skipped as `filtered`. One that cannot be split, or not to its end, goes on itself,
 * failed, after the parts that came of it. Items that failed or were skipped pass by. When the run is stopping nothing
 * more is split; what was not split to its end stays pending.
 *
 * ```
 * source     -a------b---------|
 * parts       -1--2  -1x              b fails after its first part
 * split      --A--B---Cx-------|      x is the item b with an error
 * ```
 *
 * @example
 * import { literals, split } from 'batchx';
 *
 * literals([{ lines: ['x', 'y'] }, { lines: ['z'] }])
 *   .pipe(split(({ lines }) => lines))
 *   .subscribe(({ id, data }) => console.log(id, data)); // #1/1 x, #1/2 y, #2/1 z
 */
export function split<T, R>(
  project: (data: T, item: Item<T>, slot: Pick<Slot, 'signal'>) => Parts<R> | PromiseLike<Parts<R>>,
  runtime: Runtime = defaultRuntime(),
): OperatorFunction<Item<T>, Item<R>> {
  expectFunction(project, 'split');
  return splitting(project as Project, runtime) as unknown as OperatorFunction<Item<T>, Item<R>>;
}

export const splitFlow = defineFlow({
  name: 'split',
  splits: true,
  main: 'expression',
  oneByOne: true,
  status: 'stable',
  summary: 'Makes many items of one: an item for each part that an expression gives.',
  options: splitOptions,
  examples: [
    { title: 'The lines of an order', options: { expression: 'data.lines' } },
    {
      title: 'Each with something of the whole',
      options: { expression: '({ id, lines }) => lines.map((line) => ({ id, ...line }))' },
    },
  ],
  create: ({ expression: source }, runtime) => splitting(compileExpression(source), runtime),
});

const splitting =
  (project: Project, { stopping }: Runtime): OperatorFunction<Item, Item> =>
  (source) =>
    new Observable((subscriber) => {
      const splitter = new Splitter(subscriber, project);
      if (stopping.aborted) splitter.stop();
      stopping.addEventListener('abort', splitter.stop);
      subscribeThrough(source, splitter, subscriber, [splitter.room]);
      subscriber.add(() => {
        stopping.removeEventListener('abort', splitter.stop);
        splitter.clear();
      });
    });

/** Takes items apart, one after another. A puller: it goes on while no room below is full, as `pull` does. */
class Splitter implements Intake<Item> {
  readonly room = new Room(roomFor(1));
  readonly #out: Subscriber<Item>;
  readonly #below: readonly Room[];
  readonly #project: Project;
  readonly #queue = new Ring<Item>();
  #current: Splitting | undefined;
  /** What is to be emitted next. */
  #ready: Item | undefined;
  /** True while the loop runs, or a promise or a room will make it go on: whoever comes then must not start it too. */
  #busy = false;
  #looping = false;
  #waitsIn: Room | undefined;
  #sourceDone = false;
  #stopped = false;

  constructor(out: Subscriber<Item>, project: Project) {
    this.#out = out;
    this.#project = project;
    this.#below = findRooms(out);
  }

  next(item: Item): void {
    this.room.take(item.weight);
    this.#queue.push(item);
    if (!this.#busy) this.#run();
  }

  complete(): void {
    this.#sourceDone = true;
    if (!this.#busy) this.#run();
  }

  /** Drops what is not split to its end, and goes on with what failed or was skipped. */
  readonly stop = (): void => {
    this.#stopped = true;
    this.#leave();
    if (this.#ready?.live === true) this.#ready = undefined;
    if (this.#looping) return;
    this.#waitsIn?.forget(this.#run);
    this.#run();
  };

  clear(): void {
    this.#waitsIn?.forget(this.#run);
    this.#leave();
    this.#ready = undefined;
    this.#queue.clear();
    this.room.give(this.room.held);
  }

  readonly #run = (): void => {
    if (roomsAnnounced()) {
      withoutRooms(this.#run);
      return;
    }
    this.#waitsIn = undefined;
    this.#busy = true;
    this.#looping = true;
    this.#busy = !this.#loop();
    this.#looping = false;
    if (!this.#busy && this.#sourceDone) this.#out.complete();
  };

  /** Goes on for as long as it can: true when there is nothing left to do, false when `#run` will be called again. */
  #loop(): boolean {
    while (!this.#out.closed) {
      if (this.#ready === undefined && this.#current === undefined && this.#queue.length === 0) return true;
      if (this.#mustWait()) return false;
      if (this.#ready !== undefined) {
        const item = this.#ready;
        this.#ready = undefined;
        this.#out.next(item);
      } else if (this.#current === undefined) this.#begin(this.#queue.shift() as Item);
      else if (!this.#pull(this.#current)) return false;
    }
    return false;
  }

  #mustWait(): boolean {
    const full = this.#below.find((room) => room.full);
    if (full === undefined) return false;
    this.#waitsIn = full;
    full.whenFree(this.#run);
    return true;
  }

  #begin(item: Item): void {
    if (!item.live) this.#ready = item;
    else if (!this.#stopped) this.#current = new Splitting(item, this.#project);
    this.room.give(item.weight);
  }

  /** Asks for the next part; false when it is promised. */
  #pull(current: Splitting): boolean {
    try {
      const pulled = current.next();
      if (isPromiseLike(pulled)) {
        pulled.then(
          (arrived) => {
            this.#accept(current, arrived);
            this.#run();
          },
          (error: unknown) => {
            this.#fail(current, error);
            this.#run();
          },
        );
        return false;
      }
      this.#accept(current, pulled);
    } catch (error) {
      this.#fail(current, error);
    }
    return true;
  }

  #accept(current: Splitting, pulled: IteratorResult<unknown>): void {
    // While it was made the stream may have ended, or the run begun to stop.
    if (this.#current !== current) return;
    if (pulled.done !== true) this.#ready = current.part(pulled.value);
    else {
      this.#current = undefined;
      this.#ready = current.end();
    }
  }

  #fail(current: Splitting, error: unknown): void {
    if (this.#current !== current) return;
    this.#current = undefined;
    this.#ready = current.fail(error);
  }

  #leave(): void {
    const current = this.#current;
    this.#current = undefined;
    current?.leave();
  }
}
