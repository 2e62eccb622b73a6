import { Observable, type OperatorFunction, type Subscriber } from 'rxjs';
import { type ConcurrencyOptions, concurrentSettings, type ConcurrentSettings } from './concurrency.js';
import { Concurrent } from './concurrent.js';
import { BatchxError } from './errors.js';
import type { StageCounts } from './events.js';
import type { Item } from './item.js';
import type { Job } from './job.js';
import { isPromiseLike } from './promise.js';
import type { Slot } from './slot.js';
import type { Applied } from './step.js';

/** What those who watch a stage are told, and may tell it. */
export interface StageWatch {
  /** Told of each item when its steps begin. */
  readonly onBegin?: ((item: Item) => void) | undefined;
  /** Told of each item once its steps are over, before its turn comes when order is kept. */
  readonly onEnd?: ((item: Item) => void) | undefined;
  /** When it fires, running calls are given up and the stage ends with what is done. */
  readonly giveUp?: AbortSignal | undefined;
  /** Where it counts its items; those that had failed or been skipped before only pass by. */
  readonly counts?: { -readonly [K in keyof StageCounts]: number } | undefined;
}

/**
 * Runs consecutive steps on each item in one slot, at most `concurrency` items at once.
 *
 * Emits each item once, with its data changed, failed or skipped; items that had failed or been skipped pass by. What
 * a step throws becomes `item.error`; a fatal error ends the stream, and an item whose call was cancelled is dropped. As
 * long as no step returns a promise an item is done at once, whatever the cap. What waits is held in one room, as in
 * `mapConcurrent`.
 */
export function stage(
  steps: readonly Applied[],
  options: ConcurrencyOptions = {},
  of = 'stage',
  watch: StageWatch = {},
): OperatorFunction<Item, Item> {
  const settings = concurrentSettings(options, of);
  const { giveUp } = watch;
  return (source) =>
    new Observable((subscriber) => {
      const running = new Stage(subscriber, settings, steps, watch);
      running.run(source, settings);
      if (giveUp === undefined) return;
      const end = (): void => running.giveUp();
      giveUp.addEventListener('abort', end);
      subscriber.add(() => giveUp.removeEventListener('abort', end));
    });
}

class Stage extends Concurrent<Item, Item> {
  readonly #steps: readonly Applied[];
  readonly #onBegin: StageWatch['onBegin'];
  readonly #onEnd: StageWatch['onEnd'];
  readonly #counts: StageWatch['counts'];

  constructor(
    out: Subscriber<Item>,
    options: ConcurrentSettings,
    steps: readonly Applied[],
    { onBegin, onEnd, counts }: StageWatch,
  ) {
    super(out, options);
    this.#steps = steps;
    this.#onBegin = onBegin;
    this.#onEnd = onEnd;
    this.#counts = counts;
  }

  protected override settled(item: Item): boolean {
    return !item.live;
  }

  protected override launch(item: Item, job: Job<Item>): void {
    const { live } = item;
    if (live && this.#counts !== undefined) this.#counts.begun++;
    if (live) this.#onBegin?.(item);
    const result = this.#from(0, item, job);
    if (isPromiseLike<Item | undefined>(result)) {
      result.then(
        (done) => {
          this.#finish(job, done, live);
        },
        (error: unknown) => {
          this.fail(BatchxError.from(error, 'bug'));
        },
      );
    } else this.#finish(job, result, live);
  }

  /** Without an item the call was cancelled: it stays pending. */
  #finish(job: Job<Item>, item: Item | undefined, live: boolean): void {
    if (live) this.#count(item);
    // Of what was given up only that is told of which nobody knows whether it was done.
    if (item !== undefined && (!this.givenUp || item.error?.inDoubt === true)) {
      if (!this.out.closed && !this.givenUp) this.#onEnd?.(item);
      this.emit(job, item);
    }
    this.done(job);
  }

  #count(item: Item | undefined): void {
    const counts = this.#counts;
    if (counts === undefined) return;
    counts.ended++;
    if (item === undefined) return;
    if (item.error !== undefined) counts.failed++;
    else if (item.skipped !== undefined) counts.skipped++;
    else counts.ok++;
  }

  #from(index: number, item: Item, slot: Slot): ReturnType<Applied> {
    let current = item;
    for (let i = index; i < this.#steps.length && current.live; i++) {
      const step = this.#steps[i] as Applied;
      const result = step(current, slot);
      // After the last one there is nothing to go on with, and a promise less to make.
      if (i + 1 === this.#steps.length) return result;
      // What was unsubscribed from meanwhile starts no further step.
      if (isPromiseLike<Item | undefined>(result))
        return result.then((next) => (next === undefined || this.out.closed ? next : this.#from(i + 1, next, slot)));
      if (result === undefined) return undefined;
      current = result;
    }
    return current;
  }
}
