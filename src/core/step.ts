import { BatchxError } from './errors.js';
import type { Item } from './item.js';
import { isPromiseLike } from './promise.js';
import type { Slot } from './slot.js';

/**
 * What becomes of a step's result:
 * - `data`: it is the item's new data; undefined drops the item as `filtered`;
 * - `verdict`: a false one drops the item as `filtered`, otherwise the item goes on as it is;
 * - `item`: it is the item that goes on, such as the same one with more metadata, or skipped.
 */
export type Gives = 'data' | 'verdict' | 'item';

/**
 * A step's work: one item in, a result or the promise of one out. What it throws fails the item, unless it is a
 * `BatchxError` of class `fatal`, such as one of code `usage`: then the run is wrong, not the item, and the stream
 * ends. One of class `cancelled` says that the item was not wanted any more: it is dropped and stays pending.
 */
export type StepFunction = (item: Item, slot: Slot) => unknown;

/**
 * A step that takes an item and gives the next one, or none when the item is to stay pending; it throws only what ends
 * the stream.
 */
export type Applied = (item: Item, slot: Slot) => Item | undefined | PromiseLike<Item | undefined>;

/** Turns a step's work into a function from item to item. */
export function applied(run: StepFunction, gives: Gives): Applied {
  const apply = applyBy[gives];
  return (item, slot) => {
    try {
      const result = run(item, slot);
      if (!isPromiseLike(result)) return apply(item, result);
      // Some thenables give back nothing from `then`, or call back twice.
      return Promise.resolve(result).then(
        (value) => apply(item, value),
        (error: unknown) => failed(item, error),
      );
    } catch (error) {
      return failed(item, error);
    }
  };
}

function failed(item: Item, thrown: unknown): Item | undefined {
  const error = BatchxError.from(thrown);
  if (error === thrown) {
    if (error.class === 'fatal') throw error;
    if (error.class === 'cancelled') return undefined;
  }
  return item.fail(error);
}

const applyData = (item: Item, result: unknown): Item =>
  result === undefined ? item.skip('filtered') : item.withData(result);

const applyVerdict = (item: Item, result: unknown): Item => (result ? item : item.skip('filtered'));

const applyBy = { data: applyData, verdict: applyVerdict, item: (_: Item, result: unknown) => result as Item };
