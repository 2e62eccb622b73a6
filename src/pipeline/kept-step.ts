import type { Durable } from '../core/durable.js';
import { changed, changeOf, itemOf } from '../core/item-change.js';
import { isPromiseLike } from '../core/promise.js';
import type { Gives, StepFunction } from '../core/step.js';

/**
 * Runs a step's work only for items for which an earlier run of the job has not done it: otherwise what it had made of
 * them is taken; unless it `writes` files, and those are to be made again. Gives items, whatever the step gives. It stands
 * around all policies: what is known waits for nothing.
 */
export const keptStep =
  (run: StepFunction, gives: Gives, link: string, writes: boolean, durable: Durable): StepFunction =>
  (item, slot) => {
    const kept = writes && item.extra.identity?.remakes === true ? undefined : durable.keptOf(item, link);
    if (kept !== undefined) return changed(item, kept);
    const done = (result: unknown): unknown => {
      const next = itemOf(item, result, gives);
      const change = changeOf(item, next);
      if (change !== undefined) durable.keepStep(item, link, change);
      return next;
    };
    const result = run(item, slot);
    return isPromiseLike(result) ? result.then(done) : done(result);
  };

/** Lets a call begin once it is on the disk that it does, as it must not be done twice. */
export const intending =
  (run: StepFunction, step: string, durable: Durable): StepFunction =>
  async (item, slot) => {
    await durable.intend(item, step);
    return run(item, slot);
  };
