import { BatchxError } from './errors.js';
import type { Item } from './item.js';
import { isPromiseLike } from './promise.js';
import type { Slot } from './slot.js';

/**
 * What becomes of a step's result:
 * - `data`: it is the item's new data; undefined drops the item as `filtered`;
 * - `verdict`: a false one drops the item as `filtered`, otherwise the item goes on as it is.
 */
export type Gives = 'data' | 'verdict';

/** A step's work: one item in, a result or the promise of one out. What it throws fails the item. */
export type StepFunction = (item: Item, slot: Slot) => unknown;

/** A step that takes an item and gives the next one; it never throws. */
export type Applied = (item: Item, slot: Slot) => Item | PromiseLike<Item>;

/** Turns a step's work into a function from item to item. */
export function applied(run: StepFunction, gives: Gives): Applied {
  const apply = gives === 'data' ? applyData : applyVerdict;
  return (item, slot) => {
    try {
      const result = run(item, slot);
      if (!isPromiseLike(result)) return apply(item, result);
      return result.then(
        (value) => apply(item, value),
        (error: unknown) => item.fail(BatchxError.from(error)),
      );
    } catch (error) {
      return item.fail(BatchxError.from(error));
    }
  };
}

const applyData = (item: Item, result: unknown): Item =>
  result === undefined ? item.skip('filtered') : item.withData(result);

const applyVerdict = (item: Item, result: unknown): Item =>
  result === undefined || result === null || result === false || result === 0 || result === '' ? item.skip('filtered') : item;
